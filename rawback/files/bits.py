"""Codes of varying length placed one after the other into bytes, all at once."""

from __future__ import annotations

import numpy as np

MAX_WIDTH = 31
"""Bits of a code: two of them fit into 62."""


def placed(width: np.ndarray, value: np.ndarray, start: int = 0) -> tuple[np.ndarray, int]:
    """Codes, most significant bit first -> bytes (uint8), and how many bits they end at; what is left of the last byte is 0.

    width: (n,) uint8, 0..MAX_WIDTH. value: (n,) uint32 below 2^width. start: bits of the first byte that are not theirs, 0..7.
    """
    width, value64 = _paired(width, value)
    ends = np.cumsum(width, dtype=np.int64)
    if not len(ends):
        return np.zeros(-(-start // 8), np.uint8), start
    ends += start
    starts = ends - width
    word, offset = starts >> 6, (starts & 63).astype(np.uint64)
    value64 <<= 64 - width
    first = np.append(0, 1 + np.flatnonzero(word[1:] != word[:-1]))
    last = np.append(first[1:], len(word)) - 1
    out = np.zeros(len(first) + 1, np.uint64)
    out[:-1] = np.bitwise_or.reduceat(value64 >> offset, first)
    # a value is at most 62 bits, so every word has a start of its own and only its last value runs into the next word
    out[1:] |= (value64[last] << np.uint64(1)) << (np.uint64(63) - offset[last])
    total = int(ends[-1])
    return out.astype(">u8").view(np.uint8)[: (total + 7) // 8], total


def _paired(width: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two codes as one of at most 62 bits, in uint64: half as many to place."""
    if len(width) % 2:
        width, value = np.append(width, np.uint8(0)), np.append(value, np.uint32(0))
    pair = value[::2].astype(np.uint64)
    pair <<= width[1::2]
    pair |= value[1::2]
    return width[::2] + width[1::2], pair
