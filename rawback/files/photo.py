"""Photos of any kind: JPEGs by their coefficients, whatever else Pillow opens as a grey or RGB picture by its pixels."""

from __future__ import annotations

import io
from contextlib import nullcontext
from dataclasses import replace

import numpy as np
from PIL import Image, UnidentifiedImageError

from rawback.errors import MachineError, RawbackError, RecipeError
from rawback.files import (
    cmyk,
    deep_jpeg,
    deep_tiff,
    exif,
    file_type,
    icc,
    jpeg,
    jpeg_metadata,
    jxl,
    jxl_pixels,
    parity,
    png_colours,
    stderr,
    tiff,
)
from rawback.files.exif import Exif
from rawback.files.gain_map import read as gain_maps
from rawback.files.heif import avif, brands, decode
from rawback.files.heif.items import Items
from rawback.files.jpeg import Photo
from rawback.files.jpeg_file import APP0, JFIF, JpegFile, is_jpeg
from rawback.files.jpeg_metadata import Attached
from rawback.files.tags import InteropTag, Tag
from rawback.isp import colour_profile
from rawback.isp.colour_profile import Profile
from rawback.picture import Pixels

FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "AVIF", "HEIF", "JPEG2000", "BMP", "DIB", "GIF", "PPM", "TGA", "PCX",
           "QOI", "SGI", "PSD")  # fmt: skip
"""Of Pillow's: pictures. (Others start programs or are vector graphics.)"""
GREY = ("1", "L", "LA", "La")
COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "P", "PA", "YCbCr")
DEEP = ("I;16", "I;16L", "I;16B", "I;16N", "I", "F")
ADOBE_RGB = "R03"
"""Interoperability index of pictures in those colours (DCF 2.0, 5.3)."""
PREVIEW_SIDE = 1024


def read(data: bytes, name: str, sidecar: bytes = b"") -> Photo:
    """Decode a photo. `sidecar`: an XMP packet that lay beside it.

    Raises RawbackError for what is no grey or RGB picture, damaged beyond use, or a RAW file.
    """
    if jxl.holds_jpeg(data):
        return replace(read(jxl.jpeg_inside(data, name), name, sidecar), data=data)
    data, restored = parity.repaired(data)
    file = JpegFile(data) if is_jpeg(data) else None
    photo = _read_jpeg(file, data, name) if file else _read_pixels(data, name)
    photo.notes += [f"{name}: {text}" for text in restored]
    exif = photo.exif or Exif()
    packets = jpeg_metadata.from_jpeg(file) if file else Attached(exif.xmp, b"", exif.iptc, photo.icc)
    xmp = [packet for packet in (sidecar, packets.xmp, packets.extended_xmp) if packet]
    photo = replace(photo, file=file, exif=replace(exif, iptc=packets.iptc), xmp=xmp)
    photo.icc = b"" if cmyk.is_profile(packets.icc) else packets.icc
    return _with_gain_map(photo, file, name) if file and not photo.recipe else photo


def profile(photo: Photo) -> Profile | None:
    """The profile by which the picture has to be converted; None if it is sRGB, or must be taken for it (`profile_notes`)."""
    if photo.profile:
        return photo.profile
    if photo.icc:
        own = icc.parse(photo.icc)
        return own if own and not own.is_srgb else None
    return colour_profile.adobe_rgb() if photo.exif and says_adobe_rgb(photo.exif) else None


def says_adobe_rgb(exif: Exif) -> bool:
    """Whether the interoperability index is that of a DCF option file, whose colours are Adobe RGB's."""
    return tiff.text(exif.interop.get(InteropTag.Index)) == ADOBE_RGB


def profile_notes(photo: Photo) -> list[str]:
    """What the user should know of the picture's colours, a sentence each."""
    known = not photo.icc or icc.parse(photo.icc)
    return [] if known else ["its colour profile is not of the matrix type; the picture is taken as sRGB"]


