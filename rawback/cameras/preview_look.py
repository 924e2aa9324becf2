"""The look of the camera's own picture inside a RAW: fitted, or a sentence that says why there is none to be had."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rawback.cameras import look_fit, look_model
from rawback.cameras.laid import Laid
from rawback.cameras.look_fit import Samples
from rawback.isp import tone
from rawback.isp.colour import CURVES
from rawback.isp.matmul import mix
from rawback.isp.mosaic import black_pattern
from rawback.recipe import Recipe, is_tone_curve, mixes

INSIDE, BESIDE = "inside", "beside it"
"""Where a picture lies, seen from its RAW."""
NO_PICTURE = {INSIDE: "it carries no picture of its camera's", BESIDE: "no JPEG of its camera's lies beside it"}
OTHER_PROGRAM, DAMAGED, UNEXPLAINED = "was made by another program than its camera", "is damaged", "is no plain rendering"
UNTOLD = "is nearly all black or blown"
"""What is the matter with a picture that tells no look."""
NAME = "preview"
"""What a recipe calls such a look."""
COLUMNS = 640
"""Of the picture: enough for a look. The RAW is brought to more than that, so that it can be laid under the picture."""
LEAST_LIKE = 26.0
"""dB between the camera's picture and what the look makes of the RAW, below which the look does not explain it."""
NEUTRALS = (0.1, 1.0)
"""What a white balance that a picture tells may be."""
LIT = 1e-3
"""Light from which a sample tells the colour of the light."""
DIMMED = 0.97
"""Light that is white in the picture, from which on the look is fitted to light that is cut there, as it will be shown."""
FEW_SAMPLES = 200
"""That tell a look well enough to start from."""
WORST_CONDITION = 30.0
"""Of matrices: a look whose colours run together more would cost the RAW."""


@dataclass(frozen=True)
class PreviewLook:
    """A look as the recipe of its RAW holds it."""

    matrix: tuple[tuple[float, ...], ...]
    """White-balanced camera RGB -> light before the curve."""
    exposure: float
    tone: tuple[float, ...]
    code_matrix: tuple[tuple[float, ...], ...]
    likeness: float
    """dB from the camera's picture, over means of 4 x 4 of its pixels at 640 columns."""
    neutral: tuple[float, float, float] | None = None
    """As-shot neutral, as the picture tells it where its RAW does not."""

    def upon(self, recipe: Recipe) -> Recipe:
        """The recipe with this look."""
        if self.neutral:
            recipe = replace(recipe, neutral=self.neutral, white_balance_from="preview")
        return replace(
            recipe, matrix=self.matrix, exposure=self.exposure, tone=self.tone, code_matrix=self.code_matrix,  # type: ignore[arg-type]
            curve="srgb", look=NAME,
        )  # fmt: skip


@dataclass(frozen=True)
class Shown:
    """A picture inside a RAW."""

    codes: np.ndarray | None
    """(h, w, 3) float32 sRGB codes, at most about COLUMNS wide; None: damaged."""
    edited: bool
    """Whether another program than the camera made it."""


def of_pictures(mosaic: np.ndarray, recipe: Recipe, pictures: Iterable[Shown], where: str = INSIDE) -> PreviewLook | str:
    """The look of the first of the pictures that has one; or why none has, about the first of them.

    mosaic: (H, W) uint16 in DN; recipe: what its file says of it; where: INSIDE or BESIDE.
    """
    reason, raw = "", _Raw(mosaic, recipe)
    for picture in pictures:
        found = _of_picture(raw, picture)
        if isinstance(found, PreviewLook):
            return found
        reason = reason or f"the picture {where} {found}"
    return reason or NO_PICTURE[where]


class _Raw:
    """A mosaic, brought to the size of pictures when the first is asked."""

    def __init__(self, mosaic: np.ndarray, recipe: Recipe) -> None:
        self.mosaic, self.recipe = mosaic, recipe

    @cached_property
    def balanced(self) -> np.ndarray:
        """White-balanced camera RGB (h, w, 3)."""
        return reduced(self.mosaic, self.recipe)

    def light(self, white: float = 1.0) -> np.ndarray:
        """Linear sRGB (h, w, 3) of what is cut at `white`, as the chroma of blown light is."""
        planes = np.moveaxis(np.minimum(self.balanced, np.float32(white)), -1, 0)
        return np.moveaxis(mix(np.array(self.recipe.matrix, np.float32), planes), 0, -1)


