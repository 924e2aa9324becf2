"""EXIF and GPS, carried verbatim from RAW to JPEG to DNG (EXIF 2.32; CIPA DC-008)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

import piexif

from rawback.files import tiff
from rawback.files.tiff import ASCII, LONG, SHORT, UNDEFINED, Buffer, Directory, Entry

MAX_APP1 = 65527  # a JPEG segment holds 65,533 bytes, of which "Exif\0\0" takes six
MAKE, MODEL, ORIENTATION, SOFTWARE, DATE_TIME = 271, 272, 274, 305, 306
MAKER_NOTE, CFA_PATTERN = 37500, 41730
METADATA = (
    269, 270, MAKE, MODEL, 285, DATE_TIME, 315, 316, 333, 337, 18246, 18249, 33432, 40091, 40092, 40093, 40094, 40095,
)  # fmt: skip
"""IFD0 tags that speak of the photograph: DocumentName, ImageDescription, Make, Model, PageName, DateTime, Artist,
HostComputer, InkNames, TargetPrinter, Rating, RatingPercent, Copyright, XPTitle ... XPSubject."""
EXIF_IN_IFD0 = {33434, 33437, 34850, 34855, 36867, 36868, *range(37377, 37387), *range(41985, 41997)}
"""TIFF/EP and some converters keep these in IFD0: exposure, aperture, programme, ISO, dates, ... focal length, modes."""
MANDATORY = {
    36864: Entry(UNDEFINED, 4, b"0232"), 37121: Entry(UNDEFINED, 4, b"\1\2\3\0"), 40960: Entry(UNDEFINED, 4, b"0100"),
}  # fmt: skip
"""ExifVersion, ComponentsConfiguration YCbCr, FlashpixVersion."""
CANON_UUID = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
RAF_MAGIC = b"FUJIFILMCCD-RAW "
MAX_BOXES = 64
MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
MAX_SEGMENTS = 1 << 16
"""Of a JPEG: 4 GiB of full ones, or an attack of small ones."""


@dataclass
class Exif:
    """The metadata of a photograph, value by value as the camera wrote it."""

    ifd0: dict[int, Entry] = field(default_factory=dict)
    exif: dict[int, Entry] = field(default_factory=dict)
    gps: dict[int, Entry] = field(default_factory=dict)
    interop: dict[int, Entry] = field(default_factory=dict)
    """Interoperability IFD (tag 40965)."""
    order: str = "II"
    """Byte order of the file it was read from: MakerNotes are in it."""
    xmp: bytes = b""
    """XMP packet, for tag 700."""
    iptc: bytes = b""
    """IPTC-NAA records, for tag 33723."""

    @property
    def make(self) -> str:
        """The camera's maker (tag 271)."""
        return tiff.text(self.ifd0.get(MAKE))

    @property
    def model(self) -> str:
        """The camera's model (tag 272)."""
        return tiff.text(self.ifd0.get(MODEL))

    @property
    def camera(self) -> str:
        """Make and model as one name, without the make where the model says it again ("NIKON CORPORATION", "NIKON D60")."""
        make, model = self.make.strip(), self.model.strip()
        twice = model and model.split()[0].lower() in make.lower().split()
        return model if twice else f"{make} {model}".strip()

    @property
    def orientation(self) -> int:
        """Orientation (tag 274), 1 if missing or impossible."""
        value = tiff.numbers(self.ifd0[ORIENTATION])[:1] if ORIENTATION in self.ifd0 else ()
        return int(value[0]) if value and value[0] in range(1, 9) else 1


def find_exif(data: Buffer) -> Exif | None:
    """The EXIF of a file by its content: TIFF-like RAW or DNG, CR3, RAF, JPEG. None if there is none."""
    if tiff.is_tiff(data):
        return from_tiff(data)
    if bytes(data[4:12]) == b"ftypcrx ":
        return _from_cr3(memoryview(data))
    if bytes(data[:16]) == RAF_MAGIC and len(data) >= 92:
        start, length = struct.unpack_from(">II", data, 84)
        return _from_jpeg(memoryview(data)[start : start + length])
    return _from_jpeg(memoryview(data))


def from_tiff(data: Buffer) -> Exif:
    """The EXIF of a TIFF-based RAW, or of a JPEG's APP1 after its "Exif\\0\\0". Raises RawbackError if not a TIFF."""
    first = tiff.read(data)
    exif = first.child(tiff.EXIF_IFD)
    strays = {tag: first.entries[tag] for tag in EXIF_IN_IFD0 if tag in first.entries}
    ifd0 = {tag: entry for tag, entry in first.entries.items() if tag not in strays}
    gps, interop = (first.child(tag) or _below_exif(first, tag) for tag in (tiff.GPS_IFD, tiff.INTEROP_IFD))
    return Exif(ifd0, strays | exif, gps, interop, bytes(data[:2]).decode())


def _below_exif(first: Directory, tag: int) -> dict[int, Entry]:
    """The interoperability directory hangs below Exif; some phones hang GPS there too."""
    return next((e.child(tag) for e in first.children.get(tiff.EXIF_IFD, [])), {})


