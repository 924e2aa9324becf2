"""Transfer curves, colour matrices and the JPEG's YCbCr, all without clipping."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.tone import ToneCurve
from rawback.recipe import Recipe

RGB_TO_YCC = np.array([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]], dtype=np.float32)
"""JFIF's matrix: rows Y, Cb, Cr; chroma centred on 0."""
YCC_TO_RGB = np.linalg.inv(RGB_TO_YCC.astype(np.float64)).astype(np.float32)
"""Its inverse: columns Y, Cb, Cr."""
SRGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
"""Linear sRGB -> CIE XYZ under D65, with the digits of LibRaw (xyz_rgb): so it finds the matrix that we mean, and we its."""
D65 = 21.0
"""EXIF's number of that light (LightSource, tag 37384), as in DNG CalibrationIlluminant1 (tag 50778)."""

FEWEST_SAMPLES, LARGEST_CONDITION = 100, 100
"""Of a fitted matrix: pixels that it needs, and how ill it may be conditioned."""


@dataclass(frozen=True)
class Curve:
    """A transfer curve from linear light (0 black, 1 white) to code values, continued on both sides.

    Up to `toe` it is a straight line through (0, `black`), up to 1 the power (1 + offset) x^power - offset, above 1 a
    logarithm that starts with the power's slope and flattens at the rate `shoulder`. Negative light mirrors the
    curve about (0, `black`), so every number has an inverse.
    """

    power: float
    offset: float
    toe: float
    shoulder: float

    @property
    def toe_slope(self) -> float:
        """d code / d linear below the toe."""
        return (1 + self.offset) * self.power * self.toe ** (self.power - 1)

    @property
    def black(self) -> float:
        """Code of linear 0: nothing (to rounding) for the standard curves, below 0 where the toe is finer than theirs."""
        return (1 + self.offset) * self.toe**self.power - self.offset - self.toe_slope * self.toe

    def encode(self, linear: np.ndarray) -> np.ndarray:
        """Linear float32 of any shape and range -> code values, 0..1 what a viewer shows."""
        x = np.abs(linear)
        code = np.maximum(x, self.toe)
        np.minimum(code, 1, out=code)
        np.power(code, self.power, out=code)
        code *= 1 + self.offset
        code -= self.offset
        code += self.toe_slope * np.minimum(x - self.toe, 0)
        if x.size and x.max() > 1:
            code += self.shoulder * np.log1p(np.maximum(x - 1, 0) * (self._slope_at_one / self.shoulder))
        code -= self.black
        code = np.copysign(code, linear)
        code += self.black
        return code

    def decode(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Code values float32 -> (linear, d linear / d code), the exact inverse of `encode`."""
        above = np.abs(code - self.black)
        inside = np.clip(above, self.toe_slope * self.toe, 1 - self.black)
        slope = np.power((inside + (self.black + self.offset)) / (1 + self.offset), 1 / self.power - 1) / self._slope_at_one
        slope[above < self.toe_slope * self.toe] = 1 / self.toe_slope
        if above.size and above.max() > 1 - self.black:
            slope *= np.exp(np.maximum(above - (1 - self.black), 0) * (1 / self.shoulder))
        return self.light(code), slope

    def light(self, code: np.ndarray) -> np.ndarray:
        """Code values float32 -> linear, the exact inverse of `encode`."""
        code = code - self.black
        start, end = self.toe_slope * self.toe, 1 - self.black
        lowest, highest = (code.min(), code.max()) if code.size else (start, end)
        in_toe, in_shoulder = lowest < start, max(highest, -lowest) > end  # most strips are in neither: half the work
        above = np.abs(code) if lowest < 0 else code
        linear = np.clip(above, start, end) if in_toe or in_shoulder else above.copy()
        beyond = above - linear if in_toe or in_shoulder else linear
        linear += self.black + self.offset
        linear *= 1 / (1 + self.offset)
        np.power(linear, 1 / self.power, out=linear)
        if in_shoulder:
            grown = np.exp(np.clip(beyond, 0, None) * (1 / self.shoulder))
            linear += (grown - 1) * (self.shoulder / self._slope_at_one)
            np.clip(beyond, None, 0, out=beyond)
        if in_toe:
            beyond *= 1 / self.toe_slope
            linear += beyond
        return np.copysign(linear, code, out=linear) if lowest < 0 else linear

    @property
    def _slope_at_one(self) -> float:
        return (1 + self.offset) * self.power


CURVES = {
    # BT.709 with the constants that make it smooth, as LibRaw's gamma=(2.222, 4.5) computes them
    "bt709": Curve(0.45, 0.09929682680944, 0.018053968510807, 0.5),
    "srgb": Curve(1 / 2.4, 0.055, 0.0031308, 0.5),
}
"""By the name that recipes give: `Recipe.curve`."""


def srgb_light(code: np.ndarray) -> np.ndarray:
    """sRGB's codes, 0..1 -> linear light by the standard's own formula (IEC 61966-2-1), which is nobody's exact inverse."""
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def curve_of(recipe: Recipe) -> Curve | ToneCurve:
    """The recipe's transfer curve, with its camera's tone curve upon it. Raises RawbackError if it is not known."""
    if recipe.curve not in CURVES:
        raise RawbackError(f"the recipe inside uses the curve {recipe.curve!r}, unknown to this rawback; update it")
    curve = replace(CURVES[recipe.curve], shoulder=recipe.shoulder)
    return ToneCurve(curve, recipe.tone) if recipe.tone else curve


def matrix_from_xyz(xyz_to_camera: np.ndarray) -> np.ndarray:
    """XYZ -> camera (3, 3), as in DNG ColorMatrix (tag 50721) -> white-balanced camera -> linear sRGB, rows summing to 1.

    The way of dcraw's cam_xyz_coeff: camera white is made to answer 1 in every channel before inverting.
    """
    to_camera = np.asarray(xyz_to_camera, float) @ SRGB_TO_XYZ
    matrix = np.linalg.inv(to_camera / to_camera.sum(1, keepdims=True))
    return matrix / matrix.sum(1, keepdims=True)


def xyz_from_matrix(matrix: np.ndarray, neutral: np.ndarray) -> np.ndarray:
    """The way back: white-balanced camera -> linear sRGB (3, 3), as-shot neutral (3,) -> XYZ -> camera (3, 3) under D65.

    Such that white balance and rows summing to 1 bring the matrix back; the scale of its rows is free.
    """
    camera_from_srgb = np.asarray(neutral)[:, None] * np.linalg.inv(np.asarray(matrix))
    return camera_from_srgb @ np.linalg.inv(SRGB_TO_XYZ)


def fitted_matrix(camera: np.ndarray, srgb: np.ndarray) -> np.ndarray:
    """The matrix (3, 3), rows summing to 1, that takes linear camera RGB (N, 3) to linear sRGB (N, 3), both 0..1.

    By least squares over what is neither dark nor clipped; the identity where that is too little to go by.
    """
    inside = (np.minimum(camera, srgb).min(1) > 0.01) & (np.maximum(camera, srgb).max(1) < 0.95)
    if np.count_nonzero(inside) < FEWEST_SAMPLES:
        return np.eye(3)
    matrix = np.linalg.lstsq(camera[inside], srgb[inside], rcond=None)[0].T
    matrix /= matrix.sum(1, keepdims=True)
    return matrix if np.isfinite(matrix).all() and np.linalg.cond(matrix) < LARGEST_CONDITION else np.eye(3)


def d65_tags(xyz_to_camera: np.ndarray) -> dict[str, tuple[float, ...]]:
    """XYZ -> camera (3, 3) under D65 as the DNG's numbers that a recipe holds."""
    return {"ColorMatrix1": tuple(xyz_to_camera.ravel().tolist()), "CalibrationIlluminant1": (D65,)}
