"""Colours of HEIF pictures by numbers: the nclx property (ISO/IEC 23008-12, 6.5.5; ITU-T H.273)."""

from __future__ import annotations

from rawback.files.heif.items import Items
from rawback.isp import cicp
from rawback.isp.colour_profile import Profile

NCLX = b"nclx"
DEEP = {b"av1C": 2}
"""Property with the coding's configuration -> the byte that says how deep its samples are."""
HIGH, TWELVE = 0x40, 0x20


def profile(items: Items) -> Profile | None:
    """By the nclx of the picture that is shown, or of what it is made of; None for sRGB or where there is none."""
    numbers = [items.primary, *(n for kind, source, made_of in items.references if (kind, source) == (b"dimg", items.primary)
                                for n in made_of[:1])]  # fmt: skip
    for number in numbers:
        for kind, body in items.properties(number):
            if kind == b"colr" and body[:4] == NCLX and len(body) >= 8:
                return cicp.profile(int.from_bytes(body[4:6], "big"), int.from_bytes(body[6:8], "big"))
    return None


def bits(items: Items) -> int:
    """Of an AV1 picture's samples; 8 where it does not say."""
    for kind, body in items.properties(items.primary):
        if kind == b"av1C" and len(body) > DEEP[kind]:
            flags = body[DEEP[kind]]
            return (12 if flags & TWELVE else 10) if flags & HIGH else 8
    return 8
