"""HEIC by the brands in a file's head (ISO/IEC 14496-12, 4.3)."""

from __future__ import annotations

BRANDS, AVIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2"}, {b"avif", b"avis"}
"""Of files with pictures that libheif decodes (ISO/IEC 23008-12, annex B), unless they are AVIF."""
HEIF_HEAD = 256
"""Bytes of the box that names them."""


def is_heif(data: bytes) -> bool:
    """Whether a file begins as HEIC pictures do; AVIF, which has the same container, is none of them."""
    brands = brands_of(data)
    return bool(brands & BRANDS) and not brands & AVIF_BRANDS


def brands_of(data: bytes) -> set[bytes]:
    """Those that a file of boxes says it is made by: its own, and others that it is compatible with."""
    if data[4:8] != b"ftyp":
        return set()
    head = data[8 : min(int.from_bytes(data[:4], "big"), HEIF_HEAD)]
    return {head[:4], *(bytes(head[at : at + 4]) for at in range(8, len(head) - 3, 4))}
