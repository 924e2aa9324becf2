"""Matrix products that do not depend on how a frame is cut up, and stay on the thread that asks for them.

The last bit of a product's element hangs on the way it takes through BLAS: on the processor (with fused multiply-add or
without), on the product's shape, and on where in it the element lies (OpenBLAS' Haswell kernel takes 12 rows one way and
4 another). So every product here has a shape, and every element a place in it, that follow from the frame's width alone:
strips of any height, and any number of threads, give the same bits. Another processor may give other last bits, and so a
DN more or less in the mosaic that the inverse pass rounds to; the lossless layer, all integers, knows no products of
floats.

BLAS shares a large product out to threads of its own, which then wait busily beside ours: with them, all takes several
times as long. Small products it does at once, so large ones are cut up; numpy loops over the parts at no cost.
"""

from __future__ import annotations

import numpy as np

SMALL = 1 << 16
"""Multiplications in a part; OpenBLAS takes to threads from 2^18 on."""
COLUMNS = 1 << 12
"""Of planes that are mixed at a time."""


def times(rows: np.ndarray, matrix: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """(..., n, k) @ (k, m) float32 -> (..., n, m), into `out` if it is given; the last two axes of both in one piece.

    Each (n, k) is cut anew, from its first row on: give a row of the frame's blocks as one.
    """
    lead, (n, k), m = rows.shape[:-2], rows.shape[-2:], matrix.shape[1]
    product = np.empty((*lead, n, m), np.float32) if out is None else out
    count = max(SMALL // matrix.size, 1)
    cut = n // count * count
    if cut:
        parts = rows[..., :cut, :].reshape(*lead, -1, count, k)  # a view, as splitting an axis always is
        np.matmul(parts, matrix, out=product[..., :cut, :].reshape(*lead, -1, count, m))
    if cut < n:
        np.matmul(rows[..., cut:, :], matrix, out=product[..., cut:, :])
    return product


def mix(matrix: np.ndarray, planes: np.ndarray) -> np.ndarray:
    """A matrix (m, n) times n planes (n, rows, width) -> (m, rows, width), row by row of the frame."""
    _, height, width = planes.shape
    mixed = np.empty((len(matrix), height, width), np.result_type(matrix, planes))
    by_row, into = np.ascontiguousarray(planes).swapaxes(0, 1), mixed.swapaxes(0, 1)  # (rows, n, width), (rows, m, width)
    for start in range(0, width, COLUMNS):
        at = slice(start, start + COLUMNS)
        np.matmul(matrix, by_row[..., at], out=into[..., at])
    return mixed
