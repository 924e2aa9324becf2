"""`render --keep`: how much of the RAW to keep, said as a size, a rate, a PSNR, or as what the sensor's noise asks."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from rawback import metrics
from rawback.errors import UsageError
from rawback.isp import full_colour, inverse_pass, noise
from rawback.isp.coding import Coding
from rawback.isp.colour import curve_of
from rawback.isp.exposure import is_dim
from rawback.isp.quantisation_tables import dependent_coding, flat_coding, layered_coding, weighed_coding
from rawback.picture import Coefficients
from rawback.recipe import Recipe

UNITS = {"b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2**10, "mib": 2**20}
FINEST, COARSEST = 1.0, 60.0
"""Luma steps between which is searched."""
BAND, SAMPLE_PIXELS = 96, 1 << 19
"""Rows of a band (whole MCUs, whole CFA cells), and how many pixels of bands the first search looks at."""
TRIES = 8
MARGIN = 0.3
"""Of what is close enough: how far on the safe side of a goal the next try aims."""
CLOSE = {"size": 0.005, "rate": 0.005, "db": 0.05}
"""When to be content: relative for bytes and bits, absolute for dB."""
NOISE_SHARE = 0.25
"""Of the noise variance that quantisation may add at any level."""
FINEST_THERE_IS = "this is the finest there is; --keep lossless keeps every bit"
ERROR_PER_STEP = 0.09
"""Variance of a quantised coefficient's error, in squared steps, where noise fills several steps (measured 0.085 to 0.09)."""


@dataclass(frozen=True)
class Goal:
    """What the user asked for."""

    kind: str
    """size (bytes), rate (bits per photosite), db (PSNR of the mosaic) or noise."""
    value: float = 0.0


def parse(text: str) -> Goal:
    """`4MB`, `1.7bpp`, `52dB` or `noise` -> Goal. Raises UsageError for anything else."""
    if text.lower() == "noise":
        return Goal("noise")
    parts = re.fullmatch(r"([0-9.]+)\s*([a-z]+)", text.lower())
    try:
        number = float(parts[1]) if parts else math.nan
    except ValueError:
        number = math.nan
    unit = parts[2] if parts else ""
    if number > 0 and unit == "bpp":
        return Goal("rate", number)
    if number > 0 and unit == "db":
        return Goal("db", number)
    if number > 0 and unit in UNITS:
        return Goal("size", number * UNITS[unit])
    raise UsageError(f"keep is {text!r}; expected e.g. 4MB, 1.7bpp, 52dB, noise, lossless or original")


Encode = Callable[[np.ndarray, Recipe, Coding], Coefficients]


