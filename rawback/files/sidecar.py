"""The XMP that lies beside a file, where developers keep ratings, keywords and settings of RAWs."""

from __future__ import annotations

from pathlib import Path

from rawback.files import paths, xmp


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
