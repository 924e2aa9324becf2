"""JPEG files: coefficients in and out, and the segments around them (ITU T.81, annex B)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image, ImageCms

from rawback.errors import RawbackError, RecipeError
from rawback.files import exif as exifs
from rawback.files import huffman, jpeg_metadata, libjpeg, progressive, recipe_xmp, seal
from rawback.files.exif import Exif
from rawback.files.gain_map import write as gain_maps
from rawback.files.jpeg_file import (
    APP1,
    APP2,
    ARITHMETIC,
    COM,
    EOI_BYTES,
    EXIF,
    ICC,
    MAX_PIXELS,
    SOF0,
    SOF1,
    SOF2,
    SOI,
    SOS_BYTES,
    XMP,
    Frame,
    JpegFile,
    is_jpeg,
    segment,
    with_height,
)
from rawback.files.tiff import Buffer
from rawback.isp import grey
from rawback.isp.colour_profile import Profile
from rawback.isp.gain_map import GainMap
from rawback.picture import Coefficients, Pixels
from rawback.recipe import MAX_SIDE, Recipe
from rawback.recipe_text import from_fields, to_fields

CODED_LOSSY = {SOF0, SOF1, SOF2} | ARITHMETIC  # baseline, extended, progressive
UNREAD = {*range(0xE0, 0xF0), COM}
ONLY_PIECE = b"\x01\x01"
"""Of an ICC profile that fits into one segment: piece 1 of 1 (ICC.1, B.4)."""
MAX_PIXELS_SCANNED = 1 << 35
"""Pixels times passes over them: a progressive file of a camera's or a program's has ten or so."""
MAX_PACKETS = 4
PIXELS_PER_BYTE, SMALL = 1024, 1 << 20
"""A block of 64 pixels costs at least a bit, of which only progressive files without their later scans come near."""


class UnreadableError(RawbackError):
    """A JPEG that libjpeg gives up on."""


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
    profile: Profile | None = None
    """Where the file gives its colours by numbers instead."""
    gain_map: GainMap | None = None
    """How much brighter than the picture its scene was."""
    preview: bytes | None = None
    """A JPEG that shows what is in a file of another format."""
    file: JpegFile | None = None
    """The segments of `data`, if it is a JPEG."""

    @property
    def viewable(self) -> JpegFile:
        """The JPEG that shows the picture: the file itself, if it is one and there is no other."""
        return JpegFile(self.preview) if self.preview else self.file or JpegFile(self.data)

    @property
    def picture(self) -> Coefficients | Pixels:
        """What was decoded."""
        if self.coefficients is not None:
            return self.coefficients
        if self.pixels is None:
            raise RawbackError("the photo has neither coefficients nor pixels")
        return self.pixels


def read(data: bytes, name: str) -> Photo:
    """Decode a JPEG file as far as its coefficients. Raises RawbackError for what is no JPEG or no YCbCr or grey picture."""
    return decode(JpegFile(data), name)


def decode(file: JpegFile, name: str) -> Photo:
    """As `read`, of a file whose segments may be known already."""
    file = JpegFile(with_height(bytes(file.data))) if file.frame and not file.frame.height else file
    frame = check(file, name)
    notes = []
    ended = _has_end(bytes(file.data))
    if not ended and frame.marker != SOF2:  # every coded block may be there all the same: libjpeg says so
        file = JpegFile(bytes(file.data) + EOI_BYTES)
    try:
        coefficients, warning = _read_coefficients(file, frame, name)
    except UnreadableError:
        if ended:
            raise
        warning = "no end"
    if warning and not ended:
        raise RawbackError(f"{name} is cut short: its picture has no end; get the file again")
    if warning:
        notes.append(f"{name} is damaged ({warning}); what can be read is used")
    exif, fields = None, recipe_fields(file)
    try:
        exif = exifs.from_jpeg(file)
    except RawbackError:
        notes.append(f"{name}: its EXIF is not readable and is left out")
    try:
        recipe = from_fields(fields) if fields else None
    except RecipeError as error:
        raise RecipeError(f"{name}: {error}") from error
    if recipe and recipe.monochrome:
        coefficients = grey.with_chroma(coefficients)
    return Photo(coefficients, exif, recipe, bytes(file.data), notes, file=file)


def recipe_fields(file: JpegFile) -> dict[str, str]:
    """The recipe's texts, from the few XMP packets that can hold it: to parse them all is dear, and an attacker's choice."""
    ours = [packet for packet in map(bytes, file.payloads(APP1, XMP)) if recipe_xmp.NAMESPACE.encode() in packet]
    return {name: text for packet in ours[:MAX_PACKETS] for name, text in recipe_xmp.parse(packet).items()}


def check(file: JpegFile, name: str) -> Frame:
    """The frame header of a whole 8-bit JPEG, Huffman or arithmetic coded, of one or three components and sane size.

    Raises RawbackError for any other.
    """
    data, frame = bytes(file.data), file.frame
    if not data:
        raise RawbackError(f"{name} is empty; expected a JPEG")
    if not is_jpeg(data):
        raise RawbackError(f"{name} is not a JPEG; expected a photo that begins with FF D8 FF")
    if frame is None:
        raise RawbackError(f"{name} is cut short: it ends before its picture begins")
    if frame.bits != 8 or frame.marker not in CODED_LOSSY:
        kind = f"a JPEG of a rare kind ({frame.bits} bits, SOF{frame.marker - SOF0})"
        raise RawbackError(f"{name} is {kind}; expected baseline or progressive, 8 bits")
    if frame.components not in (1, 3):
        raise RawbackError(
            f"{name} has {frame.components} colour components; expected grey or YCbCr (convert CMYK to sRGB first)"
        )
    check_size(data, name, frame, file.scan_start)
    if not _has_end(data) and (frame.marker in ARITHMETIC or (frame.marker == SOF2 and not _is_complete(data))):
        raise RawbackError(f"{name} is cut short: its picture has no end; get the file again")
    return frame


def _has_end(data: bytes) -> bool:
    """Whether the end marker is there, at the end or before what some programs hang behind it."""
    return data[-2:] == EOI_BYTES or data.find(EOI_BYTES, data.rfind(SOS_BYTES)) >= 0


def check_size(data: bytes, name: str, frame: Frame, scan_start: int) -> None:
    """Raise RawbackError for what would take too much memory, or for ever."""
    width, height = frame.width, frame.height
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE and width * height <= MAX_PIXELS):
        expected = f"expected up to {MAX_PIXELS >> 20} megapixels" if width and height else "expected some of either"
        raise RawbackError(f"{name} says it has {width} x {height} pixels; {expected}")
    if width * height > PIXELS_PER_BYTE * len(data) + SMALL:
        raise RawbackError(f"{name} says it has {width} x {height} pixels in {len(data)} bytes; that cannot be: it is damaged")
    if width * height * data.count(SOS_BYTES, scan_start) > MAX_PIXELS_SCANNED:
        raise RawbackError(f"{name} goes over its {width} x {height} pixels too many times; save it as a plain JPEG first")


def _is_complete(data: bytes) -> bool:
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


def with_metadata(
    coded: bytes, recipe: Recipe | None, exif: bytes, more: Sequence[tuple[int, bytes]] = (), others: str = "",
    gain_map: bytes = b"",
) -> bytes:  # fmt: skip
    """The file of a `coded_picture`, with the metadata that `write` takes; one with a recipe is sealed.

    others: an rdf:Description of the RAW's own properties, to stand beside the recipe. gain_map: a JPEG of
    `gain_map.write.map_file`, to follow the picture.
    """
    sealed = {seal.NAME: seal.BLANK.decode()}
    lit = gain_maps.description(len(gain_map)) if gain_map else ""
    xmp = jpeg_metadata.xmp_segments(to_fields(recipe) | sealed, others, lit) if recipe is not None else []
    segments = [(APP1, EXIF + exif), *xmp, (APP2, ICC + ONLY_PIECE + srgb_profile()), *more]
    head = 4 + int.from_bytes(coded[4:6], "big")  # after SOI and JFIF's APP0
    pieces, picture = [coded[:head], *(segment(*part) for part in segments)], memoryview(coded)[head:]
    return b"".join(seal.sealed(gain_maps.appended(pieces, picture, gain_map) if gain_map else [*pieces, picture]))


@cache
def srgb_profile() -> bytes:
    """The sRGB ICC profile, its date of creation set to a constant so that equal pictures make equal files."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = np.array([2026, 1, 1, 0, 0, 0], ">u2").tobytes()
    return bytes(profile)