def _from_jpeg(data: memoryview) -> Exif | None:
    payload = next((p[6:] for marker, p in segments(data) if marker == 0xE1 and p[:6] == b"Exif\0\0"), None)
    return from_tiff(payload) if payload is not None and tiff.is_tiff(payload) else None


def segments(data: Buffer) -> Iterator[tuple[int, memoryview]]:
    """Marker and payload of each segment of a JPEG up to the start of its scan; nothing if it is not a JPEG.

    Fill bytes between segments are skipped, as libjpeg does.
    """
    view = memoryview(data)
    for marker, start, stop in segment_places(view):
        yield marker, view[start + 4 : stop]


def segment_places(view: memoryview) -> Iterator[tuple[int, int, int]]:
    """Marker, start (at the FF before it) and end of the segments of `segments`; at most MAX_SEGMENTS."""
    position = 2 if bytes(view[:2]) == b"\xff\xd8" else len(view)
    for _ in range(MAX_SEGMENTS):
        found = MARKER.search(view, position)
        if found is None or found.start() + 4 > len(view):
            return
        start = found.start()
        marker, length = view[start + 1], int.from_bytes(view[start + 2 : start + 4], "big")
        if marker in (0xD9, 0xDA) or length < 2:
            return
        position = start + 2 + length
        yield marker, start, min(position, len(view))


def _from_cr3(data: memoryview) -> Exif | None:
    """CR3 keeps three TIFFs in moov/uuid: CMT1 is IFD0, CMT2 Exif, CMT4 GPS."""
    moov = next((body for kind, body in _boxes(data) if kind == b"moov"), data[:0])
    uuid = next((body[16:] for kind, body in _boxes(moov) if kind == b"uuid" and body[:16] == CANON_UUID), data[:0])
    found = {kind: tiff.read(body).entries for kind, body in _boxes(uuid) if kind[:3] == b"CMT" and tiff.is_tiff(body)}
    return Exif(found.get(b"CMT1", {}), found.get(b"CMT2", {}), found.get(b"CMT4", {})) if found else None


def _boxes(data: memoryview) -> Iterator[tuple[bytes, memoryview]]:
    """Type and content of the ISO base media boxes in `data` (ISO 14496-12, 4.2)."""
    position = 0
    for _ in range(MAX_BOXES):
        if position + 16 > len(data):
            return
        size, head = int.from_bytes(data[position : position + 4], "big"), 8
        if size == 1:
            size, head = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        if size < head:
            return
        yield bytes(data[position + 4 : position + 8]), data[position + head : position + size]
        position += size


def from_values(
    make: str = "", model: str = "", taken: datetime | None = None, exposure: float = 0, f_number: float = 0,
    iso: float = 0, focal_length: float = 0, lens: str = "",
) -> Exif:  # fmt: skip
    """EXIF for a file that has none, from what is known: exposure in s, focal length in mm; 0 and "" mean unknown."""
    ifd0 = {MAKE: make.encode(), MODEL: model.encode()}
    exif: dict[int, object] = {37386: _fraction(focal_length), 33434: _fraction(exposure), 33437: _fraction(f_number)}
    exif |= {34855: min(int(iso), 65535), 42036: lens.encode()}
    if taken:
        ifd0[DATE_TIME] = exif[36867] = exif[36868] = taken.strftime("%Y:%m:%d %H:%M:%S").encode()
    known = {name: {t: v for t, v in tags.items() if v} for name, tags in (("0th", ifd0), ("Exif", exif))}
    return from_tiff(piexif.dump(known)[6:])


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
        {tag: closed(_ordered(tag, entry, exif.order)) for tag, entry in exif.exif.items() if tag != MAKER_NOTE},
        {tag: closed(entry) for tag, entry in exif.gps.items()},
    )


def _ordered(tag: int, entry: Entry, order: str) -> Entry:
    """CFAPattern's two sizes are shorts in the file's byte order, though its type says bytes (EXIF 2.32, 4.6.5)."""
    if tag != CFA_PATTERN or order != "MM" or len(entry.data) < 4:
        return entry
    columns, rows = entry.data[1::-1], entry.data[3:1:-1]
    return Entry(entry.type, entry.count, columns + rows + entry.data[4:])


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
    density = {282: tiff.rationals([72]), 283: tiff.rationals([72]), 296: tiff.pack(SHORT, [2])}  # dots per inch
    needed = {
        ORIENTATION: tiff.pack(SHORT, [orientation]),
        SOFTWARE: tiff.ascii_text(software),
        531: tiff.pack(SHORT, [1]),
    } | density
    needed_exif = {40961: tiff.pack(SHORT, [1])}  # ColorSpace sRGB
    if size:
        needed_exif |= {40962: tiff.pack(LONG, size[:1]), 40963: tiff.pack(LONG, size[1:])}
    kept.exif = MANDATORY | kept.exif
    while True:
        first = Directory(kept.ifd0 | needed, {tiff.EXIF_IFD: [Directory(kept.exif | needed_exif)]})
        if kept.gps:
            first.children[tiff.GPS_IFD] = [Directory(kept.gps)]
        if thumbnail:
            first.next = Directory(density | {259: tiff.pack(SHORT, [6])}, strips={513: [thumbnail]})
        payload = b"".join(tiff.serialise(first))
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
