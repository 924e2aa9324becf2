"""A recipe for a photo that rawback did not render."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.files.jpeg import Photo
from rawback.recipe import Recipe

MARGIN = 8
"""Photosites mirrored around the photo, so that the DNG's default crop is exactly the photo."""
WHITE = 16383.0


def generic_recipe(photo: Photo) -> Recipe:
    """A virtual RGGB sensor whose colours are sRGB, 14 bits, no black level; the sRGB curve is undone."""
    return Recipe(
        width=photo.coefficients.width,
        height=photo.coefficients.height,
        cfa=((0, 1), (1, 2)),
        black=(0.0,) * 4,
        white=WHITE,
        neutral=(1.0, 1.0, 1.0),
        matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        camera="rawback virtual sRGB sensor",
        white_balance_from="assumed",
        curve="srgb",
        refined=False,
        orientation=photo.exif.orientation if photo.exif else 1,
    )


def with_margin(mosaic: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, Recipe]:
    """The mosaic with a mirrored margin (the CFA goes on in phase: 8 is even, and X-Trans shifts by two), and its recipe."""
    height, width = mosaic.shape
    framed = np.pad(mosaic, MARGIN, mode="reflect")
    crop = (float(MARGIN), float(MARGIN), float(width), float(height))
    return framed, replace(recipe, width=width + 2 * MARGIN, height=height + 2 * MARGIN, crop=crop)
