"""The EXIF of a RAW file: the container's own, else what LibRaw can tell."""

from __future__ import annotations

from dataclasses import replace

import rawpy

from rawback.errors import MachineError, RawbackError
from rawback.files import ciff, exif, stderr
from rawback.files.exif import Exif


def read(raw: rawpy.RawPy, data: bytes) -> Exif | None:
    """The container's own EXIF, else LibRaw's with what the records of a CRW add."""
    try:
        own = exif.find_exif(data)
    except RawbackError:
        own = None
    if own is not None and own.make:
        return own
    substitute = _of_thumbnail(raw) or own or _of_values(raw)
    if ciff.is_ciff(data):
        ifd0, of_exif = ciff.entries(memoryview(data))
        return replace(substitute, ifd0=substitute.ifd0 | ifd0, exif=substitute.exif | of_exif)
    return substitute


def _of_thumbnail(raw: rawpy.RawPy) -> Exif | None:
    """The EXIF of the embedded thumbnail, or the one that LibRaw writes into it."""
    try:
        picture = thumbnail(raw)
        return exif.find_exif(bytes(picture.data)) if picture.format == rawpy.ThumbFormat.JPEG else None
    except MachineError:
        raise
    except (rawpy.LibRawError, RawbackError):
        return None


def _of_values(raw: rawpy.RawPy) -> Exif:
    """The EXIF that LibRaw's values make."""
    other = raw.other
    taken = other.timestamp if other.timestamp and other.timestamp.year > 1970 else None
    return exif.from_values(
        taken=taken, exposure=other.shutter_speed, f_number=other.aperture, iso=other.iso_speed,
        focal_length=other.focal_length, lens=raw.lens.model,
    )  # fmt: skip


def thumbnail(raw: rawpy.RawPy) -> rawpy.Thumbnail:
    """The largest picture that the file carries of itself. Raises LibRawError; what libjpeg prints is of no use."""
    with stderr.captured():
        return raw.extract_thumb()
