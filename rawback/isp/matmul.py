"""Matrix products that stay on the thread that asks for them.

BLAS shares a large product out to threads of its own, which then wait busily beside ours: with them, all takes several
times as long. Small products it does at once, so large ones are cut up; numpy loops over the parts at no cost.
"""

from __future__ import annotations

import numpy as np

SMALL = 1 << 16
"""Multiplications in a part; OpenBLAS takes to threads from 2^18 on."""


def times(rows: np.ndarray, matrix: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """(n, k) @ (k, m) float32 -> (n, m), into `out` if it is given; `rows` and `out` in one piece."""
    found = np.empty((len(rows), matrix.shape[1]), np.float32) if out is None else out
    count = max(SMALL // matrix.size, 1)
    whole = len(rows) // count * count
    if whole:
        parts = rows[:whole].reshape(-1, count, rows.shape[1])
        np.matmul(parts, matrix, out=found[:whole].reshape(-1, count, matrix.shape[1]))
    if whole < len(rows):
        np.matmul(rows[whole:], matrix, out=found[whole:])
    return found
