"""DNGPrivateData as Adobe's converter fills it: blocks of four letters, by which exiftool and others find makers' data again.

The layouts are those that exiftool's DNG module documents by reading them: all numbers big-endian, blocks padded to even.
"""

from __future__ import annotations

import struct

from rawback.files import ciff, makernote, tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import Entries

HEAD = b"Adobe\0"
MAKER_NOTE, CRW, KODAK, PANASONIC = b"MakN", b"CRW ", b"Koda", b"Pano"
PIXELS_OF_CRW = frozenset({0x0000, 0x0001, 0x1835, 0x2005, 0x2007, 0x2008})
"""Records of a CRW that are layout or pictures: empty, free space, decoder table, mosaic, JPEG, thumbnail."""


def blocks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Name and body of each; none if the data is another maker's."""
    found, position = [], len(HEAD)
    while data.startswith(HEAD) and position + 8 <= len(data):
        name, size = struct.unpack_from(">4sI", data, position)
        found.append((name, data[position + 8 : position + 8 + size]))
        position += 8 + size + size % 2
    return found


def build(parts: list[tuple[bytes, bytes]]) -> bytes:
    """The inverse of `blocks`; nothing for no blocks."""
    bodies = [struct.pack(">4sI", name, len(body)) + body + b"\0" * (len(body) % 2) for name, body in parts]
    return b"".join([HEAD, *bodies]) if parts else b""


def maker_note(exif: Exif) -> list[tuple[bytes, bytes]]:
    """The block of a MakerNote that has a directory, and so offsets: it says its byte order and where it stood."""
    note = exif.exif.get(Tag.MakerNote)
    if note is None or not makernote.has_directory(note.data):
        return []
    return [(MAKER_NOTE, exif.order.encode() + struct.pack(">I", makernote.origin(exif)) + note.data)]


def canon_records(data: memoryview) -> list[tuple[bytes, bytes]]:
    """The block of a CRW's records, all heaps in one list: tag, size and bytes of each, these in the file's own order."""
    records = [(tag, body) for tag, body in ciff.records(data) if tag & ciff.NUMBER not in PIXELS_OF_CRW]
    parts = [struct.pack(">HI", tag, len(body)) + body for tag, body in records]
    return [(CRW, bytes(data[:2]) + struct.pack(">H", len(parts)) + b"".join(parts))]


def directory(name: bytes, entries: Entries, order: str) -> list[tuple[bytes, bytes]]:
    """The block of a maker's own directory: each value follows its tag, type and count, in the file's byte order."""
    parts = [
        struct.pack(">HHI", tag, entry.type, entry.count) + tiff.in_order(entry, order)
        for tag, entry in sorted(entries.items())
        if entry.type <= tiff.IFD
    ]
    return [(name, order.encode() + struct.pack(">H", len(parts)) + b"".join(parts))] if parts else []
