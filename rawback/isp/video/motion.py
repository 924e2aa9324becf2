"""Motion between two frames of a clip, block by block, and frames brought to where another one's things are.

A vector says where the things in a block of the current frame lie in another frame: rows down, columns right, in cells of
a Bayer mosaic (2x2 photosites), in quarters of a cell. Found from coarse to fine by the least sum of squared differences
over windows that overlap; where noise hides what is right, a block goes with those around it.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

BLOCK = 8
"""Rows and columns of cells that have one vector."""
AROUND = 4
"""Cells around a block that are compared too: noise is averaged over them."""
WINDOW = BLOCK + 2 * AROUND
"""Cells along what is compared."""
FINEST = 4
"""Parts of a cell in which vectors are counted, as video codecs do: what does not move comes out as not moving."""
LEVELS = 5
"""Of the pyramid, the coarsest 1/16 of the size; each step of the search there is 16 cells."""
FAR, NEAR = 4, 1
"""Steps that are searched in each direction on the coarsest level, and on all others."""
RELUCTANCE, MOST = 0.2, 2.0
"""What a vector costs for each cell by which it leaves those around it, up to so many cells, in shares of the median cost."""
CHANCE = 1.4
"""By this factor the mean of nine vectors' costs exceeds the least where there is only noise; a clear block has more."""
REACHES = (1, 3)
"""Blocks on each side that are asked what they agree on."""
OUTLIER = 4.0
"""In the search for what moves most of the frame, no block counts more than this, in multiples of its least cost."""
DARK = 0.005
"""Below this share of white most noise is not that of light."""
TAPS = 4
"""Of the filter that finds values between cells (Catmull and Rom's)."""
FRAME = WINDOW + TAPS - 1
"""Cells by which planes are continued on each side."""


