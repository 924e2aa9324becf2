"""What a HEIF file says of its pictures: items, their properties, and which describes which (ISO/IEC 23008-12, 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

MAX_BOXES = 1 << 12
"""Side by side: a picture of 200 megapixels has 800 tiles."""
FULL_BOX = 4
"""Bytes of version and flags before the content of a full box."""
HIDDEN = 1
"""Flag of an item that is not to be shown by itself."""
EXIF_OFFSET = 4
"""Bytes before an EXIF item's content that say how much comes before its TIFF (ISO/IEC 23008-12, A.2.1)."""
IN_FILE, IN_IDAT = 0, 1
"""Construction methods of an item's content."""


@dataclass(frozen=True)
class Span:
    """A box by where it lies in the file, its head left out."""

    kind: bytes
    start: int
    stop: int


@dataclass(frozen=True)
class Item:
    """One item of the file."""

    number: int
    kind: bytes
    """hvc1, grid, Exif, mime, tmap, ..."""
    flags_at: int
    """Where its flags stand in the file, three bytes."""


class Items:
    """The `meta` box of a file. What cannot be read is missing."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def primary(self) -> int:
        """Number of the item that is to be shown; 0 where none is named."""
        at, size = self._primary_field
        return self._number(at, size)

    @cached_property
    def all(self) -> dict[int, Item]:
        """By their numbers."""
        table = self._child(b"iinf")
        entries = table.start + FULL_BOX + (2 if self._version(table) == 0 else 4)
        found = {}
        for box in self._boxes(entries, table.stop):
            wide = 2 if self._version(box) == 3 else 0
            if box.kind == b"infe" and box.stop - box.start >= 12 and self._version(box) in (2, 3):
                number, kind = self._number(box.start + FULL_BOX, 2 + wide), box.start + FULL_BOX + 4 + wide
                found[number] = Item(number, self.data[kind : kind + 4], box.start + 1)
        return found

    @cached_property
    def references(self) -> list[tuple[bytes, int, tuple[int, ...]]]:
        """Kind, from which item, to which: cdsc describes, dimg is made of, auxl belongs to."""
        table = self._child(b"iref")
        size = 2 if self._version(table) == 0 else 4
        found = []
        for box in self._boxes(table.start + FULL_BOX, table.stop):
            first = box.start + size + 2
            count = min(self._number(box.start + size, 2), max(box.stop - first, 0) // size)
            targets = tuple(self._number(first + size * i, size) for i in range(count))
            found.append((box.kind, self._number(box.start, size), targets))
        return found

    def properties(self, number: int) -> list[tuple[bytes, bytes]]:
        """Kind and content of the properties of an item, in order."""
        parent = self._child(b"iprp")
        shelf = list(self._boxes(*_inside(self._child(b"ipco", parent))))
        wanted = [shelf[i - 1] for i in self._associations.get(number, ()) if 0 < i <= len(shelf)]
        return [(box.kind, self.data[box.start : box.stop]) for box in wanted]

    def content(self, number: int) -> bytes:
        """The bytes of an item; nothing for one that lies elsewhere or is made of others."""
        try:
            method, extents = self._locations.get(number, (IN_FILE, ()))
        except (struct.error, IndexError):
            return b""
        base = {IN_FILE: 0, IN_IDAT: self._child(b"idat").start}.get(method)
        return b"" if base is None else b"".join(self.data[base + at : base + at + size] for at, size in extents)

    def describing(self, number: int, kind: bytes) -> list[bytes]:
        """The content of those items of a kind that describe an item."""
        about = [source for name, source, targets in self.references if name == b"cdsc" and number in targets]
        return [self.content(source) for source in about if source in self.all and self.all[source].kind == kind]

    def exif(self) -> bytes:
        """The TIFF that holds the EXIF of the picture, as it stands in the file; empty if there is none."""
        content = next(iter(self.describing(self.primary, b"Exif")), b"")
        return content[EXIF_OFFSET + int.from_bytes(content[:EXIF_OFFSET], "big") :].removeprefix(b"Exif\0\0")

    def xmp(self) -> bytes:
        """The XMP packet of the picture; empty if there is none."""
        return next((content for content in self.describing(self.primary, b"mime") if b"<rdf:RDF" in content), b"")

    def undescribed(self) -> bytes:
        """The file with no item describing another: libheif's wrapper crashes on odd types of those."""
        start, stop = _inside(self._meta)
        return self.data[:start] + self.data[start:stop].replace(b"cdsc", b"skip") + self.data[stop:]

    @property
    def missing(self) -> int:
        """Bytes of its items that should be behind the end of the file."""
        try:
            ends = [at + size for method, extents in self._locations.values() if method == IN_FILE for at, size in extents]
        except (struct.error, IndexError):
            return 0
        return max(max(ends, default=0) - len(self.data), 0)

    def with_primary(self, number: int) -> bytes:
        """The file with another item as the one that is shown: so a decoder is asked for one that it would not give."""
        data = bytearray(self.data)
        at, size = self._primary_field
        data[at : at + size] = number.to_bytes(size, "big")
        if number in self.all:
            data[self.all[number].flags_at + 2] &= ~HIDDEN & 0xFF
        return bytes(data)

    @cached_property
    def _meta(self) -> Span:
        box = next((b for b in self._boxes(0, len(self.data)) if b.kind == b"meta"), Span(b"meta", 0, 0))
        return Span(b"meta", min(box.start + FULL_BOX, box.stop), box.stop)

    @cached_property
    def _primary_field(self) -> tuple[int, int]:
        box = self._child(b"pitm")
        return box.start + FULL_BOX, 2 if self._version(box) == 0 else 4

    @cached_property
    def _associations(self) -> dict[int, list[int]]:
        """Numbers of properties, from 1 on, by item (ISO/IEC 23008-12, 9.3)."""
        box = self._child(b"ipma", self._child(b"iprp"))
        wide, size = self._number(box.start + 3, 1) & 1, 2 if self._version(box) == 0 else 4
        at, found = box.start + FULL_BOX + 4, {}
        step, mask = (2, 0x7FFF) if wide else (1, 0x7F)
        for _ in range(min(self._number(box.start + FULL_BOX, 4), MAX_BOXES)):
            if at + size + 1 > box.stop:
                break
            number, count, at = self._number(at, size), self._number(at + size, 1), at + size + 1
            found[number] = [self._number(at + step * i, step) & mask for i in range(count)]
            at += step * count
        return found

    @cached_property
    def _locations(self) -> dict[int, tuple[int, list[tuple[int, int]]]]:
        """Construction method, and offset and length of each piece, by item (ISO/IEC 14496-12, 8.11.3)."""
        box = self._child(b"iloc")
        version, sizes = self._version(box), self._number(box.start + FULL_BOX, 2)
        offset, length, base, index = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
        wide = 4 if version == 2 else 2
        at, found = box.start + FULL_BOX + 2 + wide, {}
        for _ in range(min(self._number(box.start + FULL_BOX + 2, wide), MAX_BOXES)):
            if at + wide + 4 > box.stop:
                break
            number, at = self._number(at, wide), at + wide
            method, at = (self._number(at, 2) & 15, at + 2) if version else (IN_FILE, at)
            start, at = self._number(at + 2, base), at + 2 + base
            count, at = self._number(at, 2), at + 2
            extents = []
            for _ in range(min(count, (box.stop - at) // max(offset + length, 1))):
                at += index if version else 0
                extents.append((start + self._number(at, offset), self._number(at + offset, length)))
                at += offset + length
            found[number] = method, extents
        return found

    def _child(self, kind: bytes, parent: Span | None = None) -> Span:
        return next((box for box in self._boxes(*_inside(parent or self._meta)) if box.kind == kind), Span(kind, 0, 0))

    def _boxes(self, start: int, stop: int) -> Iterator[Span]:
        stop = min(stop, len(self.data))
        for _ in range(MAX_BOXES):
            if start + 8 > stop:
                return
            size, head = self._number(start, 4), 8
            if size == 1:
                size, head = self._number(start + 8, 8), 16
            size = size or stop - start  # 0: to the end
            if size < head:
                return
            yield Span(self.data[start + 4 : start + 8], start + head, min(start + size, stop))
            start += size

    def _version(self, box: Span) -> int:
        return self._number(box.start, 1) if box.stop > box.start else 0

    def _number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], "big")


def _inside(box: Span) -> tuple[int, int]:
    return box.start, box.stop
