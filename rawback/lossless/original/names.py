"""What a RAW file inside a JPEG was called, made a name that may be given to a new file."""

from __future__ import annotations

import mmap
import re
from pathlib import Path, PurePath

from rawback.errors import RawbackError
from rawback.files import jumbf, jxl, parity, paths
from rawback.files.jpeg_file import JpegFile, is_jpeg
from rawback.files.paths import Location
from rawback.lossless.original.kept import Kept, from_boxes, is_kept

RAW_SUFFIXES = re.compile(
    r"\.(3fr|arw|bay|cap|cr[23w]|dc[rs]|dng|drf|eip|erf|fff|gpr|iiq|k25|kdc|m[de]c|mef|mos|mrw|nef|nrw|orf|pef|ptx|pxn|qtk|raf"
    r"|raw|rw[2lz]|sr[2fw]|sti|tiff?|x3f)",
    re.IGNORECASE,
)
"""Those that the names of RAW files end with: a JPEG from elsewhere might name any file that a program obeys."""
UNSAFE = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|]')
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names of devices on Windows."""
MAX_NAME = 255
"""Bytes."""


def safe(name: str, photo: PurePath | Location) -> str:
    """The old name, where it is that of a RAW file and no more; else that of its JPEG, with .raw behind it."""
    plain = not UNSAFE.search(name) and not name.startswith((".", "-", " ")) and not RESERVED.fullmatch(name)
    is_raw = RAW_SUFFIXES.fullmatch(PurePath(name).suffix) and PurePath(name).name == name
    if plain and is_raw and len(name.encode(errors="surrogateescape")) <= MAX_NAME:
        return name
    return f"{PurePath(photo.name).stem or 'original'}.raw"


def peek(location: Location) -> Kept | None:
    """What a JPEG says of the file that it holds, without reading its picture; None: it holds none, or cannot be read."""
    try:
        if not isinstance(location, Path):
            return _kept(paths.load(location))
        with location.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return _kept(bytes(mapped))
    except (RawbackError, OSError, ValueError):
        return None


def _kept(data: bytes) -> Kept | None:
    if jxl.holds_jpeg(data):
        data = jxl.jpeg_inside(data, "")
    data, _ = parity.repaired(data)
    boxes = jumbf.find(JpegFile(data)) if is_jpeg(data) else []
    return from_boxes(boxes) if is_kept(boxes) else None
