"""Canon's CRW: the EXIF that its heap of records amounts to ("CIFF Specification on Image Data File", 1.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from rawback.files import tiff
from rawback.files.tags import Tag
from rawback.files.tiff import SHORT, SRATIONAL, Entries

MAGIC = b"HEAPCCDR"
IN_DIRECTORY, IN_HEAP, STORAGE, NUMBER, TYPE = 0x4000, 0x0000, 0xC000, 0x3FFF, 0x3800
"""Bits of a record's tag: where its content is kept, its number, and what kind it is of."""
HEAPS = (0x2800, 0x3000)
MAX_RECORDS, MAX_DEPTH = 1 << 14, 16
MAKE_MODEL, OWNER, SHOT, SETTINGS, TAKEN = 0x080A, 0x0810, 0x102A, 0x102D, 0x180E
METERING = {0: 1, 1: 3, 2: 1, 3: 5, 4: 6, 5: 2}
"""Canon's numbers -> EXIF's MeteringMode."""
PROGRAMME = {1: 2, 2: 4, 3: 3, 4: 1}
"""Canon's exposure mode -> EXIF's ExposureProgram."""


def is_ciff(data: bytes | memoryview) -> bool:
    """Whether this is a CRW file."""
    return bytes(data[:2]) in (b"II", b"MM") and bytes(data[6:14]) == MAGIC


def entries(data: memoryview) -> tuple[Entries, Entries]:
    """What of IFD0 and of the Exif IFD only the records of a CRW tell (LibRaw tells exposure, ISO and focal length)."""
    order = "<" if bytes(data[:2]) == b"II" else ">"
    wanted = (MAKE_MODEL, OWNER, SHOT, SETTINGS, TAKEN)
    found = {tag & NUMBER: bytes(content) for tag, content in records(data) if tag & NUMBER in wanted}
    (make, model), (owner, _) = (_texts(found.get(tag, b"")) for tag in (MAKE_MODEL, OWNER))
    taken = _taken(found.get(TAKEN, b""), order)
    texts: tuple[dict[int, str], ...] = (
        {Tag.Make: make, Tag.Model: model, Tag.DateTime: taken, Tag.Artist: owner},
        {Tag.DateTimeOriginal: taken, Tag.DateTimeDigitized: taken},
    )
    ifd0, exif = ({tag: tiff.ascii_text(text) for tag, text in part.items() if text} for part in texts)
    return ifd0, exif | _modes(found, order)


def records(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Tag and content of every record of a CRW, in the order of the file; a heap's last four bytes name its directory."""
    order = "<" if bytes(data[:2]) == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", data, 2)
    yield from _records(data[start:], order, iter(range(MAX_RECORDS)), 0)


def _records(heap: memoryview, order: str, left: Iterator[int], depth: int) -> Iterator[tuple[int, memoryview]]:
    (at,) = struct.unpack_from(order + "I", heap, len(heap) - 4) if len(heap) >= 6 else (0,)
    if not 0 < at + 2 <= len(heap) or len(heap) < 6 or depth > MAX_DEPTH:
        return
    (count,) = struct.unpack_from(order + "H", heap, at)
    count = min(count, (len(heap) - at - 2) // 10)
    for place, _ in zip(range(at + 2, at + 2 + 10 * count, 10), left, strict=False):
        tag, size, offset = struct.unpack_from(order + "HII", heap, place)
        if tag & STORAGE == IN_DIRECTORY:
            yield tag, heap[place + 2 : place + 10]
        elif offset + size > at:
            continue
        elif tag & TYPE in HEAPS:
            yield from _records(heap[offset : offset + size], order, left, depth + 1)
        else:
            yield tag, heap[offset : offset + size]


def _texts(content: bytes) -> tuple[str, str]:
    """The first two texts of a record; the bytes after them are of no use."""
    first, second, *_ = [*content.split(b"\0"), b"", b""]
    return first.decode("ascii", "replace").strip(), second.decode("ascii", "replace").strip()


def _taken(content: bytes, order: str) -> str:
    """Seconds of local time since 1970 as EXIF writes a date."""
    if len(content) < 4:
        return ""
    return datetime.fromtimestamp(struct.unpack_from(order + "I", content)[0], UTC).strftime("%Y:%m:%d %H:%M:%S")


def _modes(found: dict[int, bytes], order: str) -> Entries:
    """Exposure bias, metering and programme, from Canon's tables of shorts."""
    shot, settings = (_shorts(found.get(tag, b""), order) for tag in (SHOT, SETTINGS))
    result: Entries = {Tag.ExposureBiasValue: tiff.rationals([round(_apex(shot[6]), 2)], SRATIONAL)} if len(shot) > 6 else {}
    if len(settings) > 20:
        result |= {Tag.MeteringMode: tiff.pack(SHORT, [METERING[settings[17]]])} if settings[17] in METERING else {}
        result |= {Tag.ExposureProgram: tiff.pack(SHORT, [PROGRAMME[settings[20]]])} if settings[20] in PROGRAMME else {}
    return result


def _shorts(content: bytes, order: str) -> tuple[int, ...]:
    return struct.unpack(f"{order}{len(content) // 2}h", content[: len(content) // 2 * 2])


def _apex(value: int) -> float:
    """Canon's exposure values: thirty-seconds, with thirds written as 12 and 20 of them."""
    sign, value = (-1, -value) if value < 0 else (1, value)
    fraction = {12: 32 / 3, 20: 64 / 3}.get(value & 31, value & 31)
    return sign * ((value & ~31) + fraction) / 32
