"""Parts of a RAW in fractions of its pixels, and the exact means over them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np


@dataclass(frozen=True)
class Region:
    """A part of the RAW, in pixels of it and fractions of them."""

    y: float
    x: float
    """Of its middle."""
    height: float
    width: float

    @property
    def sides(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where it begins and ends, down and across."""
        return (self.y - self.height / 2, self.y + self.height / 2), (self.x - self.width / 2, self.x + self.width / 2)

    def lies_in(self, shape: tuple[int, ...]) -> bool:
        """Whether it has no part outside of an image (H, W)."""
        return all(start >= 0 and stop <= side for (start, stop), side in zip(self.sides, shape, strict=True))

    def part(self, shape: tuple[int, ...], top: float, left: float, height: float, width: float) -> Region:
        """What a rectangle takes of it, in pixels of a picture (h, w) that lies on all of it."""
        down, across = self.height / shape[0], self.width / shape[1]
        (first, _), (left_end, _) = self.sides
        return Region(first + (top + height / 2) * down, left_end + (left + width / 2) * across, height * down, width * across)


def everything(shape: tuple[int, ...]) -> Region:
    """All of an image (H, W)."""
    return Region(shape[0] / 2, shape[1] / 2, *map(float, shape[:2]))


def means(plane: np.ndarray, region: Region, rows: int, columns: int) -> np.ndarray:
    """Exact means (rows, columns) of a plane (H, W) float32 over the even parts of a region that lies in it."""
    (top, bottom), (left, right) = region.sides
    down = _row_sums(plane, np.linspace(top, bottom, rows + 1))
    sums = _row_sums_across(down, np.linspace(left, right, columns + 1))
    return sums * np.float32(rows * columns / ((bottom - top) * (right - left)))


def _row_sums(plane: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Sums of rows between places `at` (n + 1,), fractions of them included: (n, W)."""
    whole, share = _split(at, len(plane))
    sums = np.empty((len(at) - 1, plane.shape[1]), np.float32)
    for into, (start, stop) in zip(sums, pairwise(whole.tolist()), strict=True):
        np.add.reduce(plane[start:stop], axis=0, out=into)
    ends = plane[whole] * share[:, None]
    sums -= ends[:-1]
    sums += ends[1:]
    return sums


def _row_sums_across(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The same along rows (n, W) -> (n, len(at) - 1)."""
    whole, share = _split(at, rows.shape[1])
    sums = np.add.reduceat(rows, whole, axis=1)[:, :-1]
    sums[:, whole[:-1] == whole[1:]] = 0  # reduceat gives what stands there
    ends = rows[:, whole] * share
    sums -= ends[:, :-1]
    sums += ends[:, 1:]
    return sums


def _split(at: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Places as whole pixels of so many, and the share of that pixel that lies before them."""
    whole = np.clip(at.astype(np.intp), 0, size - 1)
    return whole, (at - whole).astype(np.float32)


def block_means(picture: np.ndarray, side: int) -> np.ndarray:
    """Means of a picture (h, w) or (h, w, C) float32 over squares of whole pixels, without what is left over."""
    rows, columns = (size // side for size in picture.shape[:2])
    picture = picture[: rows * side, : columns * side]
    down = picture[::side].copy()
    for i in range(1, side):
        down += picture[i::side]
    across = down[:, ::side].copy()
    for i in range(1, side):
        across += down[:, i::side]
    across *= np.float32(1 / side**2)
    return across
