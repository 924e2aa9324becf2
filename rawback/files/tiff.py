"""Classic TIFF directories, read and written with their values verbatim (TIFF 6.0, section 2).

Every value is kept as little-endian bytes with its type and count, so what is read from one file can be written
into another without being understood.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np

from rawback.errors import RawbackError
from rawback.files.tags import IFD_POINTERS

Buffer = bytes | bytearray | memoryview
Strips = dict[int, Sequence[Buffer]]

BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD = range(1, 14)
LONG8, SLONG8, IFD8 = range(16, 19)  # BigTIFF's, and those of some classic files
UTF8 = 129  # EXIF 3.0
CODES = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SBYTE: "b", UNDEFINED: "B", SSHORT: "h", SLONG: "i",
         SRATIONAL: "i", FLOAT: "f", DOUBLE: "d", IFD: "I", LONG8: "Q", SLONG8: "q", IFD8: "Q"}  # fmt: skip
"""The types of numbers, as `struct` calls them."""
WORDS = {kind: struct.calcsize(code) for kind, code in CODES.items()} | {ASCII: 1, UTF8: 1}
"""Bytes that are swapped together."""
SIZES = WORDS | {RATIONAL: 8, SRATIONAL: 8}

MAGICS = {b"II": (b"\x2a\0", b"\x55\0", b"RO", b"RS"), b"MM": (b"\0\x2a", b"OR")}  # TIFF, RW2, ORF
PROFILE_MAGICS = {b"II": b"RC", b"MM": b"CR"}
"""Of a camera profile within a DNG: its offsets count from its own header (DNG 1.7.1, ExtraCameraProfiles)."""
MAX_ENTRIES, MAX_DIRECTORIES, MAX_DEPTH, MAX_VALUE, MAX_TOTAL = 4096, 32, 3, 1 << 22, 1 << 25
"""Limits on what is read: far above real files, far below what would hurt."""


@dataclass(frozen=True)
class Entry:
    """One value of a directory: TIFF type, how many, and the bytes, little-endian."""

    type: int
    count: int
    data: bytes
    offset: int = field(default=0, compare=False)
    """Where the value stood in the file it was read from: MakerNotes point into themselves by it."""


Entries = dict[int, Entry]
"""By tag number."""


@dataclass
class Directory:
    """An IFD: its entries, the directories it points to, and, for writing, the pixels it points to."""

    entries: Entries = field(default_factory=dict)
    children: dict[int, list[Directory]] = field(default_factory=dict)
    """By pointer tag (`tags.IFD_POINTERS`)."""
    strips: Strips = field(default_factory=dict)
    """By offset tag (`tags.DATA_LENGTHS`): written, never read."""
    blocks: dict[int, list[bytes]] = field(default_factory=dict)
    """By pointer tag: what it points to is written as it is, never read."""
    next: Directory | None = None
    """IFD1: written, never read."""
    unread: dict[int, int] = field(default_factory=dict)
    """Tags whose values are larger than what is read, and the bytes of each."""

    def child(self, tag: int) -> Entries:
        """Entries of the first directory that `tag` points to, or nothing."""
        return self.children[tag][0].entries if self.children.get(tag) else {}

    def walk(self) -> Iterator[Directory]:
        """This directory and all below it, in the order they are written."""
        yield self
        for tag in sorted(self.children):
            for child in self.children[tag]:
                yield from child.walk()
        if self.next:
            yield from self.next.walk()


def is_tiff(data: Buffer) -> bool:
    """Whether `data` begins like a TIFF or one of the RAW formats that differ from it only in the magic number."""
    return len(data) >= 8 and bytes(data[2:4]) in MAGICS.get(bytes(data[:2]), ())


def read(data: Buffer, max_value: int = MAX_VALUE) -> Directory:
    """IFD0 and what hangs below it: SubIFDs, Exif, GPS. Copies values only, so a memory map will do.

    What lies outside the file, is of an unknown type or has more than `max_value` bytes is left out.
    Raises RawbackError if not a TIFF.
    """
    if not is_tiff(data):
        raise RawbackError("not a TIFF: expected II or MM and its magic number at the start")
    reader = _Reader(memoryview(data), max_value)
    return reader.directory(offset_at(data, 4, reader.order))


def read_chain(data: Buffer) -> list[Directory]:
    """The directories that follow IFD0: thumbnails in most files."""
    reader = _Reader(memoryview(data))
    offset, found = offset_at(data, 4, reader.order), []
    for _ in range(MAX_DIRECTORIES):
        if not 8 <= offset <= len(data) - 2:
            break
        (count,) = struct.unpack_from(reader.order + "H", data, offset)
        place = offset + 2 + 12 * count
        if place + 4 > len(data) or (offset := offset_at(data, place, reader.order)) in reader.seen or not offset:
            break
        found.append(reader.directory(offset, MAX_DEPTH))
    return found


def read_directory(data: Buffer, offset: int) -> Entries:
    """The entries of a maker's own directory at `offset` of a TIFF."""
    return _Reader(memoryview(data)).directory(offset, MAX_DEPTH).entries


def read_profile(data: Buffer, start: int) -> Entries:
    """The entries of the camera profile whose header is at `start`; nothing if there is none."""
    profile = memoryview(data)[start:] if 0 <= start <= len(data) - 8 else memoryview(b"")
    magic = PROFILE_MAGICS.get(bytes(profile[:2]))
    if magic is None or profile[2:4] != magic:
        return {}
    reader = _Reader(profile)
    return reader.directory(offset_at(profile, 4, reader.order), MAX_DEPTH).entries


