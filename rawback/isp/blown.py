"""What is as bright as can be: the luma of blown photosites, and room for it in a baseline JPEG."""

from __future__ import annotations

import numpy as np

from rawback.isp import dct, inverse_pass, luma
from rawback.isp.colour import curve_of
from rawback.isp.mosaic import level
from rawback.recipe import Recipe


def brightest_luma(mosaic: np.ndarray, recipe: Recipe) -> float:
    """About the largest luma, in code values, that the mosaic will need: that of its brightest photosite, were it grey."""
    period = len(recipe.cfa)
    peaks = np.array([[mosaic[y::period, x::period].max(initial=0) for x in range(period)] for y in range(period)])
    balanced = level(peaks, recipe) * inverse_pass.sample_gains(recipe)
    return float(min(curve_of(recipe).encode(balanced.astype(np.float32)).max(), luma.LUMA_RANGE[1]))


def with_room_for_mean(table: np.ndarray, brightest: float) -> np.ndarray:
    """The table, its first entry raised where a block of the brightest luma would not fit into a baseline JPEG."""
    needed = np.ceil(8 * (brightest * 255 - 128) * 1.02 / dct.LIMIT)
    return np.concatenate([[max(table[0], needed)], table[1:]]).astype(np.uint16)


def smoothed(plane: np.ndarray, saturated: np.ndarray) -> np.ndarray:
    """Luma (rows, width), where photosites are blown the largest in 5x5: any above the needed is right, and this is smooth."""
    rows = np.flatnonzero(saturated.any(1))
    if not len(rows):
        return plane
    columns = np.flatnonzero(saturated[rows[0] : rows[-1] + 1].any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    needed = np.where(saturated[box], plane[box], 0)
    for axis in (0, 1):
        padded = np.pad(needed, [(2, 2) if a == axis else (0, 0) for a in (0, 1)])
        size = needed.shape[axis]
        parts = [padded[i : i + size] if axis == 0 else padded[:, i : i + size] for i in range(5)]
        needed = np.maximum.reduce(parts)
    np.copyto(plane[box], needed, where=saturated[box])
    return plane
