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
    values: int = 1
    """Of each pixel, side by side: a frame has so many columns for each of its pixels."""

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
        return self._padded(part, missing) if self.tiles and missing != (0, 0) else part

    def _padded(self, part: np.ndarray, missing: tuple[int, int]) -> np.ndarray:
        """A piece at the edge, with so many rows and columns more."""
        pixels = part.reshape(len(part), -1, self.values)
        more = (missing[0], missing[1] // self.values)
        if self.padding == PAIRS:
            index = (_in_turn(there, there + beyond) for there, beyond in zip(pixels.shape[:2], more, strict=True))
            grown = pixels[np.ix_(*index)]
        else:
            grown = np.pad(pixels, [(0, more[0]), (0, more[1]), (0, 0)], mode="edge" if self.padding == EDGE else "constant")
        return grown.reshape(len(grown), -1)


def flat(frame: np.ndarray) -> np.ndarray:
    """A frame (H, W), or (H, W, 3) of a linear RAW, as rows of values."""
    return frame.reshape(len(frame), -1)


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
