"""An entropy coder for whole arrays: range asymmetric numeral systems with many interleaved states (Duda 2013; Giesen 2014).

Symbol i belongs to state i % lanes, so that one step of numpy's codes `lanes` symbols at once. Every symbol brings its
own table. Integers only, and the format is this file's: nothing that a library may change decides the bytes.
(Measured, `benchmarks/lossless.py`: `constriction` with the same tables makes files 0.2 % smaller in as many seconds,
but holds the interpreter while it works, so that blocks could not be coded side by side.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError

PRECISION = 12
"""Bits of a frequency."""
TOTAL = 1 << PRECISION
"""Frequencies of a table sum to it."""
SYMBOLS = 256
"""Bytes."""
LOW = 1 << 16
"""States lie in LOW..2^32 - 1 between symbols; sixteen bits leave or enter at a time."""
MAX_LANES, PER_LANE = 1024, 512
"""States that are interleaved at most, and symbols that are worth a state of their own."""
MAX_TABLES = 256
"""That a byte can tell apart."""


@dataclass(frozen=True)
class Tables:
    """Frequencies of the symbols, table by table: (tables, 256) uint16, each row summing to 4096."""

    frequencies: np.ndarray

    @classmethod
    def of(cls, counts: np.ndarray) -> Tables:
        """Scale (tables, 256) counts; every symbol that occurs keeps at least 1."""
        totals = np.maximum(counts.sum(1, keepdims=True), 1)
        scaled = np.where(counts > 0, np.maximum(counts * TOTAL // totals, 1), 0)
        for row in scaled:
            excess = int(row.sum()) - TOTAL
            if excess < 0:
                row[row.argmax()] -= excess
            for index in np.argsort(-row):  # the largest give a part of what they have
                if excess <= 0:
                    break
                taken = min(excess, int(row[index]) // 2)
                row[index] -= taken
                excess -= taken
        return cls(scaled.astype(np.uint16))

    def to_bytes(self) -> bytes:
        """Compressed; `from_bytes` is the inverse."""
        return zlib.compress(self.frequencies.astype("<u2").T.tobytes(), 9)

    @classmethod
    def from_bytes(cls, data: bytes, count: int) -> Tables:
        """Raises RawbackError unless the data is `count` tables."""
        expected = count * SYMBOLS * 2
        try:
            raw = zlib.decompressobj().decompress(data, expected + 1)
        except zlib.error as error:
            raise RawbackError("the tables of the entropy coder are damaged") from error
        if not 0 < count <= MAX_TABLES or len(raw) != expected:
            raise RawbackError("the tables of the entropy coder have the wrong size")
        frequencies = np.ascontiguousarray(np.frombuffer(raw, "<u2").reshape(SYMBOLS, count).T)
        if (frequencies.astype(np.int64).sum(1) != TOTAL).any():
            raise RawbackError("the tables of the entropy coder do not add up")
        return cls(frequencies.astype(np.uint16))

    @property
    def starts(self) -> np.ndarray:
        """(tables, 256) uint32: the first slot of each symbol."""
        return (np.cumsum(self.frequencies, 1, dtype=np.uint32) - self.frequencies).astype(np.uint32)


def lanes_for(count: int) -> int:
    """How many states code `count` symbols: each costs nothing but time on few, none on many."""
    return min(max(count // PER_LANE, 1), MAX_LANES)


def encode(symbols: np.ndarray, of: np.ndarray, tables: Tables, spare: bytes = b"") -> bytes:
    """Code (n,) uint8 symbols, symbol i by table `of[i]` in which it must occur.

    The states have to start from something: they start from the first 2 * lanes bytes of `spare`, which `decode`
    gives back, so that they cost nothing.
    """
    lanes = lanes_for(len(symbols))
    at = of.astype(np.int32)
    at *= SYMBOLS
    at += symbols
    frequencies = _stepped(tables.frequencies.astype(np.uint32).ravel()[at], lanes, TOTAL)
    starts = _stepped(tables.starts.ravel()[at], lanes, 0)
    state = np.frombuffer(spare[: 2 * lanes].ljust(2 * lanes, b"\0"), "<u2").astype(np.uint32) + np.uint32(LOW)
    words = []
    for frequency, start in zip(frequencies[::-1], starts[::-1], strict=True):
        full = (state >> np.uint32(32 - PRECISION)) >= frequency
        words.append(state[full].astype("<u2"))
        np.right_shift(state, np.uint32(16), out=state, where=full)
        quotient = state // frequency
        state -= quotient * frequency
        state += quotient << np.uint32(PRECISION)
        state += start
    return state.astype("<u4").tobytes() + b"".join(part.tobytes() for part in reversed(words))


def decode(code: bytes, of: np.ndarray, tables: Tables) -> tuple[np.ndarray, bytes]:
    """The inverse of `encode`: (n,) uint8 symbols, and the 2 * lanes bytes that the states started from.

    Raises RawbackError for a code that ends too early or too late, or tables that do not exist.
    """
    lanes = lanes_for(len(of))
    if len(code) < 4 * lanes or len(code) % 2 or (len(of) and int(of.max()) >= len(tables.frequencies)):
        raise RawbackError("the entropy code is cut short")
    state = np.frombuffer(code, "<u4", lanes).astype(np.uint32)
    words = np.frombuffer(code, "<u2", offset=4 * lanes).astype(np.uint32)
    symbol_at, step_at = _slots(tables)
    rows = _stepped(of.astype(np.uint32) << np.uint32(PRECISION), lanes, _padding_row(tables))
    symbols = np.empty(rows.shape, np.uint8)
    position = 0
    for row, out in zip(rows, symbols, strict=True):
        row += state & np.uint32(TOTAL - 1)
        np.take(symbol_at, row, out=out, mode="clip")
        step = np.take(step_at, row, mode="clip")
        state >>= np.uint32(PRECISION)
        state *= step >> np.uint32(16)
        state += step & np.uint32(0xFFFF)
        low = np.flatnonzero(state < LOW)
        if position + len(low) > len(words):
            raise RawbackError("the entropy code is cut short")
        state[low] = (state[low] << np.uint32(16)) | words[position : position + len(low)]
        position += len(low)
    if position != len(words) or state.max() >= 2 * LOW:
        raise RawbackError("the entropy code does not end where it should")
    return symbols.reshape(-1)[: len(of)], (state - np.uint32(LOW)).astype("<u2").tobytes()


def _stepped(values: np.ndarray, lanes: int, padding: int) -> np.ndarray:
    """(n,) -> (steps, lanes), the last step filled up."""
    missing = -len(values) % lanes
    padded = np.concatenate([values, np.full(missing, padding, values.dtype)]) if missing else values
    return padded.reshape(-1, lanes)


def _padding_row(tables: Tables) -> int:
    """Where the table begins that `_slots` appends: its one symbol takes all slots, so padding costs nothing."""
    return len(tables.frequencies) << PRECISION


def _slots(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """By table and slot: the symbol (uint8), and its frequency above the slot's place within it (16 bits each)."""
    frequencies = tables.frequencies.astype(np.int64)
    padding = np.zeros((1, SYMBOLS), np.int64)
    padding[0, 0] = TOTAL
    flat = np.concatenate([frequencies, padding]).ravel()
    symbol = np.repeat(np.tile(np.arange(SYMBOLS, dtype=np.uint8), len(frequencies) + 1), flat)
    place = np.arange(len(symbol)) - np.repeat(np.cumsum(flat) - flat, flat)
    return symbol, (np.repeat(flat, flat) << 16 | place).astype(np.uint32)
