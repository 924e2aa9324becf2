"""HEIC files for tests: two coded pictures joined in one, the second as the gain map of the first."""

from __future__ import annotations

import struct

from rawback.files.boxes import build
from rawback.files.heif.items import Items

APPLE = b"urn:com:apple:photo:2020:aux:hdrgainmap\0"


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return build(kind, struct.pack(">I", version << 24 | flags), *parts)


def joined(picture: bytes, grey: bytes, xmp: bytes = b"", tmap: bytes = b"", auxiliary: bytes = APPLE) -> bytes:
    """The picture, with the other as an auxiliary picture of that type (none if empty), and what describes it."""
    first, second = Items(picture), Items(grey)
    shelf = [*first.properties(first.primary), *second.properties(second.primary)]
    own, others = len(first.properties(first.primary)), len(second.properties(second.primary))
    if auxiliary:
        shelf.append((b"auxC", b"\0\0\0\0" + auxiliary))
    items = [(1, b"hvc1", 0, first.content(first.primary)), (2, b"hvc1", 1, second.content(second.primary))]
    references = [build(b"auxl", struct.pack(">HHH", 2, 1, 1))] if auxiliary else []
    if xmp:
        items.append((3, b"mime", 1, xmp))
        references.append(build(b"cdsc", struct.pack(">HHH", 3, 1, 2)))
    if tmap:
        items.append((4, b"tmap", 0, tmap))
        references.append(build(b"dimg", struct.pack(">HHHH", 4, 2, 1, 2)))
    entries = [
        full(b"infe", struct.pack(">HH", number, 0), kind, b"\0" + (b"application/rdf+xml\0" if kind == b"mime" else b""),
             version=2, flags=flag) for number, kind, flag, _ in items
    ]  # fmt: skip
    lists = [(1, range(1, own + 1)), (2, range(own + 1, own + others + 1 + bool(auxiliary)))]
    associations = b"".join(struct.pack(">HB", number, len(these)) + bytes(these) for number, these in lists)
    properties = build(
        b"iprp", build(b"ipco", *(build(kind, body) for kind, body in shelf)),
        full(b"ipma", struct.pack(">I", len(lists)), associations),
    )  # fmt: skip
    head = build(b"ftyp", b"heic", b"\0\0\0\0", b"mif1heic")

    def meta(start: int) -> bytes:
        places, at = b"", start
        for number, _, _, content in items:
            places += struct.pack(">HHHII", number, 0, 1, at, len(content))
            at += len(content)
        return full(
            b"meta", full(b"hdlr", b"\0\0\0\0pict", bytes(13)), full(b"pitm", struct.pack(">H", 1)),
            full(b"iloc", b"\x44\0", struct.pack(">H", len(items)), places),
            full(b"iinf", struct.pack(">H", len(items)), *entries), full(b"iref", *references), properties,
        )  # fmt: skip

    size = len(head) + len(meta(0)) + 8
    return head + meta(size) + build(b"mdat", *(content for *_, content in items))