@dataclass(frozen=True)
class Field:
    """One of a directory's twelve-byte fields, its value not yet looked up."""

    tag: int
    type: int
    count: int
    place: int
    """Where its last four bytes stand: the value itself, or where that stands."""

    @property
    def size(self) -> int:
        """Bytes of the value; 0 for a type that is unknown."""
        return SIZES.get(self.type, 0) * self.count


def fields(data: Buffer, start: int, order: str) -> Iterator[Field]:
    """The fields of the directory at `start`, those that lie within `data`; order: "<" or ">", little or big end first."""
    if not 0 <= start <= len(data) - 2:
        return
    (count,) = struct.unpack_from(order + "H", data, start)
    for place in range(start + 2, min(start + 2 + 12 * count, len(data) - 11), 12):
        tag, kind, number = struct.unpack_from(order + "HHI", data, place)
        yield Field(tag, kind, number, place + 8)


def offset_at(data: Buffer, place: int, order: str) -> int:
    """The offset that stands there. Raises struct.error beyond the end."""
    return struct.unpack_from(order + "I", data, place)[0]


def little_endian(value: bytes, kind: int, order: str) -> bytes:
    """A value of that type from a file of that byte order, as an Entry keeps it."""
    return value if order == "<" else swapped(value, WORDS[kind])


def swapped(value: bytes, word: int) -> bytes:
    """The bytes with the order turned within each word of 1, 2, 4 or 8."""
    return value if word == 1 else np.frombuffer(value, f">u{word}").astype(f"<u{word}").tobytes()


def in_order(entry: Entry, order: str) -> bytes:
    """The value as a file of byte order "II" or "MM" has it."""
    return entry.data if order == "II" else swapped(entry.data, WORDS[entry.type])


class _Reader:
    """Reads one file within its limits."""

    def __init__(self, data: memoryview, max_value: int = MAX_VALUE) -> None:
        self.data = data
        self.max_value = max_value
        self.order = "<" if bytes(data[:2]) == b"II" else ">"
        self.seen: set[int] = set()
        self.left = MAX_TOTAL

    def directory(self, offset: int, depth: int = 0) -> Directory:
        """The directory at `offset`; one visited already, or outside the file, is empty."""
        directory = Directory()
        if offset in self.seen or len(self.seen) >= MAX_DIRECTORIES or not 8 <= offset <= len(self.data) - 2:
            return directory
        self.seen.add(offset)
        for part in islice(fields(self.data, offset, self.order), MAX_ENTRIES):
            self.add(directory, part)
        for tag in IFD_POINTERS if depth < MAX_DEPTH else ():
            pointers = directory.entries.pop(tag, None)
            if pointers and pointers.type in (LONG, SLONG, IFD):
                directory.children[tag] = [self.directory(p, depth + 1) for p in numbers(pointers)[:MAX_DIRECTORIES]]
        return directory

    def add(self, directory: Directory, part: Field) -> None:
        """The first value of each tag, if it lies within the file and the limits."""
        start = part.place if part.size <= 4 else offset_at(self.data, part.place, self.order)
        if part.size == 0 or start + part.size > len(self.data) or part.tag in directory.entries:
            return
        if part.size > min(self.max_value, self.left):
            directory.unread[part.tag] = part.size
            return
        self.left -= part.size
        value = little_endian(bytes(self.data[start : start + part.size]), part.type, self.order)
        directory.entries[part.tag] = Entry(part.type, part.count, value, start)


def numbers(entry: Entry) -> tuple[Any, ...]:
    """The numbers of an entry; rationals and floats as float (n/0 is nan), text as nothing."""
    if entry.type not in CODES:
        return ()
    code = CODES[entry.type]
    flat = struct.unpack(f"<{len(entry.data) // struct.calcsize(code)}{code}", entry.data)
    if entry.type in (RATIONAL, SRATIONAL):
        return tuple(n / d if d else float("nan") for n, d in zip(flat[::2], flat[1::2], strict=True))
    return flat


def text(entry: Entry | None) -> str:
    """The text of an ASCII entry up to its NUL, without blanks around it; empty if there is none."""
    return entry.data.split(b"\0")[0].decode("utf-8", "replace").strip() if entry else ""


def pack(kind: int, values: Iterable[float]) -> Entry:
    """An entry of integers or floats of the given type, e.g. `pack(SHORT, [2, 2])`."""
    items = tuple(values)
    return Entry(kind, len(items), struct.pack(f"<{len(items)}{CODES[kind]}", *items))


def rationals(values: Iterable[float], kind: int = RATIONAL) -> Entry:
    """An entry of fractions, the nearest with a denominator of at most a million; kind RATIONAL or SRATIONAL."""
    items = tuple(values)
    fractions = [Fraction(v).limit_denominator(max(1, min(10**6, int((2**31 - 2) / max(abs(v), 1))))) for v in items]
    flat = [part for f in fractions for part in (f.numerator, f.denominator)]
    return Entry(kind, len(items), struct.pack(f"<{len(flat)}{CODES[kind]}", *flat))


def ascii_text(value: str) -> Entry:
    """An ASCII entry with its closing NUL. What is not ASCII is written as UTF-8, as cameras and exiftool do."""
    data = value.replace("\0", "").encode() + b"\0"
    return Entry(ASCII, len(data), data)