@dataclass
class Search:
    """The search for the luma step with which a picture reaches a goal."""

    mosaic: np.ndarray
    """(H, W) uint16."""
    recipe: Recipe
    goal: Goal
    factors: tuple[int, int]
    optimise: bool
    """Whether levels are weighed against their bits."""
    thorough: bool
    """Whether all that `--effort best` does is done."""
    dependent: bool
    """Whether luma may have two quantisers."""
    layered: bool
    """Whether luma may have a refinement layer."""
    wide: bool
    """Whether chroma beyond white may stand beside the picture."""
    encode: Encode
    file_size: Callable[[Coefficients], int]
    """Bytes of the file that a picture will make."""
    coded_size: Callable[[Coefficients], int]
    """Without metadata."""
    for_jxl: bool = False
    """Whether that will be coated in JPEG XL."""

    def run(self) -> tuple[Coefficients, Recipe, str]:
        """The picture, the recipe (with its noise model, if that was measured) and what was reached, in words."""
        if self.goal.kind == "noise":
            return self._by_noise()
        step, slope = self._guess()
        # the finest try that keeps the promise, the coarsest that does not: (step, picture, missing)
        kept, refused = None, None
        for tries in range(2 * TRIES):
            picture = self._coded(self.mosaic, step)
            missing = self._wanted() - self._score(picture, self.mosaic, self.file_size)
            if self._keeps(missing):
                kept = (step, picture, missing)
            else:
                refused = (step, picture, missing)
            if kept and (tries >= TRIES or (self._keeps(missing) and abs(missing) <= CLOSE[self.goal.kind])):
                break
            better = self._next(step, missing, slope, kept and kept[0], refused and refused[0])
            if better == step:
                break
            step = better
        step, picture, missing = kept or refused or (step, picture, missing)
        return picture, self.recipe, self._message(picture) + self._unreached(step, missing)

    def _keeps(self, missing: float) -> bool:
        """A size or rate is never exceeded, a PSNR never missed."""
        return missing <= 0 if self.goal.kind == "db" else missing >= 0

    def _next(self, step: float, missing: float, slope: float, kept: float | None, refused: float | None) -> float:
        """The next step to try: where the score should be right, a little on the safe side, between what is known."""
        safe = MARGIN * CLOSE[self.goal.kind] * (1 if self.goal.kind == "db" else -1)
        better = step * math.exp((missing + safe) / slope)
        if kept is not None and refused is not None:
            low, high = sorted((kept, refused))
            better = better if low < better < high else math.sqrt(kept * refused)
        return float(np.clip(better, FINEST, COARSEST))

    def _unreached(self, step: float, missing: float) -> str:
        """What to say where the goal lies outside of what luma steps can do."""
        if self.goal.kind == "db":
            return "" if missing <= 0 else f": {self.goal.value:g} dB cannot be reached, {FINEST_THERE_IS}"
        if missing < 0:
            return ": less cannot be reached, this is the coarsest there is"
        return f": {FINEST_THERE_IS}" if missing > 0.02 and step == FINEST else ""

    def _by_noise(self) -> tuple[Coefficients, Recipe, str]:
        photosites = full_colour.sampled(self.mosaic, self.recipe) if self.recipe.linear else self.mosaic
        model = self.recipe.noise or noise.estimate(photosites, self.recipe) or (0.0, noise.rounding(self.recipe))
        self.recipe = replace(self.recipe, noise=model)
        wanted = step_for_noise(self.recipe)
        step = float(np.clip(wanted, FINEST, COARSEST))
        picture = self._coded(self.mosaic, step)
        short = f"the finest there is (the noise of the deepest shadows asks for {wanted:.2f})"
        asks = "as the noise asks" if wanted >= FINEST else short
        return picture, self.recipe, f"luma step {step:.2f}, {asks}: {self._message(picture)}"

    def _guess(self) -> tuple[float, float]:
        """A step by bisection on some bands of the picture, and how the score there falls with its logarithm."""
        mosaic = bands(self.mosaic)
        low, high, known = math.log(FINEST), math.log(COARSEST), {}
        for _ in range(7):
            middle = (low + high) / 2
            known[middle] = self._score(self._coded(mosaic, math.exp(middle)), mosaic, self.coded_size)
            low, high = (middle, high) if known[middle] > self._wanted() else (low, middle)
        at = sorted(known, key=lambda logarithm: abs(logarithm - middle))[:4]
        slope = np.polyfit(at, [known[logarithm] for logarithm in at], 1)[0]
        return math.exp((low + high) / 2), min(float(slope), -0.2)

    def _coded(self, mosaic: np.ndarray, step: float) -> Coefficients:
        recipe = replace(self.recipe, height=mosaic.shape[0])
        weighed = self.optimise and not self.recipe.linear  # whose levels are not weighed: whole steps would be all there are
        by_price = partial(dependent_coding, for_jxl=self.for_jxl) if self.dependent else weighed_coding
        by_price = layered_coding if self.layered else by_price
        coding = (by_price if weighed else flat_coding)(step, self.factors, dim=is_dim(recipe))
        return self.encode(
            mosaic, recipe, replace(coding, thorough=self.thorough, beyond_white=True, wide=self.wide, for_jxl=self.for_jxl)
        )

    def _score(self, picture: Coefficients, mosaic: np.ndarray, size: Callable[[Coefficients], int]) -> float:
        """What falls with the step: dB, or the logarithm of bits per photosite."""
        if self.goal.kind == "db":
            recipe = replace(self.recipe, height=mosaic.shape[0])
            return metrics.mosaic_psnr(mosaic, inverse_pass.decode(picture, recipe), recipe)
        return math.log(8 * size(picture) / mosaic.size)

    def _wanted(self) -> float:
        if self.goal.kind == "size":
            return math.log(8 * self.goal.value / self.mosaic.size)
        return math.log(self.goal.value) if self.goal.kind == "rate" else self.goal.value

    def _message(self, picture: Coefficients) -> str:
        size = self.file_size(picture)
        kept = metrics.mosaic_psnr(self.mosaic, inverse_pass.decode(picture, self.recipe), self.recipe)
        return f"kept the RAW at {kept:.2f} dB in {size / 1e6:.3f} MB, {8 * size / self.mosaic.size:.3f} bits per photosite"


def bands(mosaic: np.ndarray) -> np.ndarray:
    """Bands of BAND rows, evenly spread: about SAMPLE_PIXELS of the frame, the CFA in phase; all of a small one."""
    number = max(SAMPLE_PIXELS // (BAND * mosaic.shape[1]), 1)
    places = mosaic.shape[0] // BAND
    if places <= 2 * number:
        return mosaic
    starts = np.linspace(0, places - 1, number).astype(int) * BAND
    return np.concatenate([mosaic[start : start + BAND] for start in starts])


def step_for_noise(recipe: Recipe) -> float:
    """The largest luma step whose error adds at most NOISE_SHARE of the noise variance at every level and photosite."""
    scale, offset = np.mean(np.reshape(recipe.noise, (-1, 2)), 0)
    levels = np.linspace(0, 0.98, 400)
    curve = curve_of(recipe)
    steps = []
    for gain in set(inverse_pass.sample_gains(recipe).ravel().tolist()):
        code = curve.encode((levels * gain).astype(np.float32))
        sample_per_code = curve.decode(code)[1] / gain / 255
        steps.append(np.sqrt(NOISE_SHARE * (scale * levels + offset) / ERROR_PER_STEP) / sample_per_code)
    return float(np.min(steps))
