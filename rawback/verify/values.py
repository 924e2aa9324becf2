"""Whether two tags say the same, whatever the byte order and the field type of either."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rawback.files.tags import GpsTag, Tag
from rawback.verify.entries import BYTE_TYPES, INTEGERS, SIZES, Entry

ASCII, RATIONAL, SBYTE, SRATIONAL, FLOAT, DOUBLE = 2, 5, 6, 10, 11, 12
FRACTIONS = {RATIONAL: "u4", SRATIONAL: "i4"}
FLOATS = {FLOAT: "f4", DOUBLE: "f8"}
TEXTS_WITH_CODE = frozenset((GpsTag.ProcessingMethod, GpsTag.AreaInformation, Tag.UserComment))
"""Eight bytes name the code; "UNICODE" is in the file's order."""
IN_FILE_ORDER = frozenset((Tag.RGBTables, Tag.ProfileGainTableMap2, Tag.ProfileDynamicRange))
"""Numbers in the file's byte order within bytes (DNG 1.7.1)."""
GAIN_TABLE_HEAD = (4, 4, 8, 8, 8, 8)
"""ProfileGainTableMap: points, spacing and origin, vertical and horizontal; then words of four bytes."""
MOST_FRACTIONS = 1 << 12
PART = 1 << 20
"""Values that are compared at a time."""


def same(a: Entry, b: Entry) -> bool:
    """Whether two tags of one number have the same value, as numbers or as bytes."""
    if a.type in BYTE_TYPES and b.type in BYTE_TYPES and (a.type == b.type or SBYTE not in (a.type, b.type)):
        return _same_bytes(a, b)
    if a.count != b.count:
        return False
    if a.type == b.type and _same_words(a, b):
        return True
    if INTEGERS.keys() >= {a.type, b.type}:
        return _equal(*(np.frombuffer(tag.data, tag.order + INTEGERS[tag.type]) for tag in (a, b)))
    if a.count > MOST_FRACTIONS:
        return False
    return _fractions(a) == _fractions(b)


def _same_bytes(a: Entry, b: Entry) -> bool:
    x, y = a.data, b.data
    if a.order != b.order:
        if a.number in IN_FILE_ORDER and len(x) > 1:
            return False
        if a.number == Tag.ProfileGainTableMap:
            return _swapped(x, 4, GAIN_TABLE_HEAD) == bytes(y)
        if a.number == Tag.ExifCFAPattern and _swapped(x[:4], 2) + bytes(x[4:]) == bytes(y):
            return True
        if a.number in TEXTS_WITH_CODE and bytes(x[:7]) == b"UNICODE" and bytes(x[:8]) + _swapped(x[8:], 2) == bytes(y):
            return True
    if a.type == b.type == ASCII:
        return bytes(x).rstrip(b"\0") == bytes(y).rstrip(b"\0")
    return _equal(np.frombuffer(x, np.uint8), np.frombuffer(y, np.uint8))


def _equal(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays (values,) hold the same numbers, part by part: they may be as large as files are."""
    return len(x) == len(y) and all(np.array_equal(x[i : i + PART], y[i : i + PART]) for i in range(0, len(x), PART))


def _same_words(a: Entry, b: Entry) -> bool:
    """Whether the bits are the same once both are in one byte order."""
    word = 4 if a.type in FRACTIONS else SIZES[a.type]
    return _equal(*(np.frombuffer(tag.data, f"{tag.order}u{word}") for tag in (a, b)))


def _swapped(data: memoryview, word: int, head: tuple[int, ...] = ()) -> bytes:
    """The bytes with the order turned within each word: those of the sizes in `head` first, then all of size `word`."""
    parts, position = [], 0
    for size in head:
        parts.append(bytes(data[position : position + size])[::-1])
        position += size
    end = position + max(len(data) - position, 0) // word * word
    parts.append(np.frombuffer(data[position:end], f">u{word}").astype(f"<u{word}").tobytes())
    return b"".join([*parts, bytes(data[end:])])


def _fractions(tag: Entry) -> list[Fraction | str]:
    """The numbers, exactly; what is none (n/0, nan, infinity) as text."""
    if tag.type in INTEGERS:
        return [Fraction(n) for n in tag.integers().tolist()]
    if tag.type in FRACTIONS:
        flat = np.frombuffer(tag.data, tag.order + FRACTIONS[tag.type]).tolist()
        return [Fraction(n, d) if d else f"{n}/0" for n, d in zip(flat[::2], flat[1::2], strict=True)]
    if tag.type in FLOATS:
        numbers = np.frombuffer(tag.data, tag.order + FLOATS[tag.type]).astype(np.float64)
        return [Fraction(n) if np.isfinite(n) else str(n) for n in numbers.tolist()]
    return [bytes(tag.data).hex()]
