"""Residuals as bytes: the part that can be foretold by an entropy coder, the noise below it as plain bits."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.native.library import call, library
from rawback.lossless import rans

ZERO, ESCAPE = 128, 255
"""Symbols: ZERO + the residual without its low bits; ESCAPE stands for what does not fit, whose residual follows as it is."""
MAX_LOW = 7
"""Bits of a residual at most that are taken for noise."""
CONTEXTS = 1024
"""At most, before those alike are put together."""
TABLES, FEWEST = 48, 1024
"""Contexts next to each other share a table until it stands for 1 / TABLES of all residuals, and no fewer than FEWEST."""
HEADER = struct.Struct("<IIHH")
"""Bytes of code and of frequencies, number of tables, number of escapes."""


@dataclass(frozen=True)
class Model:
    """What both sides know of each residual before it is coded, all (n,)."""

    context: np.ndarray
    """uint16 below CONTEXTS: residuals of one context are spread alike; neighbouring contexts nearly."""
    low: np.ndarray
    """uint8, 0..MAX_LOW: how many of its bits are noise."""


@dataclass(frozen=True)
class Split:
    """Residuals as what the entropy coder takes, and as what it does not."""

    symbols: np.ndarray
    """(n,) uint8."""
    escapes: int
    """How many symbols are ESCAPE."""
    bits: bytes
    """The escaped residuals, then the low bits of all."""

    @classmethod
    def of(cls, residuals: np.ndarray, low: np.ndarray) -> Split:
        """(n,) int32 residuals, -65535..65535, of which the `low` (n,) uint8 lowest bits are noise."""
        symbols = (residuals >> low) + ZERO
        escaped = (symbols < 0) | (symbols >= ESCAPE)
        symbols[escaped] = ESCAPE
        escapes = residuals[escaped].astype("<u2")  # modulo 65536
        return cls(symbols.astype(np.uint8), len(escapes), escapes.tobytes() + _place(residuals, low))


def joined(split: Split, low: np.ndarray) -> np.ndarray:
    """The inverse of `Split.of`: (n,) int32. Raises RawbackError where bits are missing, or escapes."""
    escaped = np.flatnonzero(split.symbols == ESCAPE)
    if len(escaped) != split.escapes or len(split.bits) < 2 * split.escapes:
        raise RawbackError("a block of the lossless layer is damaged")
    residuals = _with_low(split.symbols, split.bits[2 * split.escapes :], low)
    residuals[escaped] = np.frombuffer(split.bits, "<u2", split.escapes)
    return residuals


def pack(residuals: np.ndarray, model: Model) -> bytes:
    """(n,) int32 residuals, -65535..65535 -> bytes."""
    split = Split.of(residuals, model.low)
    flat = model.context.astype(np.int32)
    flat *= rans.SYMBOLS
    flat += split.symbols
    counts = np.bincount(flat, minlength=CONTEXTS * rans.SYMBOLS).reshape(CONTEXTS, rans.SYMBOLS)
    table_of = _shared(counts.sum(1))
    summed = np.zeros((int(table_of.max()) + 1, rans.SYMBOLS), np.int64)
    np.add.at(summed, table_of, counts)
    tables = rans.Tables.of(summed)
    code = rans.encode(split.symbols, table_of[model.context], tables, split.bits)
    rest = split.bits[2 * rans.OLD.lanes_for(len(split.symbols)) :]
    frequencies, bounds = tables.to_bytes(), (np.flatnonzero(np.diff(table_of)) + 1).astype("<u2").tobytes()
    head = HEADER.pack(len(code), len(frequencies), len(tables.frequencies), split.escapes)
    return head + bounds + frequencies + code + rest


def unpack(data: bytes, model: Model) -> np.ndarray:
    """The inverse of `pack`. Raises RawbackError for what `pack` did not make; never takes more than the model's memory."""
    if len(data) < HEADER.size:
        raise RawbackError("a block of the lossless layer is cut short")
    code_size, table_size, count, escapes = HEADER.unpack_from(data)
    at = np.cumsum([HEADER.size, 2 * max(count - 1, 0), table_size, code_size])
    if at[-1] > len(data):
        raise RawbackError("a block of the lossless layer is cut short")
    bounds = np.frombuffer(data, "<u2", max(count - 1, 0), at[0]).astype(np.int64)
    tables = rans.Tables.from_bytes(data[at[1] : at[2]], count)
    if (bounds >= CONTEXTS).any() or (np.diff(bounds) <= 0).any():
        raise RawbackError("a block of the lossless layer has impossible contexts")
    table_of = np.searchsorted(bounds, np.arange(CONTEXTS), side="right").astype(np.uint8)
    symbols, spare = rans.decode(data[at[2] : at[3]], table_of[model.context], tables)
    return joined(Split(symbols, escapes, spare + data[at[3] :]), model.low)


def _shared(sizes: np.ndarray) -> np.ndarray:
    """(contexts,) uint8: the table of each context, in runs of about equal size."""
    enough = max(int(sizes.sum()) // TABLES, FEWEST)
    tables, number, filled = np.zeros(len(sizes), np.uint8), 0, 0
    for context, size in enumerate(sizes.tolist()):
        if filled >= enough and size:
            number, filled = number + 1, 0
        tables[context] = number
        filled += size
    return tables


def _place(values: np.ndarray, widths: np.ndarray) -> bytes:
    """The lowest 0..7 bits of int32 values one after the other, most significant bit first."""
    if library() is not None:
        out = np.zeros(int(widths.sum(dtype=np.int64) + 7) // 8 + 4, np.uint8)
        return out[: call("core_place_bits", values, widths, len(values), out)].tobytes()
    ends = np.cumsum(widths, dtype=np.int64)
    if not len(ends) or not ends[-1]:
        return b""
    some = np.flatnonzero(widths)
    starts, held = ends[some] - widths[some], values[some] & ((1 << widths[some].astype(np.int32)) - 1)
    at, shifted = starts >> 3, held << (16 - (starts & 7) - widths[some])
    size = int(ends[-1] + 7) // 8
    high = np.bincount(at, shifted >> 8, size + 1)  # sums of distinct bits, below 256: exact
    return (high + np.bincount(at + 1, shifted & 255, size + 1))[:size].astype(np.uint8).tobytes()


def _with_low(symbols: np.ndarray, data: bytes, widths: np.ndarray) -> np.ndarray:
    """(n,) int32 residuals of symbols and what `_place` made of their low bits. Raises RawbackError if the bits run out."""
    if library() is not None:
        residuals, stream = np.empty(len(symbols), np.int32), np.frombuffer(data, np.uint8)
        if call("core_residuals", symbols, widths, len(symbols), stream, len(stream), residuals):
            raise RawbackError("a block of the lossless layer is cut short")
        return residuals
    residuals = (symbols.astype(np.int32) - ZERO) << widths
    ends = np.cumsum(widths, dtype=np.int64)
    if not len(ends) or not ends[-1]:
        return residuals
    if ends[-1] > 8 * len(data):
        raise RawbackError("a block of the lossless layer is cut short")
    stream = np.frombuffer(data + b"\0\0", np.uint8).astype(np.int32)
    pairs = stream[:-1] << 8 | stream[1:]
    widths = widths.astype(np.int32)
    starts = ends - widths
    values = np.take(pairs, starts >> 3, mode="clip")
    values >>= 16 - (starts & 7).astype(np.int32) - widths
    residuals |= values & ((1 << widths) - 1)
    return residuals
