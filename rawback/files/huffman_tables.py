"""The best Huffman codes for given counts, as JPEGs hold them: at most 16 bits, none all ones (ITU-T T.81, annexes C and K)."""

from __future__ import annotations

import heapq

import numpy as np

MAX_LENGTH = 16


def best(counts: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Counts (n,) -> code length of each symbol (n,) int64, 0 where it is not used, and the used symbols by length.

    A symbol of count 0 takes part, and the last code with it, so that none is all ones (T.81, C).
    """
    reserved = len(counts)
    heap: list[tuple[int, int, tuple[int, ...]]]
    heap = [(0, -reserved, (reserved,)), *((int(count), -symbol, (symbol,)) for symbol, count in enumerate(counts) if count)]
    depth = np.zeros(reserved + 1, np.int64)
    heapq.heapify(heap)
    while len(heap) > 1:
        first, second = heapq.heappop(heap), heapq.heappop(heap)
        merged = first[2] + second[2]
        depth[list(merged)] += 1
        heapq.heappush(heap, (first[0] + second[0], min(first[1], second[1]), merged))
    return _limited(depth)


def _limited(depth: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Shorten codes of more than 16 bits (T.81, figure K.3), and leave the last to the reserved symbol."""
    number = len(depth) - 1
    per_length = np.bincount(depth[depth > 0], minlength=2 * MAX_LENGTH + 2)
    for length in range(len(per_length) - 1, MAX_LENGTH, -1):
        while per_length[length]:
            shorter = length - 2
            while not per_length[shorter]:
                shorter -= 1
            per_length[length] -= 2
            per_length[length - 1] += 1
            per_length[shorter + 1] += 2
            per_length[shorter] -= 1
    order = sorted((s for s in range(number) if depth[s]), key=lambda s: (depth[s], s))
    sizes = np.repeat(np.arange(len(per_length)), per_length)[: len(order)]
    lengths = np.zeros(number, np.int64)
    lengths[order] = sizes
    return lengths, order


def codes(lengths: np.ndarray, order: list[int]) -> np.ndarray:
    """Canonical codes (T.81, C.2) of the symbols, of the shape of their lengths."""
    values, code, previous = np.zeros(len(lengths), np.int64), 0, 0
    for symbol in order:
        code <<= int(lengths[symbol]) - previous
        values[symbol], previous = code, int(lengths[symbol])
        code += 1
    return values


def specification(lengths: np.ndarray, order: list[int]) -> bytes:
    """As a DHT segment holds it: how many codes have each length from 1 to 16, then the symbols (T.81, B.2.4.2)."""
    per_length = np.bincount(lengths[order], minlength=MAX_LENGTH + 1)[1 : MAX_LENGTH + 1].astype(np.uint8)
    return per_length.tobytes() + bytes(order)
