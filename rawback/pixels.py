"""A picture as its pixels: what is left to work on where a file has no coefficients that can be used."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Pixels:
    """A decoded picture, grey or RGB."""

    values: np.ndarray
    """(H, W) or (H, W, 3), uint8 or uint16, display-encoded over the whole range of the type."""

    @property
    def width(self) -> int:
        """Columns."""
        return self.values.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.values.shape[0]

    def strip(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop as planes (3, rows, width) float32, 0..1."""
        rows = self.values[start:stop].astype(np.float32) / np.float32(np.iinfo(self.values.dtype).max)
        return np.broadcast_to(rows, (3, *rows.shape)) if rows.ndim == 2 else np.moveaxis(rows, -1, 0)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """(H, W, ...) turned as EXIF orientation 1..8 asks (tag 274); a view."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def as_stored(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The inverse of `upright`."""
    return upright(pixels, {6: 8, 8: 6}.get(orientation, orientation))
