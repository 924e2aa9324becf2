"""Residuals as bytes: the part that can be foretold by an entropy coder, the noise below it as plain bits."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError
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


def pack(residuals: np.ndarray, model: Model) -> bytes:
    """(n,) int32 residuals, -65535..65535 -> bytes."""
    symbols = (residuals >> model.low) + ZERO
    escaped = (symbols < 0) | (symbols >= ESCAPE)
    symbols = np.where(escaped, ESCAPE, symbols).astype(np.uint8)
    escapes = residuals[escaped].astype("<u2").tobytes()  # modulo 65536
    flat = model.context.astype(np.int32)
    flat *= rans.SYMBOLS
    flat += symbols
    counts = np.bincount(flat, minlength=CONTEXTS * rans.SYMBOLS).reshape(CONTEXTS, rans.SYMBOLS)
    table_of = _shared(counts.sum(1))
    summed = np.zeros((int(table_of.max()) + 1, rans.SYMBOLS), np.int64)
    np.add.at(summed, table_of, counts)
    tables = rans.Tables.of(summed)
    bits = escapes + _place(residuals & ((1 << model.low.astype(np.int32)) - 1), model.low)
    code = rans.encode(symbols, table_of[model.context], tables, bits)
    rest = bits[2 * rans.lanes_for(len(symbols)) :]
    frequencies, bounds = tables.to_bytes(), (np.flatnonzero(np.diff(table_of)) + 1).astype("<u2").tobytes()
    head = HEADER.pack(len(code), len(frequencies), len(tables.frequencies), len(escapes) // 2)
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
    escaped = np.flatnonzero(symbols == ESCAPE)
    bits = spare + data[at[3] :]
    if len(escaped) != escapes or len(bits) < 2 * escapes:
        raise RawbackError("a block of the lossless layer is damaged")
    residuals = (symbols.astype(np.int32) - ZERO) << model.low
    residuals |= _take(bits[2 * escapes :], model.low)
    residuals[escaped] = np.frombuffer(bits, "<u2", escapes)
    return residuals


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
    """Values of 0..7 bits one after the other, most significant bit first."""
    ends = np.cumsum(widths, dtype=np.int64)
    if not len(ends) or not ends[-1]:
        return b""
    some = np.flatnonzero(widths)
    starts = ends[some] - widths[some]
    at, shifted = starts >> 3, values[some] << (16 - (starts & 7) - widths[some])
    size = int(ends[-1] + 7) // 8
    high = np.bincount(at, shifted >> 8, size + 1)  # sums of distinct bits, below 256: exact
    return (high + np.bincount(at + 1, shifted & 255, size + 1))[:size].astype(np.uint8).tobytes()


def _take(data: bytes, widths: np.ndarray) -> np.ndarray:
    """The inverse of `_place`: (n,) int32. Raises RawbackError if the bits run out."""
    ends = np.cumsum(widths, dtype=np.int64)
    if not len(ends) or not ends[-1]:
        return np.zeros(len(widths), np.int32)
    if ends[-1] > 8 * len(data):
        raise RawbackError("a block of the lossless layer is cut short")
    stream = np.frombuffer(data + b"\0\0", np.uint8).astype(np.int32)
    pairs = stream[:-1] << 8 | stream[1:]
    widths = widths.astype(np.int32)
    starts = ends - widths
    values = np.take(pairs, starts >> 3, mode="clip")
    values >>= 16 - (starts & 7).astype(np.int32) - widths
    values &= (1 << widths) - 1
    return values
