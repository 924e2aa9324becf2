"""Which encoder wrote a JPEG: makers have tables of their own, which stay when a photo has lost its EXIF."""

from __future__ import annotations

import hashlib

import numpy as np

from rawback.files.jpeg_file import JpegFile
from rawback.isp.levels import ZIGZAG
from rawback.isp.quantisation_tables import standard_tables

DQT = 0xDB
DIGITS = 16
"""Of the hash: nobody gains by a collision."""


def fingerprint(file: JpegFile) -> str:
    """A hash of sampling and quantisation tables; empty for those of the standard, scaled, which anybody writes."""
    tables = b"".join(bytes(part.payload) for part in file.segments if part.marker == DQT)
    if file.frame is None or not tables or _is_standard(tables):
        return ""
    return hashlib.sha256(tables + repr(file.frame.sampling).encode()).hexdigest()[:DIGITS]


def _is_standard(tables: bytes) -> bool:
    """Whether the first table (T.81, B.2.4.1: precision, number, 64 entries in zigzag) is the standard luma, scaled."""
    if len(tables) < 65 or tables[0] >> 4:
        return False
    first = np.zeros(64, int)
    first[ZIGZAG] = np.frombuffer(tables[1:65], np.uint8)
    return any(np.array_equal(first, table) for table in standard_tables())
