"""TIFF directories as the bytes of a file (TIFF 6.0, section 2)."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.tags import DATA_LENGTHS
from rawback.files.tiff import LONG, Buffer, Directory, Entries


def serialise(first: Directory, order: str = "II") -> list[Buffer]:
    """A TIFF as chunks to be written one after the other: all directories, then the pixels, not copied.

    order: "II" or "MM", for all but the pixels. Tags sorted, everything on even offsets. Raises RawbackError above 4 GiB.
    """
    directories = list(first.walk())
    at, position = {}, 8
    for directory in directories:
        at[id(directory)] = position
        position += _size(directory)
    head: list[Buffer] = [b"II\x2a\0\x08\0\0\0" if order == "II" else b"MM\0\x2a\0\0\0\x08"]
    body: list[Buffer] = []
    for directory in directories:
        entries = dict(directory.entries)
        for tag, children in directory.children.items():
            entries[tag] = tiff.pack(LONG, [at[id(child)] for child in children])
        for tag, pieces in (*directory.strips.items(), *directory.blocks.items()):
            offsets, position = _place(pieces, position, body)
            entries[tag] = tiff.pack(LONG, offsets)
        for tag, strips in directory.strips.items():
            entries[DATA_LENGTHS[tag]] = tiff.pack(LONG, map(len, strips))
        head.append(_directory(entries, at[id(directory)], at.get(id(directory.next), 0), order))
    return [b"".join(head), *body]


def profile(entries: Entries) -> bytes:
    """A camera profile, to be pointed to by ExtraCameraProfiles: a TIFF of its own but for the header."""
    return b"IIRC" + b"".join(serialise(Directory(entries)))[4:]


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
    values += [4 * count for count in (*counts, *map(len, directory.blocks.values()))]
    return 2 + 12 * len(values) + 4 + sum(size + size % 2 for size in values if size > 4)


def _directory(entries: Entries, offset: int, following: int, order: str) -> bytes:
    mark = "<" if order == "II" else ">"
    beyond = offset + 2 + 12 * len(entries) + 4
    table, values = [struct.pack(f"{mark}H", len(entries))], []
    for tag, entry in sorted(entries.items()):
        inline = value = tiff.in_order(entry, order)
        if len(value) > 4:
            inline = struct.pack(f"{mark}I", beyond)
            values.append(value + b"\0" * (len(value) % 2))
            beyond += len(values[-1])
        table.append(struct.pack(f"{mark}HHI4s", tag, entry.type, entry.count, inline))
    return b"".join([*table, struct.pack(f"{mark}I", following), *values])
