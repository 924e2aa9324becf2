"""A frame in strips of rows with exactly the context that a net sees, so that strips give what the whole gives."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np


def strips(height: int, rows: int, halo: int) -> Iterator[tuple[int, int, int, int]]:
    """(start, stop, first, last): rows start..stop are wanted, first..last are to be fed. Multiples of 16 in, and out."""
    for start in range(0, height, rows):
        stop = min(start + rows, height)
        yield start, stop, max(start - halo, 0), min(-(-stop // 16) * 16 + halo, height)


def in_strips(function: Callable[..., np.ndarray], planes: list[np.ndarray], rows: int, halo: int) -> np.ndarray:
    """Apply a function of (H, W) arrays that needs `halo` rows of context strip by strip: (H, W) float32."""
    height = planes[0].shape[0]
    parts = []
    for start, stop, first, last in strips(height, rows, halo):
        parts.append(function(*(plane[first:last] for plane in planes))[start - first : stop - first])
    return np.concatenate(parts)