def _read_jpeg(file: JpegFile, data: bytes, name: str) -> Photo:
    """By its coefficients; by its pixels where those are RGB, of odd subsampling, or cannot be read by libjpeg alone."""
    if deep_jpeg.is_deep(file):
        return _of_deep_jpeg(file, name)
    try:
        if not _is_rgb(file):
            return jpeg.decode(file, name)
        reason = RawbackError(f"{name} is coded as RGB, which is read by its pixels")
    except (RecipeError, MachineError):
        raise
    except RawbackError as error:
        reason = error
    if file.frame and file.frame.height:  # Pillow makes memory for whatever a file claims
        jpeg.check_size(data, name, file.frame, file.scan_start)
    try:
        photo = _read_pixels(data, name)
    except MachineError:
        raise
    except RawbackError:
        raise reason from None
    return replace(photo, notes=[*photo.notes, f"{name} is a JPEG of a rare kind; its 8-bit pixels are used"])


def _of_deep_jpeg(file: JpegFile, name: str) -> Photo:
    values, notes = deep_jpeg.values(file, name), list[str]()
    try:
        carried = exif.from_jpeg(file)
    except RawbackError:
        carried, notes = None, [f"{name}: its EXIF is not readable and is left out"]
    return Photo(None, carried, None, bytes(file.data), notes, pixels=Pixels(values), preview=_jpeg_of(values))


def _with_gain_map(photo: Photo, file: JpegFile, name: str) -> Photo:
    size = photo.picture.width, photo.picture.height
    gain_map, notes = gain_maps.of_jpeg(file, photo.exif, size, name)
    return replace(photo, gain_map=gain_map, notes=[*photo.notes, *notes])


def _is_rgb(file: JpegFile) -> bool:
    """Whether three components are R, G, B: as libjpeg guesses (JFIF is YCbCr, then Adobe's marker, then component names)."""
    if file.frame is None or file.frame.components != 3 or next(file.payloads(APP0, JFIF), None) is not None:
        return False
    return file.adobe_transform == 0 or (file.adobe_transform is None and file.frame.names == b"RGB")


def _read_pixels(data: bytes, name: str) -> Photo:
    if not data:
        raise RawbackError(f"{name} is empty; expected a photo")
    if brands.is_heif(data):
        return _read_heif(data, name)
    if jxl.is_jxl(data):
        return _read_jxl(data, name)
    if file_type.of(data) == "raw":  # many are TIFFs with a small preview in front
        from rawback.files import libraw  # for what is an error in any case

        libraw.unpack(data, name).raw.close()  # raises where render cannot take it either, with what can be done
        raise RawbackError(f"{name} is a RAW file already; `rawback render` takes those")
    if deep := deep_tiff.read(data, name):
        return _of_values(*deep, data)
    try:
        with _opened(data) as image:
            values = None
            items, notes = Items(data if image.format == "AVIF" else b""), list[str]()
            if items.data:
                values, notes = avif.deep_values(items, name)
            values = _values(image, name) if values is None else values
            by_numbers = avif.profile(items) or png_colours.profile(data)
            gamma = 0.0 if by_numbers and by_numbers.name != png_colours.BY_CHROMATICITIES else png_colours.gamma(image)
            if gamma:
                values = colour_profile.from_gamma(values, gamma)
                notes.append(f"{name} says that its values are light to the power of {gamma:.3g}; brought to sRGB")
            return Photo(
                None, _exif(image, data, items.exif()), None, data, notes, pixels=Pixels(values), icc=_profile(image),
                preview=_preview(image), profile=by_numbers,
            )  # fmt: skip
    except UnidentifiedImageError as error:
        raise RawbackError(f"{name} is no picture of a kind that is known; expected a JPEG, PNG, WebP, TIFF or AVIF") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise RawbackError(f"{name} is no picture that can be read ({error}); get the file again") from error


def _of_values(values: np.ndarray, profile: bytes, data: bytes) -> Photo:
    """Of a TIFF whose pixels are read already."""
    with Image.new("L", (1, 1)) as image:
        image.format = "TIFF"
        return Photo(None, _exif(image, data, b""), None, data, pixels=Pixels(values), icc=profile, preview=_jpeg_of(values))