def _read_coefficients(file: JpegFile, frame: Frame, name: str) -> tuple[Coefficients, str]:
    try:
        decoded = huffman.read(file) or libjpeg.read(_picture_only(file), frame.marker in ARITHMETIC)
    except ValueError as error:
        raise UnreadableError(f"{name} is no JPEG that libjpeg can read; get the file again") from error
    if not all(table.all() for table in decoded.tables):
        raise RawbackError(f"{name} has a quantisation table with zeros; the file is damaged")
    factors = _factors(frame, name)
    return Coefficients(decoded.width, decoded.height, decoded.planes, decoded.tables, factors), decoded.warning


def _picture_only(file: JpegFile) -> list[Buffer]:
    """The file without its APP and COM segments: jpeglib reads and writes where it should not if one of them is empty."""
    view = memoryview(file.data)
    kept = [view[part.start : part.stop] for part in file.segments if part.marker not in UNREAD]
    return [SOI, *kept, view[file.scan_start :]]


def _factors(frame: Frame, name: str) -> tuple[int, int]:
    """Rows and columns of luma for one chroma sample, from the sampling factors of the frame header."""
    luma, *chroma = frame.sampling
    if not chroma:
        return 1, 1
    if chroma[0] != chroma[1] or any(big % small or not small for big, small in zip(luma, chroma[0], strict=True)):
        raise RawbackError(
            f"{name} has an unusual chroma subsampling {[(h, v) for v, h in frame.sampling]}; save it as 4:2:0 or 4:4:4 first"
        )
    return luma[0] // chroma[0][0], luma[1] // chroma[0][1]


def coded_picture(coefficients: Coefficients, in_scans: bool = False) -> bytes:
    """A baseline JPEG file of nothing but the picture, with Huffman tables of its own. Raises MachineError.

    in_scans: or a progressive one, where that is smaller.
    """
    picture = coefficients.planes, coefficients.tables, (coefficients.width, coefficients.height), coefficients.factors
    coded = huffman.write(*picture) or libjpeg.write(*picture)
    return min(coded, progressive.write(*picture), key=len) if in_scans else coded
