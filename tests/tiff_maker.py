"""A small writer of TIFFs in either byte order, with any tags in any directory: RAW files not of rawback's making."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
CODES = {1: "B", 2: "B", 3: "H", 4: "I", 5: "I", 6: "b", 7: "B", 8: "h", 9: "i", 10: "i", 11: "f", 12: "d", 13: "I"}
MATRIX = [part for n in (9, -3, -1, -5, 13, 2, -1, 2, 6) for part in (n, 10)]
Value = tuple[int, list[float] | bytes]
"""Field type, and numbers (fractions as pairs) or, for types of one byte, bytes."""


@dataclass
class Ifd:
    """A directory to be written."""

    tags: dict[int, Value] = field(default_factory=dict)
    subs: dict[int, list[Ifd]] = field(default_factory=dict)
    """By the number of the tag that points to them."""
    pixels: bytes | None = None
    """One strip."""
    next: Ifd | None = None

    def below(self) -> list[Ifd]:
        found = [self]
        for subs in self.subs.values():
            found += [below for sub in subs for below in sub.below()]
        return found + (self.next.below() if self.next else [])


def packed(value: Value, order: str) -> bytes:
    """A value as it stands in a file."""
    kind, content = value
    return content if isinstance(content, bytes) else struct.pack(f"{order}{len(content)}{CODES[kind]}", *content)


def tiff(first: Ifd, order: str = "<", trailing: bytes = b"") -> bytes:
    """The file: header, then each directory with its values and strip."""
    directories = first.below()
    out = bytearray((b"II" if order == "<" else b"MM") + struct.pack(order + "HI", 42, 8))
    sizes = [_size(directory, order) for directory in directories]
    at = {id(directory): 8 + sum(sizes[:i]) for i, directory in enumerate(directories)}
    for directory in directories:
        out += _directory(directory, at, order)
    return bytes(out) + trailing


def _entries(directory: Ifd, at: dict[int, int], order: str) -> dict[int, tuple[int, int, bytes]]:
    found = {}
    for number, value in directory.tags.items():
        data = packed(value, order)
        found[number] = (value[0], len(data) // SIZES[value[0]], data)
    for number, subs in directory.subs.items():
        found[number] = (4, len(subs), struct.pack(f"{order}{len(subs)}I", *(at.get(id(sub), 0) for sub in subs)))
    if directory.pixels is not None:
        found[273] = (4, 1, b"\0\0\0\0")
        found[279] = (4, 1, struct.pack(order + "I", len(directory.pixels)))
    return found


def _size(directory: Ifd, order: str) -> int:
    entries = _entries(directory, {}, order)
    beyond = sum(len(data) + len(data) % 2 for _, _, data in entries.values() if len(data) > 4)
    pixels = len(directory.pixels or b"")
    return 2 + 12 * len(entries) + 4 + beyond + pixels + pixels % 2


def _directory(directory: Ifd, at: dict[int, int], order: str) -> bytes:
    entries, start = _entries(directory, at, order), at[id(directory)]
    beyond = start + 2 + 12 * len(entries) + 4
    table, values = struct.pack(order + "H", len(entries)), b""
    if directory.pixels is not None:
        end = start + _size(directory, order) - len(directory.pixels) - len(directory.pixels) % 2
        entries[273] = (4, 1, struct.pack(order + "I", end))
    for number, (kind, count, data) in sorted(entries.items()):
        table += struct.pack(order + "HHI", number, kind, count)
        if len(data) > 4:
            table += struct.pack(order + "I", beyond + len(values))
            values += data + b"\0" * (len(data) % 2)
        else:
            table += data.ljust(4, b"\0")
    following = at[id(directory.next)] if directory.next else 0
    pixels = directory.pixels or b""
    return table + struct.pack(order + "I", following) + values + pixels + b"\0" * (len(pixels) % 2)


def mosaic_of(seed: int, height: int = 32, width: int = 48) -> np.ndarray:
    """(height, width) uint16: a smooth scene with noise, black 512, white 16383."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    light = 0.5 + 0.4 * np.sin(x / 9 + seed) * np.cos(y / 7)
    return np.clip(512 + 15000 * light + rng.normal(0, 40, (height, width)), 0, 16383).astype(np.uint16)


def mosaic_ifd(frame: np.ndarray, tags: dict[int, Value] | None = None, order: str = "<") -> Ifd:
    """The directory of an uncompressed RGGB mosaic."""
    height, width = frame.shape
    own: dict[int, Value] = {
        254: (4, [0]), 256: (4, [width]), 257: (4, [height]), 258: (3, [16]), 259: (3, [1]), 262: (3, [32803]), 277: (3, [1]),
        278: (4, [height]), 284: (3, [1]), 33421: (3, [2, 2]), 33422: (1, b"\0\1\1\2"), 50713: (3, [1, 1]), 50714: (4, [512]),
        50717: (4, [16383]),
    }  # fmt: skip
    return Ifd(own | (tags or {}), pixels=frame.astype(order + "u2").tobytes())


def camera(tags: dict[int, Value] | None = None) -> dict[int, Value]:
    """Tags of IFD0 by which a DNG is one."""
    own: dict[int, Value] = {
        271: (2, b"Acme\0"), 272: (2, b"One\0"), 274: (3, [1]), 50706: (1, b"\1\4\0\0"), 50707: (1, b"\1\4\0\0"),
        50708: (2, b"Acme One\0"), 50721: (10, MATRIX), 50728: (5, [1, 2, 1, 1, 1, 2]), 50778: (3, [21]),
    }  # fmt: skip
    return own | (tags or {})


def dng(seed: int = 0, *, ifd0: dict[int, Value] | None = None, raw: dict[int, Value] | None = None, order: str = "<") -> Ifd:
    """A DNG with its mosaic in IFD0's SubIFD."""
    return Ifd(camera(ifd0), {330: [mosaic_ifd(mosaic_of(seed), raw, order)]})
