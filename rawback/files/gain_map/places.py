"""Where a JPEG keeps further pictures: by MPF (CIPA DC-007), by the Container of XMP, or right behind its end."""

from __future__ import annotations

import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.gain_map.numbers import CONTAINER, ITEM
from rawback.files.jpeg_file import APP1, APP2, SOI, XMP, JpegFile
from rawback.files.tiff import Buffer

MPF = b"MPF\0"
MP_ENTRY = 0xB002
ENTRY = 16
"""Bytes of an MP entry: attributes, size, offset, and two numbers of pictures that it hangs on."""
MOST_PICTURES = 16
GAIN_MAP = "GainMap"


@dataclass(frozen=True)
class Place:
    """A further picture of a file."""

    start: int
    stop: int
    semantic: str = ""
    """What the Container calls it."""


def pictures(file: JpegFile) -> list[JpegFile]:
    """JPEGs that follow the first in its file, each once, as they are named; those behind its end where none is."""
    data = memoryview(file.data)
    places = [*_by_container(file), *_by_mpf(file)]
    end = len(file.first_picture.data)
    starts = {place.start: place for place in reversed(places) if 0 < place.start < place.stop <= len(data)}
    if end < len(data):
        starts.setdefault(end, Place(end, len(data)))
    return [JpegFile(bytes(data[p.start : p.stop])) for p in starts.values() if data[p.start : p.start + 2] == SOI]


def _by_mpf(file: JpegFile) -> Iterator[Place]:
    """Offsets count from the header of the segment's TIFF (CIPA DC-007, 5.2.3.3)."""
    for part in file.segments:
        if part.marker != APP2 or part.payload[:4] != MPF:
            continue
        start, body = part.start + 4 + len(MPF), bytes(part.payload[len(MPF) :])
        try:
            entry = tiff.read(body).entries.get(MP_ENTRY) if tiff.is_tiff(body) else None
        except RawbackError:
            entry = None
        if entry is None:
            return
        order = ">" if body[:2] == b"MM" else "<"
        for at in range(ENTRY, min(len(entry.data) // ENTRY, MOST_PICTURES) * ENTRY, ENTRY):  # the first is the picture itself
            size, offset = struct.unpack_from(f"{order}II", entry.data, at + 4)
            yield Place(start + offset, start + offset + size)


def _by_container(file: JpegFile) -> Iterator[Place]:
    """Items follow each other from the picture's end on, the last ones where the file ends."""
    lengths = [item for packet in file.payloads(APP1, XMP) for item in container(bytes(packet))][:MOST_PICTURES]
    at = len(file.first_picture.data) + (lengths[0][2] if lengths else 0)
    for semantic, length, padding in lengths[1:]:
        yield Place(at, at + length, semantic)
        at += length + padding


def container(packet: bytes) -> list[tuple[str, int, int]]:
    """Semantic, length and padding of each item of a packet's Container:Directory; nothing if it has none."""
    if (f'"{CONTAINER}"'.encode() not in packet and f"'{CONTAINER}'".encode() not in packet) or b"<!" in packet:
        return []
    try:
        root = ElementTree.fromstring(packet[: packet.rfind(b">") + 1].strip(b"\0 \r\n\t"))
    except (ElementTree.ParseError, ValueError, LookupError):
        return []
    items = root.iter(f"{{{CONTAINER}}}Item")
    return [(item.get(f"{{{ITEM}}}Semantic", ""), _whole(item.get(f"{{{ITEM}}}Length")), _whole(item.get(f"{{{ITEM}}}Padding")))
            for item in items]  # fmt: skip


def _whole(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 12 else 0


def trailer(file: JpegFile) -> Buffer:
    """What follows the end of the first picture."""
    return memoryview(file.data)[len(file.first_picture.data) :]
