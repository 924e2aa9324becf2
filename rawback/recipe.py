"""The recipe: everything the bijection needs beyond the pixels. It travels inside the JPEG as XMP."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import KW_ONLY, dataclass, field

import numpy as np

from rawback.errors import RecipeError

MAX_SIDE = 65500  # libjpeg's limit for either side of a JPEG
MIN_KNOTS, MAX_KNOTS = 2, 257  # of a tone curve
SHA256 = re.compile("([0-9a-f]{64})?")
MAX_OPTIONS = 1000  # characters
MAX_CONDITION = 1e4  # a camera matrix worse than this magnifies rounding until nothing is left
DNG_NUMBERS = {  # DNG tags that say what the sensor's colours mean, and how many numbers each may hold
    "ColorMatrix1": 9, "ColorMatrix2": 9, "ForwardMatrix1": 9, "ForwardMatrix2": 9, "CameraCalibration1": 9,
    "CameraCalibration2": 9, "AnalogBalance": 3, "CalibrationIlluminant1": 1, "CalibrationIlluminant2": 1,
    "BaselineNoise": 1, "BaselineSharpness": 1, "LinearResponseLimit": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Sensor:
    """What the sensor is, and what it measured: all that a RAW developer needs beside the mosaic."""

    width: int
    """Columns of the visible mosaic, and of the JPEG."""
    height: int
    """Rows of the visible mosaic, and of the JPEG."""
    cfa: tuple[tuple[int, ...], ...]
    """Colour filter array from the top left of the visible mosaic: 0 red, 1 green, 2 blue; 2x2, 4x4 or 6x6."""
    black: tuple[float, ...]
    """Black level in DN of each CFA position, row by row; as many as the CFA has positions."""
    white: float
    """White level in DN: where the sensor saturates."""
    neutral: tuple[float, float, float]
    """As-shot neutral (DNG tag 50728): the camera's answer to white, largest 1."""
    _: KW_ONLY
    linear: bool = False
    """Whether each pixel has all three values, demosaiced already: `cfa` then says which black level is whose."""
    monochrome: bool = False
    """Whether there are no filters: `cfa`, `neutral` and `matrix` are then such that each photosite is a grey of its own."""
    camera: str = ""
    """Make and model as one name (DNG tag 50708, UniqueCameraModel)."""
    white_balance_from: str = "camera"
    """Where the neutral came from: camera, daylight (the file had none) or assumed."""
    orientation: int = 1
    """EXIF orientation 1..8; the pixels stay in sensor order."""
    margins: tuple[int, int, int, int] = (0, 0, 0, 0)
    """Top and left margin of the visible mosaic in the original sensor frame, then that frame's width and height."""
    crop: tuple[float, float, float, float] | None = None
    """DefaultCrop (DNG tags 50719, 50720) inside the visible mosaic: x, y, width, height. None: all of it."""
    scale: tuple[float, float] = (1.0, 1.0)
    """DefaultScale (DNG tag 50718): horizontal and vertical stretch of non-square pixels."""
    baseline_exposure: float = 0.0
    """BaselineExposure (DNG tag 50730) that the original file asked for, in EV."""
    noise: tuple[float, ...] = ()
    """Noise model: variance = scale * x + offset for x in 0..1 (DNG tag 51041); scale and offset of all colours, or of red,
    green and blue one after the other; or nothing."""
    dng: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Numbers of the DNG colour tags named in DNG_NUMBERS."""

    @property
    def gains(self) -> np.ndarray:
        """White balance multipliers (3,) float32, smallest 1: as LibRaw scales, so that 1.0 is white."""
        gains = 1 / np.array(self.neutral)
        return (gains / gains.min()).astype(np.float32)


@dataclass(frozen=True)
class Rendering:
    """What was done to the samples to make a picture of them, and so has to be undone."""

    matrix: tuple[tuple[float, float, float], ...]
    """White-balanced camera RGB -> linear sRGB; rows sum to 1, so neutral stays neutral."""
    _: KW_ONLY
    exposure: float = 0.0
    """Gain before the curve, in EV."""
    curve: str = "bt709"
    """Transfer curve, a name of `isp.colour.CURVES`."""
    shoulder: float = 0.5
    """How the curve runs on above white: 1 + shoulder * log(...); less is flatter."""
    tone: tuple[float, ...] = ()
    """A camera's tone curve upon the transfer curve (`isp.tone.ToneCurve`): its codes at the picture's codes 0..1."""
    code_matrix: tuple[tuple[float, ...], ...] = ()
    """The picture's codes -> the tone curve's: what a camera mixes after its curve; rows sum to 1. Empty: nothing."""
    look: str = ""
    """Whose look `matrix` and `tone` hold: "generic", or the name of a camera's card; empty: none."""
    vignette: tuple[float, ...] = ()
    """The gain 1 + k0 r^2 + ... + k4 r^10 that the camera gave against the falling off of its lens, r = 1 in the corners."""
    pedestal: float = 0.0
    """Added before the curve to white-balanced samples, as a fraction of the white level."""
    refined: bool = True
    """Whether the closed loop chose the coefficients (`--no-refine`: False)."""
    weights: str = ""
    """Name of the weights in the chain; empty: none."""
    weights_sha256: str = ""
    flow: bool = False
    """Whether the picture was sent through the flow of those weights, which `recover` must undo."""


