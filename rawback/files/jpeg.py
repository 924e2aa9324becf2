"""JPEG files: coefficients in and out, and the segments around them (ITU T.81, annex B)."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import jpeglib
import numpy as np
from PIL import Image, ImageCms

from rawback.errors import RawbackError
from rawback.files import exif as exifs
from rawback.files import recipe_xmp, stderr
from rawback.files.exif import Exif
from rawback.picture import Coefficients, Pixels
from rawback.recipe import MAX_SIDE, Recipe
from rawback.recipe_text import from_fields, to_fields

EXIF, XMP, ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0\x01\x01"
APP1, APP2, SOI = 0xE1, 0xE2, b"\xff\xd8"
CODED_LOSSY = {0xC0, 0xC1, 0xC2}  # baseline, extended, progressive; all Huffman coded
UNREAD = {*range(0xE0, 0xF0), 0xFE}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
MAX_PIXELS = 1 << 29
MAX_PIXELS_SCANNED = 1 << 35
"""Pixels times passes over them: a progressive file of a camera's or a program's has ten or so."""
MAX_PACKETS = 4
PIXELS_PER_BYTE, SMALL = 1024, 1 << 20
"""A block of 64 pixels costs at least a bit, of which only progressive files without their later scans come near."""


@dataclass
class Photo:
    """What a photo's file holds."""

    coefficients: Coefficients | None
    """Of a JPEG; None where only `pixels` can be used."""
    exif: Exif | None
    recipe: Recipe | None
    """The recipe, if rawback rendered the file."""
    data: bytes
    """The whole file."""
    notes: list[str] = field(default_factory=list)
    """What the user should know, a sentence each."""
    pixels: Pixels | None = None
    xmp: list[bytes] = field(default_factory=list)
    """XMP packets: of a sidecar, of the file, and its continuation."""
    icc: bytes = b""
    preview: bytes | None = None
    """A JPEG that shows what is in a file of another format."""

    @property
    def picture(self) -> Coefficients | Pixels:
        """What was decoded."""
        if self.coefficients is not None:
            return self.coefficients
        if self.pixels is None:
            raise RawbackError("the photo has neither coefficients nor pixels")
        return self.pixels


def is_jpeg(data: bytes) -> bool:
    """Whether the data begins like a JPEG."""
    return data[:3] == SOI + b"\xff"


def read(data: bytes, name: str) -> Photo:
    """Decode a JPEG file as far as its coefficients. Raises RawbackError for what is no JPEG or no YCbCr or grey picture."""
    check(data, name)
    notes = []
    coefficients, warning = _read_coefficients(data, name)
    if warning:
        notes.append(f"{name} is damaged ({warning}); what can be read is used")
    exif, fields = None, recipe_fields(data)
    try:
        exif = exifs.find_exif(data)
    except RawbackError:
        notes.append(f"{name}: its EXIF is not readable and is left out")
    return Photo(coefficients, exif, from_fields(fields) if fields else None, data, notes)


def recipe_fields(data: bytes) -> dict[str, str]:
    """The recipe's texts, from the few XMP packets that can hold it: to parse them all is dear, and an attacker's choice."""
    packets = [bytes(p[len(XMP) :]) for marker, p in exifs.segments(data) if marker == APP1 and p[: len(XMP)] == XMP]
    ours = [packet for packet in packets if recipe_xmp.NAMESPACE.encode() in packet]
    return {name: text for packet in ours[:MAX_PACKETS] for name, text in recipe_xmp.parse(packet).items()}


def check(data: bytes, name: str) -> None:
    """Raise RawbackError unless the data is a whole Huffman-coded 8-bit JPEG of one or three components and sane size."""
    if not data:
        raise RawbackError(f"{name} is empty; expected a JPEG")
    if not is_jpeg(data):
        raise RawbackError(f"{name} is not a JPEG; expected a photo that begins with FF D8 FF")
    frame = next(((m, p) for m, p in exifs.segments(data) if m in FRAMES), None)
    if frame is None or len(frame[1]) < 6:
        raise RawbackError(f"{name} is cut short: it ends before its picture begins")
    marker, header = frame
    bits, components = header[0], header[5]
    height, width = (int.from_bytes(header[at : at + 2], "big") for at in (1, 3))
    if bits != 8 or marker not in CODED_LOSSY:
        kind = f"a {bits}-bit JPEG of a rare kind (SOF{marker - 0xC0})"
        raise RawbackError(f"{name} is {kind}; expected baseline or progressive, 8 bits")
    if components not in (1, 3):
        raise RawbackError(f"{name} has {components} colour components; expected grey or YCbCr (convert CMYK to sRGB first)")
    _check_size(data, name, width, height)
    if b"\xff\xd9" not in data[-2:] and data.find(b"\xff\xd9", data.rfind(b"\xff\xda")) < 0 and not _whole(data):
        raise RawbackError(f"{name} is cut short: its picture has no end; get the file again")


