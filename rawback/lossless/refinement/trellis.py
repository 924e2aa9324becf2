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
    steps: np.ndarray, foretold: np.ndarray, cells: np.ndarray, prices: np.ndarray, weights: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    """Coefficients (64, N) float32 in fine steps, place by place -> levels (64, N) int16; the means are 0.

    foretold: (64, N) int16; cells: (64, N) uint8, those of the first quantiser; prices: (cells, 256) float32, in squared steps,
    signs included; weights: (N,) float32, by which they are multiplied; centroids: (6,), what the decoder adds to the
    magnitudes 1, 2 and larger, of each quantiser.
    """
    levels, shifts = np.zeros(steps.shape, np.int16), np.asarray(centroids, np.float32)
    if library() is not None:
        given = (np.ascontiguousarray(array) for array in (steps, foretold, cells))
        call("core_refine", *given, steps.shape[1], *map(np.ascontiguousarray, (prices, weights)), shifts, levels)
        return levels
    for start in range(0, steps.shape[1], CHUNK):
        part = (slice(None), slice(start, start + CHUNK))
        paths = _Paths(steps[part], foretold[part], cells[part], prices, weights[part[1]], shifts.reshape(2, 3))
        levels[part] = paths.levels()
    return levels


class _Paths:
    """Some blocks, place by place."""

    def __init__(
        self, steps: np.ndarray, foretold: np.ndarray, cells: np.ndarray, prices: np.ndarray, weights: np.ndarray,
        shifts: np.ndarray,
    ) -> None:  # fmt: skip
        self.magnitudes = np.minimum(np.abs(steps), np.float32(LIMIT))
        self.signs = np.where(steps < 0, -1, 1)
        self.foretold, self.cells, self.prices, self.weights, self.shifts = foretold, cells, prices, weights, shifts
        self.taken = np.zeros((PLACES, STATES, steps.shape[1]), np.uint8)
        self.chosen = np.zeros((PLACES, 4, steps.shape[1]), np.int16)

    def levels(self) -> np.ndarray:
        """(64, N) int16."""
        cost = [np.full(len(self.weights), UNREACHED if state else np.float32(0)) for state in range(STATES)]
        for place in range(1, PLACES):
            least = [self._least(place, quantiser, parity) for quantiser in (0, 1) for parity in (0, 1)]
            before, cost = cost, []
            for state, ((one, odd), (other, other_odd)) in enumerate(WAYS):
                first, second = (before[s] + least[2 * (s & 1) + p] for s, p in ((one, odd), (other, other_odd)))
                better = second < first
                cost.append(np.where(better, second, first))
                self.taken[place, state] = np.where(better, 2 * other + other_odd, 2 * one + odd)
        return self._trace(np.stack(cost).argmin(0))

    def _least(self, place: int, quantiser: int, parity: int) -> np.ndarray:
        """The least cost of a level of one quantiser and parity (N,); the level goes into `chosen`."""
        magnitude, sign = self.magnitudes[place], self.signs[place]
        below = np.trunc(magnitude - OFFSETS[quantiser]).astype(np.int32)
        level = below + (below + parity & 1)
        value = level.astype(np.float32) + OFFSETS[quantiser]
        error = magnitude - value - self.shifts[quantiser, np.clip(level - 1, 0, 2)]
        total = error * error + self._price(place, quantiser, sign * level)
        total = np.where((level == 0) | (level > LIMIT), UNREACHED, total)
        nothing = magnitude * magnitude + self._price(place, quantiser, np.zeros_like(level))
        none = np.full_like(total, UNREACHED) if parity else nothing
        self.chosen[place, 2 * quantiser + parity] = np.where(total < none, sign * level, 0)
        return np.where(total < none, total, none)

    def _price(self, place: int, quantiser: int, levels: np.ndarray) -> np.ndarray:
        return self.weights * self.prices[self.cells[place] + quantiser, _symbols(levels, self.foretold[place])]

    def _trace(self, state: np.ndarray) -> np.ndarray:
        """Back from the best last states (N,)."""
        levels, blocks = np.zeros((PLACES, len(state)), np.int16), np.arange(len(state))
        for place in range(PLACES - 1, 0, -1):
            way = self.taken[place, state, blocks].astype(np.intp)
            levels[place] = self.chosen[place, way & 3, blocks]
            state = way >> 1
        return levels


def _symbols(levels: np.ndarray, foretold: np.ndarray) -> np.ndarray:
    near = foretold.astype(np.int32)
    value = np.where(near == 0, np.abs(levels), np.where(near < 0, near - levels, levels - near) + MIDDLE)
    return np.where((value < 0) | (value > ESCAPE), ESCAPE, value)
