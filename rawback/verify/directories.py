"""Every directory of a TIFF-like file, with every tag as it stands there (TIFF 6.0; BigTIFF; DNG 1.7.1 for its pointers).

Nothing is left out without a word: what cannot be read becomes a note. Values are views into the file, never copies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

BYTE_TYPES = frozenset((1, 2, 6, 7, 129))
"""BYTE, ASCII, SBYTE, UNDEFINED, UTF-8 (EXIF 3.0): one byte a value."""
SIZES = dict.fromkeys(BYTE_TYPES, 1) | {3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 8, 10: 8, 12: 8, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by field type."""
INTEGERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
"""numpy's name of each integral field type."""
POINTERS = {330: "SubIFD", 34665: "Exif", 34853: "GPS", 40965: "Interop", 50933: "Profile"}
"""Tags that hold offsets of directories, and the kind of directory there."""
OFFSETS = {273: 279, 324: 325, 513: 514}
"""Tags that hold offsets of pixels (strips, tiles, JPEG), and the tags of their lengths."""
CLASSIC, BIG, PANASONIC, OLYMPUS, PROFILE = 42, 43, 0x55, (0x4F52, 0x5352), 0x4352
"""Numbers after the byte order: TIFF, BigTIFF, RW2, ORF, and the camera profile within a DNG (tag 50933)."""
RW2_RAW_OFFSET = 280
MAX_DIRECTORIES, MAX_ENTRIES = 512, 1 << 16
"""Of a file: a hundred times what real ones have."""


@dataclass(frozen=True)
class Tag:
    """An entry of a directory."""

    number: int
    type: int
    count: int
    data: memoryview
    """The value, in the byte order of the file."""
    order: str
    """"<" or ">"."""
    offset: int
    """Where the value stands in the file."""

    def integers(self) -> np.ndarray:
        """The values (count,) of an integral type as int64; of another, none."""
        if self.type not in INTEGERS:
            return np.zeros(0, np.int64)
        return np.frombuffer(self.data, self.order + INTEGERS[self.type]).astype(np.int64)


@dataclass
class Directory:
    """An IFD, by where it hangs."""

    path: str
    """Such as IFD0/SubIFD1."""
    kind: str
    """IFD (of the main chain) or one of the kinds of POINTERS."""
    tags: list[Tag] = field(default_factory=list)
    """All but the pointers that were followed; a number that stands there twice is here twice."""
    pixels: list[tuple[int, int]] = field(default_factory=list)
    """Start and end in the file of strips, tiles and JPEGs."""

    def integer(self, number: int) -> int | None:
        """The first value of a tag, if it is there and integral."""
        for tag in self.tags:
            if tag.number == number and len(values := tag.integers()):
                return int(values[0])
        return None


@dataclass
class Tree:
    """What a TIFF-like file consists of."""

    order: str
    """"<" or ">"."""
    directories: list[Directory] = field(default_factory=list)
    """IFD0 first."""
    notes: list[str] = field(default_factory=list)
    """What could not be read, a phrase each."""
    spans: list[tuple[int, int]] = field(default_factory=list)
    """Start and end of everything that something refers to."""
    open_starts: list[int] = field(default_factory=list)
    """Starts of pixels whose length is not said."""


def is_tiff(data: memoryview) -> bool:
    """Whether a file begins like a TIFF, BigTIFF, RW2 or ORF."""
    return _magic(data, 0) in (CLASSIC, BIG, PANASONIC, *OLYMPUS)


def read(data: memoryview) -> Tree:
    """All directories of a file for which `is_tiff` holds, each visited once."""
    return _Walk(data).run()


def _magic(data: memoryview, start: int) -> int | None:
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[start : start + 2]))
    return struct.unpack_from(order + "H", data, start + 2)[0] if order and start + 8 <= len(data) else None


@dataclass(frozen=True)
class _Place:
    """A directory to be read."""

    offset: int
    """In the file."""
    path: str
    kind: str
    base: int = 0
    """Where its offsets count from: a camera profile has its own header."""
    order: str = "<"
    big: bool = False


