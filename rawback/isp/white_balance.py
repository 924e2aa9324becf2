"""White balance where nobody tells it: the mean of the picture is taken for grey, as LibRaw's automatic balance does."""

from __future__ import annotations

import numpy as np

from rawback.isp.exposure import small_linear
from rawback.recipe import Recipe

CLIPPED = 0.97
"""Share of the white level from which a cell says nothing of the light."""
DARKEST_NEUTRAL = 0.1
"""Of the mean of the most sensitive channel: what lies below is no grey."""


def automatic(mosaic: np.ndarray, recipe: Recipe) -> tuple[float, float, float] | None:
    """As-shot neutral of a mosaic (H, W) uint16, largest 1; None where its mean is no light's colour."""
    sensed = small_linear(mosaic, recipe) / recipe.gains  # camera RGB, not balanced
    unclipped = sensed[sensed.max(-1) < CLIPPED]
    if not len(unclipped):
        return None
    mean = unclipped.mean(0, dtype=np.float64)
    if not 0 < DARKEST_NEUTRAL * mean.max() <= mean.min():
        return None
    red, green, blue = np.round(mean / mean.max(), 6).tolist()
    return red, green, blue
