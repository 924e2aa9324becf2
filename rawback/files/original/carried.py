"""What a JPEG takes along of its RAW's metadata, within what a picture may afford."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rawback.files import jpeg_metadata
from rawback.files.jumbf import Box
from rawback.files.original import budget, packed, shown
from rawback.files.original.metadata import Original, size_text

SHARE, LEAST = 0.03, 64_000
"""The budget: this share of the picture's bytes, but so many in any case."""
RESERVE = 600
"""Bytes of it for what goes around: heads of segments, lens and serial number in EXIF."""


@dataclass(frozen=True)
class Carried:
    """What goes into the JPEG beside picture and recipe."""

    others: str = ""
    """An rdf:Description for the packet of the recipe."""
    iptc: bytes = b""
    boxes: tuple[Box, ...] = ()
    left_out: tuple[str, ...] = ()
    """What does not, a phrase with its size each."""
    shows: tuple[bool, bool] = (False, False)
    """Whether XMP and IPTC are in sight."""


def budget_of(picture: int) -> int:
    """Bytes for the metadata of a picture of so many bytes."""
    return max(round(SHARE * picture), LEAST)


def fit(original: Original, most: int | None) -> Carried:
    """As much as goes into `most` bytes; None: all.

    XMP and IPTC are in the box too, as they were; what of it is for everybody's eyes may take half of the budget.
    """
    others, iptc = shown.xmp_of(original), original.exif.iptc
    room = None if most is None else (most - RESERVE) // 2
    left_out = []
    if room is not None and len(others.encode()) > room:
        left_out.append(f"XMP in sight of other programs ({size_text(len(others.encode()))})")
        others = ""
    if len(iptc) > jpeg_metadata.MAX_IPTC or (room is not None and len(iptc) + len(others.encode()) > room):
        left_out.append(f"IPTC in sight of other programs ({size_text(len(iptc))})")
        iptc = b""
    marked = replace(
        original, shows_xmp=bool(others) and len(others.encode()) < jpeg_metadata.ROOM_FOR_OTHERS, shows_iptc=bool(iptc)
    )  # fmt: skip
    rest = None if most is None else most - RESERVE - len(others.encode()) - len(iptc)
    content, kept = budget.fit(marked, rest)
    boxes = (Box(packed.LABEL, content),) if content else ()
    return Carried(others, iptc, boxes, (*left_out, *kept.left_out), (marked.shows_xmp, marked.shows_iptc))
