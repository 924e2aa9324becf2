"""EXIF and GPS, carried verbatim from RAW to JPEG to DNG (EXIF 2.32; CIPA DC-008)."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace
from datetime import datetime
from fractions import Fraction

import piexif

from rawback.files import boxes, tiff
from rawback.files.jpeg_file import APP1, EXIF, JpegFile
from rawback.files.tags import Compression, Tag
from rawback.files.tiff import ASCII, LONG, SHORT, UNDEFINED, Buffer, Directory, Entries, Entry
from rawback.files.tiff_writer import serialise

MAX_APP1 = 65527  # a JPEG segment holds 65,533 bytes, of which "Exif\0\0" takes six
METADATA = (
    Tag.DocumentName, Tag.ImageDescription, Tag.Make, Tag.Model, Tag.PageName, Tag.DateTime, Tag.Artist, Tag.HostComputer,
    Tag.InkNames, Tag.TargetPrinter, Tag.Rating, Tag.RatingPercent, Tag.Copyright, Tag.XPTitle, Tag.XPComment,
    Tag.XPAuthor, Tag.XPKeywords, Tag.XPSubject,
)  # fmt: skip
"""IFD0 tags that speak of the photograph."""
EXIF_IN_IFD0 = {
    Tag.ExposureTime, Tag.FNumber, Tag.ExposureProgram, Tag.PhotographicSensitivity, Tag.DateTimeOriginal,
    Tag.DateTimeDigitized, *range(Tag.ShutterSpeedValue, Tag.FocalLength + 1),
    *range(Tag.CustomRendered, Tag.SubjectDistanceRange + 1),
}  # fmt: skip
"""TIFF/EP and some converters keep these in IFD0."""
MANDATORY: Entries = {
    Tag.ExifVersion: Entry(UNDEFINED, 4, b"0232"), Tag.FlashpixVersion: Entry(UNDEFINED, 4, b"0100"),
    Tag.ComponentsConfiguration: Entry(UNDEFINED, 4, b"\1\2\3\0"),  # Y, Cb, Cr
}  # fmt: skip
INCHES, CENTRED, SRGB = 2, 1, 1
"""Values of ResolutionUnit, YCbCrPositioning and ColorSpace."""
XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
JPG_FROM_RAW = 46
RAF_MAGIC = b"FUJIFILMCCD-RAW "


@dataclass
class Exif:
    """The metadata of a photograph, value by value as the camera wrote it."""

    ifd0: Entries = field(default_factory=dict)
    exif: Entries = field(default_factory=dict)
    gps: Entries = field(default_factory=dict)
    interop: Entries = field(default_factory=dict)
    """Interoperability directory."""
    order: str = "II"
    """Byte order of the file it was read from: MakerNotes and some texts are in it, so that it is written in it again."""
    xmp: bytes = b""
    """XMP packet."""
    iptc: bytes = b""
    """IPTC-NAA records."""

    @property
    def make(self) -> str:
        """The camera's maker ."""
        return tiff.text(self.ifd0.get(Tag.Make))

    @property
    def model(self) -> str:
        """The camera's model ."""
        return tiff.text(self.ifd0.get(Tag.Model))

    @property
    def camera(self) -> str:
        """Make and model as one name, without the make where the model says it again ("NIKON CORPORATION", "NIKON D60")."""
        make, model = self.make.strip(), self.model.strip()
        twice = model and model.split()[0].lower() in make.lower().split()
        return model if twice else f"{make} {model}".strip()

    @property
    def orientation(self) -> int:
        """Orientation 1..8, 1 if missing or impossible."""
        value = tiff.numbers(self.ifd0[Tag.Orientation])[:1] if Tag.Orientation in self.ifd0 else ()
        return int(value[0]) if value and value[0] in range(1, 9) else 1

    def directories(self) -> dict[int, list[Directory]]:
        """As children of an IFD0: the Exif directory with interoperability below it, and GPS; those that are not empty."""
        below: dict[int, list[Directory]] = {Tag.InteropIFD: [Directory(self.interop)]} if self.interop else {}
        children: dict[int, list[Directory]] = {}
        if self.exif or below:
            children[Tag.ExifIFD] = [Directory(self.exif, below)]
        if self.gps:
            children[Tag.GPSIFD] = [Directory(self.gps)]
        return children


