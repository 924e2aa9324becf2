"""Dependent quantisation (as in ITU-T H.266, which has four states where these are eight): what a level stands for hangs on
those before.

Along the scan of a block's AC levels a state of 0..7 is kept, 0 at first; after level n it is 2 s mod 8 + (n + bits of s that
are set) mod 2. A level that is not 0 stands for a quarter of a step more in an even state, in an odd one for a quarter less: so
viewers, who take levels as they are, are off by no more. Together the two quantisers have twice the values of a table's steps,
and the encoder chooses a path on which the right ones are at hand.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rawback.isp.levels import LIMIT, ZIGZAG

STATES = 8
OFFSETS = np.array([0.25, -0.25], np.float32)
"""By what magnitudes of the first and of the second quantiser are more than their level, in steps."""
NEXT = np.array([[s << 1 & 6 | (s.bit_count() + odd & 1) for odd in (0, 1)] for s in range(STATES)])
"""(STATES, 2): the state after an even and an odd level."""


def quantisers(levels: np.ndarray) -> np.ndarray:
    """(..., 64) int16 levels, natural order -> (..., 64) uint8: 1 where a level is of the second quantiser. DC: 0."""
    of, state = np.zeros(levels.shape, np.uint8), np.zeros(levels.shape[:-1], np.intp)
    for at in ZIGZAG[1:]:
        of[..., at] = state & 1
        state = NEXT[state, levels[..., at] & 1]
    return of


@lru_cache(maxsize=4)
def answers(centroids: tuple[float, ...]) -> np.ndarray:
    """What the levels -LIMIT..LIMIT stand for in either quantiser, in steps: (2, 2 LIMIT + 1) float32.

    centroids: what to add to the magnitudes 1, 2 and larger, in steps, of the first quantiser, then of the second; or nothing.
    """
    shifts = np.array(centroids or (0,) * 6, np.float32).reshape(2, 3)[:, np.minimum(np.arange(LIMIT), 2)]
    magnitudes = np.arange(1, LIMIT + 1, dtype=np.float32) + OFFSETS[:, None] + shifts
    return np.concatenate([-magnitudes[:, ::-1], np.zeros((2, 1), np.float32), magnitudes], 1)


def values(levels: np.ndarray, by: np.ndarray) -> np.ndarray:
    """(..., 64) int16 levels, natural order -> what they stand for by `answers`, in steps (float32)."""
    index = np.clip(levels, -LIMIT, LIMIT).astype(np.intp)
    index += LIMIT + quantisers(levels) * np.intp(by.shape[1])
    stand_for = by.ravel().take(index)
    stand_for[..., 0] = levels[..., 0]
    return stand_for
