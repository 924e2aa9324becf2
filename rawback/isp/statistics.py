"""What the quantised luma of a picture looks like: for the decoder's reconstruction points and for the cost of symbols."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rawback.isp import dependent, trellis
from rawback.isp.native.library import call, library


@dataclass(frozen=True)
class Statistics:
    """Of some blocks' AC levels."""

    excess: np.ndarray
    """(3,) sum of |coefficient| - |level| in steps, where the magnitude is 1, 2, larger; (6,) of two quantisers."""
    number: np.ndarray
    """(3,) or (6,): how many there are."""
    symbols: np.ndarray
    """(16, 12) counts of AC symbols (`trellis.symbol_counts`); zeros where they are not asked for."""

    @classmethod
    def of(cls, levels: np.ndarray, steps: np.ndarray, symbols: bool, apart: int = 1, is_dependent: bool = False) -> Statistics:
        """Measure levels (m, n, 64) int16 against the coefficients in steps (m, n, 64) float32 that they stand for.

        is_dependent: by which of two quantisers (`isp.dependent`).
        apart: of each row of blocks the first is looked at, and every so many further on.
        """
        counts = np.zeros((16, trellis.SIZES), np.int64)
        if library() is not None:
            kinds = 6 if is_dependent else 3
            sums, number = np.zeros(kinds), np.zeros(kinds, np.int64)
            arrays = np.ascontiguousarray(levels), np.ascontiguousarray(steps)
            wanted = counts if symbols else None
            call("core_statistics", *arrays, *levels.shape[:2], apart, int(is_dependent), sums, number, wanted)
            return cls(sums, number, counts)
        levels, steps = levels[:, ::apart], steps[:, ::apart]
        none = np.zeros((*levels.shape[:-1], 63), np.uint8)
        of = dependent.quantisers(levels)[..., 1:] if is_dependent else none
        offset = dependent.OFFSETS[of] if is_dependent else np.float32(0)
        magnitude = np.abs(levels[..., 1:])
        kind = (np.minimum(magnitude, 3) + 4 * of).ravel()
        rest = (np.abs(steps[..., 1:]) - (magnitude + offset)).ravel()
        excess, number = (np.bincount(kind, weights, 8 if is_dependent else 4) for weights in (rest, None))
        drawn = np.arange(len(number)) % 4 > 0
        if symbols:
            counts = trellis.symbol_counts(levels.reshape(-1, 64))
        return cls(excess[drawn], number[drawn], counts)

    @classmethod
    def sum(cls, parts: Iterable[Statistics]) -> Statistics:
        """Of all parts together."""
        together = list(parts)
        return cls(*(np.sum([getattr(p, name) for p in together], 0) for name in ("excess", "number", "symbols")))

    def centroids(self) -> np.ndarray:
        """(3,) or (6,) mean excess, 0 where there is nothing to measure; rounded to what the recipe will hold."""
        return np.round(np.clip(self.excess / np.maximum(self.number, 1), -0.49, 0.49), 3)
