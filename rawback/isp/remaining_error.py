"""The error that a picture leaves: what `recover` will compute from it against the true mosaic, measured on bands."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.isp import inverse_pass
from rawback.picture import Coefficients
from rawback.recipe import Recipe

BAND, MCU = 96, 16
"""Rows that are compared at a time, whole MCUs and whole cells of any CFA; and those of the tallest MCU."""
MAX_BANDS = 6


def rms(mosaic: np.ndarray, picture: Coefficients, recipe: Recipe) -> float:
    """Root of the mean square of recovered minus true mosaic (H, W) uint16, in DN, to three digits.

    Of large pictures on six bands, evenly spread: about an eighth of the rows of 12 megapixels.
    """
    height, count = mosaic.shape[0], -(-mosaic.shape[0] // BAND)
    chosen = sorted({round(i * (count - 1) / max(MAX_BANDS - 1, 1)) for i in range(MAX_BANDS)})
    context = int(np.lcm(MCU, len(recipe.cfa)))  # decoded on either side
    total = pixels = 0.0
    for start in (BAND * band for band in chosen):
        first, last = max(start - context, 0), min(start + BAND + context, height)
        decoded = inverse_pass.decode(_rows(picture, first, last), replace(recipe, height=last - first))
        stop = min(start + BAND, height)
        error = decoded[start - first : stop - first].astype(np.int32) - mosaic[start:stop]
        total, pixels = total + float(np.square(error, dtype=np.float64).sum()), pixels + error.size
    return float(f"{np.sqrt(total / max(pixels, 1)):.3g}")


def _rows(picture: Coefficients, first: int, last: int) -> Coefficients:
    """The part of a picture between two rows, of which the first begins an MCU."""
    of_luma, of_chroma = (slice(first // rows, -(-last // rows)) for rows in (8, 8 * picture.factors[0]))
    planes = [plane[of_chroma if number else of_luma] for number, plane in enumerate(picture.planes)]
    wide = tuple(plane[of_chroma] for plane in picture.wide) if picture.wide else None
    return replace(picture, height=last - first, planes=planes, wide=wide)
