"""What lies beside a RAW: XMP, where developers keep ratings and settings, and the JPEG that the camera wrote of the shot."""

from __future__ import annotations

from pathlib import Path

from rawback.errors import RawbackError
from rawback.files import paths, xmp
from rawback.files.recognition import Kind, classify

JPEG_SUFFIXES = (".jpg", ".JPG", ".jpeg", ".JPEG", ".Jpg")


def read(source: str | paths.Location) -> bytes:
    """The packet in NAME.xmp or NAME.SUFFIX.xmp beside a local file; empty if there is none."""
    location = paths.parse(source)
    if not isinstance(location, Path) or location == paths.STREAM:
        return b""
    for candidate in (location.with_suffix(".xmp"), location.with_name(location.name + ".xmp")):
        try:
            if candidate.is_file() and candidate.stat().st_size <= xmp.MAX_BYTES:
                return candidate.read_bytes()
        except OSError:
            continue
    return b""


def jpeg(source: str | paths.Location) -> bytes:
    """The JPEG beside a local file that has its name and was not made by rawback; empty if there is none to be read."""
    location = paths.parse(source)
    if not isinstance(location, Path) or location == paths.STREAM:
        return b""
    for candidate in map(location.with_suffix, JPEG_SUFFIXES):
        try:
            data = paths.load(candidate) if candidate != location and candidate.is_file() else b""
        except (OSError, RawbackError):
            continue
        if data and classify(memoryview(data)).kind is Kind.FOREIGN:
            return data
    return b""
