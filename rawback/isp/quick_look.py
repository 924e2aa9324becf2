"""A thumbnail straight from the sensor, where nothing better is at hand."""

from __future__ import annotations

import numpy as np

from rawback.recipe import Recipe

SIDE = 256
"""Of the longer side, in pixels, at most."""
GAMMA = 2.2


def quick_look(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(h, w, 3) uint8: white-balanced, in sRGB's primaries, gamma 2.2; one pixel for the nearest photosites of each colour.

    mosaic: (H, W) uint16 in DN, or camera RGB (H, W, 3) uint16 with black 0 and white 65535.
    """
    camera = _cells(mosaic, recipe) if mosaic.ndim == 2 else _every(mosaic) / 65535
    rgb = camera * recipe.gains * 2**recipe.exposure
    srgb = np.clip(np.minimum(rgb, 1) @ np.array(recipe.matrix).T, 0, 1) ** (1 / GAMMA)
    return np.rint(255 * srgb).astype(np.uint8)


def _every(rgb: np.ndarray) -> np.ndarray:
    step = max(1, -(-max(rgb.shape) // SIDE))
    return rgb[::step, ::step]


def _cells(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Some cells of the CFA, evenly spread: (h, w, 3), black 0, white level 1."""
    period = len(recipe.cfa)
    step = period * max(1, -(-max(mosaic.shape) // (period * SIDE)))
    height, width = (max(1, side // step) for side in mosaic.shape)
    rgb = np.zeros((height, width, 3))
    for position, (black, colour) in enumerate(zip(recipe.black, sum(recipe.cfa, ()), strict=True)):
        rows, columns = (
            np.minimum(start + step * np.arange(count), side - 1)
            for start, count, side in zip(divmod(position, period), (height, width), mosaic.shape, strict=True)
        )
        rgb[..., colour] += (mosaic[np.ix_(rows, columns)] - black) / (recipe.white - black)
    return rgb / np.bincount(sum(recipe.cfa, ()), minlength=3)
