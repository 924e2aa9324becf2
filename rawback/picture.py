"""A picture as its quantised coefficients (what `render` chooses and `recover` reads), or as its pixels where it has none."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Bijection(Protocol):
    """One direction of a flow (`nets.parts.FlowPart`)."""

    halo: int
    """Rows of context above and below that a strip needs."""

    def __call__(self, srgb: np.ndarray) -> np.ndarray:
        """Extended sRGB planes (3, rows, width) float32 of a strip that begins at an even row -> another look's."""
        ...


@dataclass
class Coefficients:
    """The coded picture: one luma plane alone, or luma, Cb and Cr."""

    width: int
    height: int
    planes: list[np.ndarray]
    """Per component (block rows, block columns, 64) int16 levels in natural order."""
    tables: list[np.ndarray]
    """Per component (64,) uint16 quantisation table in natural order."""
    factors: tuple[int, int] = (1, 1)
    """Rows and columns of luma for one chroma sample: (1, 1) is 4:4:4, (1, 2) 4:2:2, (2, 2) 4:2:0."""

    centroids: tuple[float, ...] = ()
    """What the decoder adds to luma magnitudes 1, 2 and larger, in steps, of each quantiser (see `isp.dct.dequantise`); not in
    the file."""
    dependent: bool = False
    """Whether luma has two quantisers (`isp.dependent`), of which viewers know one; not in the file."""
    wide: tuple[np.ndarray, ...] | None = None
    """What the decoder adds to the levels of Cb and Cr (`isp.wide_chroma`), of their shapes, int16; not in the picture."""
    undo: Bijection | None = None
    """The way back through the flow that the picture was rendered with; not in the file."""

    def chroma(self, component: int, rows: slice) -> np.ndarray:
        """Rows of blocks of Cb (1) or Cr (2) as the decoder takes them, (rows, columns, 64)."""
        levels = self.planes[component][rows]
        return levels if self.wide is None else levels + self.wide[component - 1][rows]

    def sha256(self) -> str:
        """Hash of size, tables and levels: the same for every file that decodes to the same picture."""
        digest = hashlib.sha256(repr((self.width, self.height, self.factors)).encode())
        for plane, table in zip(self.planes, self.tables, strict=True):
            digest.update(np.asarray(table, "<u2").tobytes())
            digest.update(np.ascontiguousarray(plane, "<i2").data)
        return digest.hexdigest()


@dataclass
class Pixels:
    """A decoded picture, grey or RGB."""

    values: np.ndarray
    """(H, W) or (H, W, 3), uint8 or uint16, display-encoded over the whole range of the type; or float32, 1 being white."""

    @property
    def width(self) -> int:
        """Columns."""
        return self.values.shape[1]

    @property
    def height(self) -> int:
        """Rows."""
        return self.values.shape[0]

    @property
    def white(self) -> int:
        """The value of the code 1."""
        return 1 if self.values.dtype.kind == "f" else np.iinfo(self.values.dtype).max

    def strip(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop as planes (3, rows, width) float32, 0..1."""
        rows = self.values[start:stop].astype(np.float32) / np.float32(self.white)
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
