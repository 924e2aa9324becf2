"""The sensor's noise, measured in the mosaic itself: variance = scale * x + offset, x from 0 (black) to 1 (white level)."""

from __future__ import annotations

import numpy as np

from rawback.isp.mosaic import level
from rawback.recipe import Recipe

BLOCK = 8
BINS = 24
QUIET = 0.2
"""Share of the blocks of a tone that is taken to be free of texture: those of least variance."""
QUIET_BIAS = 1.35
"""What the quietest fifth must be multiplied by: the variance of 49 normal differences of 2x2 neighbours varies by 1 / 4."""


def estimate(mosaic: np.ndarray, recipe: Recipe) -> tuple[float, float]:
    """(scale, offset) of the noise model, as DNG's NoiseProfile (tag 51041); never less than rounding to whole DN leaves."""
    period = len(recipe.cfa)
    means, variances = [], []
    samples = level(mosaic, recipe)
    for row, column in np.ndindex(period, period):
        m, v = _blocks(samples[row::period, column::period])
        means.append(m)
        variances.append(v)
    mean, variance = np.concatenate(means), np.concatenate(variances)
    rounding = 1 / 12 / (recipe.white - float(np.mean(recipe.black))) ** 2
    usable = (mean > -0.01) & (mean < 0.9) & (variance > 0)
    if np.count_nonzero(usable) < 4 * BINS:
        return 0.0, rounding
    levels, quiet = _quietest(mean[usable], variance[usable])
    scale, offset = _line(levels, quiet)
    return max(scale, 0.0), max(offset, rounding)


def _blocks(plane: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean, and variance of what a plane and a ramp cannot explain, in blocks of one CFA position."""
    m, n = (size // BLOCK for size in plane.shape)
    cut = plane[: m * BLOCK, : n * BLOCK].reshape(m, BLOCK, n, BLOCK).swapaxes(1, 2)
    rest = (cut[..., :-1, :-1] - cut[..., 1:, :-1] - cut[..., :-1, 1:] + cut[..., 1:, 1:]) / 2
    return cut.mean((2, 3)).ravel(), np.square(rest).mean((2, 3)).ravel()


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