def _check_size(data: bytes, name: str, width: int, height: int) -> None:
    """Raise RawbackError for what would take too much memory, or for ever."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        raise RawbackError(f"{name} says it has {width} x {height} pixels; expected up to {MAX_PIXELS >> 20} megapixels")
    if width * height > PIXELS_PER_BYTE * len(data) + SMALL:
        raise RawbackError(f"{name} says it has {width} x {height} pixels in {len(data)} bytes; that cannot be: it is damaged")
    first_scan = max(stop for _, _, stop in exifs.segment_places(memoryview(data)))
    if width * height * data.count(b"\xff\xda", first_scan) > MAX_PIXELS_SCANNED:
        raise RawbackError(f"{name} goes over its {width} x {height} pixels too many times; save it as a plain JPEG first")


def _whole(data: bytes) -> bool:
    """Whether a file without its end marker still has all its pixels: Pillow refuses what it would have to make up."""
    try:
        with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
            image.load()
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return False
    return True


def write(coefficients: Coefficients, recipe: Recipe | None, exif: bytes, more: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """A baseline JPEG file: coefficients, EXIF (a TIFF as for APP1), sRGB profile, the recipe as XMP.

    more: further segments, marker and payload.
    """
    return with_metadata(coded_picture(coefficients), recipe, exif, more)


def with_metadata(coded: bytes, recipe: Recipe | None, exif: bytes, more: Sequence[tuple[int, bytes]] = ()) -> bytes:
    """The file of a `coded_picture`, with the metadata that `write` takes."""
    segments = [(APP1, EXIF + exif), (APP2, ICC + srgb_profile()), *more]
    if recipe is not None:
        segments.insert(1, (APP1, XMP + recipe_xmp.build(to_fields(recipe))))
    head = 4 + int.from_bytes(coded[4:6], "big")  # after SOI and JFIF's APP0
    inserted = b"".join(b"\xff%c%s%s" % (m, (len(p) + 2).to_bytes(2, "big"), p) for m, p in segments)
    return coded[:head] + inserted + coded[head:]


@cache
def srgb_profile() -> bytes:
    """The sRGB ICC profile, its date of creation set to a constant so that equal pictures make equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = np.array([2026, 1, 1, 0, 0, 0], ">u2").tobytes()
    return bytes(profile)


def _read_coefficients(data: bytes, name: str) -> tuple[Coefficients, str]:
    with tempfile.TemporaryDirectory(prefix="rawback-") as folder, stderr.captured() as warnings:
        path = Path(folder, "photo.jpg")
        path.write_bytes(_picture_only(data))
        try:
            picture = jpeglib.read_dct(str(path))
            parts = [p for p in (picture.Y, picture.Cb, picture.Cr) if p is not None]
            tables = [picture.qt[picture.quant_tbl_no[i]].reshape(64).astype(np.uint16) for i in range(len(parts))]
        except (OSError, ValueError, IndexError, RuntimeError) as error:
            raise RawbackError(f"{name} is no JPEG that libjpeg can read; get the file again") from error
        warning = warnings()
    planes = [part.reshape(*part.shape[:2], 64) for part in parts]
    if not all(table.all() for table in tables):
        raise RawbackError(f"{name} has a quantisation table with zeros; the file is damaged")
    return Coefficients(picture.width, picture.height, planes, tables, _factors(data, name)), warning


def _picture_only(data: bytes) -> bytes:
    """The file without its APP and COM segments: jpeglib reads and writes where it should not if one of them is empty."""
    places = list(exifs.segment_places(memoryview(data)))
    kept = [data[start:stop] for marker, start, stop in places if marker not in UNREAD]
    return b"".join([SOI, *kept, data[places[-1][2] :]])


def _factors(data: bytes, name: str) -> tuple[int, int]:
    """Rows and columns of luma for one chroma sample, from the sampling factors of the frame header."""
    header = next(p for m, p in exifs.segments(data) if m in FRAMES)
    sampling = [divmod(header[7 + 3 * i], 16) for i in range(header[5])]
    luma, *chroma = [(v, h) for h, v in sampling]
    if not chroma:
        return 1, 1
    if chroma[0] != chroma[1] or any(big % small or not small for big, small in zip(luma, chroma[0], strict=True)):
        raise RawbackError(f"{name} has an unusual chroma subsampling {sampling}; save it as 4:2:0 or 4:4:4 first")
    return luma[0] // chroma[0][0], luma[1] // chroma[0][1]


def coded_picture(coefficients: Coefficients) -> bytes:
    """A baseline JPEG file of nothing but the picture, with Huffman tables of its own."""
    parts = [plane.reshape(*plane.shape[:2], 8, 8) for plane in coefficients.planes]
    colour = {"Cb": parts[1], "Cr": parts[2]} if len(parts) == 3 else {}
    tables = np.stack([table.reshape(8, 8) for table in coefficients.tables[:2]]).astype(np.uint16)
    picture = jpeglib.from_dct(parts[0], **colour, qt=tables, quant_tbl_no=[0, 1, 1][: len(parts)])
    picture.height, picture.width = coefficients.height, coefficients.width
    if colour:  # jpeglib infers it from the numbers of blocks, which say nothing where there is but one
        picture.samp_factor = np.array([coefficients.factors, (1, 1), (1, 1)], np.int16)
    with tempfile.TemporaryDirectory(prefix="rawback-") as folder:
        path = Path(folder, "photo.jpg")
        picture.write_dct(str(path), flags=["+OPTIMIZE_CODING"])
        return path.read_bytes()
