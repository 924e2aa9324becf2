"""Canon's CRW: the EXIF that its heap of records amounts to ("CIFF Specification on Image Data File", 1.0)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime

from rawback.files import tiff
from rawback.files.tags import Tag
from rawback.files.tiff import SHORT, SRATIONAL, Entries

MAGIC = b"HEAPCCDR"
MAX_RECORDS, MAX_BYTES = 1024, 4096
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
    (start,) = struct.unpack_from(order + "I", data, 2)
    found = dict(_records(data[start:], order))
    (make, model), (owner, _) = (_texts(found.get(tag, b"")) for tag in (MAKE_MODEL, OWNER))
    taken = _taken(found.get(TAKEN, b""), order)
    texts: tuple[dict[int, str], ...] = (
        {Tag.Make: make, Tag.Model: model, Tag.DateTime: taken, Tag.Artist: owner},
        {Tag.DateTimeOriginal: taken, Tag.DateTimeDigitized: taken},
    )
    ifd0, exif = ({tag: tiff.ascii_text(text) for tag, text in part.items() if text} for part in texts)
    return ifd0, exif | _modes(found, order)


def _records(whole: memoryview, order: str) -> Iterator[tuple[int, bytes]]:
    """Tag and content of the records of a heap and of those within it: its directory is named in its last four bytes."""
    heaps, left = [whole], MAX_RECORDS
    while heaps:
        heap = heaps.pop()
        (at,) = struct.unpack_from(order + "I", heap, len(heap) - 4) if len(heap) >= 6 else (0,)
        if not 0 < at + 2 <= len(heap) or len(heap) < 6:
            continue
        (count,) = struct.unpack_from(order + "H", heap, at)
        count = min(count, left, (len(heap) - at - 2) // 10)
        left -= count
        for place in range(at + 2, at + 2 + 10 * count, 10):
            tag, size, offset = struct.unpack_from(order + "HII", heap, place)
            if tag & 0xC000 == 0x4000:  # kept in the directory itself
                yield tag & 0x3FFF, bytes(heap[place + 2 : place + 10])
            elif tag & 0x3800 in (0x2800, 0x3000) and offset + size <= at:
                heaps.append(heap[offset : offset + size])
            elif offset + size <= at and size <= MAX_BYTES:
                yield tag & 0x3FFF, bytes(heap[offset : offset + size])


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
