"""Which fine levels are worth their bits: by dynamic programming over the states of dependent quantisation.

A level's price hangs on its place's context alone, not on runs of zeros: so of each state only the best path goes on.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.dependent import NEXT, OFFSETS, STATES
from rawback.isp.levels import LIMIT
from rawback.isp.native.library import call, library
from rawback.lossless.refinement.contexts import PLACES
from rawback.lossless.refinement.strip_coder import ESCAPE, MIDDLE

UNREACHED = np.float32(1e9)
CHUNK = 2048
"""Blocks worked on at a time."""
WAYS = [[(state, odd) for state in range(STATES) for odd in (0, 1) if NEXT[state, odd] == after] for after in range(STATES)]
"""Into each state: the two states before it, each with the parity of the level between."""


def optimise(
    steps: np.ndarray, foretold: np.ndarray, cells: np.ndarray, prices: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    """Coefficients (64, N) float32 in fine steps, place by place -> levels (64, N) int16; the means are 0.

    foretold: (64, N) int16; cells: (64, N) uint8, those of the first quantiser; prices: (cells, 256) float32, in squared steps, signs
    included; centroids: (6,), what the decoder adds to the magnitudes 1, 2 and larger, of each quantiser.
    """
    levels, shifts = np.zeros(steps.shape, np.int16), np.asarray(centroids, np.float32)
    if library() is not None:
        given = (np.ascontiguousarray(array) for array in (steps, foretold, cells))
        call("core_refine", *given, steps.shape[1], np.ascontiguousarray(prices), shifts, levels)
        return levels
    for start in range(0, steps.shape[1], CHUNK):
        part = (slice(None), slice(start, start + CHUNK))
        levels[part] = _paths(steps[part], foretold[part], cells[part], prices, shifts.reshape(2, 3))
    return levels


def _paths(steps: np.ndarray, foretold: np.ndarray, cells: np.ndarray, prices: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    count = steps.shape[1]
    cost = [np.full(count, UNREACHED if state else np.float32(0)) for state in range(STATES)]
    taken, chosen = np.zeros((PLACES, STATES, count), np.uint8), np.zeros((PLACES, 4, count), np.int16)
    for place in range(1, PLACES):
        least = [
            _best(steps[place], foretold[place], cells[place] + quantiser, quantiser, parity, prices, shifts, chosen[place])
            for quantiser in (0, 1)
            for parity in (0, 1)
        ]
        before = cost
        cost = []
        for state, ((one, odd), (other, other_odd)) in enumerate(WAYS):
            first, second = (before[s] + least[2 * (s & 1) + p] for s, p in ((one, odd), (other, other_odd)))
            better = second < first
            cost.append(np.where(better, second, first))
            taken[place, state] = np.where(better, 2 * other + other_odd, 2 * one + odd)
    return _trace(np.stack(cost).argmin(0), taken, chosen)


def _best(
    steps: np.ndarray, foretold: np.ndarray, cells: np.ndarray, quantiser: int, parity: int, prices: np.ndarray,
    shifts: np.ndarray, chosen: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """The least cost of a level of one quantiser and parity (N,), which goes into `chosen` (4, N)."""
    magnitude = np.minimum(np.abs(steps), np.float32(LIMIT))
    sign = np.where(steps < 0, -1, 1)
    below = np.trunc(magnitude - OFFSETS[quantiser]).astype(np.int32)
    level = below + (below + parity & 1)
    value = level.astype(np.float32) + OFFSETS[quantiser]
    error = magnitude - value - shifts[quantiser, np.clip(level - 1, 0, 2)]
    total = error * error + prices[cells, _symbols(sign * level, foretold)]
    total = np.where((level == 0) | (level > LIMIT), UNREACHED, total)
    none = UNREACHED if parity else magnitude * magnitude + prices[cells, _symbols(np.zeros_like(level), foretold)]
    chosen[2 * quantiser + parity] = np.where(total < none, sign * level, 0)
    return np.where(total < none, total, none)


def _symbols(levels: np.ndarray, foretold: np.ndarray) -> np.ndarray:
    near = foretold.astype(np.int32)
    value = np.where(near == 0, np.abs(levels), np.where(near < 0, near - levels, levels - near) + MIDDLE)
    return np.where((value < 0) | (value > ESCAPE), ESCAPE, value)


def _trace(state: np.ndarray, taken: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Back from the best last states (N,)."""
    levels, blocks = np.zeros((PLACES, len(state)), np.int16), np.arange(len(state))
    for place in range(PLACES - 1, 0, -1):
        way = taken[place, state, blocks].astype(np.intp)
        levels[place] = chosen[place, way & 3, blocks]
        state = way >> 1
    return levels
