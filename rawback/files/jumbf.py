"""JUMBF boxes in APP11 segments of a JPEG (ISO/IEC 19566-5): the standard place for data that viewers leave alone.

A superbox `jumb` holds a description (`jumd`: what kind, and a label) and content; here one `uuid` box. A segment
holds 65,533 bytes, so a large box continues in as many as it needs, each saying which box (En) and which part (Z).
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from rawback.files import boxes
from rawback.files.jpeg_file import APP11, MAX_PAYLOAD, JpegFile

UUID_CONTENT = UUID("75756964-0011-0010-8000-00aa00389b71").bytes
"""The standard's type of a superbox whose content is a `uuid` box."""
OURS = UUID("aefe8ea5-1277-5043-9170-62b5f2f6c41b").bytes
"""Version 5 of http://ns.rawback.org/1.0/: the namespace of the recipe."""
REQUESTABLE_WITH_LABEL = 3
SEGMENT = struct.Struct(">2sHI4s4s")  # "JP", En, Z, LBox, TBox
MAX_BODY = MAX_PAYLOAD - SEGMENT.size
MAX_BOXES = 1 << 14


@dataclass(frozen=True)
class Box:
    """One superbox of ours."""

    label: str
    content: bytes


def to_segments(content: list[Box], first: int = 1) -> list[tuple[int, bytes]]:
    """APP11 segments, marker and payload; the boxes are numbered from `first` on."""
    segments = []
    for number, box in enumerate(content, first):
        body = _described(box)
        head = struct.pack(">I", len(body) + 8), b"jumb"
        for part, start in enumerate(range(0, len(body), MAX_BODY), 1):
            segments.append((APP11, SEGMENT.pack(b"JP", number, part, *head) + body[start : start + MAX_BODY]))
    return segments


def find(file: JpegFile) -> list[Box]:
    """Our boxes in a JPEG, in the order of their first segments. What is incomplete or not ours is left out."""
    parts: dict[tuple[int, bytes], dict[int, memoryview]] = defaultdict(dict)
    for payload in file.payloads(APP11):
        if len(payload) < SEGMENT.size:
            continue
        kind, number, part, size, name = SEGMENT.unpack_from(payload)
        if kind == b"JP" and name == b"jumb" and (len(parts) < MAX_BOXES or (number, size) in parts):
            parts[number, size].setdefault(part, payload[SEGMENT.size :])
    bodies = (_joined(pieces, int.from_bytes(size, "big") - 8) for (_, size), pieces in parts.items())
    return [box for body in bodies if body is not None for box in _parsed(body)]


def is_ours(marker: int, payload: bytes | memoryview) -> bool:
    """Whether a segment begins a box of ours; its continuations have the same En and LBox (`identity`)."""
    head = SEGMENT.size
    return marker == APP11 and bytes(payload[:2]) == b"JP" and any(_parsed(payload[head:], complete=False))


def identity(payload: bytes | memoryview) -> tuple[int, bytes]:
    """En and LBox of a JUMBF segment: the same in all parts of a box."""
    _, number, _, size, _ = SEGMENT.unpack_from(payload)
    return number, size


def _described(box: Box) -> bytes:
    description = UUID_CONTENT + bytes([REQUESTABLE_WITH_LABEL]) + box.label.encode() + b"\0"
    return boxes.build(b"jumd", description) + boxes.build(b"uuid", OURS, box.content)


def _joined(pieces: dict[int, memoryview], size: int) -> bytes | None:
    """The parts 1, 2, ... in order, if they are all there and make up the size."""
    if sorted(pieces) != list(range(1, len(pieces) + 1)) or sum(map(len, pieces.values())) != size:
        return None
    return b"".join(pieces[part] for part in range(1, len(pieces) + 1))


def _parsed(body: bytes | memoryview, complete: bool = True) -> Iterator[Box]:
    """The box within a superbox, if it is ours; complete=False: of a body that may continue."""
    inside = boxes.walk(memoryview(body))
    head, content = next(inside, None), next(inside, None)
    if head is None or content is None or (head.kind, content.kind) != (b"jumd", b"uuid"):
        return
    label = bytes(head.body[len(UUID_CONTENT) + 1 :]).rstrip(b"\0")
    known = head.body[: len(UUID_CONTENT)] == UUID_CONTENT
    if known and content.body[: len(OURS)] == OURS and (content.stop == len(body) or not complete):
        yield Box(label.decode(errors="replace"), bytes(content.body[len(OURS) :]))
