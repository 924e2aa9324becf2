"""What else a JPEG carries beside its EXIF: XMP, IPTC, the ICC profile (ITU T.81 annex B; XMP part 3; ICC.1 annex B.4)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from rawback.files import recipe_xmp
from rawback.files.jpeg_file import APP1, APP2, APP13, EXTENDED_XMP, ICC, PHOTOSHOP, XMP, JpegFile

IPTC_RESOURCE, IPTC_DIGEST = 0x0404, 0x0425
DIGEST = 32
"""Bytes of the MD5, in hexadecimal, that says which extended packet a piece belongs to (XMP part 3, 1.1.3.1)."""
MAX_BYTES = 1 << 24
"""Of all pieces of one kind together."""
MAX_XMP, MAX_IPTC = 65502, 65000
"""Bytes of a packet in one segment (XMP part 3, 1.1.3), and of IPTC with the heads around it."""
PIECE = 65400
"""Of an extended packet, in one segment."""
ROOM_FOR_OTHERS = 50_000
"""Bytes that there are in any case beside a recipe in its packet."""


@dataclass
class Attached:
    """Packets as they stand in the file, their pieces put together."""

    xmp: bytes = b""
    extended_xmp: bytes = b""
    """What did not fit into the XMP packet's own segment: a second packet."""
    iptc: bytes = b""
    icc: bytes = b""


def from_jpeg(file: JpegFile) -> Attached:
    """The packets of a JPEG; those that are missing or broken are empty."""
    xmp, iptc = b"", []
    extended: dict[int, bytes] = {}
    icc: dict[int, bytes] = {}
    total = 0
    for part in file.segments:
        total += len(part.payload) if part.marker in (APP1, APP2, APP13) else 0
        if total > MAX_BYTES:
            break
        payload = bytes(part.payload)
        if part.marker == APP1 and payload.startswith(XMP):
            xmp = xmp or payload[len(XMP) :]
        elif part.marker == APP1 and payload.startswith(EXTENDED_XMP):
            body = payload[len(EXTENDED_XMP) + DIGEST :]  # then total length and offset, four bytes each
            extended[int.from_bytes(body[4:8], "big")] = body[8:]
        elif part.marker == APP2 and payload.startswith(ICC) and len(payload) > len(ICC) + 2:
            icc.setdefault(payload[len(ICC)], payload[len(ICC) + 2 :])
        elif part.marker == APP13 and payload.startswith(PHOTOSHOP):
            iptc += _resources(payload[len(PHOTOSHOP) :])
    return Attached(xmp.rstrip(b"\0"), _joined(extended), b"".join(iptc), _joined(icc))


def _joined(pieces: dict[int, bytes]) -> bytes:
    return b"".join(pieces[at] for at in sorted(pieces))


def _resources(block: bytes) -> list[bytes]:
    """The IPTC records among Photoshop's image resources: 8BIM, id, Pascal string, length, data; all padded to even."""
    records, position = [], 0
    while block[position : position + 4] == b"8BIM" and position + 12 <= len(block):
        kind = int.from_bytes(block[position + 4 : position + 6], "big")
        start = position + 6 + (block[position + 6] | 1) + 1
        size = int.from_bytes(block[start : start + 4], "big")
        if kind == IPTC_RESOURCE:
            records.append(block[start + 4 : start + 4 + size])
        position = start + 4 + size + size % 2
    return records


def xmp_segments(fields: dict[str, str], others: str = "", first: str = "") -> list[tuple[int, bytes]]:
    """Marker and payload of the segments for properties of rawback's namespace and an rdf:Description of others.

    first: one that stays beside the recipe. Where all is too much for one packet, the others go on in a packet of their
    own, in as many segments as that needs.
    """
    if len(packet := recipe_xmp.build(fields, others, first=first)) <= MAX_XMP:
        return [(APP1, XMP + packet)]
    extended = recipe_xmp.wrapped(others).encode()
    digest = hashlib.md5(extended, usedforsecurity=False).hexdigest().upper()
    head = EXTENDED_XMP + digest.encode() + len(extended).to_bytes(4, "big")
    pieces = [(APP1, head + at.to_bytes(4, "big") + extended[at : at + PIECE]) for at in range(0, len(extended), PIECE)]
    return [(APP1, XMP + recipe_xmp.build(fields, extended=digest, first=first)), *pieces]


def iptc_segment(iptc: bytes) -> tuple[int, bytes]:
    """Marker and payload of the segment for IPTC records of at most MAX_IPTC bytes, with the digest by which editors see
    whether they are older than the XMP."""
    digest = hashlib.md5(iptc, usedforsecurity=False).digest()
    return APP13, PHOTOSHOP + _resource(IPTC_RESOURCE, iptc) + _resource(IPTC_DIGEST, digest)


def _resource(kind: int, data: bytes) -> bytes:
    head = b"8BIM" + kind.to_bytes(2, "big") + b"\0\0" + len(data).to_bytes(4, "big")
    return head + data + b"\0" * (len(data) % 2)
