"""Boxes of the ISO base media format, as CR3, HEIF, MP4 and JUMBF nest them (ISO/IEC 14496-12, 4.2)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

MAX_BOXES = 64
"""Side by side: far above real files, far below what would hurt."""


@dataclass(frozen=True)
class Box:
    """One box within the bytes that it was found in."""

    kind: bytes
    """Four letters."""
    body: memoryview
    """As much of its content as is there."""
    stop: int
    """Where it says that it ends, which may be beyond the bytes that are there."""


def walk(data: memoryview) -> Iterator[Box]:
    """The boxes in `data`, one after the other; ends at what can be none."""
    position = 0
    for _ in range(MAX_BOXES):
        if position + 16 > len(data):
            return
        size, head = int.from_bytes(data[position : position + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        if size < head:
            return
        yield Box(bytes(data[position + 4 : position + 8]), data[position + head : position + size], position + size)
        position += size


def first(data: memoryview, kind: bytes, start: bytes = b"") -> memoryview:
    """The content after `start` of the first box of that kind that begins with it; empty if there is none."""
    bodies = (box.body for box in walk(data) if box.kind == kind and box.body[: len(start)] == start)
    return next(bodies, data[:0])[len(start) :]


def build(kind: bytes, *parts: bytes) -> bytes:
    """A box of less than 4 GiB."""
    return struct.pack(">I4s", 8 + sum(map(len, parts)), kind) + b"".join(parts)
