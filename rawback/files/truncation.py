"""Whether a RAW file is all there: LibRaw fills what is missing with black and says nothing."""

from __future__ import annotations

from rawback.files import boxes, file_type, tiff
from rawback.files.tags import DATA_LENGTHS
from rawback.files.tiff import Buffer

RAF_MAGIC, RAF_SECTIONS = b"FUJIFILMCCD-RAW ", range(84, 108, 8)
"""Fujifilm: offset and length of the JPEG, the header and the mosaic, big-endian."""


def missing_bytes(data: Buffer) -> int:
    """How many bytes beyond its end a RAW file refers to; 0 if it is whole, or of a format without such numbers."""
    head = bytes(data[:108])
    if tiff.is_tiff(data):
        ends = _tiff_ends(data)
    elif head.startswith(RAF_MAGIC) and len(head) == 108:
        ends = [_big(head, at) + _big(head, at + 4) for at in RAF_SECTIONS]
    elif head[4:12] == b"ftypcrx ":
        ends = [box.stop for box in boxes.walk(memoryview(data))]
    else:
        ends = []
    return max([end - len(data) for end in ends] + [0])


def _big(data: Buffer, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")


def _tiff_ends(data: Buffer) -> list[int]:
    """Where each strip and tile of a mosaic ends; previews that point astray are no loss."""
    ends = []
    for directory in tiff.read(data).walk():
        entries = directory.entries
        for tag, lengths in DATA_LENGTHS.items():
            if file_type.is_mosaic(entries) and tag in entries and lengths in entries:
                pairs = zip(tiff.numbers(entries[tag]), tiff.numbers(entries[lengths]), strict=False)
                ends += [start + length for start, length in pairs if isinstance(start, int) and isinstance(length, int)]
    return ends
