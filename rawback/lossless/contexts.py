"""In which contexts residuals stand, and which of them are spread alike: the tables of a layer of version 3.

Photosites of one colour, with about the same value and slope, in blocks that luma is equally busy in, make a cell. How
residuals are spread is counted over the picture, and cells that are spread alike share a table.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError
from rawback.lossless import rans
from rawback.lossless.foretelling import KINDS, LOW_OF_CLASS

VALUE_CLASSES = 16
"""Of foretold ranks, of equal size: they tell noise by brightness from that of the JPEG."""
CELLS = VALUE_CLASSES * 3 * KINDS * 8
"""Class of the value, colour, class of the slope, how busy luma is, and whether the foretold value lies between two ranks."""
LOW_OF_CELL = np.tile(np.repeat(LOW_OF_CLASS, 8), CELLS // (KINDS * 8))
"""(CELLS,) uint8: bits of a residual that are noise."""
MAX_TABLES, PIXELS_PER_TABLE = 48, 1 << 15
"""More tables, or tables of fewer photosites, take more bytes than they save."""
ROUNDS, SMALLEST = 6, 24
"""Of assigning cells to tables; cells of fewer photosites go with the one before."""
UNSEEN, PARTS = 0.02, 256
"""What is added to counts before logarithms are taken, and parts of a bit that these are rounded to."""
HEADER = struct.Struct("<HBI")
"""The highest rank, number of tables, bytes of `table_of`; then `table_of` and the frequencies, both compressed."""


def class_of_rank(highest: int) -> np.ndarray:
    """(65536,) uint16: three times the class of a rank, in a picture with ranks up to `highest`."""
    ranks = np.minimum(np.arange(1 << 16), highest)
    return (3 * (ranks * VALUE_CLASSES // (highest + 1))).astype(np.uint16)


@dataclass(frozen=True)
class Contexts:
    """The tables of a picture."""

    highest: int
    """Rank."""
    table_of: np.ndarray
    """(CELLS,) uint8."""
    tables: rans.Tables

    @classmethod
    def of(cls, highest: int, parts: list[tuple[np.ndarray, np.ndarray]]) -> Contexts:
        """From cells (n,) uint16 and symbols (n,) uint8 of the whole picture, in parts."""
        sizes = np.sum([np.bincount(cells, minlength=CELLS) for cells, _ in parts], 0)
        some = np.flatnonzero(sizes)
        place = np.zeros(CELLS, np.int32)  # among those that occur
        place[some] = np.arange(len(some))
        counts = np.zeros(len(some) * rans.SYMBOLS, np.int64)
        for cells, symbols in parts:
            flat = np.take(place, cells)
            flat *= rans.SYMBOLS
            flat += symbols
            counts += np.bincount(flat, minlength=len(counts))
        by_cell = counts.reshape(-1, rans.SYMBOLS)
        table = alike(by_cell, int(np.clip(sizes.sum() // PIXELS_PER_TABLE, 1, MAX_TABLES)))
        summed = np.zeros((int(table.max()) + 1, rans.SYMBOLS), np.int64)
        np.add.at(summed, table, by_cell)
        spread = table[np.maximum(np.searchsorted(some, np.arange(CELLS), side="right") - 1, 0)]  # runs, for zlib
        return cls(highest, spread.astype(np.uint8), rans.Tables.of(summed, rans.FINE))

    def to_bytes(self) -> bytes:
        """As it travels; `from_bytes` is the inverse."""
        table_of = zlib.compress(self.table_of.tobytes(), 9)
        head = HEADER.pack(self.highest, len(self.tables.frequencies), len(table_of))
        return head + table_of + self.tables.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> Contexts:
        """Raises RawbackError for what is not that."""
        if len(data) < HEADER.size:
            raise RawbackError("the lossless layer's tables are cut short")
        highest, count, size = HEADER.unpack_from(data)
        try:
            raw = zlib.decompressobj().decompress(data[HEADER.size : HEADER.size + size], CELLS + 1)
        except zlib.error as error:
            raise RawbackError("the lossless layer's contexts are damaged") from error
        table_of = np.frombuffer(raw, np.uint8)
        if len(table_of) != CELLS or int(table_of.max()) >= count:
            raise RawbackError("the lossless layer's contexts hold impossible numbers")
        return cls(highest, table_of, rans.Tables.from_bytes(data[HEADER.size + size :], count, rans.FINE))


def alike(counts: np.ndarray, most: int) -> np.ndarray:
    """(cells, 256) counts -> the table of each cell, (cells,), at most `most` of them, numbered without gaps.

    k-means by code length, from runs of about equal size on. Integers in float64, so that sums are exact in any order.
    """
    counts = counts.astype(np.float64)
    sizes = counts.sum(1)
    ends = np.cumsum(sizes)
    table = np.minimum((ends - sizes / 2) * most / ends[-1], most - 1).astype(np.int64)
    for _ in range(ROUNDS):
        summed = np.zeros((most, rans.SYMBOLS))
        np.add.at(summed, table, counts)
        summed += UNSEEN
        bits = np.rint(-PARTS * np.log2(summed / summed.sum(1, keepdims=True)))
        table = (counts @ bits.T).argmin(1)
    large = sizes >= SMALLEST
    if large.any():
        before = np.maximum.accumulate(np.where(large, np.arange(len(table)), 0))
        table = table[before]
    return np.unique(table, return_inverse=True)[1]
