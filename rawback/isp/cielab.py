"""CIELAB (CIE 15:2004, 8.2.1): colours in steps that look alike, white of linear sRGB (D65) being (100, 0, 0)."""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import SRGB_TO_XYZ

TO_XYZ = SRGB_TO_XYZ / SRGB_TO_XYZ.sum(1, keepdims=True)
"""Linear sRGB -> X / Xn, Y / Yn, Z / Zn."""
BEND = 6 / 29
"""Cube root where the cube root ends and the straight part begins: 0.9 % of white."""
OPPONENTS = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
"""f(X / Xn), f(Y / Yn), f(Z / Zn) -> L* + 16, a*, b*."""


def of_light(light: np.ndarray) -> np.ndarray:
    """Linear sRGB (..., 3), white at 1, of any range -> L*, a*, b* (..., 3) float64."""
    xyz = light @ TO_XYZ.T
    f = np.where(xyz > BEND**3, np.cbrt(xyz), xyz / (3 * BEND**2) + 4 / 29)
    return f @ OPPONENTS.T - [16, 0, 0]


def slopes(light: np.ndarray) -> np.ndarray:
    """Derivatives of `of_light` at (N, 3): (N, 3, 3), rows L*, a*, b*, columns R, G, B."""
    xyz = light @ TO_XYZ.T
    rise = np.cbrt(np.maximum(xyz, BEND**3)) ** -2 / 3  # of f: that of the straight part is its slope at the bend
    return np.einsum("ij,nj,jk->nik", OPPONENTS, rise, TO_XYZ)
