"""The box in which a JPEG carries the metadata of its RAW: packed, within a budget, versioned."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

from rawback.errors import RawbackError
from rawback.files import exif, tiff
from rawback.files.exif import Exif
from rawback.files.jumbf import Box
from rawback.files.original.metadata import Original
from rawback.files.tags import Tag, is_dng
from rawback.files.tiff import BYTE, LONG, Directory, Entries, Entry
from rawback.files.tiff_writer import serialise

try:
    import lzma
except ImportError:  # some builds of Python
    lzma = None  # type: ignore[assignment]

LABEL = "rawback.metadata"
OLD_LABEL = "rawback.lossless.original"
"""Of release 0.1.0: a part of the lossless layer, with four bytes of CRC in front."""
VERSION = 2
ZLIB, XZ = 0, 1
"""How it is compressed: the second byte."""
CRC_SIZE = 4
MAX_BYTES = tiff.MAX_TOTAL
MAX_VALUES = MAX_BYTES - (1 << 20)
"""Bytes of all values together: the rest is for directories."""
ORDER, NOTE_OFFSET, SIDECAR, LEFT_OUT, SHOWN = range(65000, 65005)
"""Private tags of the box itself: byte order of the original (0.1.0 only), where its MakerNote stood in it, the sidecar's
packet, what is not here, and whether the JPEG shows XMP (1) and IPTC (1) too."""
THOROUGH, QUICK, LARGE = 6, 1, 1 << 20
"""Presets of xz, and from how many bytes on the quick one is taken: the other takes three seconds for each megabyte."""
BROKEN = (zlib.error, EOFError, *([lzma.LZMAError] if lzma else []))
DAMAGED = "the metadata of its RAW is damaged, and left out"


def pack(original: Original) -> bytes:
    """The content of the box: version and compression, then TIFF directories without pixels, in the original's byte order."""
    inside = original.exif
    note = inside.exif.get(Tag.MakerNote)
    shown = [original.shows_xmp, original.shows_iptc]
    own: Entries = {NOTE_OFFSET: tiff.pack(LONG, [note.offset if note else 0]), SHOWN: tiff.pack(BYTE, shown)}
    if original.sidecar:
        own[SIDECAR] = Entry(BYTE, len(original.sidecar), original.sidecar)
    if original.left_out:
        own[LEFT_OUT] = tiff.ascii_text("\n".join(original.left_out))
    chain = [Directory(entries) for entries in original.chain]
    ifd0 = Directory(inside.ifd0, inside.directories() | ({Tag.SubIFDs: chain} if chain else {}))
    more = [Directory(entries) for entries in (original.raw, *original.profiles)]
    body = b"".join(serialise(Directory(own, {Tag.SubIFDs: [ifd0, *more]}), inside.order))
    return bytes([VERSION, ZLIB if lzma is None else XZ]) + compressed(body)


def load(content: bytes) -> Original:
    """The inverse of `pack`. Raises RawbackError for what is damaged, or of a later version."""
    if content[:1] != bytes([VERSION]) or content[1:2] not in (bytes([ZLIB]), bytes([XZ])):
        raise RawbackError("the metadata of its RAW is of a later version, and left out; update rawback")
    data = _decompressed(content[2:], content[1])
    root, order = tiff.read(data, MAX_BYTES), data[:2].decode()
    directories = root.children.get(Tag.SubIFDs, [Directory()])
    first = directories[0]
    inside = exif.from_directory(Directory({}, first.children), order)
    xmp, iptc = (tiff.in_order(first.entries[t], order) if t in first.entries else b"" for t in (Tag.XMP, Tag.IPTC))
    own = replace(inside, ifd0=first.entries, xmp=xmp, iptc=iptc)
    _place_note(own, root.entries.get(NOTE_OFFSET))
    raw, *profiles = [d.entries for d in directories[1:]] or [{}]
    sidecar = root.entries[SIDECAR].data if SIDECAR in root.entries else b""
    left_out = tiff.text(root.entries.get(LEFT_OUT))
    shown = (*(tiff.numbers(root.entries[SHOWN]) if SHOWN in root.entries else ()), 0, 0)
    phrases = tuple(left_out.split("\n")) if left_out else ()
    chain = [d.entries for d in first.children.get(Tag.SubIFDs, [])]
    return Original(own, raw, profiles, chain, sidecar, phrases, shows_xmp=bool(shown[0]), shows_iptc=bool(shown[1]))


def load_old(content: bytes) -> Original:
    """As `load`, for the layers of release 0.1.0: IFD0 with Exif and GPS, then DNG's tags of IFD0 and of the mosaic."""
    first = tiff.read(_decompressed(content, ZLIB))
    subs = [*first.children.get(Tag.SubIFDs, []), Directory(), Directory()]
    order = "MM" if tiff.text(first.entries.pop(ORDER, None)) == "MM" else "II"
    offset = first.entries.pop(NOTE_OFFSET, None)
    found = exif.from_directory(first, order)
    xmp, iptc = (found.ifd0[tag].data if tag in found.ifd0 else b"" for tag in (Tag.XMP, Tag.IPTC))
    ifd0, raw = ({tag: entry for tag, entry in sub.entries.items() if is_dng(tag)} for sub in subs[:2])
    if order == "MM" and Tag.ExifCFAPattern in found.exif:
        found.exif[Tag.ExifCFAPattern] = exif.turned_pattern(found.exif[Tag.ExifCFAPattern])
    own = replace(found, ifd0=found.ifd0 | ifd0, xmp=xmp, iptc=iptc)
    _place_note(own, offset)
    return Original(own, raw)


def _place_note(inside: Exif, offset: Entry | None) -> None:
    note, values = inside.exif.get(Tag.MakerNote), tiff.numbers(offset) if offset else ()
    if note and values:
        inside.exif[Tag.MakerNote] = replace(note, offset=int(values[0]))


def compressed(data: bytes) -> bytes:
    """As the box is, or a part of it."""
    if lzma is None:
        return zlib.compress(data, 9)
    return lzma.compress(data, check=lzma.CHECK_CRC32, preset=THOROUGH if len(data) < LARGE else QUICK)


def _decompressed(packed: bytes, method: int) -> bytes:
    if method == XZ and lzma is None:
        raise RawbackError("the metadata of its RAW cannot be read: this Python has no lzma")
    stream: Any = zlib.decompressobj() if method == ZLIB else lzma.LZMADecompressor(memlimit=4 * MAX_BYTES)
    try:
        data = stream.decompress(packed, MAX_BYTES)
    except BROKEN as error:
        raise RawbackError(DAMAGED) from error
    if not stream.eof or not tiff.is_tiff(data):
        raise RawbackError(DAMAGED)
    return data


def find(boxes: list[Box]) -> tuple[Original | None, list[str]]:
    """The metadata that a JPEG carries, and what is to be said of it."""
    try:
        for box in boxes:
            if box.label == LABEL:
                return load(box.content), []
        for box in boxes:
            if box.label == OLD_LABEL:
                return load_old(_checked(box.content)), []
    except RawbackError as error:
        return None, [str(error)]
    return None, []


def _checked(content: bytes) -> bytes:
    body = content[CRC_SIZE:]
    if zlib.crc32(body) != int.from_bytes(content[:CRC_SIZE], "little"):
        raise RawbackError(DAMAGED)
    return body
