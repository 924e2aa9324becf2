"""Where in a RAW file its pixels are, and how they may be coded: by TIFF directories, by a CRW's records, or by looking."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from rawback.files import ciff, tiff
from rawback.files.jpeg_file import is_jpeg
from rawback.files.tags import Tag
from rawback.files.tiff import Directory, Entries
from rawback.lossless.original import canon, lossless_jpeg, packing
from rawback.lossless.original.grid import PADDINGS, Grid
from rawback.lossless.original.streams import Canon, LosslessJpeg, Packed, Span, Stream, with_padding

CR2_SLICES = 50752
"""Number of slices but the last, their width, and that of the last."""
CHUNKY = 1
"""PlanarConfiguration: the values of a pixel side by side."""
UNCOMPRESSED, DEFLATE = 1, (8, 32946)
"""TIFF's numbers of compressions."""
DECODER_TABLE, PIXELS = 0x1835, 0x2005
CRW_LOW, CRW_CODE = 26, 540
"""Where a CRW's lowest bits begin, and without them its code: after the head, and 514 bytes of what is no code."""


def candidates(data: bytes, frame: np.ndarray) -> Iterator[Stream]:
    """Streams that may code the frame (H, W) uint16, of a linear RAW its rows of values, the most likely first."""
    if ciff.is_ciff(data):
        yield from _of_crw(data, frame)
    if tiff.is_tiff(data):
        for directory in _directories(data):
            yield from _of_directory(data, directory.entries, frame)
    yield from _looked_for(data, frame)


def linearisation(data: bytes, frame: tuple[int, int]) -> np.ndarray | None:
    """The table by which LibRaw makes the frame's values of those that are stored, (n,) uint16; None: they are the same."""
    for directory in _directories(data) if tiff.is_tiff(data) else ():
        if Tag.LinearizationTable in directory.entries and _size(directory.entries) == frame:
            return np.array(tiff.numbers(directory.entries[Tag.LinearizationTable]), np.uint16)
    return None


def is_deflated(data: bytes, frame: tuple[int, int]) -> bool:
    """Whether the pixels of that size are in zlib's format, which differs from version to version."""
    directories = _directories(data) if tiff.is_tiff(data) else []
    return any(_size(d.entries) == frame and _number(d.entries, Tag.Compression, 1) in DEFLATE for d in directories)


def _directories(data: bytes) -> list[Directory]:
    """All of a TIFF, those with the most pixel data first."""
    every = [*tiff.read(data).walk(), *tiff.read_chain(data)]
    return sorted((d for d in every if _pieces(d.entries)), key=lambda d: -sum(size for _, size in _pieces(d.entries)))


def _of_directory(data: bytes, entries: Entries, frame: np.ndarray) -> Iterator[Stream]:
    pieces = [(start, start + size) for start, size in _pieces(entries) if 0 <= start <= start + size <= len(data)]
    if not pieces or pieces != sorted(pieces) or len(pieces) != len(_pieces(entries)):
        return
    height, width = frame.shape
    values = _number(entries, Tag.SamplesPerPixel, 1) if _number(entries, Tag.PlanarConfiguration, CHUNKY) == CHUNKY else 1
    values = values if values in (1, 3) and _number(entries, Tag.ImageWidth, 0) * values == width else 1
    if Tag.TileWidth in entries:
        sizes = _number(entries, Tag.TileLength, 0), values * _number(entries, Tag.TileWidth, 0)
        grid = Grid((height, width), *sizes, True, values=values) if min(sizes) > 0 else None
    else:
        rows = min(_number(entries, Tag.RowsPerStrip, height), height) or height
        grid = Grid((height, width), rows, width, False, values=values)
    if grid is None or len(grid.corners) != len(pieces):
        return
    for padding in PADDINGS if grid.tiles else PADDINGS[:1]:
        if is_jpeg(data[pieces[0][0] : pieces[0][0] + 3]):
            yield from _jpegs(data, entries, with_padding(LosslessJpeg(grid, (), ()), padding).grid, pieces)
        elif _number(entries, Tag.Compression, 1) == UNCOMPRESSED and _number(entries, Tag.BitsPerSample, 16) in packing.BITS:
            yield from _uncompressed(data, entries, with_padding(Packed(grid, 0, "", ()), padding).grid, pieces)


