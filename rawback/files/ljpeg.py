"""Lossless JPEG as DNG wants it: SOF3, 16 bits, predictor 1 (ITU-T T.81, annex H; DNG 1.7.1, "Compression")."""

from __future__ import annotations

import struct
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np

from rawback.cores import threads
from rawback.files import bits, huffman_tables
from rawback.files.jpeg_file import DHT, EOI_BYTES, SOF3, SOI, SOS, segment
from rawback.isp.native.library import call, library

PRECISION = 16
CATEGORIES = 17


def encode(samples: np.ndarray) -> bytes:
    """(H, W, components) uint16 -> a lossless JPEG. All components share one Huffman table, the best for these samples.

    A mosaic row is handed over as (W/2, 2), so that "left" is the neighbour of the same colour.
    """
    if library() is not None:
        return _compiled(samples)
    differences = _differences(samples)
    categories = category_table().take(differences)
    lengths, order = huffman_tables.best(np.bincount(categories, minlength=CATEGORIES))
    scan = _bits(differences, categories, lengths, huffman_tables.codes(lengths, order))
    stuffed = scan.tobytes().replace(b"\xff", b"\xff\0")  # T.81, B.1.1.5
    return b"".join([_headers(samples.shape, lengths, order), stuffed, EOI_BYTES])


def _compiled(samples: np.ndarray) -> bytes:
    """As `encode`, by the compiled core."""
    height, width, components = samples.shape
    rows = np.ascontiguousarray(samples, np.uint16)
    layout = rows, height, width * components, components
    counts = np.zeros(CATEGORIES, np.int64)
    call("core_ljpeg_count", *layout, counts)
    lengths, order = huffman_tables.best(counts)
    scan = np.empty(8 * rows.size + 16, np.uint8)
    size = call("core_ljpeg_encode", *layout, lengths, huffman_tables.codes(lengths, order), scan)
    return b"".join([_headers(samples.shape, lengths, order), scan[:size].data, EOI_BYTES])


def _differences(samples: np.ndarray) -> np.ndarray:
    """Sample minus its left neighbour, modulo 2^16, intp in scan order; the first of a row minus the one above (H.1.2.1)."""
    rows = samples.reshape(samples.shape[0], -1)
    n = samples.shape[2]
    differences = np.empty(rows.shape, np.uint16)
    np.subtract(rows[:, n:], rows[:, :-n], out=differences[:, n:])
    np.subtract(rows[1:, :n], rows[:-1, :n], out=differences[1:, :n])
    np.subtract(rows[0, :n], np.uint16(1 << (PRECISION - 1)), out=differences[0, :n])
    return differences.ravel().astype(np.intp)


@cache
def category_table() -> np.ndarray:
    """(65536,) intp: bits of the magnitude of a difference modulo 2^16; 16 for -32768 (T.81, table H.2)."""
    signed = np.arange(1 << 16, dtype=np.uint16).astype(np.int16).astype(np.int32)
    return np.frexp(np.abs(signed).astype(np.float64))[1].astype(np.intp)


@cache
def extra_table() -> np.ndarray:
    """(65536,) uint32: the bits that follow the code of the category (T.81, F.1.2.1.1); none for category 16."""
    values = np.arange(1 << 16, dtype=np.int64)
    category = category_table().astype(np.int64)
    extra = np.where(values < 1 << 15, values, values - 1) & ((1 << category) - 1)
    extra[category == PRECISION] = 0
    return extra.astype(np.uint32)


def _bits(differences: np.ndarray, categories: np.ndarray, lengths: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The scan as bytes, before stuffing; the last one filled with ones."""
    extra = np.arange(CATEGORIES) % PRECISION
    width = (lengths + extra).astype(np.uint8).take(categories)
    value = (codes << extra).astype(np.uint32).take(categories)
    value |= extra_table().take(differences)
    scan, total = bits.placed(width, value)
    scan[-1] |= (1 << (-total % 8)) - 1
    return scan


def _headers(shape: tuple[int, ...], lengths: np.ndarray, order: list[int]) -> bytes:
    height, width, n = shape
    table = b"\0" + huffman_tables.specification(lengths, order)
    frame = struct.pack(">BHHB", PRECISION, height, width, n) + b"".join(bytes([i, 0x11, 0]) for i in range(n))
    scan = bytes([n]) + b"".join(bytes([i, 0]) for i in range(n)) + b"\1\0\0"  # predictor 1
    return SOI + segment(SOF3, frame) + segment(DHT, table) + segment(SOS, scan)


def tiles(mosaic: np.ndarray, rows: int, columns: int) -> list[bytes]:
    """Tiles of a mosaic (H, W) uint16, row by row. Two components, so that "left" is the nearest of the same colour."""

    def tile(corner: tuple[int, int]) -> bytes:
        top, left = corner
        part = mosaic[top : top + rows, left : left + columns]
        if part.shape != (rows, columns):
            sides = zip(corner, (rows, columns), mosaic.shape, strict=True)
            part = mosaic[np.ix_(*(_inside(start, n, size) for start, n, size in sides))]
        return encode(part.reshape(rows, columns // 2, 2))

    corners = [(top, left) for top in range(0, mosaic.shape[0], rows) for left in range(0, mosaic.shape[1], columns)]
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(tile, corners))


def _inside(start: int, count: int, size: int) -> np.ndarray:
    """Indices from `start` on; beyond the edge the last two alternate, which costs almost no bits."""
    index = np.arange(start, start + count)
    beyond = index >= size
    index[beyond] = np.maximum(size - 2 + (index[beyond] - size) % 2, 0)
    return index
