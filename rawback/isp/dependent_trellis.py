"""The encoder of dependent quantisation: of all levels that a block may have, those that are nearest for their bits.

As `trellis`, by dynamic programming along the scan, but for each of the eight states. Lane u of a place holds the paths that
would be in state u at the first place, had there been zeros only: so paths keep their lanes until the next level that is not 0.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.dependent import NEXT, OFFSETS, STATES
from rawback.isp.levels import LIMIT, ZIGZAG
from rawback.isp.native.library import call, library
from rawback.isp.trellis import Prices, magnitude_bits, with_signs

LEAST = np.float32(0.25)
"""Steps of a coefficient below which its level is 0: to bring about another state, it would cost more than it gains."""
CHUNK = 1024
"""Blocks worked on at a time."""
UNREACHED = np.float32(1e9)
PERIOD = 4
"""Zeros that lead back to any state."""


def optimise(scaled: np.ndarray, prices: Prices, centroids: np.ndarray) -> np.ndarray:
    """Coefficients in steps (N, 64) float32, natural order -> (N, 64) int16 levels; DC is rounded.

    centroids (6,): what the decoder adds to the magnitudes 1, 2 and larger, of either quantiser.
    """
    levels, shifts = np.empty(scaled.shape, np.int16), np.asarray(centroids, np.float32).reshape(2, 3)
    if library() is not None:
        scaled = np.ascontiguousarray(scaled)
        weighed = prices.level, prices.cheapest, prices.end, prices.kinds
        call("core_dependent", scaled, len(scaled), *weighed, shifts, levels)
        return levels
    for start in range(0, len(scaled), CHUNK):
        part = slice(start, start + CHUNK)
        levels[part] = _Paths(scaled[part], prices, prices.kinds[part], shifts).levels()
    return levels


def _lanes() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """By place modulo PERIOD, lane of the next place, way into it: lane before, quantiser and parity of the level between."""
    from_lane, quantiser, parity = (np.zeros((PERIOD, STATES, 2), np.intp) for _ in range(3))
    state = np.arange(STATES)  # of each lane
    for place in range(1, PERIOD + 1):
        after = NEXT[state, 0]
        lane_of = np.argsort(state)
        for way in (0, 1):
            before = (after >> 1) + way * STATES // 2
            at = (place % PERIOD, slice(None), way)
            from_lane[at], quantiser[at], parity[at] = lane_of[before], before & 1, NEXT[before, 0] != after
        state = after
    return from_lane, quantiser, parity


FROM_LANE, QUANTISER, PARITY = _lanes()


class _Paths:
    """Some blocks, scanned: the cheapest way to end with a level at each place, in each lane, and where it came from."""

    def __init__(self, scaled: np.ndarray, prices: Prices, kinds: np.ndarray, centroids: np.ndarray) -> None:
        self.scaled, self.prices, self.kinds, self.centroids = scaled, prices, kinds, centroids
        self.magnitude = np.abs(scaled[:, ZIGZAG])
        shape = (*scaled.shape, STATES)
        self.cost = np.full(shape, UNREACHED)  # of ending at a place, less the distortion of nothing but zeros
        self.cost[:, 0, 0] = 0
        self.chosen, self.place_before, self.lane_before = (np.zeros(shape, kind) for kind in (np.int16, np.int8, np.int8))

    def levels(self) -> np.ndarray:
        """(N, 64) int16, natural order."""
        for place in range(1, 64):
            blocks = np.flatnonzero(self.magnitude[:, place] >= LEAST)
            if len(blocks):
                self._reach(place, blocks)
        return with_signs(self._trace(), self.scaled)

    def _reach(self, place: int, blocks: np.ndarray) -> None:
        """Try the two nearest levels of either quantiser, one of either parity, after every earlier level of the block."""
        magnitude = np.minimum(self.magnitude[blocks, place], np.float32(LIMIT))
        ways = {}
        for quantiser in (0, 1):
            offset = OFFSETS[quantiser]
            below = np.floor(magnitude - offset).astype(np.int64)
            for parity in (0, 1):
                level = below + (below + parity & 1)
                error = magnitude - (level.astype(np.float32) + offset) - self.centroids[quantiser, np.clip(level - 1, 0, 2)]
                gain = np.where((level < 1) | (level > LIMIT), UNREACHED, error * error - magnitude * magnitude)
                ways[quantiser, parity] = level, gain, *self._cheapest(place, blocks, level)
        for lane in range(STATES):
            best = np.full(len(blocks), UNREACHED)
            for way in (0, 1):
                before, *which = (table[place % PERIOD, lane, way] for table in (FROM_LANE, QUANTISER, PARITY))
                level, gain, least, origin = ways[tuple(which)]
                here = least[:, before] + gain
                better = here < best
                best = np.where(better, here, best)
                taken = blocks[better], place, lane
                self.chosen[taken], self.place_before[taken] = level[better], origin[better, before]
                self.lane_before[taken] = before
            self.cost[blocks, place, lane] = best

    def _cheapest(self, place: int, blocks: np.ndarray, level: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The least cost of coming to a level, by lane (n, STATES), and from which place."""
        by_place = self.prices.level[:, :, place - 1 :: -1] if place > 1 else self.prices.level[:, :, :1]
        price = by_place[self.kinds[blocks], magnitude_bits(np.clip(level, 1, LIMIT))]  # (n, place)
        total = self.cost[blocks, :place] + price[..., None]  # (n, place, STATES)
        return total.min(1), total.argmin(1)

    def _trace(self) -> np.ndarray:
        """Walk back from the best last level of each block."""
        ended = self.cost + self.prices.end[self.kinds][:, None, None]
        ended[:, 63] = self.cost[:, 63]
        at, lane = np.divmod(ended.reshape(len(ended), -1).argmin(1), STATES)
        levels = np.zeros(self.scaled.shape, np.int16)
        blocks = np.flatnonzero(at)
        while len(blocks):
            here = blocks, at[blocks], lane[blocks]
            levels[blocks, at[blocks]] = self.chosen[here]
            at[blocks], lane[blocks] = self.place_before[here], self.lane_before[here]
            blocks = blocks[at[blocks] > 0]
        return levels