def _jpegs(data: bytes, entries: Entries, grid: Grid, pieces: list[Span]) -> Iterator[Stream]:
    starts = [lossless_jpeg.scan_start(data, start) for start, _ in pieces]
    if not all(starts):
        return
    stops = [lossless_jpeg.scan_stop(data, start, stop) for start, (_, stop) in zip(starts, pieces, strict=True)]
    slices = tiff.numbers(entries[CR2_SLICES]) if CR2_SLICES in entries else ()
    cut = (int(slices[0]), int(slices[1])) if len(slices) == 3 and slices[0] else (0, 0)
    spans = tuple(zip(starts, stops, strict=True))
    for ones in (True, False):
        yield LosslessJpeg(grid, tuple(start for start, _ in pieces), spans, cut, ones)


def _uncompressed(data: bytes, entries: Entries, grid: Grid, pieces: list[Span]) -> Iterator[Stream]:
    """TIFF packs the most significant bit first, but 16 bits as the file's byte order says."""
    bits = int(_number(entries, Tag.BitsPerSample, 16))
    orders = [packing.BIG] if bits < 16 else [packing.LITTLE, packing.BIG][:: 1 if data[:2] == b"II" else -1]
    for order in orders:
        size = packing.row_bytes(grid.columns, bits)
        spans = []
        for (top, _), (start, stop) in zip(grid.corners, pieces, strict=True):
            rows = grid.rows if grid.tiles else min(grid.rows, grid.frame[0] - top)
            spans.append((start, min(start + rows * size, stop)))
        yield Packed(grid, bits, order, tuple(spans))


def _of_crw(data: bytes, frame: np.ndarray) -> Iterator[Stream]:
    records = {tag & ciff.NUMBER: content for tag, content in ciff.records(memoryview(data))}
    if not canon.fits(frame) or PIXELS not in records:
        return
    number = bytes(records.get(DECODER_TABLE, b"")[:4])
    table = min(int.from_bytes(number if data[:2] == b"MM" else number[::-1], "big"), 2)
    stop = CRW_LOW + len(records[PIXELS])
    for low in (0, CRW_LOW) if int(frame.max()) < 1024 else (CRW_LOW,):
        start = CRW_CODE + (frame.size // 4 if low else 0)
        end = lossless_jpeg.scan_stop(data, start, stop)
        spans = ((start, end),) if not low else ((low, low + frame.size // 4), (start, end))
        yield Canon((frame.shape[0], frame.shape[1]), table, low, spans)


def _looked_for(data: bytes, frame: np.ndarray) -> Iterator[Stream]:
    """Uncompressed in any container: two rows of the frame are looked for, packed in each way, and tell where all are."""
    height, width = frame.shape
    middle = height // 2
    highest = int(frame.max())
    if height < 4 or not len(np.unique(frame[middle])) > 1:
        return
    for bits, order in [(b, o) for b in (16, 14, 12, 10, 8) for o in (packing.LITTLE, packing.BIG)]:
        if highest >> bits:
            continue
        first, second = (packing.packed(frame[middle + i : middle + i + 1], bits, order) for i in (0, 1))
        at = data.find(first)
        following = data.find(second, at + len(first)) if at >= 0 else -1
        stride = following - at
        start = at - middle * stride
        if following < 0 or start < 0 or start + (height - 1) * stride + len(first) > len(data):
            continue
        grid = Grid((height, width), height, width, False)
        if stride == len(first):
            yield Packed(grid, bits, order, ((start, start + height * stride),))
        elif height > 1:
            rows = range(start, start + height * stride, stride)
            yield Packed(grid, bits, order, tuple((row, row + len(first)) for row in rows))


def _pieces(entries: Entries) -> list[Span]:
    """Offset and size of each strip or tile."""
    for offsets, sizes in ((Tag.TileOffsets, Tag.TileByteCounts), (Tag.StripOffsets, Tag.StripByteCounts)):
        if offsets in entries and sizes in entries:
            pairs = zip(tiff.numbers(entries[offsets]), tiff.numbers(entries[sizes]), strict=False)
            return [(int(start), int(size)) for start, size in pairs]
    return []


def _size(entries: Entries) -> tuple[int, int]:
    return _number(entries, Tag.ImageLength, 0), _number(entries, Tag.ImageWidth, 0)


def _number(entries: Entries, tag: int, default: int) -> int:
    values = tiff.numbers(entries[tag]) if tag in entries else ()
    return int(values[0]) if values and values[0] == values[0] else default
