"""The fine levels of a strip as bytes, given the coarse ones."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError
from rawback.lossless import rans
from rawback.lossless.refinement.contexts import CELLS, PLACES, Scan, around
from rawback.lossless.refinement.tables import ALL_CELLS, CellTables

MIDDLE, ESCAPE = 128, 255
"""The symbol of a level that is as foretold, where the coarse one is not 0; and that which is followed by a number."""
SIZES = struct.Struct("<III")
"""Before a strip: CRC-32 of its levels (int16, place by place), bytes of code, number of escaped levels."""


@dataclass(frozen=True)
class Split:
    """The levels of a strip, taken apart."""

    cells: np.ndarray
    """(n,) uint8, in the order of coding."""
    symbols: np.ndarray
    """(n,) uint8."""
    escapes: np.ndarray
    """int16."""
    signs: np.ndarray
    """bool: of levels that are not 0 where the coarse one is."""
    crc: int

    @classmethod
    def of(cls, levels: np.ndarray, coarse: np.ndarray, foretold: np.ndarray) -> Split:
        """levels, coarse: (64, rows, columns) int16, in the order of the scan; foretold: int32, the same."""
        scan, cells, symbols, escapes, signs = Scan(coarse), [], [], [], []
        for place in range(PLACES):
            if place:
                scan.look(place)
            for half, at in enumerate(scan.halves):
                level, near = levels[place].ravel().take(at).astype(np.int32), foretold[place].ravel().take(at)
                cells.append(scan.cells(place, half) if place else mean_cells(coarse[0], at))
                is_open = (coarse[place].ravel().take(at) == 0) & (place > 0)
                value = np.where(is_open, np.abs(level), np.where(near < 0, near - level, level - near) + MIDDLE)
                fits = (value >= 0) & (value < ESCAPE)
                symbols.append(np.where(fits, value, ESCAPE).astype(np.uint8))
                escapes.append(level[~fits].astype(np.int16))
                signs.append((level < 0)[is_open & (level != 0) & fits])
                if place and not half:
                    scan.keep_half(place, levels[place])
            if place:
                scan.keep(place, levels[place])
        crc = zlib.crc32(levels.astype("<i2").tobytes())
        return cls(np.concatenate(cells), np.concatenate(symbols), np.concatenate(escapes), np.concatenate(signs), crc)

    def counts(self) -> np.ndarray:
        """How often each symbol is met in each cell: (ALL_CELLS, 256)."""
        at = self.cells.astype(np.int64) * rans.SYMBOLS + self.symbols
        return np.bincount(at, minlength=ALL_CELLS * rans.SYMBOLS).reshape(-1, rans.SYMBOLS)

    def coded(self, by: CellTables) -> bytes:
        """The strip as it travels."""
        bits = np.packbits(self.signs).tobytes()
        code = rans.encode(self.symbols, by.table_of.take(self.cells), by.tables, bits)
        rest = bits[2 * by.tables.layout.lanes_for(len(self.symbols)) :]
        return b"".join([SIZES.pack(self.crc, len(code), len(self.escapes)), code, self.escapes.astype("<i2").tobytes(), rest])


def decode(data: bytes, coarse: np.ndarray, foretold: np.ndarray, by: CellTables) -> np.ndarray:
    """The levels of a strip, (64, rows, columns) int16. Raises RawbackError for a damaged one."""
    if len(data) < SIZES.size:
        raise RawbackError("a strip of the refinement layer is cut short")
    crc, size, count = SIZES.unpack_from(data)
    start = SIZES.size + size
    if len(data) < start + 2 * count:
        raise RawbackError("a strip of the refinement layer is cut short")
    escapes = iter(np.frombuffer(data, "<i2", count, start).tolist())
    decoder = rans.Decoder(data[SIZES.size : start], coarse.size, by.tables)
    scan, levels = Scan(coarse), np.zeros(coarse.shape, np.int16)
    opened = []  # where signs are to be put, in the order of coding
    try:
        for place in range(PLACES):
            flat = levels[place].reshape(-1)
            if place:
                scan.look(place)
            for half, at in enumerate(scan.halves):
                cells = scan.cells(place, half) if place else mean_cells(coarse[0], at)
                symbols = decoder.take(by.table_of.take(cells))
                near = foretold[place].ravel().take(at)
                is_open = (coarse[place].ravel().take(at) == 0) & (place > 0)
                rest = symbols.astype(np.int32) - MIDDLE
                level = np.where(is_open, symbols, np.where(near < 0, near - rest, near + rest))
                escaped = np.flatnonzero(symbols == ESCAPE)
                is_open &= (symbols > 0) & (symbols < ESCAPE)
                level[escaped] = [next(escapes) for _ in escaped]
                flat[at] = level
                opened.append(at[is_open] + place * flat.size)
                if place and not half:
                    scan.keep_half(place, levels[place])
            if place:
                scan.keep(place, levels[place])
        spare = decoder.end()
    except StopIteration:
        raise RawbackError("a strip of the refinement layer lacks levels") from None
    at = np.concatenate(opened)
    signs = np.unpackbits(np.frombuffer(spare + data[start + 2 * count :], np.uint8))[: len(at)]
    if len(signs) < len(at):
        raise RawbackError("a strip of the refinement layer lacks signs")
    flat = levels.reshape(-1)
    flat[at] = np.where(signs, -flat[at], flat[at])
    if zlib.crc32(levels.astype("<i2").tobytes()) != crc:
        raise RawbackError("a strip of the refinement layer is damaged")
    return levels


def mean_cells(coarse: np.ndarray, at: np.ndarray) -> np.ndarray:
    """(n,) uint8: the cells of means (DC), by coarse ones (rows, columns)."""
    whole = coarse.astype(np.int32)
    slope = around(whole) - 4 * whole
    up = np.clip((slope + 2) >> 2, -4, 4) + 4
    return (CELLS + up).astype(np.uint8).ravel().take(at)
