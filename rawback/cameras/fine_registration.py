"""Where a picture lies on its RAW to a fraction of a pixel: where its codes follow from light alone as well as they can.

By Gauss' and Newton's method: the light below, through the curve that explains the codes best, is what is expected; what is
missing of the codes tells by its slopes how far the picture must move.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.cameras.regions import Region, means

MOST_MOVES, SETTLED, LONGEST = 6, 0.1, 2.0
"""Moves; blocks by which one moves no more when it is there, and at most."""
LEVELS = 48
"""Of light, evenly spaced in its logarithm: within each, codes should be alike."""
TOLD = (0.02, 0.97)
"""Codes (means of three channels) between which a picture tells light."""
DARK = 1e-4
"""Light below which levels end."""


def refine(light: np.ndarray, codes: np.ndarray, start: Region) -> Region:
    """The region of light (H, W) that codes (rows, columns), means over blocks of a picture, are best explained by.

    start: one that is at most a few blocks off.
    """
    told = (codes > TOLD[0]) & (codes < TOLD[1])
    if told.sum() < LEVELS or not start.lies_in(light.shape):
        return start
    best, least, tried = start, np.inf, start
    for _ in range(MOST_MOVES):
        expected, unexplained = _explained(means(light, tried, *codes.shape), codes, told)
        if unexplained >= least:
            break
        best, least = tried, unexplained
        step = _step(expected, codes, told)
        tried = _moved(best, step, codes.shape)
        if np.abs(step).max() < SETTLED or not tried.lies_in(light.shape):
            break
    return best


def _explained(light: np.ndarray, codes: np.ndarray, told: np.ndarray) -> tuple[np.ndarray, float]:
    """Codes (rows, columns) that a curve makes of light, and the squares of what it leaves of those that are told."""
    level = np.log(np.maximum(light, DARK))
    least, most = float(level[told].min()), float(level[told].max())
    place = np.clip((level - least) * ((LEVELS - 1) / max(most - least, 1e-9)), 0, LEVELS - 1)
    at, shown = place[told].astype(np.intp), codes[told]
    count, total = np.bincount(at, minlength=LEVELS), np.bincount(at, shown, minlength=LEVELS)
    filled = np.flatnonzero(count)
    curve = total[filled] / count[filled]
    left = float(np.square(shown).sum() - (curve * total[filled]).sum())
    return np.interp(place, filled + 0.5, curve), left


def _step(expected: np.ndarray, codes: np.ndarray, told: np.ndarray) -> np.ndarray:
    """By how many blocks the region is to go down and across and to grow each way: (4,)."""
    rows, columns = codes.shape
    down, across = (slope[told] for slope in np.gradient(expected))
    y, x = np.nonzero(told)
    by = np.stack([down, across, down * ((y + 0.5) / rows - 0.5), across * ((x + 0.5) / columns - 0.5)])
    normal = by @ by.T
    normal[np.diag_indices(4)] *= 1 + 1e-6
    normal[np.diag_indices(4)] += 1e-12
    return np.clip(np.linalg.solve(normal, by @ (codes - expected)[told]), -LONGEST, LONGEST)


def _moved(region: Region, step: np.ndarray, shape: tuple[int, ...]) -> Region:
    """A region of `shape` blocks after a step of some."""
    high, wide = region.height / shape[0], region.width / shape[1]
    y, x, height, width = (step * (high, wide, high, wide)).tolist()
    return replace(region, y=region.y + y, x=region.x + x, height=region.height + height, width=region.width + width)
