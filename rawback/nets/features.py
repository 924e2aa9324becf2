"""What the learned parts are told besides the mosaic, and the domain they see it in: the same in training and in use."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rawback.isp.colour import CURVES
from rawback.picture import Coefficients
from rawback.recipe import Recipe

DOMAIN = CURVES["bt709"]
"""Nets see balanced samples through this curve, whatever the recipe's, so that a quantiser's error is even over tones."""
BANDS = np.digitize(np.add(*np.mgrid[:8, :8]), [1, 4, 8]).reshape(64)
"""Coefficients by frequency: 0 the mean, 1 low, 2 middle, 3 high."""
LEAST = 1e-3
"""Difference in code that is none: a quarter of a level of 8 bits."""
CONDITIONS = 20
"""Length of the vector that `conditions` makes."""
TABLES, REFINED, GAINS, MATRIX = slice(9), 9, slice(10, 13), slice(13, 19)
"""Where it has what `of_tables` says, whether highlights may be guessed, log2 of the exposed gains, and the camera matrix
but for its diagonal."""


def of_tables(luma: np.ndarray, chroma: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """The first of the conditions, (9,) float32: steps of luma in four bands and of chroma in three (log2 of the
    geometric mean), and the subsampling: rows and columns of luma for one chroma sample, less one."""
    logs = [np.log2(np.maximum(np.asarray(t, float), 1)) for t in (luma, chroma)]
    means = [logs[i][band == BANDS].mean() for i, bands in enumerate((4, 3)) for band in range(bands)]
    return np.array([*means, factors[0] - 1, factors[1] - 1], np.float32)


LAGS, FAR = (1, 2, 3, 4), 6
"""Distances in pixels at which differences tell how a picture was sharpened, and that which they are compared with."""


def of_photo(picture: Coefficients, bands: Sequence[np.ndarray]) -> np.ndarray:
    """What is known of a photo: `of_tables`, and differences of its luma at LAGS, in bands (H, W), 0..1: (17,) float32.

    log2 of the mean of differences over that at FAR, absolute and squared: sharpening, noise and its reduction show in them.
    """
    differences = []
    for power in (1, 2):
        means = [_difference(bands, lag, power) for lag in (*LAGS, FAR)]
        differences += [np.log2(mean / means[-1]) / power for mean in means[:-1]]
    tables = of_tables(picture.tables[0], picture.tables[-1], picture.factors)
    return np.concatenate([tables, np.array(differences, np.float32)])


def _difference(bands: Sequence[np.ndarray], lag: int, power: int) -> float:
    """Mean of the powers of differences between samples so far apart, along both axes."""
    both = (d for luma in bands for d in (luma[lag:] - luma[:-lag], luma[:, lag:] - luma[:, :-lag]))
    return float(np.mean([np.mean(np.abs(d) ** power) for d in both])) + LEAST**power


def conditions(recipe: Recipe, tables: list[np.ndarray], factors: tuple[int, int]) -> np.ndarray:
    """What is known of a JPEG and its sensor: (CONDITIONS,) float32.

    What `of_tables` says, whether highlights may be guessed (in closed loops that were not brightened), log2 of white balance
    times exposure, the camera matrix, the curve.
    `tables`: (64,) per component (luma, chroma), `factors`: rows and columns of luma for one chroma sample.
    """
    guessed = recipe.refined and recipe.exposure <= 0  # brightened, what is white in the picture need not be blown
    sensor = [guessed, *(np.log2(recipe.gains) + recipe.exposure), *np.array(recipe.matrix)[~np.eye(3, dtype=bool)]]
    jpeg = of_tables(tables[0], tables[-1], factors)
    return np.concatenate([jpeg, np.array([*sensor, recipe.curve == "srgb"], np.float32)])


def encode(balanced: np.ndarray) -> np.ndarray:
    """Balanced samples (1 = white) of any shape, float32 -> the nets' domain."""
    return DOMAIN.encode(balanced)


def decode(code: np.ndarray) -> np.ndarray:
    """The way back."""
    return DOMAIN.decode(code)[0]
