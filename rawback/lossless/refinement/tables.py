"""Tables of the entropy coder, and which cells of contexts share one."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.errors import RawbackError
from rawback.lossless import rans
from rawback.lossless.contexts import alike
from rawback.lossless.refinement.contexts import CELLS, MEAN_CELLS

ALL_CELLS = CELLS + MEAN_CELLS
LAYOUT = rans.Layout(14, 64)
MOST, LEVELS_PER_TABLE = 64, 1 << 13
"""Tables at most, and levels that are worth one."""
HEADER = struct.Struct("<BI")
"""Number of tables, bytes of `table_of`; then that and the frequencies, both compressed."""


@dataclass(frozen=True)
class CellTables:
    """The tables of a picture."""

    table_of: np.ndarray
    """(ALL_CELLS,) uint8."""
    codes: np.ndarray
    """(tables, 256) uint8, by which `SCALE` gives their frequencies."""

    @classmethod
    def of(cls, counts: np.ndarray) -> CellTables:
        """From how often each symbol is met in each cell, (ALL_CELLS, 256)."""
        sizes = counts.sum(1)
        some = np.flatnonzero(sizes)
        if not len(some):
            counts, some = counts + (np.arange(rans.SYMBOLS) == 0), np.arange(1)
        table = alike(counts[some], int(np.clip(sizes.sum() // LEVELS_PER_TABLE, 1, MOST)))
        summed = np.zeros((int(table.max()) + 1, rans.SYMBOLS), np.int64)
        np.add.at(summed, table, counts[some])
        spread = table[np.maximum(np.searchsorted(some, np.arange(ALL_CELLS), side="right") - 1, 0)]  # runs, for zlib
        return cls(spread.astype(np.uint8), np.stack([_rounded(row) for row in summed]))

    @cached_property
    def tables(self) -> rans.Tables:
        """As the entropy coder takes them. Raises RawbackError where frequencies cannot be."""
        return rans.Tables(np.stack([_frequencies(row) for row in self.codes]), LAYOUT)

    def bits(self) -> np.ndarray:
        """(ALL_CELLS, 256) float32: what a symbol costs; of those that a table has not, as much as its rarest."""
        bits = LAYOUT.precision - np.log2(np.maximum(self.tables.frequencies, 0.5))
        return bits.astype(np.float32)[self.table_of]

    def to_bytes(self) -> bytes:
        """As it travels; `from_bytes` is the inverse."""
        table_of = zlib.compress(self.table_of.tobytes(), 9)
        return HEADER.pack(len(self.codes), len(table_of)) + table_of + zlib.compress(self.codes.T.tobytes(), 9)

    @classmethod
    def from_bytes(cls, data: bytes) -> CellTables:
        """Raises RawbackError for what is not that."""
        if len(data) < HEADER.size:
            raise RawbackError("the refinement layer's tables are cut short")
        count, size = HEADER.unpack_from(data)
        try:
            raw = zlib.decompressobj().decompress(data[HEADER.size : HEADER.size + size], ALL_CELLS + 1)
            codes = zlib.decompressobj().decompress(data[HEADER.size + size :], count * rans.SYMBOLS + 1)
        except zlib.error as error:
            raise RawbackError("the refinement layer's tables are damaged") from error
        table_of = np.frombuffer(raw, np.uint8)
        if len(table_of) != ALL_CELLS or int(table_of.max()) >= count or len(codes) != count * rans.SYMBOLS:
            raise RawbackError("the refinement layer's tables hold impossible numbers")
        return cls(table_of, np.frombuffer(codes, np.uint8).reshape(rans.SYMBOLS, count).T)


SCALE = np.array([0, *((16 + (code & 15)) << (code >> 4) >> 4 for code in range(1, 256))])
"""What a frequency's code stands for, but for the most frequent symbol's, which gets what is left."""
TOTAL = 1 << LAYOUT.precision


def _rounded(counts: np.ndarray) -> np.ndarray:
    """(256,) counts -> codes (256,) uint8 of frequencies, none above TOTAL."""
    scaled = np.minimum(counts * TOTAL / counts.sum(), TOTAL - 1)
    codes = np.searchsorted(SCALE[1:], scaled, side="right")
    return np.where(counts > 0, np.maximum(codes, 1), 0).astype(np.uint8)


def _frequencies(codes: np.ndarray) -> np.ndarray:
    """(256,) codes -> (256,) uint16 that sum to TOTAL. Raises RawbackError where they cannot."""
    scaled = SCALE[codes]
    largest = int(scaled.argmax())
    scaled[largest] = 0
    rest = TOTAL - int(scaled.sum())
    if rest < 1 or not codes[largest]:
        raise RawbackError("the refinement layer's tables do not add up")
    scaled[largest] = rest
    return scaled.astype(np.uint16)