@dataclass(frozen=True)
class Decoding:
    """What the decoder of the coefficients should know beyond the JPEG."""

    _: KW_ONLY
    centroids: tuple[float, ...] = ()
    """Where in their interval the luma magnitudes 1, 2 and larger lie in the mean, in steps from its middle; or nothing."""
    dependent: bool = False
    """Whether luma has two quantisers, which take turns by the parity of levels (`isp.dependent`); `centroids` are of both."""
    layered: bool = False
    """Whether luma is finer than the picture's, by a layer of its own (`lossless.refinement`)."""
    wide_chroma: bool = False
    """Whether chroma of colours beyond white is in a box beside the picture (`isp.wide_chroma`), which the decoder adds."""
    arithmetic: int = 1
    """How the mosaic is computed from the picture: 1 as release 0.1.0 did, 2 the same on every processor (`isp.fixed_pass`)."""


@dataclass(frozen=True)
class Provenance:
    """By which the picture is known again (see `provenance.py`)."""

    _: KW_ONLY
    picture_sha256: str = ""
    """sha256 of the coded picture: size, tables and coefficients."""
    thumbnail: bytes = b""
    """What was rendered: 16x16 luma, then 8x8 Cb and 8x8 Cr, one byte each (384)."""
    source_sha256: str = ""
    """sha256 of the RAW file that was rendered."""
    mosaic_sha256: str = ""
    """sha256 of the visible mosaic, row by row, uint16 little-endian: it stays when the metadata of a RAW is edited."""
    options: str = ""
    """The options of `render` that shaped the picture, as one text."""
    rms: float | None = None
    """The error that is left: root of the mean square of recovered minus true mosaic, in DN,
    without the lossless layer. None: not measured."""


