"""Levels of luma weighed against the bits that JPEG XL asks for them (`jxl_contexts`), of one quantiser or two (`dependent`).

By dynamic programming from the last place of a block to the first: what the rest costs at least, by how many levels of it are
not 0, whether the level before was, and the state that the quantisers are in. Numbers further than BAND from those of the
levels of the pass before are not looked at.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.dependent import NEXT, OFFSETS, STATES
from rawback.isp.jxl_contexts import BY_LEFT, BY_PLACE, CLASS, FEW, Contexts
from rawback.isp.levels import LIMIT
from rawback.isp.native.library import call, library

BAND = 6
WIDTH = 2 * BAND + 1
LEAST, LEAST_DEPENDENT = np.float32(0.5), np.float32(0.25)
"""Steps of a coefficient below which its level is 0: with two quantisers another may bring about a better state."""
CHUNK = 256
"""Blocks worked on at a time."""
UNREACHED = np.float32(1e9)
CONTEXT = (2 * (BY_LEFT[:, None] + BY_PLACE)).astype(np.int32)
"""(64, 64): context of a level by how many are left and by the place, where the one before is 0; else the next."""


def optimise(
    steps: np.ndarray, before: np.ndarray, contexts: Contexts, rows: slice, worth: np.ndarray, centroids: np.ndarray
) -> np.ndarray:
    """Some rows of luma blocks: coefficients in steps (m, n, 64) float32 -> levels (m, n, 64) int16; DC is rounded.

    before: (m, n, 64) int16 levels of the pass before. worth: (m, n) float32 bits that a squared step is worth.
    centroids: (3,) of one quantiser, (6,) of two: what the decoder adds to the magnitudes 1, 2 and larger.
    """
    dependent = len(centroids) == 2 * 3
    offsets = OFFSETS if dependent else np.zeros(2, np.float32)
    shifts = np.resize(np.asarray(centroids, np.float32), (2, 3))
    levels, least = np.empty(steps.shape, np.int16), LEAST_DEPENDENT if dependent else LEAST
    arrays = [np.ascontiguousarray(array) for array in (steps, before, contexts.of_blocks[rows], worth)]
    if library() is not None:
        order, tables = contexts.order.astype(np.int32), (contexts.bits, contexts.number_bits, CONTEXT)
        call("core_jxl_trellis", *arrays, worth.size, order, *tables, offsets, shifts, float(least), levels)
        return levels
    scaled, earlier, kinds, worths = (array.reshape(worth.size, *array.shape[2:]) for array in arrays)
    flat = levels.reshape(-1, 64)
    for start in range(0, worth.size, CHUNK):
        part = slice(start, start + CHUNK)
        blocks = _Blocks(scaled[part], earlier[part], contexts, worths[part], offsets, shifts, least)
        flat[part] = blocks.levels(kinds[part])
    return levels


class _Blocks:
    """Some blocks: the least cost of what is to come, and by which level it is reached."""

    def __init__(
        self, scaled: np.ndarray, before: np.ndarray, contexts: Contexts, worth: np.ndarray, offsets: np.ndarray,
        shifts: np.ndarray, least: np.float32,
    ) -> None:  # fmt: skip
        self.scaled, self.contexts, self.worth, self.offsets, self.shifts = scaled, contexts, worth, offsets, shifts
        self.magnitude = np.minimum(np.abs(scaled[:, contexts.order]), np.float32(LIMIT))  # (n, 64)
        self.open = self.magnitude >= least
        there = before[:, contexts.order] != 0
        there[:, 0] = False
        self.left = np.zeros((len(scaled), 65), np.intp)  # levels of the pass before that are not 0, from a place on
        self.left[:, :64] = np.cumsum(there[:, ::-1], 1)[:, ::-1]
        shape = (len(scaled), WIDTH + 2, 2, STATES)  # numbers left from -BAND - 1 to BAND + 1 of `left`
        self.cost = np.full(shape, UNREACHED)
        self.cost[:, BAND + 1] = 0
        self.chosen = np.zeros((64, len(scaled), WIDTH, 2, STATES), np.uint8)  # 0: zero, 1 + parity of the level else
        self.level = np.zeros((64, len(scaled), 2, 2), np.int16)  # by quantiser and parity

    def levels(self, kinds: np.ndarray) -> np.ndarray:
        """(n, 64) int16, natural order."""
        for place in range(63, 0, -1):
            self._reach(place)
        blocks, band = np.arange(len(kinds)), np.arange(WIDTH) - BAND
        number = self.left[:, 1, None] + band  # (n, WIDTH)
        start = np.take_along_axis(self.cost[:, 1:-1, :, 0], (number <= FEW)[..., None].astype(np.intp), 2)[..., 0]
        total = start + self.contexts.number_bits[kinds[:, None], np.clip(number, 0, 63)]
        total[(number < 0) | (number > 63)] = UNREACHED
        return self._trace(number[blocks, total.argmin(1)])

    def _candidates(self, place: int) -> tuple[np.ndarray, np.ndarray]:
        """By state and parity: what a level gains, in bits, and its class, both (n, 2, STATES)."""
        magnitude = self.magnitude[:, place]
        gain, kind = (np.zeros((len(magnitude), 2, STATES), of) for of in (np.float32, np.intp))
        for quantiser in (0, 1):
            offset = self.offsets[quantiser]
            below = np.floor(magnitude - offset).astype(np.int64)
            for parity in (0, 1):
                level = below + (below + parity & 1)
                error = magnitude - (level.astype(np.float32) + offset) - self.shifts[quantiser, np.clip(level - 1, 0, 2)]
                valid = (level >= 1) & (level <= LIMIT)
                gained = np.where(valid, (error * error - magnitude * magnitude) * self.worth, UNREACHED)
                gain[:, parity, quantiser::2] = gained[:, None]
                kind[:, parity, quantiser::2] = np.where(valid, CLASS[np.clip(level, 1, LIMIT)], 1)[:, None]
                self.level[place, :, quantiser, parity] = np.clip(level, 0, LIMIT)
        return gain, kind

    def _reach(self, place: int) -> None:
        """From the costs behind a place to those at it."""
        blocks = np.arange(len(self.scaled))[:, None]
        left, is_open = self.left[:, place, None] + np.arange(WIDTH) - BAND, self.open[:, place]  # (n, WIDTH)
        behind = np.arange(1, WIDTH + 1) + (self.left[:, place] - self.left[:, place + 1])[:, None]
        gain, kind = self._candidates(place)
        zero = self.cost[blocks, behind, 0][..., NEXT[:, 0]]  # (n, WIDTH, STATES)
        level = self.cost[blocks, behind - 1, 1]
        context = CONTEXT[np.clip(left, 0, 63), place]
        reached = np.full(self.cost.shape, UNREACHED)
        for before in (0, 1):
            bits = self.contexts.bits[context + before]  # (n, WIDTH, CLASSES)
            best = zero + bits[..., :1]
            chosen = np.zeros(best.shape, np.uint8)
            for parity in (0, 1):
                asked = np.take_along_axis(bits, np.broadcast_to(kind[:, None, parity], best.shape), 2)
                total = (level[..., NEXT[:, parity]] + gain[:, None, parity]) + asked
                better = (total < best) & is_open[:, None, None]
                best, chosen = np.where(better, total, best), np.where(better, np.uint8(1 + parity), chosen)
            reached[:, 1:-1, before], self.chosen[place, :, :, before] = best, chosen
        reached[:, 1:-1][left == 0] = 0
        reached[:, 1:-1][(left < 0) | (left > 64 - place)] = UNREACHED
        self.cost = reached

    def _trace(self, left: np.ndarray) -> np.ndarray:
        """Forwards from the best number of levels of each block, (n,)."""
        levels, blocks = np.zeros(self.scaled.shape, np.int16), np.arange(len(left))
        state, before = np.zeros(len(left), np.intp), (left <= FEW).astype(np.intp)
        for place in range(1, 64):
            at = np.clip(left - self.left[:, place] + BAND, 0, WIDTH - 1)
            way = np.where(left > 0, self.chosen[place, blocks, at, before, state], 0).astype(np.intp)
            level = np.where(way > 0, self.level[place, blocks, state & 1, way - 1], 0)
            levels[:, self.contexts.order[place]] = level
            state = NEXT[state, level & 1]
            before = (level != 0).astype(np.intp)
            left = left - before
        levels = np.where(self.scaled < 0, -levels, levels)
        levels[:, 0] = np.rint(np.clip(self.scaled[:, 0], -LIMIT, LIMIT))
        return levels
