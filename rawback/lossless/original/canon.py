"""The pixels of Canon's CRW files as the cameras code them: blocks of 64 differences by fixed Huffman tables.

Samples of 12 bits are cut: their two lowest bits lie before the code, four to a byte. Of the ten others, each is coded
as its difference from the one two before it in its row, 512 before the first; what is coded of a block's first is its
difference from the first of the block before.
"""

from __future__ import annotations

import numpy as np

from rawback.errors import RawbackError
from rawback.files import bits
from rawback.lossless.original.canon_tables import AFTER, FIRST

BLOCK, START = 64, 512
ZEROS, END = 0xF0, 0x00
"""Leaves: sixteen zeros; nothing but zeros up to the block's end."""
NEVER = 255
PART = 1 << 12
"""Blocks worked on at a time."""
Table = tuple[np.ndarray, np.ndarray]
"""Of `_codes`."""


def fits(frame: np.ndarray) -> bool:
    """Whether a frame is made of whole blocks."""
    return frame.shape[1] % 8 == 0 and frame.size % BLOCK == 0


def low_bits(frame: np.ndarray) -> bytes:
    """The two lowest bits of each sample, the first sample lowest."""
    fours = (frame.reshape(-1, 4) & 3).astype(np.uint8)
    return (fours[:, 0] | fours[:, 1] << 2 | fours[:, 2] << 4 | fours[:, 3] << 6).tobytes()


def encode(samples: np.ndarray, table: int) -> bytes:
    """(H, W) uint16 below 1024 -> the code, its last byte filled up with ones. Raises RawbackError for others."""
    if not fits(samples) or int(samples.max()) >= 2 * START:
        raise RawbackError("its pixels are not coded as Canon's are")
    blocks = _differences(samples.astype(np.int32)).reshape(-1, BLOCK)
    blocks[1:, 0] -= blocks[:-1, 0].copy()
    codes = _codes(FIRST[table]), _codes(AFTER[table])
    parts, held, start = [], 0, 0  # the bits of a byte that is not full yet, and how many
    for at in range(0, len(blocks), PART):
        width, code = _coded(blocks[at : at + PART], *codes)
        placed, total = bits.placed(width, code, start)
        placed[0] |= held
        start = total % 8
        held = int(placed[-1]) if start else 0
        parts.append(placed[: total // 8].tobytes())
    if start:
        parts.append(bytes([held | (1 << 8 - start) - 1]))
    return b"".join(parts).replace(b"\xff", b"\xff\0")


def _coded(blocks: np.ndarray, first: Table, after: Table) -> tuple[np.ndarray, np.ndarray]:
    """Bits and value of each code with what follows it, (codes,) uint8 and uint32."""
    leaf, extra = _tokens(blocks)
    starts = leaf >= 256
    width = np.where(starts, first[0].take(leaf & 255), after[0].take(leaf & 255))
    if (width == NEVER).any():
        raise RawbackError("Canon's Huffman tables cannot have coded its pixels")
    code = np.where(starts, first[1].take(leaf & 255), after[1].take(leaf & 255))
    size = (leaf & 15).astype(np.uint8)
    return width + size, (code << size) | extra


def _differences(samples: np.ndarray) -> np.ndarray:
    differences = samples - START
    differences[:, 2:] = samples[:, 2:] - samples[:, :-2]
    return differences


def _tokens(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leaf of each code, those of first values 256 higher, and the bits that follow it (their number is the leaf's low four).

    blocks: (n, 64) int32 as they are coded.
    """
    n = len(blocks)
    rest = blocks.ravel().copy()
    rest[::BLOCK] = 0
    at = np.flatnonzero(rest)
    of, place = at // BLOCK, at % BLOCK
    before = np.zeros_like(place)
    same = of[1:] == of[:-1]
    before[1:][same] = place[:-1][same]
    run = place - before - 1
    codes = 1 + (run >> 4)  # with those of sixteen zeros before it
    per_block = np.bincount(of, codes, n).astype(np.int64)
    last = np.zeros(n, np.int64)
    last[of] = place
    ends = last < BLOCK - 1
    start = np.cumsum(1 + per_block + ends) - (1 + per_block + ends)
    inside = np.cumsum(codes) - (np.cumsum(per_block) - per_block)[of]
    leaf = np.full(int(start[-1] + 1 + per_block[-1] + ends[-1]), ZEROS, np.int32)
    extra = np.zeros(len(leaf), np.uint32)
    leaf[start], extra[start] = _sized(blocks[:, 0])
    leaf[start] += 256
    size, extra[start[of] + inside] = _sized(rest[at])
    leaf[start[of] + inside] = (run & 15) << 4 | size
    leaf[(start + per_block + 1)[ends]] = END
    return leaf, extra


def _sized(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bits of the magnitudes, and the bits that say which of that size: one's complement of the negative."""
    size = np.frexp(np.abs(values).astype(np.float64))[1].astype(np.int32)
    return size, (np.where(values < 0, values - 1, values) & ((1 << size) - 1)).astype(np.uint32)


def _codes(table: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Sixteen counts by length, then the leaves: length and canonical code of each leaf, (256,) uint8 and uint32."""
    lengths, codes = np.full(256, NEVER, np.uint8), np.zeros(256, np.uint32)
    code, position = 0, 16
    for length, count in enumerate(table[:16], 1):
        for leaf in table[position : position + count]:
            if lengths[leaf] == NEVER:
                lengths[leaf], codes[leaf] = length, code
            code += 1
        position, code = position + count, code << 1
    return lengths, codes
