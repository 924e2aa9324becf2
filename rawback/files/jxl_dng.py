"""DNG 1.7 whose sensor values are coded with JPEG XL, made one that LibRaw unpacks (extra [jxl])."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.errors import MachineError, RawbackError
from rawback.files import extras, jxl, tiff
from rawback.files.tags import Compression, Photometric, Tag
from rawback.files.tiff import LONG, SHORT, Buffer, Directory, Entries
from rawback.files.tiff_writer import serialise

TILED = (Tag.TileWidth, Tag.TileLength, Tag.TileOffsets, Tag.TileByteCounts)
CODING = (
    *TILED, Tag.StripOffsets, Tag.StripByteCounts, Tag.RowInterleaveFactor, Tag.ColumnInterleaveFactor, Tag.JXLDistance,
    Tag.JXLEffort, Tag.JXLDecodeSpeed,
)  # fmt: skip
"""Tags that say how the values are stored."""
MAX_TILES, MAX_VALUES = 1 << 14, 1 << 30
MAX_INTERLEAVE = 8


def plain(data: Buffer, name: str) -> Buffer:
    """A DNG with its sensor values as they are, uncompressed, and what is said of them; any other file as it is.

    Previews are left out. Raises RawbackError for values that cannot be decoded.
    """
    first, coded = _coded(data)
    if coded is None or first is None:
        return data
    library = extras.needed("jxl", jxl.MODULE, f"{name} is a DNG coded with JPEG XL, and reading it")
    values = _values(library, data, coded.entries, name)
    height, width = values.shape[:2]
    channels = values.shape[2] if values.ndim == 3 else 1
    entries = {tag: entry for tag, entry in coded.entries.items() if tag not in CODING} | {
        Tag.Compression: tiff.pack(SHORT, [Compression.NONE]), Tag.BitsPerSample: tiff.pack(SHORT, [16] * channels),
        Tag.ImageWidth: tiff.pack(LONG, [width]), Tag.ImageLength: tiff.pack(LONG, [height]),
        Tag.RowsPerStrip: tiff.pack(LONG, [height]), Tag.PlanarConfiguration: tiff.pack(SHORT, [1]),
    }  # fmt: skip
    order = bytes(data[:2]).decode()
    samples = np.ascontiguousarray(values, "<u2" if order == "II" else ">u2").view(np.uint8).data.cast("B")
    raw = Directory(entries, strips={Tag.StripOffsets: [samples]})
    if coded is first:
        raw.children = {tag: below for tag, below in first.children.items() if tag != Tag.SubIFDs}
        return b"".join(serialise(raw, order))
    head = {tag: entry for tag, entry in first.entries.items() if tag not in (*CODING, Tag.Compression)}
    return b"".join(serialise(replace(first, entries=head, children=first.children | {Tag.SubIFDs: [raw]}, next=None), order))


def _coded(data: Buffer) -> tuple[Directory | None, Directory | None]:
    """IFD0, and the directory whose sensor values are coded with JPEG XL."""
    try:
        first = tiff.read(data) if tiff.is_tiff(data) else None
    except RawbackError:
        first = None
    if first is None or Tag.DNGVersion not in first.entries:
        return None, None
    kinds = (Photometric.CFA, Photometric.LINEAR_RAW)
    raws = [d for d in first.walk() if _first(d.entries, Tag.PhotometricInterpretation) in kinds
            and _first(d.entries, Tag.Compression) == Compression.JPEG_XL]  # fmt: skip
    mosaics = [d for d in raws if _first(d.entries, Tag.PhotometricInterpretation) == Photometric.CFA]
    return first, next(iter(mosaics or raws), None)


def _values(library: object, data: Buffer, entries: Entries, name: str) -> np.ndarray:
    """(rows, columns) or (rows, columns, 3) uint16."""
    damaged = RawbackError(f"{name} is a damaged DNG: its JPEG XL cannot be decoded; get the file again")
    width, height = _first(entries, Tag.ImageWidth), _first(entries, Tag.ImageLength)
    channels, bits = _first(entries, Tag.SamplesPerPixel) or 1, _first(entries, Tag.BitsPerSample) or 16
    across, down = _first(entries, Tag.TileWidth) or width, _first(entries, Tag.TileLength) or _first(entries, Tag.RowsPerStrip)
    across, down = across or width, min(down or height, height) if Tag.TileLength not in entries else down
    offsets, sizes = _pieces(entries)
    if min(width, height, across, down) < 1 or width * height * channels > MAX_VALUES or channels not in (1, 3):
        raise damaged
    per_row = -(-width // across)
    if len(offsets) != len(sizes) or len(offsets) != per_row * -(-height // down) or len(offsets) > MAX_TILES:
        raise damaged
    frame = np.zeros((-(-height // down) * down, per_row * across, channels), np.uint16)
    for number, (offset, size) in enumerate(zip(offsets, sizes, strict=True)):
        tile = _tile(library, bytes(data[offset : offset + size]), bits, damaged)
        top, left = number // per_row * down, number % per_row * across
        if tile.shape[2] != channels or tile.shape[0] > down or tile.shape[1] > across:
            raise damaged
        frame[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    frame = frame[:height, :width]
    for axis, tag in enumerate((Tag.RowInterleaveFactor, Tag.ColumnInterleaveFactor)):
        frame = _together(frame, axis, _first(entries, tag) or 1)
    return frame[..., 0] if channels == 1 else frame


def _tile(library: object, coded: bytes, bits: int, damaged: RawbackError) -> np.ndarray:
    """(rows, columns, channels) uint16, in the values that were coded."""
    try:
        values = np.asarray(library.jpegxl_decode(coded))  # type: ignore[attr-defined]
    except MemoryError as error:
        raise MachineError("there is not enough memory to decode JPEG XL; close other programs") from error
    except jxl.FAILURES as error:
        raise damaged from error
    if values.dtype not in (np.uint8, np.uint16) or values.ndim not in (2, 3):
        raise damaged
    return values.reshape(*values.shape[:2], -1).astype(np.uint16)


def _together(frame: np.ndarray, axis: int, factor: int) -> np.ndarray:
    """Rows (columns) that were stored in `factor` fields, one after the other, back in their order (DNG 1.7.1)."""
    if not 1 < factor <= MAX_INTERLEAVE:
        return frame
    result, at = np.empty_like(frame), 0
    for field in range(factor):
        count = len(range(field, frame.shape[axis], factor))
        into, out = [slice(None)] * 3, [slice(None)] * 3
        into[axis], out[axis] = slice(field, None, factor), slice(at, at + count)
        result[tuple(into)] = frame[tuple(out)]
        at += count
    return result


def _pieces(entries: Entries) -> tuple[tuple[int, ...], tuple[int, ...]]:
    tags = (Tag.TileOffsets, Tag.TileByteCounts) if Tag.TileOffsets in entries else (Tag.StripOffsets, Tag.StripByteCounts)
    offsets, sizes = (tuple(map(int, tiff.numbers(entries[tag]))) if tag in entries else () for tag in tags)
    return offsets, sizes


def _first(entries: Entries, tag: int) -> int:
    values = tiff.numbers(entries[tag])[:1] if tag in entries else ()
    return int(values[0]) if values else 0