def light_of(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Linear sRGB (h, w, 3) of a mosaic (H, W) uint16, small enough to lay pictures upon it."""
    return _Raw(mosaic, recipe).light()


def _of_picture(raw: _Raw, picture: Shown) -> PreviewLook | str:
    if picture.edited:
        return OTHER_PROGRAM
    if picture.codes is None:
        return DAMAGED
    light = raw.light()
    laid = Laid.upon(light, picture.codes, raw.recipe.orientation)
    if isinstance(laid, str):
        return laid
    untold = raw.recipe.white_balance_from != "camera"
    if untold:
        raw = _Raw(raw.mosaic, _balanced(raw.recipe, laid.samples(raw.balanced)))
        light = raw.light()
    samples = laid.samples(light)
    if not samples.are_enough:
        return UNTOLD
    model = look_fit.fit(samples, look_fit.fit(samples, most=FEW_SAMPLES))
    if (white := model.white()) < DIMMED:  # brighter than that is white in the picture, not only where the sensor saturates
        samples = laid.samples(raw.light(white))
        model = look_fit.fit(samples, model)
    likeness = -10 * np.log10(max(look_fit.error(model, samples), 1e-9))
    if not likeness >= LEAST_LIKE:
        return f"{UNEXPLAINED}: a look comes within {likeness:.1f} dB of it only"
    found = replace(as_look(model, raw.recipe, round(float(likeness), 2)), neutral=raw.recipe.neutral if untold else None)
    return found if is_sound(found) else "has colours that no look can make and unmake"


def _balanced(recipe: Recipe, sensed: Samples) -> Recipe:
    """The recipe with the neutral that samples of balanced camera RGB ask for, were the picture of the generic look."""
    lit = (sensed.codes.max(1) < look_fit.BLOWN) & (sensed.codes.min(1) > look_fit.BLACK) & (sensed.light.min(1) > LIT)
    if not lit.any():
        return recipe
    wanted = look_model.generic_light(sensed.codes[lit]) @ np.linalg.inv(np.array(recipe.matrix)).T
    neutral = np.median(sensed.light[lit] / np.maximum(wanted, LIT), axis=0) * recipe.neutral
    return replace(recipe, neutral=tuple(np.round(np.clip(neutral / neutral.max(), *NEUTRALS), 6).tolist()))


def reduced(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """White-balanced camera RGB (h, w, 3) float32, at most twice COLUMNS wide."""
    pattern = np.array(recipe.cfa)
    period = len(pattern)
    count = max(mosaic.shape[1] // period // COLUMNS, 1)
    height, width = (side // (period * count) for side in mosaic.shape)
    rows = mosaic[: height * count * period].reshape(height, count, period, -1)
    summed = rows[:, 0].astype(np.uint32)  # (height, period, columns)
    for i in range(1, count):
        summed += rows[:, i]
    cells = summed[..., : width * count * period].reshape(height, period, width, count, period)
    rgb = np.zeros((3, height, width), np.float32)
    weights = recipe.gains / np.bincount(pattern.ravel(), minlength=3)
    for (y, x), black in np.ndenumerate(black_pattern(recipe)):
        total = cells[:, y, :, 0, x].astype(np.float32)
        for i in range(1, count):
            total += cells[:, y, :, i, x]
        scale = np.float32(weights[pattern[y, x]] / (recipe.white - black))
        total *= scale / np.float32(count**2)
        total -= scale * black
        rgb[pattern[y, x]] += total
    return np.moveaxis(rgb, 0, -1)


def as_look(model: look_model.Model, recipe: Recipe, likeness: float) -> PreviewLook:
    """The model as a recipe holds it: white at light 1, exposure apart from colours."""
    light = model.tone_light()
    matrix = model.matrix / light[-1]
    level = float(matrix.sum(1).mean())
    return PreviewLook(
        _rows(matrix / level @ np.array(recipe.matrix)), round(float(np.log2(level)), 4),
        tone.knots_of(light / light[-1], CURVES["srgb"]), _rows(np.linalg.inv(model.mix)), likeness,
    )  # fmt: skip


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.round(matrix, 6).tolist())


def is_sound(found: PreviewLook) -> bool:
    """Whether a recipe may hold it, and its inverse is no worse than cameras' are."""
    colours = [np.array(found.matrix), np.array(found.code_matrix)]
    return (
        all(np.isfinite(m).all() and np.linalg.cond(m) < WORST_CONDITION for m in colours)
        and is_tone_curve(found.tone) and mixes(found.code_matrix) and abs(found.exposure) <= 10
    )  # fmt: skip