@dataclass(frozen=True)
class Recipe(Provenance, Decoding, Rendering, Sensor):
    """How a mosaic became a picture, and so how the picture becomes the mosaic again: four kinds of facts in one."""

    def validate(self) -> Recipe:
        """Return self, or raise RecipeError saying which value cannot be: a recipe comes from files nobody can trust."""
        if name := self.problem():
            raise RecipeError(f"the recipe inside is not valid ({name}); was the file tampered with?")
        return self

    def problem(self) -> str:
        """The name of a value that cannot be; empty if all can."""
        return next((name for name, wrong in self._problems() if wrong), "")

    def _problems(self) -> Iterator[tuple[str, bool]]:
        rows = {len(row) for row in self.cfa}
        yield "size", not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE)
        yield "CFA", (len(self.cfa), *rows) not in ((2, 2), (4, 4), (6, 6)) or {c for row in self.cfa for c in row} != {0, 1, 2}
        plain = (self.neutral, [tuple(row) for row in self.matrix]) == ((1, 1, 1), [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
        yield "linear", self.linear and (self.monochrome or len(self.cfa) != 2)
        yield "monochrome", self.monochrome and (not plain or len(self.cfa) != 2)
        yield "black level", len(self.black) != sum(map(len, self.cfa)) or not _all(self.black, 0, 65535)
        yield "white level", not _all([self.white], 1, 65535) or self.white <= max(self.black)
        yield "neutral", len(self.neutral) != 3 or not _all(self.neutral, 1e-3, 1)
        yield "matrix", [len(row) for row in self.matrix] != [3, 3, 3] or not _all(sum(self.matrix, ()), -1e3, 1e3)
        yield "matrix", np.linalg.cond(np.array(self.matrix)) > MAX_CONDITION
        yield "exposure", not _all([self.exposure], -20, 20)
        yield "curve", not _all([self.shoulder], 1e-2, 10)
        yield "tone curve", bool(self.tone) and not is_tone_curve(self.tone)
        yield "code matrix", bool(self.code_matrix) and not mixes(self.code_matrix)
        yield "vignette", len(self.vignette) not in (0, 5) or not _all(self.vignette, -10, 10)
        yield "pedestal", not _all([self.pedestal], 0, 0.5)
        quantisers = 2 if self.dependent else 1
        yield "centroids", len(self.centroids) not in (0, 3 * quantisers) or not _all(self.centroids, -1, 1)
        yield "quantisers", self.dependent and (self.linear or not self.refined or self.arithmetic != 2)
        yield "layer", self.layered and (self.linear or not self.refined or self.arithmetic != 2)
        of_chroma = self.refined and self.arithmetic == 2 and not (self.linear or self.monochrome)
        yield "wide chroma", self.wide_chroma and not of_chroma
        yield "arithmetic", self.arithmetic not in (1, 2)
        yield "orientation", self.orientation not in range(1, 9)
        yield "margins", len(self.margins) != 4 or not all(0 <= m <= 10 * MAX_SIDE for m in self.margins)
        yield "crop", self.crop is not None and not self._holds(self.crop)
        yield "scale", len(self.scale) != 2 or not _all(self.scale, 0.1, 10)
        yield "baseline exposure", not _all([self.baseline_exposure], -20, 20)
        yield "noise", len(self.noise) not in (0, 2, 6) or not _all(self.noise, -1, 1)
        yield "thumbnail", len(self.thumbnail) not in (0, 384)
        yield "hash", not all(SHA256.fullmatch(text) for text in (self.source_sha256, self.mosaic_sha256))
        yield "options", len(self.options) > MAX_OPTIONS
        yield "error", self.rms is not None and not _all([self.rms], 0, 65535)
        yield "DNG tags", any(len(v) != DNG_NUMBERS.get(k) or not _all(v, -1e5, 1e5) for k, v in self.dng.items())

    def _holds(self, crop: tuple[float, ...]) -> bool:
        if len(crop) != 4 or not _all(crop, 0, MAX_SIDE):
            return False
        x, y, w, h = crop
        return w >= 1 and h >= 1 and max(x + w - self.width, y + h - self.height) <= 0.01  # nine digits are written


def _all(values: Iterable[float], low: float, high: float) -> bool:
    return all(math.isfinite(v) and low <= v <= high for v in values)


def is_tone_curve(knots: Sequence[float]) -> bool:
    """Whether knots can be a `tone` curve: enough, rising, near 0..1."""
    if not MIN_KNOTS <= len(knots) <= MAX_KNOTS or not np.isfinite(knots).all():
        return False
    return bool(np.diff(knots).min() >= 1e-5 and knots[0] >= -0.5 and knots[-1] <= 2)


def mixes(rows: tuple[tuple[float, ...], ...]) -> bool:
    """Whether rows can be a `code_matrix`: 3x3, invertible, greys stay."""
    if [len(row) for row in rows] != [3, 3, 3] or not _all(sum(rows, ()), -1e3, 1e3):
        return False
    matrix = np.array(rows)
    return bool(np.abs(matrix.sum(1) - 1).max() < 1e-4 and np.linalg.cond(matrix) <= MAX_CONDITION)
