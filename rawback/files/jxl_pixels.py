"""JPEG XL that was made of pixels: 8 and 16 bits, float, HDR; with its EXIF and XMP (extra [jxl])."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from rawback.errors import MachineError, RawbackError
from rawback.files import boxes, extras, jxl, jxl_header, tiff
from rawback.files import exif as exifs
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import SHORT, Buffer
from rawback.isp.colour_profile import Profile
from rawback.picture import Pixels

COMPRESSED, EXIF, XMP = b"brob", b"Exif", b"xml "
"""Kinds of boxes: one that is compressed by Brotli, its kind before it."""
OFFSET = 4
MAX_BOX = 1 << 24


@dataclass
class JxlPicture:
    """A decoded picture, turned upright."""

    pixels: Pixels
    exif: Exif
    profile: Profile | None
    notes: list[str]


def read(data: bytes, name: str) -> JxlPicture:
    """Decode a file. Raises RawbackError, also where the extra is not installed."""
    library = extras.needed("jxl", jxl.MODULE, f"{name} is JPEG XL, and reading it")
    try:
        values = np.asarray(library.jpegxl_decode(data))
    except MemoryError as error:
        raise MachineError(f"there is not enough memory to read {name}; close other programs") from error
    except jxl.FAILURES as error:
        raise RawbackError(f"{name} is JPEG XL that cannot be read ({error}); get the file again") from error
    colours = jxl_header.colours(data)
    unread = f"{name}: its colours are given in a way that is not understood here; the picture is taken as sRGB"
    pixels, notes = Pixels(_grey_or_rgb(values, jxl_header.bits(data), name)), [unread] if colours.unread else []
    return JxlPicture(pixels, _exif(library, data), colours.profile, notes)


def _grey_or_rgb(values: np.ndarray, own: int, name: str) -> np.ndarray:
    """The first picture, as Pixels have them; transparency is left out. own: bits of its samples, which come as they are."""
    if values.ndim == 4:  # frames
        values = values[0]
    if values.ndim == 3:
        values = values[..., :3] if values.shape[2] > 2 else values[..., 0]
    if values.ndim not in (2, 3) or values.dtype.kind not in "uf" or not values.size:
        raise RawbackError(f"{name} is JPEG XL of an unusual kind ({values.dtype}, {values.shape}); expected grey or RGB")
    if values.dtype.kind == "f":
        return np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    if values.dtype not in (np.uint8, np.uint16):
        return (values >> 16).astype(np.uint16)
    bits = 8 * values.dtype.itemsize
    return values if not 0 < own < bits else np.rint(values * (((1 << bits) - 1) / ((1 << own) - 1))).astype(values.dtype)


def _exif(library: object, data: Buffer) -> Exif:
    """EXIF and XMP from their boxes; the decoder has applied the orientation."""
    found = dict(_contents(library, data))
    exif, payload = Exif(), found.get(EXIF, b"")
    payload = payload[OFFSET + int.from_bytes(payload[:OFFSET], "big") :]
    with suppress(RawbackError):
        exif = exifs.from_tiff(payload) if tiff.is_tiff(payload) else Exif()
    if Tag.Orientation in exif.ifd0:
        exif.ifd0[Tag.Orientation] = tiff.pack(SHORT, [1])
    exif.xmp = found.get(XMP, b"")
    return exif


def _contents(library: object, data: Buffer) -> list[tuple[bytes, bytes]]:
    """Kind and content of boxes with metadata."""
    found = []
    for box in boxes.walk(memoryview(data)):
        kind, body = box.kind, bytes(box.body[:MAX_BOX])
        if kind == COMPRESSED and body[:4] in (EXIF, XMP):
            with suppress(*jxl.FAILURES):
                found.append((body[:4], bytes(library.brotli_decode(body[4:], out=MAX_BOX))))  # type: ignore[attr-defined]
        elif kind in (EXIF, XMP):
            found.append((kind, body))
    return found