def find_exif(data: Buffer) -> Exif | None:
    """The EXIF of a file by its content: TIFF-like RAW or DNG, CR3, RAF, JPEG. None if there is none."""
    if tiff.is_tiff(data):
        return _with_panasonic_jpeg(from_tiff(data))
    if bytes(data[4:12]) == b"ftypcrx ":
        return _from_cr3(memoryview(data))
    if bytes(data[:16]) == RAF_MAGIC and len(data) >= 92:
        start, length = struct.unpack_from(">II", data, 84)
        return from_jpeg(JpegFile(memoryview(data)[start : start + length]))
    return from_jpeg(JpegFile(data))


def _with_panasonic_jpeg(found: Exif) -> Exif:
    """RW2 has most of its EXIF in the JPEG that it carries, as tag 46 of IFD0."""
    picture = found.ifd0.get(JPG_FROM_RAW)
    inside = from_jpeg(JpegFile(picture.data)) if picture else None
    if inside is None or inside.order != found.order:
        return found
    return replace(found, exif=inside.exif | found.exif, gps=found.gps or inside.gps, interop=found.interop or inside.interop)


def from_tiff(data: Buffer) -> Exif:
    """The EXIF of a TIFF-based RAW, or of a JPEG's APP1 after its "Exif\\0\\0". Raises RawbackError if not a TIFF."""
    return from_directory(tiff.read(data), bytes(data[:2]).decode())


def from_directory(first: Directory, order: str) -> Exif:
    """The EXIF of a TIFF whose IFD0 is read already; what TIFF/EP keeps there is moved to where EXIF has it."""
    exif = first.child(Tag.ExifIFD)
    strays = {tag: first.entries[tag] for tag in EXIF_IN_IFD0 if tag in first.entries}
    ifd0 = {tag: entry for tag, entry in first.entries.items() if tag not in strays}
    gps, interop = (first.child(tag) or _below_exif(first, tag) for tag in (Tag.GPSIFD, Tag.InteropIFD))
    xmp, iptc = (tiff.in_order(ifd0[tag], order) if tag in ifd0 else b"" for tag in (Tag.XMP, Tag.IPTC))
    return Exif(ifd0, strays | exif, gps, interop, order, xmp, iptc)


def _below_exif(first: Directory, tag: int) -> Entries:
    """The interoperability directory hangs below Exif; some phones hang GPS there too."""
    return next((e.child(tag) for e in first.children.get(Tag.ExifIFD, [])), {})


def from_jpeg(file: JpegFile) -> Exif | None:
    """The EXIF of a JPEG's first APP1 of that kind; None if it has none. Raises RawbackError if that is no TIFF."""
    payload = next(file.payloads(APP1, EXIF), None)
    return from_tiff(payload) if payload is not None and tiff.is_tiff(payload) else None


def _from_cr3(data: memoryview) -> Exif | None:
    """CR3 keeps four TIFFs in moov/uuid: CMT1 is IFD0, CMT2 Exif, CMT3 the MakerNote, CMT4 GPS."""
    uuid = boxes.first(boxes.first(data, b"moov"), b"uuid", CANON_UUID)
    tiffs = {box.kind: box.body for box in boxes.walk(uuid) if box.kind[:3] == b"CMT" and tiff.is_tiff(box.body)}
    if not tiffs:
        return None
    first, exif, gps = (
        tiff.read(tiffs[kind]).entries if kind in tiffs else {} for kind in (b"CMT1", b"CMT2", b"CMT4")
    )  # fmt: skip
    order = bytes(next(iter(tiffs.values()))[:2]).decode()
    if b"CMT3" in tiffs:  # its offsets count from its own header, so there is where it stood
        header, note = tiffs[b"CMT3"][:8], bytes(tiffs[b"CMT3"][8:])
        exif[Tag.MakerNote] = Entry(UNDEFINED, len(note), note, len(header))
    return Exif(first, exif, gps, order=order, xmp=bytes(boxes.first(data, b"uuid", XMP_UUID)))


