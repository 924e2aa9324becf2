"""Every record of a Canon CRW ("CIFF Specification on Image Data File", 1.0), and those that a DNG keeps.

Adobe's converter keeps them in DNGPrivateData: "CRW ", and for each its tag, its size and its bytes, big-endian.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

MAGIC = b"HEAPCCDR"
IN_DIRECTORY, IN_HEAP, STORAGE, NUMBER, TYPE = 0x4000, 0x0000, 0xC000, 0x3FFF, 0x3800
HEAPS = (0x2800, 0x3000)
MAX_RECORDS = 1 << 14


@dataclass(frozen=True)
class Record:
    """A record by where it stands."""

    path: str
    """Numbers of the heaps it is in."""
    number: int
    """Its tag without the bits that say where its content is kept."""
    data: memoryview
    """In the file's byte order."""


@dataclass
class Heap:
    """What a CRW consists of."""

    records: list[Record] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    spans: list[tuple[int, int]] = field(default_factory=list)


def is_ciff(data: memoryview) -> bool:
    """Whether this is a CRW."""
    return bytes(data[:2]) in (b"II", b"MM") and bytes(data[6:14]) == MAGIC


def read(data: memoryview) -> Heap:
    """All records of a file for which `is_ciff` holds."""
    order = "<" if data[0] == 0x49 else ">"
    (start,) = struct.unpack_from(order + "I", data, 2)
    found, left = Heap(spans=[(0, start)]), MAX_RECORDS
    waiting, seen = [("heap", start, len(data))], set()
    while waiting:
        path, first, end = waiting.pop(0)
        at = first + struct.unpack_from(order + "I", data, end - 4)[0] if 0 <= first <= end - 4 <= len(data) - 4 else end
        if at + 2 > end or (first, end) in seen:
            found.notes.append(f"{path} has no directory")
            continue
        seen.add((first, end))
        (count,) = struct.unpack_from(order + "H", data, at)
        fit = min(count, left, (end - at - 2) // 10)
        if fit < count:
            found.notes.append(f"{path} has {count} records, of which {fit} can be read")
        left -= fit
        found.spans += [(at, at + 2 + 10 * fit), (end - 4, end)]
        for place in range(at + 2, at + 2 + 10 * fit, 10):
            if heap := _record(found, data, order, path, place, first, end):
                waiting.append(heap)
    return found


def _record(
    found: Heap, data: memoryview, order: str, path: str, place: int, first: int, end: int
) -> tuple[str, int, int] | None:  # fmt: skip
    """Add the record whose entry is at `place`; if it is a heap itself, where that is."""
    tag, size, offset = struct.unpack_from(order + "HII", data, place)
    number, start = tag & NUMBER, first + offset
    if tag & STORAGE == IN_DIRECTORY:
        found.records.append(Record(path, number, data[place + 2 : place + 10]))
    elif tag & STORAGE != IN_HEAP or start + size > end:
        found.notes.append(f"record 0x{tag:04x} of {path} cannot be read")
    elif tag & TYPE in HEAPS:
        return f"{path}/0x{number:04x}", start, start + size
    else:
        found.spans.append((start, start + size))
        found.records.append(Record(path, number, data[start : start + size]))
    return None


def in_private_data(block: bytes) -> set[tuple[int, bytes]]:
    """Number and content of the records that Adobe's block "CRW " holds, after its eight bytes of head."""
    (count,) = struct.unpack_from(">H", block, 2) if len(block) >= 4 else (0,)
    found, position = set(), 4
    for _ in range(count):
        if position + 6 > len(block):
            break
        tag, size = struct.unpack_from(">HI", block, position)
        found.add((tag & NUMBER, block[position + 6 : position + 6 + size]))
        position += 6 + size
    return found
