"""The JPEGs inside a RAW file: the camera's own picture of it, in EXIF, MakerNote or container, wherever the maker keeps it.

No container is parsed: JPEGs are known by their headers. That finds those of CRW, CR2, CR3, NEF, ARW, RAF, RW2, ORF, PEF
and DNG alike; the tiles of a RAW's own lossless JPEG have another frame header (SOF3).
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rawback.files import icc, photo, tiff
from rawback.files.exif import Exif
from rawback.files.jpeg_file import APP0, APP1, EXIF, JFIF, SOF0, SOF1, SOF2, JpegFile
from rawback.files.tags import Tag
from rawback.files.tiff import Buffer
from rawback.isp import colour_profile
from rawback.isp.colour_profile import Profile

START = re.compile(rb"\xff\xd8\xff[\xc0-\xc2\xc4\xdb\xdd\xe0-\xef\xfe]")
SHOWN = (SOF0, SOF1, SOF2)
"""Frames of pictures: baseline, extended and progressive."""
MOST = 1024
"""JPEG headers that are looked at: cameras write three or four, converters one for each tile."""
ASKED = 3
"""Pictures that are taken out."""
HEADER_BYTES, MOST_BYTES = 1 << 20, 1 << 25
SMALLEST, LARGEST, LARGEST_PROGRESSIVE = 160, 1 << 27, 1 << 24
"""Columns of a picture that is worth asking; pixels of one that cannot be a decompression bomb, and of one whose coefficients
are all in memory at once."""
BYTES_PER_BLOCK = 1 / 64
"""A block of 8 x 8 takes more than this even where a picture is one colour: less is a bomb, or cut short."""
ENOUGH = 1024
"""Pixels across beyond which a larger picture tells nothing more, and only takes time to decode."""
SAME_SHAPE = 0.02
OURS = "rawback"
"""Software: the small pictures that its DNGs get where there is no other are no camera's."""
PLAIN_RENDERER, PLAIN_SETTINGS = "dng_validate", "Default"
"""Of Adobe's DNG SDK: it renders by the maker's profile alone, and nobody has edited that."""


@dataclass(frozen=True)
class Picture:
    """A JPEG inside a RAW."""

    data: bytes
    width: int
    height: int
    edited: bool = False
    """Whether another program than the camera made it."""


def pictures(data: Buffer) -> list[Picture]:
    """Those that may be the camera's picture, the one to ask first in front. Never raises: what is damaged is left out."""
    view = memoryview(data)
    converted = _converted(data)
    found = []
    for start in _starts(view):
        if (header := _header(view, start)) is not None:
            width, height, foreign = header
            if fits(width, height, len(view) - start):
                found.append((width, height, start, foreign and converted))
    found.sort(key=lambda f: (f[3], -f[0] * f[1], f[2]))
    cut = [_cut(view, *f) for f in _preferred(found)[:ASKED]]
    return list(dict.fromkeys(cut))  # some makers keep the same twice


def fits(width: int, height: int, size: int) -> bool:
    """Whether a picture of these sides in at most so many bytes is neither a thumbnail nor a bomb."""
    blocks = -(-width // 8) * -(-height // 8)
    return max(width, height) >= SMALLEST and width * height <= LARGEST and 0 < blocks * BYTES_PER_BLOCK <= size


def _starts(view: memoryview) -> list[int]:
    return [match.start() for _, match in zip(range(MOST), START.finditer(view), strict=False)]


def _header(view: memoryview, start: int) -> tuple[int, int, bool] | None:
    """Width and height of a JPEG, and whether it has a JFIF header and no EXIF; None for what is none that can be shown."""
    file = JpegFile(view[start : start + HEADER_BYTES])
    frame = file.frame
    if frame is None or frame.marker not in SHOWN or frame.bits != 8 or frame.components not in (1, 3):
        return None
    if frame.marker == SOF2 and frame.width * frame.height > LARGEST_PROGRESSIVE:
        return None
    bare = any(file.payloads(APP0, JFIF)) and not any(file.payloads(APP1, EXIF))
    return frame.width, frame.height, bare


def _preferred(found: list[tuple[int, int, int, bool]]) -> list[tuple[int, int, int, bool]]:
    """The camera's before others', large before small; but of one shape the smallest that is large enough first."""
    if not found:
        return []
    width, height, _, edited = found[0]
    alike = [f for f in found if f[3] == edited and f[0] >= ENOUGH and abs(f[0] * height / (f[1] * width) - 1) < SAME_SHAPE]
    first = min(alike, key=lambda f: f[0], default=found[0])
    return [first, *(f for f in found if f is not first)]


def _cut(view: memoryview, width: int, height: int, start: int, edited: bool) -> Picture:
    data = JpegFile(view[start : start + MOST_BYTES]).first_picture.data
    return Picture(bytes(data), width, height, edited)


def _converted(data: Buffer) -> bool:
    """Whether a DNG says that a converter made it, other than one that renders plainly, or that rawback did."""
    if not tiff.is_tiff(data):
        return False
    directories = [d.entries for d in tiff.read(data).walk()]
    application, settings, original, software = (
        {tiff.text(entries[tag]) for entries in directories if tag in entries}
        for tag in (Tag.PreviewApplicationName, Tag.PreviewSettingsName, Tag.OriginalRawFileName, Tag.Software)
    )
    if application == {PLAIN_RENDERER} and settings <= {PLAIN_SETTINGS}:
        return False
    return bool(application or original) or any(text.startswith(OURS) for text in software)


def of_file(data: bytes) -> list[Picture]:
    """A JPEG file as the one picture to ask; none where it is no JPEG that can be shown."""
    header = _header(memoryview(data), 0)
    return [Picture(data, *header[:2])] if header and fits(*header[:2], len(data)) else []


def decode(picture: Picture, width: int, raw_exif: Exif | None) -> np.ndarray | None:
    """Its codes (height, width, 3) float32 in sRGB, area-averaged to at most about `width` columns; None for a damaged one.

    raw_exif: what the RAW says of the picture's colour space where it does not itself.
    """
    try:
        with Image.open(io.BytesIO(picture.data), formats=["JPEG"]) as image:
            if image.size != (picture.width, picture.height):
                return None
            image.draft("RGB", (width, width))  # libjpeg scales while it decodes
            rgb = image.convert("RGB")
            profile = _profile(image, raw_exif)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    if rgb.width > width:
        rgb = rgb.resize((width, max(round(width * rgb.height / rgb.width), 1)), Image.Resampling.BOX)
    codes = np.asarray(rgb, np.float32) / np.float32(255)
    return np.moveaxis(profile.to_srgb(np.moveaxis(codes, -1, 0)), 0, -1) if profile else codes


def _profile(image: Image.Image, raw_exif: Exif | None) -> Profile | None:
    """The profile by which its colours are to be brought to sRGB; None where they are sRGB's, or must be taken for it."""
    embedded = image.info.get("icc_profile")
    if isinstance(embedded, bytes) and embedded:
        found = icc.parse(embedded)
        return found if found and not found.is_srgb else None
    return colour_profile.adobe_rgb() if raw_exif and photo.says_adobe_rgb(raw_exif) else None
