"""Reed-Solomon codes over GF(256) for bytes that are lost where it is known which (erasures).

The field is that of 0x11D, the generator has the roots 2^0, 2^1, ... (as QR codes and most libraries have it; Reed and
Solomon 1960). A code word is k bytes of data and m of parity, k + m <= 255; any m of them may be lost. Whole arrays are
coded at once: byte i of all code words together.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from rawback.errors import RawbackError

POLYNOMIAL = 0x11D
LONGEST = 255
"""Bytes of a code word."""


@cache
def _powers() -> tuple[np.ndarray, np.ndarray]:
    """2^n for n in 0..509, and n for each 2^n (of 0: 0)."""
    powers, logarithms, value = np.zeros(510, np.uint8), np.zeros(256, np.int64), 1
    for n in range(255):
        powers[n] = powers[n + 255] = value
        logarithms[value] = n
        value = value << 1 ^ (POLYNOMIAL if value & 0x80 else 0)
    return powers, logarithms


@cache
def products() -> np.ndarray:
    """(256, 256) uint8: all products."""
    powers, logarithms = _powers()
    table = powers[logarithms[:, None] + logarithms[None, :]]
    table[0] = table[:, 0] = 0
    return table


def inverse(value: int) -> int:
    """1 / value; value is not 0."""
    powers, logarithms = _powers()
    return int(powers[255 - logarithms[value]])


@cache
def weights(k: int, m: int) -> np.ndarray:
    """(m, k) uint8: what byte i of the data adds to each byte of the parity: x^(k + m - 1 - i) modulo the generator."""
    if min(k, m) < 1 or k + m > LONGEST:
        raise ValueError(f"{k} + {m} bytes in a code word; expected at most {LONGEST}")
    times, powers = products(), _powers()[0]
    generator = np.array([1], np.uint8)
    for n in range(m):
        grown = np.append(generator, 0).astype(np.uint8)
        grown[1:] ^= times[powers[n], generator]
        generator = grown
    found = np.zeros((m, k), np.uint8)
    remainder = np.zeros(m, np.uint8)
    remainder[-1] = 1  # x^0
    for exponent in range(1, k + m):
        first, remainder = remainder[0], np.append(remainder[1:], 0).astype(np.uint8)
        remainder ^= times[first, generator[1:]]
        if exponent >= m:
            found[:, k + m - 1 - exponent] = remainder
    return found


def parity(data: np.ndarray, m: int) -> np.ndarray:
    """(k, n) uint8, n code words -> (m, n) uint8."""
    by, times = weights(len(data), m), products()
    out = np.zeros((m, *data.shape[1:]), np.uint8)
    for i, byte in enumerate(data):
        for row, weight in zip(out, by[:, i], strict=True):
            row ^= times[weight].take(byte)
    return out


def restore(data: np.ndarray, lost: list[int], extra: np.ndarray, rows: list[int], m: int) -> None:
    """Fill the rows `lost` of data (k, n) uint8, by the bytes `extra` (at least so many, n) of the parity rows `rows`.

    Raises RawbackError where there are too few.
    """
    if len(rows) < len(lost):
        raise RawbackError(f"{len(lost)} pieces are lost, {len(rows)} can be restored")
    rows, extra = rows[: len(lost)], extra[: len(lost)]
    by, times = weights(len(data), m), products()
    missing = np.array(extra)  # less what the data that are there add
    there = [i for i in range(len(data)) if i not in set(lost)]
    for i in there:
        for row, weight in zip(missing, by[rows, i], strict=True):
            row ^= times[weight].take(data[i])
    matrix = _inverted(by[np.ix_(rows, lost)])
    for place, line in zip(lost, matrix, strict=True):
        data[place] = 0
        for weight, row in zip(line, missing, strict=True):
            data[place] ^= times[weight].take(row)


def _inverted(matrix: np.ndarray) -> np.ndarray:
    """(n, n) uint8, by Gauss and Jordan; square parts of `weights` are never singular."""
    times, n = products(), len(matrix)
    work = np.concatenate([matrix, np.eye(n, dtype=np.uint8)], 1)
    for column in range(n):
        pivot = column + int(np.flatnonzero(work[column:, column])[0])
        work[[column, pivot]] = work[[pivot, column]]
        work[column] = times[inverse(int(work[column, column])), work[column]]
        for row in range(n):
            if row != column:
                work[row] ^= times[work[row, column], work[column]]
    return work[:, n:]
