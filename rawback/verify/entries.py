"""Tags and directories as they stand in a file: values are views, never copies."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from rawback.files.tags import Tag

BYTE_TYPES = frozenset((1, 2, 6, 7, 129))
"""BYTE, ASCII, SBYTE, UNDEFINED, UTF-8 (EXIF 3.0): one byte a value."""
SIZES = dict.fromkeys(BYTE_TYPES, 1) | {3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 8, 10: 8, 12: 8, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by field type."""
INTEGERS = {1: "u1", 3: "u2", 4: "u4", 6: "i1", 8: "i2", 9: "i4", 13: "u4", 16: "u8", 17: "i8", 18: "u8"}
"""numpy's name of each integral field type."""
POINTERS: dict[int, str] = {
    Tag.SubIFDs: "SubIFD", Tag.ExifIFD: "Exif", Tag.GPSIFD: "GPS", Tag.InteropIFD: "Interop", Tag.ProfileIFD: "Profile",
}  # fmt: skip
"""Tags that hold offsets of directories, and the kind of directory there."""
MAKER_POINTERS = {33424: "Kodak", 65024: "Kodak"}
"""The same, of makers: followed only where there is a directory beyond doubt."""
OFFSETS: dict[int, int] = {
    Tag.StripOffsets: Tag.StripByteCounts, Tag.TileOffsets: Tag.TileByteCounts,
    Tag.JPEGInterchangeFormat: Tag.JPEGInterchangeFormatLength,
}  # fmt: skip
"""Tags that hold offsets of pixels (strips, tiles, JPEG), and the tags of their lengths."""


@dataclass(frozen=True)
class Entry:
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

    def integers(self, most: int | None = None) -> np.ndarray:
        """The values (count,) of an integral type as int64, the first `most` of them; of another type, none."""
        if self.type not in INTEGERS or not self.count:
            return np.zeros(0, np.int64)
        data = self.data if most is None else self.data[: most * SIZES[self.type]]
        return np.frombuffer(data, self.order + INTEGERS[self.type]).astype(np.int64)


@dataclass
class Directory:
    """An IFD, by where it hangs."""

    path: str
    """Such as IFD0/SubIFD1."""
    kind: str
    """IFD (of the main chain) or one of the kinds of POINTERS and MAKER_POINTERS."""
    tags: list[Entry] = field(default_factory=list)
    """All but the pointers that were followed; a number that stands there twice is here twice."""
    pixels: list[tuple[int, int]] = field(default_factory=list)
    """Start and end in the file of strips, tiles and JPEGs."""

    @cached_property
    def by_number(self) -> dict[int, list[Entry]]:
        """The tags, once all have been read."""
        found: dict[int, list[Entry]] = {}
        for tag in self.tags:
            found.setdefault(tag.number, []).append(tag)
        return found

    def integer(self, number: int) -> int | None:
        """The first value of a tag, if it is there and integral."""
        values = [value for tag in self.by_number.get(number, ()) for value in tag.integers(1).tolist()]
        return values[0] if values else None
