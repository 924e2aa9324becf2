"""A picture that is already there as coefficients, plainly rounded: what other methods' renderings are coded with."""

from __future__ import annotations

import numpy as np

from rawback.isp import dct
from rawback.isp.coding import Coding
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.matmul import mix
from rawback.picture import Coefficients


def encode(srgb: np.ndarray, coding: Coding) -> Coefficients:
    """Extended sRGB planes (3, H, W) float32, 0..1 shown -> coefficients; nothing is clipped but by a JPEG's own range."""
    height, width = srgb.shape[1:]
    v, h = coding.factors
    missing = [(0, 0), (0, -height % (8 * v)), (0, -width % (8 * h))]
    ycc = np.pad(mix(RGB_TO_YCC, srgb.astype(np.float32)), missing, mode="edge") * np.float32(255)
    ycc[0] -= 128
    planes = [ycc[0], *(_subsampled(plane, coding.factors) for plane in ycc[1:])]
    tables = [coding.luma, coding.chroma, coding.chroma]
    steps = (dct.to_coefficients(p) * (1 / t.astype(np.float32)) for p, t in zip(planes, tables, strict=True))
    levels = [dct.quantise(s, 0.5) for s in steps]
    levels[0] = levels[0][: -(-height // 8), : -(-width // 8)]
    return Coefficients(width, height, levels, tables, coding.factors)


def _subsampled(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """What the decoder's upsampling will blur, sharpened once beforehand, as `render` does."""
    small = dct.shrink(plane, factors)
    return small if factors == (1, 1) else small + dct.shrink(plane - dct.grow(small, factors), factors)
