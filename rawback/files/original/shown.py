"""What of a RAW's metadata its JPEG shows to everybody: EXIF, XMP, IPTC, in the places where catalogues look for them."""

from __future__ import annotations

from dataclasses import replace

from rawback.files import tiff, xmp
from rawback.files.exif import Exif
from rawback.files.original.metadata import Original
from rawback.files.tags import Tag
from rawback.files.tiff import ASCII, RATIONAL, SHORT, Entries, Entry

RATINGS = range(6)


def exif(original: Original) -> Exif:
    """The EXIF, with lens and serial number where only DNG's tags tell them, and the rating that XMP gives."""
    found = original.as_photo()
    return replace(found, ifd0=found.ifd0 | _rating(original), exif=_camera(found.ifd0) | found.exif)


def xmp_of(original: Original) -> str:
    """An rdf:Description for the packet of the recipe: what the sidecar says, then the RAW; empty if that is nothing."""
    return xmp.for_jpeg(packets(original))


def packets(original: Original) -> list[bytes]:
    """The sidecar's packet and the RAW's own."""
    return [packet for packet in (original.sidecar, original.exif.xmp) if packet]


def _rating(original: Original) -> Entries:
    text = xmp.value(packets(original), xmp.RATING)
    return {Tag.Rating: tiff.pack(SHORT, [int(text)])} if text.isdecimal() and int(text) in RATINGS else {}


def _camera(ifd0: Entries) -> Entries:
    """EXIF's tags from DNG's LensInfo (shortest and longest focal length, f-number at each) and CameraSerialNumber."""
    found: Entries = {}
    lens, serial = ifd0.get(Tag.LensInfo), ifd0.get(Tag.CameraSerialNumber)
    if lens and lens.type == RATIONAL and lens.count == 4:
        found[Tag.LensSpecification] = lens
        if text := _lens_text(tiff.numbers(lens)):
            found[Tag.LensModel] = tiff.ascii_text(text)
    if serial and tiff.text(serial):
        found[Tag.BodySerialNumber] = Entry(ASCII, serial.count, serial.data)
    return found


def _lens_text(numbers: tuple[float, ...]) -> str:
    """ "24-70mm f/2.8" or "18-55mm f/3.5-5.6"; empty where the focal length is not known."""
    lengths, stops = ([f"{n:g}" for n in dict.fromkeys(pair) if n > 0] for pair in (numbers[:2], numbers[2:]))
    aperture = f" f/{'-'.join(stops)}" if stops else ""
    return f"{'-'.join(lengths)}mm{aperture}" if lengths else ""
