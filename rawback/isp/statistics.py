"""What the quantised luma of a picture looks like: for the decoder's reconstruction points and for the cost of symbols."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rawback.isp import trellis
from rawback.isp.native.library import call, library


@dataclass(frozen=True)
class Statistics:
    """Of some blocks' AC levels."""

    excess: np.ndarray
    """(3,) sum of |coefficient| - |level| in steps, where the magnitude is 1, 2, larger."""
    number: np.ndarray
    """(3,) how many there are."""
    symbols: np.ndarray
    """(16, 12) counts of AC symbols (`trellis.symbol_counts`); zeros where they are not asked for."""

    @classmethod
    def of(cls, levels: np.ndarray, steps: np.ndarray, symbols: bool, apart: int = 1) -> Statistics:
        """Measure levels (m, n, 64) int16 against the coefficients in steps (m, n, 64) float32 that they stand for.

        apart: of each row of blocks the first is looked at, and every so many further on.
        """
        counts = np.zeros((16, trellis.SIZES), np.int64)
        if library() is not None:
            sums, number = np.zeros(3), np.zeros(3, np.int64)
            arrays = np.ascontiguousarray(levels), np.ascontiguousarray(steps)
            wanted = counts if symbols else None
            call("core_statistics", *arrays, *levels.shape[:2], apart, trellis.ZIGZAG, sums, number, wanted)
            return cls(sums, number, counts)
        levels, steps = levels[:, ::apart], steps[:, ::apart]
        magnitude = np.abs(levels[..., 1:])
        kind = np.minimum(magnitude, 3).ravel()
        rest = (np.abs(steps[..., 1:]) - magnitude).ravel()
        excess = np.bincount(kind, weights=rest, minlength=4)[1:]
        if symbols:
            counts = trellis.symbol_counts(levels.reshape(-1, 64))
        return cls(excess, np.bincount(kind, minlength=4)[1:], counts)

    @classmethod
    def sum(cls, parts: Iterable[Statistics]) -> Statistics:
        """Of all parts together."""
        together = list(parts)
        return cls(*(np.sum([getattr(p, name) for p in together], 0) for name in ("excess", "number", "symbols")))

    def centroids(self) -> np.ndarray:
        """(3,) mean excess, 0 where there is nothing to measure; rounded to what the recipe will hold."""
        return np.round(np.clip(self.excess / np.maximum(self.number, 1), -0.49, 0.49), 3)
