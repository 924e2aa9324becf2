"""Classic TIFF directories, read and written with their values verbatim (TIFF 6.0, section 2).

Every value is kept as little-endian bytes with its type and count, so what is read from one file can be written
into another without being understood.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from rawback.errors import RawbackError
from rawback.files.tags import DATA_LENGTHS, IFD_POINTERS

Buffer = bytes | bytearray | memoryview
Strips = dict[int, Sequence[Buffer]]

BYTE, ASCII, SHORT, LONG, RATIONAL, SBYTE, UNDEFINED, SSHORT, SLONG, SRATIONAL, FLOAT, DOUBLE, IFD = range(1, 14)
UTF8 = 129  # EXIF 3.0
SIZES = {BYTE: 1, ASCII: 1, SHORT: 2, LONG: 4, RATIONAL: 8, SBYTE: 1, UNDEFINED: 1, SSHORT: 2, SLONG: 4,
         SRATIONAL: 8, FLOAT: 4, DOUBLE: 8, IFD: 4, UTF8: 1}  # fmt: skip
WORDS = SIZES | {RATIONAL: 4, SRATIONAL: 4}
"""Bytes that are swapped together."""
CODES = {BYTE: "B", SHORT: "H", LONG: "I", RATIONAL: "I", SBYTE: "b", UNDEFINED: "B", SSHORT: "h", SLONG: "i",
         SRATIONAL: "i", FLOAT: "f", DOUBLE: "d", IFD: "I"}  # fmt: skip

MAGICS = {b"II": (b"\x2a\0", b"\x55\0", b"RO", b"RS"), b"MM": (b"\0\x2a", b"OR")}  # TIFF, RW2, ORF
MAX_ENTRIES, MAX_DIRECTORIES, MAX_VALUE, MAX_TOTAL = 4096, 32, 1 << 22, 1 << 25
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
    next: Directory | None = None
    """IFD1: written, never read."""

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


def read(data: Buffer) -> Directory:
    """IFD0 and what hangs below it: SubIFDs, Exif, GPS. Copies values only, so a memory map will do.

    What lies outside the file, is of an unknown type or absurdly large is left out. Raises RawbackError if not a TIFF.
    """
    if not is_tiff(data):
        raise RawbackError("not a TIFF: expected II or MM and its magic number at the start")
    return _Reader(memoryview(data)).directory(0)


class _Reader:
    """Reads one file within its limits."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.order = "<" if bytes(data[:2]) == b"II" else ">"
        self.seen: set[int] = set()
        self.left = MAX_TOTAL

    def unpack(self, form: str, position: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + form, self.data, position)

    def directory(self, depth: int, offset: int | None = None) -> Directory:
        """The directory at `offset` (None: the first); one visited already, or outside the file, is empty."""
        offset = self.unpack("I", 4)[0] if offset is None else offset
        found = Directory()
        if offset in self.seen or len(self.seen) >= MAX_DIRECTORIES or not 8 <= offset <= len(self.data) - 2:
            return found
        self.seen.add(offset)
        fit = (len(self.data) - offset - 2) // 12
        for i in range(min(self.unpack("H", offset)[0], fit, MAX_ENTRIES)):
            self.entry(found.entries, offset + 2 + 12 * i)
        for tag in IFD_POINTERS if depth < 3 else ():
            pointers = found.entries.pop(tag, None)
            if pointers and pointers.type in (LONG, SLONG, IFD):
                found.children[tag] = [self.directory(depth + 1, p) for p in numbers(pointers)[:MAX_DIRECTORIES]]
        return found

    def entry(self, entries: Entries, position: int) -> None:
        tag, kind, count = self.unpack("HHI", position)
        size = SIZES.get(kind, 0) * count
        start = position + 8 if size <= 4 else self.unpack("I", position + 8)[0]
        if not 0 < size <= min(MAX_VALUE, self.left) or start + size > len(self.data) or tag in entries:
            return
        self.left -= size
        entries[tag] = Entry(kind, count, self.little(bytes(self.data[start : start + size]), WORDS[kind]), start)

    def little(self, value: bytes, word: int) -> bytes:
        if self.order == "<" or word == 1:
            return value
        return np.frombuffer(value, f">u{word}").astype(f"<u{word}").tobytes()


def numbers(entry: Entry) -> tuple:
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


def serialise(first: Directory) -> list[Buffer]:
    """A little-endian TIFF as chunks to be written one after the other: all directories, then the pixels, not copied.

    Tags sorted, everything on even offsets. Raises RawbackError above 4 GiB.
    """
    directories = list(first.walk())
    at, position = {}, 8
    for directory in directories:
        at[id(directory)] = position
        position += _size(directory)
    head: list[Buffer] = [b"II\x2a\0" + struct.pack("<I", 8)]
    body: list[Buffer] = []
    for directory in directories:
        entries = dict(directory.entries)
        for tag, children in directory.children.items():
            entries[tag] = pack(LONG, [at[id(child)] for child in children])
        for tag, strips in directory.strips.items():
            offsets, position = _place(strips, position, body)
            entries[tag] = pack(LONG, offsets)
            entries[DATA_LENGTHS[tag]] = pack(LONG, map(len, strips))
        head.append(_directory(entries, at[id(directory)], at.get(id(directory.next), 0)))
    return [b"".join(head), *body]


def _place(strips: Sequence[Buffer], position: int, body: list[Buffer]) -> tuple[list[int], int]:
    offsets = []
    for strip in strips:
        if position + len(strip) > 0xFFFFFFFE:
            raise RawbackError("more than 4 GiB: a classic TIFF cannot hold that; the picture is too large for a DNG")
        offsets.append(position)
        body.append(strip)
        position += len(strip)
        if position % 2:
            body.append(b"\0")
            position += 1
    return offsets, position


def _size(directory: Directory) -> int:
    counts = [len(strips) for strips in directory.strips.values() for _ in range(2)]
    values = [len(e.data) for e in directory.entries.values()] + [4 * len(c) for c in directory.children.values()]
    values += [4 * count for count in counts]
    return 2 + 12 * len(values) + 4 + sum(size + size % 2 for size in values if size > 4)


def _directory(entries: Entries, offset: int, following: int) -> bytes:
    beyond = offset + 2 + 12 * len(entries) + 4
    table, values = [struct.pack("<H", len(entries))], []
    for tag, entry in sorted(entries.items()):
        inline = entry.data
        if len(entry.data) > 4:
            inline = struct.pack("<I", beyond)
            values.append(entry.data + b"\0" * (len(entry.data) % 2))
            beyond += len(values[-1])
        table.append(struct.pack("<HHI4s", tag, entry.type, entry.count, inline))
    return b"".join([*table, struct.pack("<I", following), *values])