def _read_heif(data: bytes, name: str) -> Photo:
    heif = decode.read(data, name)
    size = heif.pixels.width, heif.pixels.height
    gain_map, notes = gain_maps.of_heif(heif.items, heif.exif, size, name)
    return Photo(
        None, heif.exif, None, data, heif.notes + notes, pixels=heif.pixels, icc=heif.icc,
        preview=_jpeg_of(heif.pixels.values), profile=heif.profile, gain_map=gain_map,
    )  # fmt: skip


def _read_jxl(data: bytes, name: str) -> Photo:
    picture = jxl_pixels.read(data, name)
    return Photo(
        None, picture.exif, None, data, picture.notes, pixels=picture.pixels, preview=_jpeg_of(picture.pixels.values),
        profile=picture.profile,
    )  # fmt: skip


def _opened(data: bytes) -> Image.Image:
    """The picture, decoded. Only libtiff prints what it thinks of a file."""
    Image.init()
    formats = [f for f in FORMATS if f in Image.OPEN]
    with stderr.captured() if data[:2] in (b"II", b"MM") else nullcontext():
        image = Image.open(io.BytesIO(data), formats=formats)
        image.load()
    return image


def _profile(image: Image.Image) -> bytes:
    """The ICC profile; nothing for what a damaged TIFF declares as a text or number."""
    data = image.info.get("icc_profile")
    return data if isinstance(data, bytes) and not cmyk.is_profile(data) else b""


def _values(image: Image.Image, name: str) -> np.ndarray:
    """The pixels as uint8 or uint16. Transparency is left out."""
    if image.mode == cmyk.MODE:
        return cmyk.to_srgb(image, name)
    if image.mode in GREY:
        return np.asarray(image.convert("L"))
    if image.mode in COLOUR:
        return np.asarray(image.convert("RGB"))
    if image.mode in DEEP:
        values = np.asarray(image).astype(np.float64)
        return np.clip(values * (65535 if image.mode == "F" else 1), 0, 65535).astype(np.uint16)
    raise RawbackError(f"{name} is a picture of type {image.mode}; expected grey or RGB (convert it to sRGB first)")


def _exif(image: Image.Image, data: bytes, as_it_stands: bytes) -> Exif:
    """EXIF, XMP and IPTC of a file that is no JPEG. `as_it_stands`: where Pillow writes it anew, with another orientation."""
    payload = data if image.format == "TIFF" else bytes(image.info.get("exif") or b"").removeprefix(b"Exif\0\0")
    try:
        carried = exif.from_tiff(payload) if tiff.is_tiff(payload) else Exif()
        if tiff.is_tiff(as_it_stands):
            orientation = carried.ifd0.get(Tag.Orientation)
            carried = exif.from_tiff(as_it_stands)
            carried.ifd0 |= {Tag.Orientation: orientation} if orientation else {}
    except RawbackError:
        carried = Exif()
    packet, records = carried.ifd0.get(Tag.XMP), carried.ifd0.get(Tag.IPTC)
    packet_bytes = packet.data if packet else image.info.get("xmp") or b""
    carried.xmp = packet_bytes.encode() if isinstance(packet_bytes, str) else bytes(packet_bytes)
    carried.iptc = records.data if records else b""
    return carried


def _preview(image: Image.Image) -> bytes:
    """A JPEG of the picture, small enough not to matter."""
    if image.mode in DEEP:
        image = Image.fromarray((_values(image, "") >> 8).astype(np.uint8))
    return _small_jpeg(image)


def _jpeg_of(values: np.ndarray) -> bytes:
    """As `_preview`, of pixels as a Photo has them."""
    if values.dtype.kind == "f":
        values = (np.clip(values, 0, 1) * 65535).astype(np.uint16)
    return _small_jpeg(Image.fromarray(values if values.dtype == np.uint8 else (values >> 8).astype(np.uint8)))


def _small_jpeg(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=90)
    return stream.getvalue()
