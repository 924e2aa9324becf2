"""The sensor's noise, measured in the mosaic itself: variance = scale * x + offset, x from 0 (black) to 1 (white level)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.isp.mosaic import level
from rawback.recipe import Recipe

BLOCK = 8
"""Photosites of one colour along a block."""
BINS = 24
"""Tones, of equally many blocks, that the line is laid through."""
QUIET = 0.2
"""Share of the blocks of a tone that is taken to be free of texture: those of least variance."""
QUIET_BIAS = 1.35
"""What the quietest fifth must be multiplied by: the variance of 49 normal differences of 2x2 neighbours varies by 1 / 4."""
SAMPLE_PIXELS = 1 << 20
"""Photosites that tell enough: bands of the frame, evenly spread, are looked at."""


def estimate(mosaic: np.ndarray, recipe: Recipe) -> tuple[float, ...]:
    """(scale, offset) of the noise model, as DNG's NoiseProfile (tag 51041); never less than rounding to whole DN leaves.

    mosaic: (H, W) uint16. Nothing where the frame is too small to tell.
    """
    cut = blocks(_bands(mosaic, BLOCK * len(recipe.cfa)), recipe)
    rest = (cut[:, :-1, :-1] - cut[:, 1:, :-1] - cut[:, :-1, 1:] + cut[:, 1:, 1:]) / 2  # no plane and no ramp is left
    mean, variance = cut.mean((1, 2)), np.square(rest).mean((1, 2))
    usable = (mean > -0.01) & (mean < 0.9) & (variance > 0)
    if np.count_nonzero(usable) < 4 * BINS:
        return ()
    levels, quiet = _quietest(mean[usable], variance[usable])
    scale, offset = _line(levels, quiet)
    return max(scale, 0.0), max(offset, rounding(recipe))


def rounding(recipe: Recipe) -> float:
    """The variance that rounding to whole DN leaves, white level 1."""
    return 1 / 12 / (recipe.white - float(np.mean(recipe.black))) ** 2


def blocks(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Mosaic (H, W) uint16 -> the photosites of one colour in whole blocks: (blocks, BLOCK, BLOCK) float32, white level 1."""
    period = len(recipe.cfa)
    samples = level(mosaic, replace(recipe, pedestal=0.0))
    return np.concatenate([_cut(samples[row::period, column::period]) for row, column in np.ndindex(period, period)])


def _cut(plane: np.ndarray) -> np.ndarray:
    m, n = (size // BLOCK for size in plane.shape)
    return plane[: m * BLOCK, : n * BLOCK].reshape(m, BLOCK, n, BLOCK).swapaxes(1, 2).reshape(-1, BLOCK, BLOCK)


def around_ramp(cut: np.ndarray) -> np.ndarray:
    """The variance of what no ramp explains in blocks (blocks, BLOCK, BLOCK), at all frequencies above."""
    line = np.arange(BLOCK, dtype=np.float32) - (BLOCK - 1) / 2
    power = BLOCK * np.square(line).sum()
    rest = cut - cut.mean((1, 2), keepdims=True)
    ramps = np.square(rest.sum(1) @ line) / power + np.square(rest.sum(2) @ line) / power
    return (np.square(rest).sum((1, 2)) - ramps) / (BLOCK**2 - 3)


def _bands(mosaic: np.ndarray, rows: int) -> np.ndarray:
    """Bands of so many rows, which begin at multiples of it; the frame itself if it is small."""
    places, number = mosaic.shape[0] // rows, max(SAMPLE_PIXELS // (rows * mosaic.shape[1]), 1)
    if places <= number:
        return mosaic
    starts = np.linspace(0, places - 1, number).astype(int) * rows
    return np.concatenate([mosaic[start : start + rows] for start in starts])


def _quietest(mean: np.ndarray, variance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By tone, equally many blocks each: the mean level, and the variance of the blocks without texture."""
    parts = np.array_split(np.argsort(mean), BINS)
    levels = np.array([mean[part].mean() for part in parts])
    return levels, QUIET_BIAS * np.array([np.quantile(variance[part], QUIET) for part in parts])


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Least squares of y = scale * x + offset, each error relative to y, both not negative."""
    weight = 1 / np.maximum(y, 1e-9)
    design = np.stack([x, np.ones_like(x)], 1) * weight[:, None]
    (scale, offset), *_ = np.linalg.lstsq(design, np.ones(len(x)), rcond=None)
    if offset < 0:
        return float((x * y * weight**2).sum() / (x**2 * weight**2).sum()), 0.0
    return (float(scale), float(offset)) if scale > 0 else (0.0, float(np.mean(y)))
