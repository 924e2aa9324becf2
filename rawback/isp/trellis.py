"""Rate-distortion optimised quantisation of luma: which levels are worth their bits.

A block's levels are chosen together, by dynamic programming over the zigzag scan: the cost of a level depends on the
run of zeros before it (ITU T.81, F.1.2.2). Distortion is the squared error of the coefficient, which is that of luma.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rawback.isp.levels import LIMIT, ZIGZAG
from rawback.isp.native.library import call, library

LAMBDA = 0.14
"""Squared quantiser steps that a bit is worth: flat optimum over 0.12 to 0.16 in both metrics, at all rates."""
SIZES = 12  # bits of a level's magnitude: 0 to 11
CHUNK = 4096  # blocks worked on at a time, to stay in the cache


@dataclass(frozen=True)
class Bits:
    """What AC symbols cost, in bits: estimated from a picture's own levels, as its Huffman table will be."""

    level: np.ndarray
    """(SIZES, 63) float32: a level of that size after that many zeros, its own bits and those of ZRL included."""
    end: float
    """End of block."""

    def priced(self, kinds: np.ndarray, price: float = LAMBDA, weights: Sequence[float] = (1.0,)) -> Prices:
        """At `price` squared steps for a bit, times the weight that each of some blocks has by its kind (N,) uint8."""
        each = price * np.array(weights)
        level = np.ascontiguousarray(each.astype(np.float32)[:, None, None] * self.level)
        cheapest = np.ascontiguousarray(np.minimum.accumulate(level[..., ::-1], -1)[..., ::-1])
        return Prices(level, cheapest, (each * self.end).astype(np.float32), np.ascontiguousarray(kinds))


@dataclass(frozen=True)
class Prices:
    """What AC symbols cost, in squared steps."""

    level: np.ndarray
    """(kinds, SIZES, 63) float32, as `Bits.level`, for blocks of each kind."""
    cheapest: np.ndarray
    """(kinds, SIZES, 63) float32: the least price after so many zeros or more."""
    end: np.ndarray
    """(kinds,) float32."""
    kinds: np.ndarray
    """(N,) uint8: which kind each block is of."""