def guide(samples: np.ndarray) -> np.ndarray:
    """Bayer samples (H, W), 0 black, 1 white -> planes (H // 2, W // 2) float32 which motion is found in.

    The root of the means of whole cells: the noise of light is alike in all tones then.
    """
    rows, columns = (size // 2 * 2 for size in samples.shape)
    cells = samples[:rows, :columns].astype(np.float32).reshape(rows // 2, 2, columns // 2, 2)
    return np.sqrt(np.maximum(cells.mean((1, 3)), 0) + np.float32(DARK))


def field(other: np.ndarray, current: np.ndarray) -> np.ndarray:
    """Where the blocks of `current` lie in `other`: (rows, columns, 2) float32 in cells, down and right.

    Both (h, w) float32 of any unit, at least one cell; the last block of a row or column may be cut by the frame.
    """
    pairs = [(other, current)]
    while len(pairs) < LEVELS and min(pairs[-1][1].shape) >= 2 * WINDOW:
        pairs.append((_halved(pairs[-1][0]), _halved(pairs[-1][1])))
    common, vectors = np.zeros(2, np.int32), None
    for number, pair in enumerate(reversed(pairs)):
        match, reach = _Match(*pair), NEAR if number else FAR
        common = match.common(2 * common, reach)
        still = np.zeros((*match.shape, 2), np.int32)
        start = still if vectors is None else _inherited(match, vectors, common)
        vectors = match.refined(start, reach, common)
    assert vectors is not None
    return vectors.astype(np.float32) + match.between(vectors)


def framed(planes: np.ndarray) -> np.ndarray:
    """Planes (..., h, w) with their edge repeated around them, so that `squares` can be cut."""
    return np.pad(planes, [(0, 0)] * (planes.ndim - 2) + [(FRAME, FRAME)] * 2, mode="edge")


def squares(planes: np.ndarray, vectors: np.ndarray, side: int = BLOCK, before: int = 0, first: int = 0) -> np.ndarray:
    """Squares (n, rows, columns, side, side) of `framed` planes (n, h, w): what lies where the vectors point.

    One for each block, that begins `before` cells before it; `first`: of the rows of blocks that the vectors are of.
    Whole cells come back exactly; between them by Catmull and Rom's cubic. What lies outside the frame is its edge.
    """
    cells = np.floor(vectors).astype(np.int32)
    fraction = vectors - cells
    if not fraction.any():
        return np.stack([_cut(plane, cells, side, before, first) for plane in planes])
    down, right = (_taps(fraction[..., axis], side) for axis in (0, 1))
    wider = side + TAPS - 1
    return np.stack([down @ _cut(plane, cells, wider, before + 1, first) @ right.swapaxes(-1, -2) for plane in planes])


class _Match:
    """Two planes of one level, and what vectors between them cost."""

    def __init__(self, other: np.ndarray, current: np.ndarray) -> None:
        self.shape = tuple(-(-size // BLOCK) for size in current.shape)
        self.other = framed(other)
        self.windows = _cut(framed(current), np.zeros((*self.shape, 2), np.int32), WINDOW, AROUND)

    def costs(self, vectors: np.ndarray) -> np.ndarray:
        """Mean squared differences (rows, columns) with which whole vectors (rows, columns, 2) meet."""
        missing = _cut(self.other, vectors, WINDOW, AROUND)
        missing -= self.windows
        flat = missing.reshape(*self.shape, -1)
        return np.einsum("rci,rci->rc", flat, flat) / np.float32(WINDOW**2)

    def best(self, candidates: Iterable[np.ndarray], expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of several vectors for each block the cheapest, leaving what is expected costing too; and how clear that is."""
        vectors = [*candidates]
        tried, costs = np.stack(vectors), np.stack([self.costs(vector) for vector in vectors])
        least = costs.min(0)
        clear = np.square(np.maximum(costs.mean(0) / (least + np.float32(1e-12)) - CHANCE, 0))
        away = np.abs(tried - expected).sum(-1)
        costs += np.float32(RELUCTANCE) * np.median(least) * np.minimum(away, MOST)
        return np.take_along_axis(tried, costs.argmin(0)[None, ..., None], 0)[0], clear

    def common(self, start: np.ndarray, reach: int) -> np.ndarray:
        """The vector (2,) within `reach` steps of `start` that suits most of the frame."""
        tried = start + _steps(reach)
        costs = np.stack([self.costs(np.broadcast_to(vector, (*self.shape, 2))) for vector in tried])
        return tried[np.minimum(costs, OUTLIER * costs.min(0)).mean((1, 2)).argmin()]

    def refined(self, start: np.ndarray, reach: int, common: np.ndarray) -> np.ndarray:
        """The best of all vectors within `reach` steps of those at the start, then of what blocks around agree on."""
        chosen, clear = self.best((start + step for step in _steps(reach)), _smoothed(start))
        agreed = _agreed(chosen, clear, common)
        chosen, _ = self.best([chosen, *(np.rint(vectors).astype(np.int32) for vectors in agreed)], agreed[0])
        return self.best((chosen + step for step in _steps(NEAR)), agreed[0])[0]

    def between(self, vectors: np.ndarray) -> np.ndarray:
        """What is to be added to the best whole vectors: the lowest point of the parabola through them and those beside."""
        here, parts = self.costs(vectors), []
        for step in np.eye(2, dtype=np.int32):
            less, more = self.costs(vectors - step), self.costs(vectors + step)
            bend = np.maximum(less + more - 2 * here, np.float32(1e-30))
            parts.append(np.clip((less - more) / (2 * bend), -0.5, 0.5))
        return (np.rint(np.stack(parts, -1) * FINEST) / FINEST).astype(np.float32)


def _inherited(match: _Match, coarse: np.ndarray, common: np.ndarray) -> np.ndarray:
    """Vectors for the blocks of a level from the coarser one: of those around a block the best, or one of the frame's."""
    rows, columns = match.shape
    framed = np.pad(2 * coarse, ((1, 1), (1, 1), (0, 0)), mode="edge")
    row, column = (np.arange(size) // 2 + 1 for size in (rows, columns))
    down, right = (np.arange(size) % 2 * 2 - 1 for size in (rows, columns))
    near = [(row, column), (row + down, column), (row, column + right), (row + down, column + right)]
    candidates = [framed[r[:, None], c[None]] for r, c in near]
    of_frame = [np.broadcast_to(vector, (rows, columns, 2)) for vector in (common, np.zeros_like(common))]
    return match.best([*candidates, *of_frame], _smoothed(candidates[0]))[0]


def _agreed(vectors: np.ndarray, clear: np.ndarray, common: np.ndarray) -> list[np.ndarray]:
    """Means over ever more blocks around each, the clearer ones counting more; where none is clear, what is common."""
    both = np.concatenate([vectors * clear[..., None], clear[..., None]], -1)
    frame = np.array([*common, 1], np.float32)
    means = []
    for reach in REACHES:
        framed = np.pad(both, ((reach, reach), (reach, reach), (0, 0)))
        sums = sliding_window_view(framed, (2 * reach + 1,) * 2, (0, 1)).sum((-1, -2)) + frame
        means.append(sums[..., :2] / sums[..., 2:])
    return [*means, np.broadcast_to(common, vectors.shape)]


def _steps(reach: int) -> np.ndarray:
    """All steps of up to `reach` down and right, the shortest first, which win where all cost the same: (n, 2)."""
    steps = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T.astype(np.int32)
    return steps[np.square(steps).sum(1).argsort(kind="stable")]


def _smoothed(vectors: np.ndarray) -> np.ndarray:
    """The median of each block and those around it, by component."""
    framed = np.pad(vectors, ((1, 1), (1, 1), (0, 0)), mode="edge")
    return np.median(sliding_window_view(framed, (3, 3), (0, 1)).reshape(*vectors.shape, 9), -1)


def _cut(plane: np.ndarray, vectors: np.ndarray, side: int, before: int, first: int = 0) -> np.ndarray:
    """`squares` (rows, columns, side, side) of one plane, by whole vectors."""
    corners = []
    for axis, size in enumerate(vectors.shape[:2]):
        at = np.arange(size, dtype=np.int32) * BLOCK + FRAME - before
        at = at[:, None] + first * BLOCK if axis == 0 else at[None]
        corners.append((at + vectors[..., axis]).clip(0, plane.shape[axis] - side))
    return sliding_window_view(plane, (side, side))[corners[0], corners[1]]


def _halved(plane: np.ndarray) -> np.ndarray:
    """Means of 2x2, an odd edge repeated."""
    even = np.pad(plane, [(0, size % 2) for size in plane.shape], mode="edge")
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / np.float32(4)


def _taps(part: np.ndarray, side: int) -> np.ndarray:
    """Parts of a cell (rows, columns) -> matrices (rows, columns, side, side + TAPS - 1) that shift by them."""
    t = part[..., None].astype(np.float32)
    powers = np.concatenate([t**3, t**2, t, np.ones_like(t)], -1)
    cubic = np.array([[-1, 3, -3, 1], [2, -5, 4, -1], [-1, 0, 1, 0], [0, 2, 0, 0]], np.float32) / 2
    weights = powers @ cubic
    matrices = np.zeros((*part.shape, side, side + TAPS - 1), np.float32)
    for row in range(side):
        matrices[..., row, row : row + TAPS] = weights
    return matrices
