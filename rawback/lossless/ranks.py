"""Sensor values counted by rank: many cameras stretch their values and so use only some of them.

A GoPro uses every fifth DN: coding which of the *used* values it is saves more than two bits a photosite.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.errors import RawbackError

VALUES = 1 << 16
"""Of a uint16."""
SPARSE = 0.6
"""A colour is counted by rank if it uses no more than this share of its range; else rank is value."""


@dataclass(frozen=True)
class Ranks:
    """Which values each colour uses: (3, 65536) bool; all True where rank is value."""

    used: np.ndarray

    @classmethod
    def of(cls, mosaic: np.ndarray, cfa: np.ndarray) -> Ranks:
        """From all of the visible mosaic, (H, W) uint16; or (H, W, 3), where each pixel has all three values."""
        rows, columns = cfa.shape
        used = np.zeros((3, VALUES), bool)
        for (i, j), colour in np.ndenumerate(cfa):
            used[colour, (mosaic[..., colour] if mosaic.ndim == 3 else mosaic[i::rows, j::columns]).ravel()] = True
        for line in used:
            values = np.flatnonzero(line)
            if not len(values) or len(values) > SPARSE * (values[-1] - values[0] + 1):
                line[:] = True
        return cls(used)

    @property
    def plain(self) -> bool:
        """Whether rank is value everywhere."""
        return bool(self.used.all())

    def to_bytes(self) -> bytes:
        """Bits, compressed; `from_bytes` is the inverse."""
        return zlib.compress(np.packbits(self.used).tobytes(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> Ranks:
        """Raises RawbackError for what is not that."""
        try:
            raw = zlib.decompressobj().decompress(data, 3 * VALUES // 8 + 1)
        except zlib.error as error:
            raise RawbackError("the lossless layer's list of values is damaged") from error
        if len(raw) != 3 * VALUES // 8:
            raise RawbackError("the lossless layer's list of values has the wrong size")
        return cls(np.unpackbits(np.frombuffer(raw, np.uint8)).astype(bool).reshape(3, VALUES))

    @cached_property
    def rank_of(self) -> np.ndarray:
        """(3 * 65536,) int32 by colour and value."""
        return np.maximum(np.cumsum(self.used, 1, dtype=np.int32) - 1, 0).ravel()

    @cached_property
    def value_of(self) -> np.ndarray:
        """(3 * 65536,) uint16 by colour and rank; ranks that nothing has give the last value."""
        table = np.zeros((3, VALUES), np.uint16)
        for line, used in zip(table, self.used, strict=True):
            values = np.flatnonzero(used)
            line[: len(values)] = values
            line[len(values) :] = values[-1] if len(values) else 0
        return table.ravel()

    def convert(self, value: np.ndarray, slope: np.ndarray, colour: np.ndarray | int) -> tuple[np.ndarray, np.ndarray]:
        """Foretold photosites and slopes in sixteenths of a DN -> of a rank, by straight lines between used values.

        All (H, W) int32; colour 0..2, or one for all.
        """
        at = value >> 4
        at += colour * (VALUES + 1)
        low, high = np.take(self.sixteenths, at), np.take(self.sixteenths, at + 1)
        rank = low + ((high - low) * (value & 15) >> 4)
        rise = np.take(self.density, at)
        slope = np.minimum(slope, VALUES - 1) * rise >> 8
        return rank, np.maximum(slope, 1, out=slope)

    @cached_property
    def sixteenths(self) -> np.ndarray:
        """(3 * 65537,) int32: sixteenths of a rank at each DN, in integers."""
        lines = []
        for used in self.used:
            values = np.flatnonzero(used)
            dn = np.arange(VALUES + 1)
            if not len(values):
                lines.append(np.zeros(VALUES + 1, np.int64))
                continue
            below = np.clip(np.searchsorted(values, dn, side="right") - 1, 0, None)
            above = np.minimum(below + 1, len(values) - 1)
            gap = np.maximum(values[above] - values[below], 1)
            lines.append(16 * below + 16 * np.clip(dn - values[below], 0, gap) * (above - below) // gap)
        return np.concatenate(lines).astype(np.int32)

    @cached_property
    def density(self) -> np.ndarray:
        """(3 * 65537,) int32: ranks for a DN around each DN, times 256; at most 256."""
        lines = self.sixteenths.reshape(3, -1)
        padded = np.pad(lines, [(0, 0), (8, 8)], mode="edge")
        return np.clip(padded[:, 16:] - padded[:, :-16], 1, 256).ravel().astype(np.int32)