def symbol_counts(levels: np.ndarray) -> np.ndarray:
    """AC symbols in (N, 64) levels of natural order: (16, SIZES) counts of run and size; [0, 0] end of block, [15, 0] ZRL."""
    if library() is not None and levels.dtype == np.int16:
        counts = np.zeros((16, SIZES), np.int64)
        call("core_symbol_counts", np.ascontiguousarray(levels), len(levels), counts)
        return counts
    _, run, size, is_full = runs(levels)
    counts = np.bincount((run % 16) * SIZES + size, minlength=16 * SIZES).reshape(16, SIZES)
    counts[15, 0] += int((run // 16).sum())
    counts[0, 0] += len(levels) - np.count_nonzero(is_full)
    return counts


def runs(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of (N, 64) levels of natural order: block, zeros before and bits of each AC level; which blocks need no end (N,) bool."""
    scanned = levels[:, ZIGZAG[1:]]
    block, at = np.nonzero(scanned)
    before = np.roll(at, 1)
    first = np.concatenate([[True], block[1:] != block[:-1]])[: len(block)]
    run = np.where(first, at, at - before - 1)
    return block, run, magnitude_bits(scanned[block, at]), scanned[:, -1] != 0


def bits_by_block(levels: np.ndarray, bits: Bits) -> np.ndarray:
    """(N, 64) levels in natural order -> (N,) bits that the AC levels of each take."""
    if library() is not None and levels.dtype == np.int16:
        taken = np.empty(len(levels))
        prices = np.ascontiguousarray(bits.level), np.array([bits.end])
        call("core_block_bits", np.ascontiguousarray(levels), len(levels), *prices, taken)
        return taken
    block, run, size, is_full = runs(levels)
    return np.bincount(block, bits.level[size, run], len(levels)) + np.where(is_full, 0, bits.end)


def bits_of(counts: np.ndarray) -> Bits:
    """Costs from symbol counts: the ideal code length, which Huffman's comes close to and never exceeds 16."""
    smoothed = counts + 0.3
    lengths = np.minimum(-np.log2(smoothed / smoothed.sum()), 16)
    runs = np.arange(63)
    level = lengths[runs % 16].T + np.arange(SIZES)[:, None] + (runs // 16) * lengths[15, 0]
    return Bits(level.astype(np.float32), float(lengths[0, 0]))


def magnitude_bits(levels: np.ndarray) -> np.ndarray:
    """Bits of |level|: 1 for 1, 2 for 2 and 3, ..."""
    return np.frexp(np.abs(levels).astype(np.float32))[1]


def optimise(scaled: np.ndarray, prices: Prices, centroids: np.ndarray) -> np.ndarray:
    """Coefficients in steps (N, 64) float32, natural order -> (N, 64) int16 levels; DC is rounded.

    `centroids` (3,): what the decoder adds to the magnitudes 1, 2 and larger.
    """
    levels, shifts = np.empty(scaled.shape, np.int16), np.asarray(centroids, np.float32)
    if library() is not None:
        scaled = np.ascontiguousarray(scaled)
        call("core_trellis", scaled, len(scaled), prices.level, prices.cheapest, prices.end, prices.kinds, shifts, levels)
        return levels
    for start in range(0, len(scaled), CHUNK):
        part = slice(start, start + CHUNK)
        levels[part] = _Scan(scaled[part], prices, prices.kinds[part], shifts).levels()
    return levels


def with_signs(magnitudes: np.ndarray, scaled: np.ndarray) -> np.ndarray:
    """Magnitudes (N, 64) int16 in the order of the scan -> levels in natural order, signed as `scaled`; DC rounded from it."""
    levels = np.zeros(scaled.shape, np.int16)
    levels[:, ZIGZAG] = magnitudes
    levels = np.where(scaled < 0, -levels, levels)
    levels[:, 0] = np.rint(np.clip(scaled[:, 0], -LIMIT, LIMIT))
    return levels


class _Scan:
    """Some blocks, scanned: the cheapest way to end with a level at each position, and where it came from."""

    def __init__(self, scaled: np.ndarray, prices: Prices, kinds: np.ndarray, centroids: np.ndarray) -> None:
        self.scaled, self.prices, self.kinds, self.centroids = scaled, prices, kinds, centroids
        self.magnitude = np.abs(scaled[:, ZIGZAG])
        self.magnitude[:, 0] = 0
        shape = self.magnitude.shape
        self.cost = np.full(shape, np.float32(1e9))  # of ending at a position, less the distortion of nothing but zeros
        self.cost[:, 0] = 0
        self.previous = np.zeros(shape, np.int8)
        self.chosen = np.zeros(shape, np.int16)

    def levels(self) -> np.ndarray:
        """(N, 64) int16, natural order."""
        for position in range(1, 64):
            blocks = np.flatnonzero(self.magnitude[:, position] >= 0.5)
            if len(blocks):
                self._reach(position, blocks)
        return with_signs(self._trace(), self.scaled)

    def _reach(self, position: int, blocks: np.ndarray) -> None:
        """Try the nearest level and the one below it, after every earlier level of the block."""
        before = self.cost[blocks, :position]
        magnitude = self.magnitude[blocks, position]
        upper = np.minimum(np.floor(magnitude + np.float32(0.5)), LIMIT).astype(np.int16)
        prices = self.prices.level[:, :, position - 1 :: -1] if position > 1 else self.prices.level[:, :, :1]
        best = np.full(len(blocks), np.float32(1e9))
        for level in (upper, upper - 1):
            total = before + prices[self.kinds[blocks], magnitude_bits(np.maximum(level, 1))]
            origin = total.argmin(1)
            error = magnitude - level - self.centroids[np.clip(level - 1, 0, 2)]
            cost = total[np.arange(len(blocks)), origin] + error**2 - magnitude**2
            better = (cost < best) & (level > 0)
            best = np.where(better, cost, best)
            self.previous[blocks[better], position] = origin[better]
            self.chosen[blocks[better], position] = level[better]
        self.cost[blocks, position] = best

    def _trace(self) -> np.ndarray:
        """Walk back from the best last level of each block."""
        end = self.prices.end[self.kinds]
        ended = self.cost + end[:, None]
        ended[:, 63] -= end
        at = ended.argmin(1)
        levels = np.zeros(self.magnitude.shape, np.int16)
        blocks = np.flatnonzero(at)
        while len(blocks):
            levels[blocks, at[blocks]] = self.chosen[blocks, at[blocks]]
            at[blocks] = self.previous[blocks, at[blocks]]
            blocks = blocks[at[blocks] > 0]
        return levels
