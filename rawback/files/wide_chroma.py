"""The box of chroma beyond white (`isp.wide_chroma`) in APP11: levels that the decoder adds to those of Cb and Cr.

They are few and small, and like a picture's: those blocks that have any stand one after the other in a grey JPEG.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from rawback.errors import RawbackError
from rawback.files import jpeg
from rawback.files.jpeg_file import JpegFile
from rawback.files.jumbf import Box
from rawback.files.layer_header import checked, with_crc
from rawback.picture import Coefficients

LABEL = "rawback.wide"
VERSION = 1
HEADER = struct.Struct("<H32sI")
"""Version, sha256 of the coded picture, bytes of the compressed mask."""
ROW = 1024
"""Blocks in a row of the JPEG."""
LARGEST = 4095
"""Of a level: a baseline JPEG's differ by no more than twice 2047."""


def to_boxes(picture: Coefficients, sha256: str) -> list[Box]:
    """The box of a picture of that hash; none where it has no such chroma."""
    if picture.wide is None:
        return []
    masks = [plane.any(-1) for plane in picture.wide]  # (rows, columns) each
    blocks = np.concatenate([plane[mask] for plane, mask in zip(picture.wide, masks, strict=True)])  # (n, 64)
    columns = min(len(blocks), ROW)
    rows = -(-len(blocks) // ROW)
    grid = np.zeros((rows * columns, 64), np.int16)
    grid[: len(blocks)] = blocks
    table = np.ones(64, np.uint16)
    coded = jpeg.coded_picture(Coefficients(8 * columns, 8 * rows, [grid.reshape(rows, columns, 64)], [table]))
    mask = zlib.compress(np.packbits(np.concatenate([m.ravel() for m in masks])).tobytes(), 9)
    head = HEADER.pack(VERSION, bytes.fromhex(sha256).ljust(32, b"\0"), len(mask))
    return [Box(LABEL, with_crc(head + mask + coded))]


def from_boxes(boxes: Iterable[Box], picture: Coefficients, sha256: str) -> tuple[np.ndarray, ...]:
    """What is to be added to Cb and Cr of the picture of that hash: their shapes, int16.

    Raises RawbackError where it is missing, damaged, or another picture's.
    """
    content = next((box.content for box in boxes if box.label == LABEL), None)
    body = checked(content) if content else None
    if body is None or len(body) < HEADER.size:
        raise RawbackError("is damaged" if content else "is missing")
    version, belongs_to, size = HEADER.unpack_from(body)
    if version != VERSION:
        raise RawbackError(f"has version {version}, this rawback knows {VERSION}; update rawback")
    if belongs_to.hex() != sha256:
        raise RawbackError("is another picture's")
    mask = _mask(body[HEADER.size : HEADER.size + size], [plane.shape[:2] for plane in picture.planes[1:]])
    counts = [int(np.count_nonzero(of_plane)) for of_plane in mask]
    blocks = _blocks(body[HEADER.size + size :], sum(counts))
    wide = tuple(np.zeros(plane.shape, np.int16) for plane in picture.planes[1:])
    for plane, of_plane, part in zip(wide, mask, np.split(blocks, np.cumsum(counts)[:-1]), strict=True):
        plane[of_plane] = part
    return wide


def _mask(data: bytes, shapes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
    """Which blocks have levels: (rows, columns) bool for each plane."""
    sizes = [rows * columns for rows, columns in shapes]
    expected = -(-sum(sizes) // 8)
    try:
        packed = zlib.decompressobj().decompress(data, expected + 1)
    except zlib.error as error:
        raise RawbackError("is damaged") from error
    if len(packed) != expected:
        raise RawbackError("is of another size than the picture")
    bits = np.unpackbits(np.frombuffer(packed, np.uint8))[: sum(sizes)].astype(bool)
    starts = np.cumsum([0, *sizes])
    return [bits[start : start + size].reshape(shape) for start, size, shape in zip(starts, sizes, shapes, strict=False)]


def _blocks(data: bytes, count: int) -> np.ndarray:
    """The first `count` blocks (count, 64) int16 of a grey JPEG."""
    read = jpeg.decode(JpegFile(data), "the JPEG in it").coefficients
    if read is None or len(read.planes) != 1 or read.planes[0].shape[0] * read.planes[0].shape[1] < count:
        raise RawbackError("is of another size than the picture")
    return np.clip(read.planes[0].reshape(-1, 64)[:count], -LARGEST, LARGEST)
