"""HEIC pictures by libheif (the extra [heif]: pi-heif, a decoder under the LGPL): pixels, metadata, auxiliary pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from rawback.errors import MachineError, RawbackError
from rawback.files import exif as exifs
from rawback.files import extras, tiff
from rawback.files.exif import Exif
from rawback.files.heif import colours
from rawback.files.heif.items import Items
from rawback.files.tags import Tag
from rawback.files.tiff import SHORT
from rawback.isp.colour_profile import Profile
from rawback.picture import Pixels

TURNING = (b"irot", b"imir")
UPRIGHT = 1
MODULE = "pi_heif"


@dataclass
class Heif:
    """The picture of a file that is shown first, as libheif decodes it: turned upright."""

    pixels: Pixels
    exif: Exif
    icc: bytes
    profile: Profile | None
    """By its numbers, where it has no ICC profile."""
    items: Items
    notes: list[str]


def read(data: bytes, name: str) -> Heif:
    """Decode a file. Raises RawbackError, also where the extra is not installed."""
    library = extras.needed("heif", MODULE, f"{name} is a HEIC picture, and reading it")
    items = Items(data)
    if items.missing:
        raise RawbackError(f"{name} is cut short: {items.missing} bytes are missing at its end; get the file again")
    picture = _opened(library, items.undescribed(), name)
    values = _values(picture, name)
    exif, notes = _exif(items, name)
    exif.xmp = items.xmp()
    icc = bytes(picture.info.get("icc_profile") or b"")
    return Heif(Pixels(values), exif, icc, None if icc else colours.profile(items), items, notes)


def auxiliary(items: Items, number: int) -> np.ndarray | None:
    """Another picture of a file by the number of its item, (H, W, 1 or 3), uint8 or float32 0..1; None where it cannot be."""
    library, data = extras.needed("heif", MODULE, "a picture inside a HEIC"), items.undescribed()
    try:
        picture = library.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)[0]
        numbers = [n for ids in picture.info.get("aux", {}).values() for n in ids]
        if number in numbers:
            picture = picture.get_aux_image(number)
        else:
            picture = library.open_heif(io.BytesIO(Items(data).with_primary(number)), convert_hdr_to_8bit=False)
        values = np.array(picture)  # a copy: the memory is the decoder's
    except (OSError, ValueError, EOFError, SyntaxError, RuntimeError, IndexError, AttributeError):
        return None
    values = values[..., None] if values.ndim == 2 else values[..., :3]
    if values.shape[2] == 3 and (values[..., :1] == values[..., 1:]).all():
        values = values[..., :1]
    return (
        values
        if values.dtype == np.uint8
        else values.astype(np.float32) / np.float32((1 << int(picture.info["bit_depth"])) - 1)
    )


def _opened(library: Any, data: bytes, name: str) -> Any:
    try:
        file = library.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False, hdr_to_16bit=False)
        return file[file.primary_index]
    except MemoryError as error:
        raise MachineError(f"there is not enough memory to read {name}; close other programs") from error
    except (OSError, ValueError, EOFError, SyntaxError, RuntimeError, IndexError) as error:
        raise RawbackError(f"{name} is no HEIC picture that can be read ({error}); get the file again") from error


def _values(picture: Any, name: str) -> np.ndarray:
    """The pixels over the whole range of uint8 or uint16; transparency is left out."""
    try:
        values = np.array(picture)  # a copy: the memory is the decoder's
    except (OSError, ValueError, EOFError, SyntaxError, RuntimeError) as error:
        raise RawbackError(f"{name} is damaged: its picture cannot be decoded ({error}); get the file again") from error
    values = values[..., :3] if values.ndim == 3 and values.shape[2] > 2 else values[..., 0] if values.ndim == 3 else values
    if values.dtype == np.uint8:
        return values
    top = (1 << int(picture.info["bit_depth"])) - 1
    return np.rint(values * (65535 / top)).astype(np.uint16)


def _exif(items: Items, name: str) -> tuple[Exif, list[str]]:
    """EXIF with the orientation that is left to be applied: none, as the decoder has turned the picture."""
    payload = items.exif()
    try:
        exif = exifs.from_tiff(payload) if tiff.is_tiff(payload) else Exif()
    except RawbackError:
        return Exif(), [f"{name}: its EXIF is not readable and is left out"]
    turned = any(kind in TURNING for kind, _ in items.properties(items.primary))
    says = exif.orientation
    if says != UPRIGHT:
        exif.ifd0[Tag.Orientation] = tiff.pack(SHORT, [UPRIGHT])
    if says == UPRIGHT or turned:
        return exif, []
    return exif, [
        f"{name}: its EXIF says orientation {says}, which HEIC decoders do not go by; turn the DNG if it lies on its side"
    ]
