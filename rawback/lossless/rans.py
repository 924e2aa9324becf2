"""An entropy coder for whole arrays: range asymmetric numeral systems with many interleaved states (Duda 2013; Giesen 2014).

Symbol i belongs to state i % lanes, so that one step of numpy's codes `lanes` symbols at once. Every symbol brings its
own table. Integers only, and the format is this file's: nothing that a library may change decides the bytes.
(Measured, `benchmarks/lossless.py`: `constriction` with the same tables makes files 0.2 % smaller in as many seconds,
but holds the interpreter while it works, so that blocks could not be coded side by side.)
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.native.library import call, library

SYMBOLS = 256
"""Bytes."""
LOW = 1 << 16
"""States lie in LOW..2^32 - 1 between symbols; sixteen bits leave or enter at a time."""
PER_LANE = 512
"""Symbols that are worth a state of their own."""
MAX_TABLES = 256
"""That a byte can tell apart."""


@dataclass(frozen=True)
class Layout:
    """How code is laid out."""

    precision: int
    """Bits of a frequency: those of a table sum to 2^precision."""
    lanes: int
    """States that are interleaved at most. More are quicker in numpy, and take three bytes of a block each."""

    def lanes_for(self, count: int) -> int:
        """How many states code `count` symbols."""
        return min(max(count // PER_LANE, 1), self.lanes)


OLD, FINE = Layout(12, 1024), Layout(14, 128)
"""Of packed residuals; and of layers of version 3."""


@dataclass(frozen=True)
class Tables:
    """Frequencies of the symbols, table by table: (tables, 256) uint16, each row summing to 2^precision."""

    frequencies: np.ndarray
    layout: Layout = OLD

    @classmethod
    def of(cls, counts: np.ndarray, layout: Layout = OLD) -> Tables:
        """Scale (tables, 256) counts; every symbol that occurs keeps at least 1."""
        totals, total = np.maximum(counts.sum(1, keepdims=True), 1), 1 << layout.precision
        scaled = np.where(counts > 0, np.maximum(counts * total // totals, 1), 0)
        for row in scaled:
            excess = int(row.sum()) - total
            if excess < 0:
                row[row.argmax()] -= excess
            for index in np.argsort(-row):  # the largest give a part of what they have
                if excess <= 0:
                    break
                taken = min(excess, int(row[index]) // 2)
                row[index] -= taken
                excess -= taken
        return cls(scaled.astype(np.uint16), layout)

    def to_bytes(self) -> bytes:
        """Compressed; `from_bytes` is the inverse."""
        return zlib.compress(self.frequencies.astype("<u2").T.tobytes(), 9)

    @classmethod
    def from_bytes(cls, data: bytes, count: int, layout: Layout = OLD) -> Tables:
        """Raises RawbackError unless the data is `count` tables."""
        expected = count * SYMBOLS * 2
        try:
            raw = zlib.decompressobj().decompress(data, expected + 1)
        except zlib.error as error:
            raise RawbackError("the tables of the entropy coder are damaged") from error
        if not 0 < count <= MAX_TABLES or len(raw) != expected:
            raise RawbackError("the tables of the entropy coder have the wrong size")
        frequencies = np.ascontiguousarray(np.frombuffer(raw, "<u2").reshape(SYMBOLS, count).T)
        if (frequencies.astype(np.int64).sum(1) != 1 << layout.precision).any():
            raise RawbackError("the tables of the entropy coder do not add up")
        return cls(frequencies.astype(np.uint16), layout)

    @cached_property
    def starts(self) -> np.ndarray:
        """(tables, 256) uint32: the first slot of each symbol."""
        return (np.cumsum(self.frequencies, 1, dtype=np.uint32) - self.frequencies).astype(np.uint32)

    @cached_property
    def slots(self) -> tuple[np.ndarray, np.ndarray]:
        """See `_slots`."""
        return _slots(self)


def encode(symbols: np.ndarray, of: np.ndarray, tables: Tables, spare: bytes = b"") -> bytes:
    """Code (n,) uint8 symbols, symbol i by table `of[i]` in which it must occur.

    The states have to start from something: they start from the first 2 * lanes bytes of `spare`, which `decode`
    gives back, so that they cost nothing.
    """
    lanes, precision = tables.layout.lanes_for(len(symbols)), tables.layout.precision
    state = np.frombuffer(spare[: 2 * lanes].ljust(2 * lanes, b"\0"), "<u2").astype(np.uint32) + np.uint32(LOW)
    if library() is not None:
        words = np.empty(len(symbols), "<u2")
        number = call(
            "core_rans_encode", symbols, of, len(symbols), tables.frequencies, tables.starts, precision, lanes, state, words
        )
        return state.astype("<u4").tobytes() + words[len(words) - number :].tobytes()
    at = of.astype(np.int32)
    at *= SYMBOLS
    at += symbols
    frequencies = _stepped(tables.frequencies.astype(np.uint32).ravel()[at], lanes, 1 << precision)
    starts = _stepped(tables.starts.ravel()[at], lanes, 0)
    parts = []
    for frequency, start in zip(frequencies[::-1], starts[::-1], strict=True):
        full = (state >> np.uint32(32 - precision)) >= frequency
        parts.append(state[full].astype("<u2"))
        np.right_shift(state, np.uint32(16), out=state, where=full)
        quotient = state // frequency
        state -= quotient * frequency
        state += quotient << np.uint32(precision)
        state += start
    return state.astype("<u4").tobytes() + b"".join(part.tobytes() for part in reversed(parts))


def decode(code: bytes, of: np.ndarray, tables: Tables) -> tuple[np.ndarray, bytes]:
    """The inverse of `encode`: (n,) uint8 symbols, and the 2 * lanes bytes that the states started from.

    Raises RawbackError for a code that ends too early or too late, or tables that do not exist.
    """
    decoder = Decoder(code, len(of), tables)
    return decoder.take(of), decoder.end()


class Decoder:
    """What `decode` does, for those who know of which table a symbol is only once they have some before it."""

    def __init__(self, code: bytes, count: int, tables: Tables) -> None:
        """count: of symbols that will be taken. Raises RawbackError for a code that is too short for its states."""
        lanes = tables.layout.lanes_for(count)
        if len(code) < 4 * lanes or len(code) % 2:
            raise RawbackError("the entropy code is cut short")
        self.tables, self.lane = tables, 0
        self.state = np.frombuffer(code, "<u4", lanes).astype(np.uint32)
        self.words, self.position = np.frombuffer(code, "<u2", offset=4 * lanes), 0

    def take(self, of: np.ndarray) -> np.ndarray:
        """The next symbols (n,) uint8, by the tables `of`. Raises RawbackError where there are none."""
        if len(of) and int(of.max()) >= len(self.tables.frequencies):
            raise RawbackError("the entropy code is cut short")
        words, state = self.words[self.position :], np.roll(self.state, -self.lane)
        if library() is not None:
            symbols, (symbol_at, step_at) = np.empty(len(of), np.uint8), self.tables.slots
            settings = self.tables.layout.precision, len(state)
            read = call("core_rans_decode", of, len(of), symbol_at, step_at, *settings, state, words, len(words), symbols)
        else:
            symbols, read = _decoded(words, of, self.tables, state)
        if read < 0:
            raise RawbackError("the entropy code does not end where it should")
        self.state, self.position = np.roll(state, self.lane), self.position + read
        self.lane = (self.lane + len(of)) % len(state)
        return symbols

    def end(self) -> bytes:
        """The bytes that the states started from. Raises RawbackError where there is code left."""
        if self.position != len(self.words) or self.state.max() >= 2 * LOW:
            raise RawbackError("the entropy code does not end where it should")
        return (self.state - np.uint32(LOW)).astype("<u2").tobytes()


def _decoded(words: np.ndarray, of: np.ndarray, tables: Tables, state: np.ndarray) -> tuple[np.ndarray, int]:
    """Symbols (n,) uint8, and how many words were read: -1 where there are too few. `state` (lanes,) is brought to its end."""
    words = words.astype(np.uint32)
    (symbol_at, step_at), precision = tables.slots, np.uint32(tables.layout.precision)
    rows = _stepped(of.astype(np.uint32) << precision, len(state), len(tables.frequencies) << tables.layout.precision)
    symbols = np.empty(rows.shape, np.uint8)
    position = 0
    for row, out in zip(rows, symbols, strict=True):
        row += state & np.uint32((1 << tables.layout.precision) - 1)
        np.take(symbol_at, row, out=out, mode="clip")
        step = np.take(step_at, row, mode="clip")
        state >>= precision
        state *= step >> np.uint32(16)
        state += step & np.uint32(0xFFFF)
        low = np.flatnonzero(state < LOW)
        if position + len(low) > len(words):
            return symbols.reshape(-1)[: len(of)], -1
        state[low] = (state[low] << np.uint32(16)) | words[position : position + len(low)]
        position += len(low)
    return symbols.reshape(-1)[: len(of)], position


def _stepped(values: np.ndarray, lanes: int, padding: int) -> np.ndarray:
    """(n,) -> (steps, lanes), the last step filled up."""
    missing = -len(values) % lanes
    padded = np.concatenate([values, np.full(missing, padding, values.dtype)]) if missing else values
    return padded.reshape(-1, lanes)


def _slots(tables: Tables) -> tuple[np.ndarray, np.ndarray]:
    """By table and slot: the symbol (uint8), and its frequency above the slot's place within it (16 bits each).

    A last table is for padding: its one symbol takes all slots, so it costs nothing.
    """
    frequencies = tables.frequencies.astype(np.int64)
    padding = np.zeros((1, SYMBOLS), np.int64)
    padding[0, 0] = 1 << tables.layout.precision
    flat = np.concatenate([frequencies, padding]).ravel()
    symbol = np.repeat(np.tile(np.arange(SYMBOLS, dtype=np.uint8), len(frequencies) + 1), flat)
    place = np.arange(len(symbol)) - np.repeat(np.cumsum(flat) - flat, flat)
    return symbol, (np.repeat(flat, flat) << 16 | place).astype(np.uint32)
