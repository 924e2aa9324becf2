"""Room above a picture's white in the RAW that is made of it: for light that gain maps, HDR codes or a restoration tell."""

from __future__ import annotations

import math
from dataclasses import replace

from rawback.recipe import Recipe

HIGHEST = 65535.0
"""White level of 16 bits."""


def added(recipe: Recipe, stops: float) -> Recipe:
    """The recipe of a RAW that holds light up to 2^`stops` times the picture's white; as it is for 0.

    The white level is that brightest light, so samples are so much darker, and BaselineExposure, which says `exposure`, asks
    developers to brighten them again. The picture's white keeps as many levels as it had, as far as 16 bits go.
    """
    if stops <= 0:
        return recipe
    white = min((recipe.white + 1) * 2 ** math.ceil(stops) - 1, HIGHEST)
    return replace(recipe, white=max(white, recipe.white), exposure=recipe.exposure + stops)
