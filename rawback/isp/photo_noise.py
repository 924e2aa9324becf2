"""The noise of a photo that was brought back to the sensor: measured in it, and what its camera took away added again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.isp import noise
from rawback.isp.mosaic import black_pattern, mosaic_of, tile
from rawback.recipe import Recipe

LINEAR_WHITE = 65535.0
"""Of demosaiced camera RGB."""
ROWS = 256
"""That are given noise at a time, each time by a generator of its own."""


def measured(sensed: np.ndarray, recipe: Recipe) -> tuple[float, ...]:
    """(scale, offset) as `noise.estimate`, of a mosaic (H, W) in DN or of camera RGB (H, W, 3), uint16; () if too small."""
    if sensed.ndim == 2:
        return noise.estimate(sensed, recipe)
    cfa = tile(np.array(recipe.cfa), *sensed.shape[:2])
    return noise.estimate(mosaic_of(np.moveaxis(sensed, -1, 0), cfa), replace(recipe, black=(0.0,) * 4, white=LINEAR_WHITE))


def with_noise(
    sensed: np.ndarray, recipe: Recipe, left: tuple[float, ...], sensors: tuple[float, ...], seed: int
) -> np.ndarray:  # fmt: skip
    """The same as noisy as a sensor has it: where its variance is more than what is left, normal noise of the difference.

    left, sensors: (scale, offset) of the noise in it, and of the sensor, both as DNG's NoiseProfile (tag 51041).
    """
    noisy = np.empty_like(sensed)
    scale, offset = (has - now for has, now in zip(sensors, left or (0.0, 0.0), strict=True))
    for start in range(0, len(sensed), ROWS):
        rows = sensed[start : start + ROWS].astype(np.float32)
        black, span = np.zeros(1, np.float32), LINEAR_WHITE
        if sensed.ndim == 2:
            black, span = tile(black_pattern(recipe), *rows.shape, top=start), recipe.white - float(np.mean(recipe.black))
        light = np.maximum((rows - black) / np.float32(span), 0)
        sigma = np.sqrt(np.maximum(scale * light + offset, 0), dtype=np.float32) * np.float32(span)
        rows += sigma * np.random.default_rng((seed, start)).standard_normal(rows.shape, np.float32)
        noisy[start : start + ROWS] = np.clip(np.rint(rows), 0, LINEAR_WHITE if sensed.ndim == 3 else recipe.white)
    return noisy
