"""How a frame is cut into the pieces that a file stores one by one: strips, tiles, or the slices of Canon's CR2."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

ZEROS, EDGE, PAIRS = "zeros", "edge", "pairs"
PADDINGS = (ZEROS, EDGE, PAIRS)
"""What a tile holds beyond the frame: nothing; its last sample again; its last two in turn."""


@dataclass(frozen=True)
class Grid:
    """Pieces of `rows` x `columns` in rows over a frame; strips are as wide as it is, and the last ends with it."""

    frame: tuple[int, int]
    """Height and width."""
    rows: int
    columns: int
    tiles: bool
    """Whether pieces at the edges go on beyond the frame."""
    padding: str = ZEROS

    @cached_property
    def corners(self) -> list[tuple[int, int]]:
        """Top and left of each piece."""
        height, width = self.frame
        return [(top, left) for top in range(0, height, self.rows) for left in range(0, width, self.columns)]

    def piece(self, frame: np.ndarray, number: int) -> np.ndarray:
        """(rows, columns) uint16 of a frame."""
        top, left = self.corners[number]
        part = frame[top : top + self.rows, left : left + self.columns]
        missing = (self.rows - part.shape[0], self.columns - part.shape[1])
        if not self.tiles or missing == (0, 0):
            return part
        if self.padding == ZEROS:
            return np.pad(part, [(0, missing[0]), (0, missing[1])])
        if self.padding == EDGE:
            return np.pad(part, [(0, missing[0]), (0, missing[1])], mode="edge")
        return part[np.ix_(*(_in_turn(there, there + more) for there, more in zip(part.shape, missing, strict=True)))]


def _in_turn(there: int, count: int) -> np.ndarray:
    """0, 1, ... and beyond what is there its last two in turn."""
    index = np.arange(count)
    return np.where(index < there, index, np.maximum(there - 2 + (index - there) % 2, 0))


def in_slices(frame: np.ndarray, slices: tuple[int, int]) -> np.ndarray:
    """A frame as Canon's CR2 goes through it: columns in slices of one width, and a last one; (H * W,) uint16.

    slices: how many of the first width there are, and that width.
    """
    count, width = slices
    return np.concatenate([frame[:, i * width : (i + 1) * width if i < count else None].ravel() for i in range(count + 1)])
