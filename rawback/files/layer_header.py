"""The header of the lossless layer, as it stands in its box: what the layer belongs to, and of which frame it is."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable

from rawback.files.jumbf import Box

FIRST, OF_PIXELS, VERSION = 1, 2, 3
"""Of layers: a mosaic's as of release 0.1.0, those whose pixels have three values each, a mosaic's as written now."""
LABEL = "rawback.lossless"
"""Of its box; those of all other boxes of the layer begin with it."""
HEADER = struct.Struct("<H32s32s8I")
"""Version, sha256 of the coded picture, sha256 of the frame, visible width and height, top and left margin, frame width
and height (of pixels, however many values they have), number of blocks, 0; the tables of the coder follow."""
CRC = struct.Struct("<I")
"""Of what follows it, at the start of each box."""


def with_crc(body: bytes) -> bytes:
    """The content of a box."""
    return CRC.pack(zlib.crc32(body)) + body


def checked(content: bytes) -> bytes | None:
    """The inverse of `with_crc`; None for a damaged box."""
    body = memoryview(content)[CRC.size :]
    return bytes(body) if body and CRC.pack(zlib.crc32(body)) == content[: CRC.size] else None


def intact(boxes: Iterable[Box], labels: Iterable[str]) -> dict[str, list[bytes]]:
    """What undamaged boxes hold, by those labels, in the order of the file."""
    contents: dict[str, list[bytes]] = {label: [] for label in labels}
    for box in boxes:
        body = checked(box.content) if box.label in contents else None
        if body:
            contents[box.label].append(body)
    return contents


def frame_sha256(boxes: Iterable[Box]) -> str:
    """Hash of the frame that a file's layer keeps, row by row, uint16 little-endian; empty where its header is damaged."""
    bodies = (checked(box.content) for box in boxes if box.label == LABEL)
    whole = next((body for body in bodies if body and len(body) >= HEADER.size), None)
    return HEADER.unpack_from(whole)[2].hex() if whole else ""