class _Walk:
    """One file, within limits: no directory twice, no more values than the file could hold four times over."""

    def __init__(self, data: memoryview) -> None:
        self.data = data
        self.seen: set[int] = set()
        self.entries_left = MAX_ENTRIES
        self.bytes_left = 4 * len(data) + (1 << 20)
        self.tree = Tree("<" if data[0] == 0x49 else ">")
        self.waiting: list[_Place] = []

    def run(self) -> Tree:
        order, big = self.tree.order, _magic(self.data, 0) == BIG
        first = self.number("Q", 8, order) if big else self.number("I", 4, order)
        self.tree.spans.append((0, _header_size(self.data, first or 0, big)))
        self.wait(first or 0, _Place(0, "IFD0", "IFD", order=order, big=big))
        while self.waiting:
            if len(self.seen) >= MAX_DIRECTORIES or self.entries_left <= 0 or self.bytes_left <= 0:
                self.tree.notes.append("more directories and tags than are read")
                break
            self.directory(self.waiting.pop(0))
        return self.tree

    def number(self, form: str, position: int, order: str) -> int | None:
        fits = 0 <= position <= len(self.data) - struct.calcsize(form)
        return struct.unpack_from(order + form, self.data, position)[0] if fits else None

    def wait(self, offset: int, place: _Place) -> None:
        """Note a directory to be read, `offset` counting from its base."""
        position = place.base + offset
        if offset <= 0 or position + 2 > len(self.data):
            self.tree.notes.append(f"{place.path} lies outside the file")
        elif position not in self.seen:
            self.seen.add(position)
            self.waiting.append(_Place(position, place.path, place.kind, place.base, place.order, place.big))

    def directory(self, place: _Place) -> None:
        count_form, entry_size = ("Q", 20) if place.big else ("H", 12)
        head = struct.calcsize(count_form)
        count = self.number(count_form, place.offset, place.order) or 0
        fit = min(count, max(len(self.data) - place.offset - head, 0) // entry_size, self.entries_left)
        if fit < count:
            self.tree.notes.append(f"{place.path} has {count} tags, of which {fit} can be read")
        found = Directory(place.path, place.kind)
        self.tree.directories.append(found)
        self.entries_left -= fit
        for i in range(fit):
            self.entry(found, place, place.offset + head + entry_size * i)
        end = place.offset + head + entry_size * fit
        self.tree.spans.append((place.offset, end + (8 if place.big else 4)))
        self.pixels(found, place)
        if place.kind in ("IFD", "SubIFD") and fit == count:
            following = self.number("Q" if place.big else "I", end, place.order)
            if following:
                self.wait(following, _Place(0, _next_path(place), place.kind, place.base, place.order, place.big))

    def entry(self, found: Directory, place: _Place, position: int) -> None:
        number, kind = struct.unpack_from(place.order + "HH", self.data, position)
        word, room = ("Q", 8) if place.big else ("I", 4)
        (count,) = struct.unpack_from(place.order + word, self.data, position + 4)
        at = position + 4 + room
        if kind not in SIZES:
            self.tree.notes.append(f"{place.path}: tag {number} is of the unknown type {kind}")
            return
        size = SIZES[kind] * count
        start = at if size <= room else place.base + (self.number(word, at, place.order) or 0)
        if start + size > len(self.data):
            self.tree.notes.append(f"{place.path}: the value of tag {number} lies outside the file")
            return
        self.bytes_left -= size
        tag = Tag(number, kind, count, self.data[start : start + size], place.order, start)
        if number not in POINTERS or not self.follow(tag, place):
            self.tree.spans.append((start, start + size))
            found.tags.append(tag)

    def follow(self, tag: Tag, place: _Place) -> bool:
        """Whether a pointer is one that can be followed; its directories are noted then."""
        offsets = tag.integers()
        if tag.type not in (3, 4, 13, 16, 18) or not 0 < len(offsets) <= MAX_DIRECTORIES:
            return False
        self.tree.spans.append((tag.offset, tag.offset + len(tag.data)))
        kind = POINTERS[tag.number]
        for i, offset in enumerate(offsets.tolist()):
            path = f"{place.path}/{kind}{i if kind in ('SubIFD', 'Profile') or i else ''}"
            if kind == "Profile":
                self.profile(place.base + offset, path)
            else:
                self.wait(offset, _Place(0, path, kind, place.base, place.order, place.big))
        return True

    def profile(self, base: int, path: str) -> None:
        """A camera profile: a TIFF within the file, its offsets counting from its own header."""
        if base < 0 or _magic(self.data, base) != PROFILE:
            self.tree.notes.append(f"{path} is no camera profile")
            return
        order = "<" if self.data[base] == 0x49 else ">"
        self.tree.spans.append((base, base + 8))
        self.wait(self.number("I", base + 4, order) or 0, _Place(0, path, "Profile", base, order))

    def pixels(self, found: Directory, place: _Place) -> None:
        tags = {tag.number: tag.integers() for tag in found.tags if tag.number in {*OFFSETS, *OFFSETS.values()}}
        for starts, lengths in ((tags[o], tags.get(n)) for o, n in OFFSETS.items() if o in tags):
            if lengths is None or len(lengths) != len(starts):
                self.tree.open_starts += (starts + place.base).tolist()
                continue
            spans = np.stack([starts + place.base, starts + place.base + lengths], 1)  # (pieces, 2)
            if (spans < 0).any() or (spans > len(self.data)).any() or lengths.sum() > self.bytes_left:
                self.tree.notes.append(f"{place.path}: its pixels lie outside the file")
                continue
            self.bytes_left -= int(lengths.sum())
            found.pixels += [(start, end) for start, end in spans.tolist()]
        self.tree.spans += found.pixels
        if _magic(self.data, 0) == PANASONIC and (start := found.integer(RW2_RAW_OFFSET)):
            self.tree.open_starts.append(start)


def _header_size(data: memoryview, first: int, big: bool) -> int:
    """CR2 and RW2 say more before the first directory: their own version, and where the mosaic is."""
    if bytes(data[8:10]) == b"CR" or _magic(data, 0) == PANASONIC:
        return min(first, 24)
    return 16 if big else 8


def _next_path(place: _Place) -> str:
    stem, number = place.path.rstrip("0123456789"), place.path[len(place.path.rstrip("0123456789")) :]
    return f"{stem}{int(number) + 1}" if place.kind == "IFD" else f"{place.path}+1"


def gaps(length: int, spans: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Start and end of what lies between the spans in a file of `length` bytes."""
    reached = 0
    for start, end in sorted(spans):
        if start > reached:
            yield reached, min(start, length)
        reached = max(reached, end)
    if reached < length:
        yield reached, length
