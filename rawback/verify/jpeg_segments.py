"""What a preview says beside its picture: the segments of a JPEG that are no part of its coding (ITU T.81, B.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""The next marker, filling bytes, stuffed zeros and restarts passed by."""
EOI, COMMENT = 0xD9, 0xFE
ALONE = (0x01, 0xD8)
"""Markers without a length: TEM, SOI."""
APPLICATION = range(0xE0, 0xF0)
LOSSY = (0xC0, 0xC1, 0xC2)
"""Baseline, extended sequential, progressive."""
EXIF, XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
OF_THE_PICTURE = (b"JFIF\0", b"JFXX\0", b"AVI1", b"Adobe", b"ICC_PROFILE\0", b"Ducky")
"""Segments that say how the picture itself is coded and coloured, or hold a smaller one of it."""
MAX_SEGMENTS = 1 << 12
PADDING = 4


@dataclass
class Segments:
    """What a JPEG holds beside its coded picture."""

    exif: memoryview | None = None
    xmp: bytes = b""
    others: list[str] = field(default_factory=list)
    """All else that is said, a phrase each."""
    lossy: bool = False
    """Whether it is a picture of eight bits and one or three components: a mosaic would be coded without loss."""


def is_jpeg(data: memoryview) -> bool:
    """Whether there is a JPEG."""
    return bytes(data[:3]) == b"\xff\xd8\xff"


def read(data: memoryview) -> Segments:
    """The segments of a JPEG, and what follows its end."""
    found, position = Segments(), 2
    for _ in range(MAX_SEGMENTS):
        match = MARKER.search(data, position)
        if match is None:
            return found
        marker, start = data[match.start() + 1], match.end()
        if marker == EOI:
            found.others += trailing(data[start:], "bytes behind a JPEG")
            return found
        if marker in ALONE:
            position = start
            continue
        length = int.from_bytes(data[start : start + 2], "big")
        _add(found, marker, data[start + 2 : start + max(length, 2)])
        position = start + max(length, 2)
    found.others.append("more segments in a JPEG than are read")
    return found


def _add(found: Segments, marker: int, body: memoryview) -> None:
    head = bytes(body[:40])
    if marker in LOSSY:
        found.lossy = len(head) > 5 and head[0] == 8 and head[5] in (1, 3)
    elif marker == APPLICATION[1] and head.startswith(EXIF) and found.exif is None:
        found.exif = body[len(EXIF) :]
    elif marker == APPLICATION[1] and head.startswith(XMP) and not found.xmp:
        found.xmp = bytes(body[len(XMP) :])
    elif marker in APPLICATION and not head.startswith(OF_THE_PICTURE):
        name = "".join(chr(c) for c in head.split(b"\0")[0][:24] if 32 <= c < 127)
        found.others.append(f"segment APP{marker - APPLICATION[0]} {name}".rstrip())
    elif marker == COMMENT and bytes(body).strip(b"\0 "):
        found.others.append("comment")


def trailing(rest: memoryview, what: str) -> list[str]:
    """A phrase if the rest is more than padding: more than some bytes, and not all the same."""
    return [f"{len(rest)} {what}"] if not is_padding(rest) else []


def is_padding(data: memoryview) -> bool:
    """Whether bytes hold nothing: fewer than a word, or all alike."""
    return len(data) < PADDING or bytes(data[:1]) * len(data) == data
