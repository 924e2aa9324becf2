"""Every directory of a TIFF-like file, with every tag as it stands there (TIFF 6.0; BigTIFF; DNG 1.7.1 for its pointers).

Nothing is left out without a word: what cannot be read becomes a note. Values are views into the file, never copies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from rawback.verify.entries import MAKER_POINTERS, OFFSETS, POINTERS, SIZES, Directory, Entry

CLASSIC, BIG, PANASONIC, OLYMPUS, PROFILE = 42, 43, 0x55, (0x4F52, 0x5352), 0x4352
"""Numbers after the byte order: TIFF, BigTIFF, RW2, ORF, and the camera profile within a DNG (tag 50933)."""
RW2_RAW_OFFSET, IN_RW2 = 280, b"\xff" * 4
"""Tag of the offset of the mosaic in an RW2, and what stands there in place of the offset of its strips."""
MAX_DIRECTORIES, MAX_ENTRIES, MAX_PIECES, MAX_NOTES = 512, 1 << 16, 1 << 18, 256
"""Directories, tags, strips and tiles, and complaints of a file: a hundred times what real ones have."""


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
        self.pieces_left = MAX_PIECES
        self.pointers_left = 2 * MAX_DIRECTORIES
        self.tree = Tree("<" if data[0] == 0x49 else ">")
        self.waiting: list[_Place] = []

    def run(self) -> Tree:
        order, big = self.tree.order, _magic(self.data, 0) == BIG
        first = self.number("Q", 8, order) if big else self.number("I", 4, order)
        self.tree.spans.append((0, _header_size(self.data, first or 0, big)))
        self.wait(first or 0, _Place(0, "IFD0", "IFD", order=order, big=big))
        while self.waiting:
            if len(self.seen) >= MAX_DIRECTORIES or self.entries_left <= 0 or self.bytes_left <= 0:
                self.note("more directories and tags than are read")
                break
            self.directory(self.waiting.pop(0))
        return self.tree

    def note(self, phrase: str) -> None:
        """Add a complaint; after too many, that there are more."""
        if len(self.tree.notes) < MAX_NOTES:
            self.tree.notes.append(phrase)
        elif len(self.tree.notes) == MAX_NOTES:
            self.tree.notes.append("more that cannot be read")

    def number(self, form: str, position: int, order: str) -> int | None:
        fits = 0 <= position <= len(self.data) - struct.calcsize(form)
        return struct.unpack_from(order + form, self.data, position)[0] if fits else None

    def wait(self, offset: int, place: _Place) -> None:
        """Note a directory to be read, `offset` counting from its base."""
        position = place.base + offset
        if offset <= 0 or position + 2 > len(self.data):
            self.note(f"{place.path} lies outside the file")
        elif position not in self.seen:
            self.seen.add(position)
            self.waiting.append(replace(place, offset=position))

    def directory(self, place: _Place) -> None:
        count_form, entry_size = ("Q", 20) if place.big else ("H", 12)
        head = struct.calcsize(count_form)
        count = self.number(count_form, place.offset, place.order) or 0
        fit = min(count, max(len(self.data) - place.offset - head, 0) // entry_size, self.entries_left)
        if fit < count:
            self.note(f"{place.path} has {count} tags, of which {fit} can be read")
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
                self.wait(following, replace(place, path=_next_path(place)))

    def entry(self, found: Directory, place: _Place, position: int) -> None:
        number, kind = struct.unpack_from(place.order + "HH", self.data, position)
        word, room = ("Q", 8) if place.big else ("I", 4)
        (count,) = struct.unpack_from(place.order + word, self.data, position + 4)
        at = position + 4 + room
        if kind not in SIZES:
            self.note(f"{place.path}: tag {number} is of the unknown type {kind}")
            return
        size = SIZES[kind] * count
        start = at if size <= room else place.base + (self.number(word, at, place.order) or 0)
        if start + size > len(self.data) or size > self.bytes_left:
            outside = "lies outside the file" if start + size > len(self.data) else "is one of too many that are the same bytes"
            self.note(f"{place.path}: the value of tag {number} {outside}")
            return
        self.bytes_left -= size
        tag = Entry(number, kind, count, self.data[start : start + size], place.order, start)
        if not self.follow(tag, place):
            self.tree.spans.append((start, start + size))
            found.tags.append(tag)

    def follow(self, tag: Entry, place: _Place) -> bool:
        """Whether a tag is a pointer that can be followed; its directories are noted then."""
        kind = POINTERS.get(tag.number) or MAKER_POINTERS.get(tag.number)
        if kind is None or tag.type not in (3, 4, 13, 16, 18) or not 0 < tag.count <= self.pointers_left:
            return False
        self.pointers_left -= tag.count
        if tag.number in MAKER_POINTERS and not all(self.is_directory(place, offset) for offset in tag.integers().tolist()):
            return False
        self.tree.spans.append((tag.offset, tag.offset + len(tag.data)))
        for i, offset in enumerate(tag.integers().tolist()):
            path = f"{place.path}/{kind}{i if kind in ('SubIFD', 'Profile') or i else ''}"
            if kind == "Profile":
                self.profile(place.base + offset, path)
            else:
                self.wait(offset, replace(place, path=path, kind=kind))
        return True

    def is_directory(self, place: _Place, offset: int) -> bool:
        """Whether there are tags and nothing else, all of known types."""
        start = place.base + offset
        count = self.number("H", start, place.order) if not place.big and offset > 0 else None
        if not count or start + 2 + 12 * count > len(self.data):
            return False
        return all(self.number("H", start + 4 + 12 * i, place.order) in SIZES for i in range(count))

    def profile(self, base: int, path: str) -> None:
        """A camera profile: a TIFF within the file, its offsets counting from its own header."""
        if base < 0 or _magic(self.data, base) != PROFILE:
            self.note(f"{path} is no camera profile")
            return
        order = "<" if self.data[base] == 0x49 else ">"
        self.tree.spans.append((base, base + 8))
        self.wait(self.number("I", base + 4, order) or 0, _Place(0, path, "Profile", base, order))

    def pixels(self, found: Directory, place: _Place) -> None:
        """The strips, tiles and JPEG of a directory whose tags are read."""
        for offsets, sizes in ((found.by_number.get(o), found.by_number.get(n)) for o, n in OFFSETS.items()):
            if offsets is None or offsets[0].data == IN_RW2:
                continue
            if offsets[0].count > self.pieces_left:
                self.note(f"{place.path}: more strips or tiles than are read")
                continue
            self.pieces_left -= offsets[0].count
            starts = offsets[0].integers() + place.base  # (pieces,)
            if sizes is None or sizes[0].count != offsets[0].count:
                self.tree.open_starts += starts.tolist()
            else:
                self.add_pixels(found, starts, sizes[0].integers())
        if _magic(self.data, 0) == PANASONIC and 0 < (start := found.integer(RW2_RAW_OFFSET) or 0) < len(self.data):
            found.pixels.append((start, len(self.data)))
        self.tree.spans += found.pixels

    def add_pixels(self, found: Directory, starts: np.ndarray, lengths: np.ndarray) -> None:
        """Pieces that start and end within the file; starts, lengths (pieces,) int64."""
        size = len(self.data)
        outside = (starts < 0) | (starts > size) | (lengths < 0) | (lengths > size) | (starts + lengths > size)
        if len(starts) != len(lengths) or outside.any() or lengths.sum() > self.bytes_left:
            self.note(f"{found.path}: its pixels lie outside the file")
            return
        self.bytes_left -= int(lengths.sum())
        found.pixels += list(zip(starts.tolist(), (starts + lengths).tolist(), strict=True))


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