def from_values(
    make: str = "", model: str = "", taken: datetime | None = None, exposure: float = 0, f_number: float = 0,
    iso: float = 0, focal_length: float = 0, lens: str = "",
) -> Exif:  # fmt: skip
    """EXIF for a file that has none, from what is known: exposure in s, focal length in mm; 0 and "" mean unknown."""
    ifd0 = {Tag.Make: make.encode(), Tag.Model: model.encode()}
    exif: dict[int, object] = {
        Tag.FocalLength: _fraction(focal_length), Tag.ExposureTime: _fraction(exposure), Tag.FNumber: _fraction(f_number),
        Tag.PhotographicSensitivity: min(int(iso), 65535), Tag.LensModel: lens.encode(),
    }  # fmt: skip
    if taken:
        ifd0[Tag.DateTime] = exif[Tag.DateTimeOriginal] = exif[Tag.DateTimeDigitized] = taken.strftime(
            "%Y:%m:%d %H:%M:%S"
        ).encode()
    known = {name: {t: v for t, v in tags.items() if v} for name, tags in (("0th", ifd0), ("Exif", exif))}
    return replace(from_tiff(piexif.dump(known)[6:]), order="II")


def _fraction(value: float) -> tuple[int, int] | None:
    if not 0 < value < 40_000:  # nan included; more would not fit 32 bits
        return None
    fraction = Fraction(value).limit_denominator(100_000)
    return fraction.numerator, fraction.denominator


def metadata(exif: Exif | None) -> Exif:
    """What may be written into another file: no pixels, no colour, no offsets; texts closed by a NUL."""
    if exif is None:
        return Exif()
    return Exif(
        {tag: closed(entry) for tag, entry in exif.ifd0.items() if tag in METADATA},
        {tag: closed(entry) for tag, entry in exif.exif.items() if tag != Tag.MakerNote},
        {tag: closed(entry) for tag, entry in exif.gps.items()},
        order=exif.order,
    )


def turned_pattern(entry: Entry) -> Entry:
    """CFAPattern in the other byte order: its two sizes are shorts, though its type says bytes (EXIF 2.32, 4.6.5)."""
    if len(entry.data) < 4:
        return entry
    return Entry(entry.type, entry.count, entry.data[1::-1] + entry.data[3:1:-1] + entry.data[4:])


def closed(entry: Entry) -> Entry:
    """The entry, a text ended by a NUL: some cameras leave it out."""
    if entry.type != ASCII or entry.data.endswith(b"\0"):
        return entry
    return Entry(ASCII, entry.count + 1, entry.data + b"\0")


def to_app1(
    exif: Exif | None, orientation: int, software: str, thumbnail: bytes | None, *, size: tuple[int, int] | None = None
) -> bytes:
    """The EXIF of an sRGB JPEG, at most 65,527 bytes: a TIFF to follow "Exif\\0\\0" in its APP1.

    `thumbnail` is a JPEG of at most 160x120 or so, `size` the picture's width and height. If all is too much, the
    thumbnail goes first, then the largest values.
    """
    kept = metadata(exif)
    density: Entries = {
        Tag.XResolution: tiff.rationals([72]), Tag.YResolution: tiff.rationals([72]),
        Tag.ResolutionUnit: tiff.pack(SHORT, [INCHES]),
    }  # fmt: skip
    needed = {
        Tag.Orientation: tiff.pack(SHORT, [orientation]), Tag.Software: tiff.ascii_text(software),
        Tag.YCbCrPositioning: tiff.pack(SHORT, [CENTRED]), **density,
    }  # fmt: skip
    needed_exif: Entries = {Tag.ColorSpace: tiff.pack(SHORT, [SRGB])}
    if size:
        needed_exif |= {Tag.PixelXDimension: tiff.pack(LONG, size[:1]), Tag.PixelYDimension: tiff.pack(LONG, size[1:])}
    kept.exif = MANDATORY | kept.exif
    while True:
        first = Directory(kept.ifd0 | needed, replace(kept, exif=kept.exif | needed_exif).directories())
        if thumbnail:
            coding: Entries = {Tag.Compression: tiff.pack(SHORT, [Compression.JPEG_OLD])}
            first.next = Directory(density | coding, strips={Tag.JPEGInterchangeFormat: [thumbnail]})
        payload = b"".join(serialise(first, kept.order))
        if len(payload) <= MAX_APP1:
            return payload
        if thumbnail:
            thumbnail = None
        else:
            _drop_largest(kept, len(payload) - MAX_APP1)


def _drop_largest(exif: Exif, excess: int) -> None:
    """Remove the largest values until `excess` bytes are freed."""
    values = [(len(d[tag].data), tag, d) for d in (exif.ifd0, exif.exif, exif.gps) for tag in d]
    for size, tag, directory in sorted(values, key=lambda value: value[:2], reverse=True):
        if excess > 0:
            del directory[tag]
            excess -= 12 + (size if size > 4 else 0)
