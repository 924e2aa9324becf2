"""What a file is, told by parsing it: rawback's own as it was written, its own and changed, or one that it did not make."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from enum import Enum

from rawback.errors import RawbackError, RecipeError
from rawback.files import file_type, jumbf, jxl, layer_header, seal, tiff
from rawback.files.jpeg_file import APP0, APP1, APP2, APP11, COM, EOI_BYTES, EXIF, ICC, SOS_BYTES, XMP, JpegFile, is_jpeg
from rawback.files.tags import DATA_LENGTHS, Tag

OWN_SOFTWARE = re.compile(r"rawback( \d+(\.\d+)*)?")
"""What the Software tag of an unsealed file says that release 0.1.0 wrote."""
LOSSLESS = "lossless=True"
"""Among the options of a movie: its frames are archives."""
SRGB = "sRGB".encode("utf-16-be")
"""In the description of the profile that is written."""
PNG, PNG_END, PNG_SOFTWARE = b"\x89PNG\r\n\x1a\n", b"IEND", b"tEXtSoftware\0rawback "
SMALL = 1 << 16
"""Bytes in which a PNG of ours says what it is."""


class Kind(Enum):
    """What may lie in a place."""

    NOTHING = "nothing"
    EMPTY = "an empty file"
    OWN = "rawback's own, as it was written"
    HALF = "rawback's own, cut short"
    EDITED = "rawback's own, edited since"
    FOREIGN = "a file that rawback did not make"
    LINK = "a link that leads nowhere"
    STREAM = "a device, pipe or descriptor, which is written into"
    FOLDER = "a folder"
    SPECIAL = "a socket or disk"
    UNREADABLE = "a file that cannot be read"


@dataclass(frozen=True)
class Existing:
    """What lies in a place."""

    kind: Kind
    source: str = ""
    """sha256 of the file that it was made of; of a movie the fingerprint of its frames. Empty: it does not say."""
    content: str = ""
    """sha256 of the mosaic (of the coded picture) that it was made of, which stays when metadata of that file are edited."""
    options: str = ""
    """Those that it was made with, as one text."""
    archive: bool = False
    """Whether it keeps a RAW to the last bit."""
    frame: str = ""
    """sha256 of the frame of that RAW, margins included."""
    identity: tuple[object, ...] = ()
    """What another file of that name would not have: device, inode, size, time of change, of a link its own too; or a hash."""
    link: str = ""
    """Where it leads, if it is a link; all else is then said of the file there."""
    reason: str = ""
    """Why it cannot be read."""


def classify(data: memoryview) -> Existing:
    """What a whole file is: by its seal, else by what else only rawback writes."""
    if not data:
        return Existing(Kind.EMPTY)
    if jxl.holds_jpeg(data):
        return _jxl(data)
    at = seal.intact(data)
    if is_jpeg(data):
        return _jpeg(data, at is not None)
    if tiff.is_tiff(data):
        return _tiff(data, at is not None)
    if at is not None:
        return _with(Kind.OWN, seal.facts_around(data, at))
    first = next(seal.candidates(data), None)
    if bytes(data[: len(PNG)]) == PNG and first:
        return _with(Kind.EDITED, seal.facts_around(data, first[0]))
    if bytes(data[: len(PNG)]) == PNG and bytes(data[:SMALL]).find(PNG_SOFTWARE) >= 0 and PNG_END not in bytes(data[-8:]):
        return Existing(Kind.HALF)
    if first and file_type.begins_movie(bytes(data[: file_type.MOVIE_HEAD])):
        return _with(Kind.EDITED, seal.facts_around(data, first[0]))
    return Existing(Kind.FOREIGN)


def _with(kind: Kind, facts: dict[str, str]) -> Existing:
    """What a file says of its making."""
    clip, options = facts.get("ClipSha256", ""), facts.get("Options", "")
    source, archive = clip or facts.get("SourceSha256", ""), bool(clip) and LOSSLESS in options.split()
    return Existing(kind, source, facts.get("MosaicSha256", ""), options, archive)


def _jxl(data: memoryview) -> Existing:
    """By the JPEG inside; foreign where that cannot be had."""
    try:
        inside = memoryview(jxl.jpeg_inside(data, ""))
    except RawbackError:
        return Existing(Kind.FOREIGN)
    return _jpeg(inside, seal.intact(inside) is not None)


def _jpeg(data: memoryview, intact: bool) -> Existing:
    from rawback.files import jpeg  # slow to import, as all that these three bring in

    file = JpegFile(data)
    fields, boxes = jpeg.recipe_fields(file), jumbf.find(file)
    found = _with(_kind_of_jpeg(file, fields, intact), fields)
    archive = any(box.label.startswith(layer_header.LABEL) for box in boxes)
    return replace(found, archive=archive, frame=layer_header.frame_sha256(boxes))


def _kind_of_jpeg(file: JpegFile, fields: dict[str, str], intact: bool) -> Kind:
    from rawback.files import jpeg
    from rawback.recipe_text import from_fields

    if intact:
        return Kind.OWN
    try:
        recipe = from_fields(fields)
    except RecipeError:
        return Kind.FOREIGN
    if bytes(file.data).find(EOI_BYTES, bytes(file.data).rfind(SOS_BYTES)) < 0:
        return Kind.HALF
    if seal.NAME in fields or not _says_nothing_else(file):
        return Kind.EDITED
    try:
        picture = jpeg.read(bytes(file.data), "").coefficients
    except RawbackError:
        return Kind.EDITED
    return Kind.OWN if picture and picture.sha256() == recipe.picture_sha256 else Kind.EDITED


def _says_nothing_else(file: JpegFile) -> bool:
    """Whether all metadata of a JPEG are such as release 0.1.0 wrote, which did not seal."""
    from rawback.files import recipe_xmp

    ours: set[tuple[int, bytes]] = set()
    for part in file.segments:
        payload = bytes(part.payload)
        if part.marker == APP1 and payload.startswith(XMP):
            packet = payload[len(XMP) :]
            good = packet == recipe_xmp.build(recipe_xmp.parse(packet))
        elif part.marker == APP1:
            good = payload.startswith(EXIF) and _software(memoryview(payload[len(EXIF) :])) is not None
        elif part.marker == APP2:
            good = payload.startswith(ICC) and SRGB in payload
        elif part.marker == APP11:
            ours |= {jumbf.identity(payload)} if jumbf.is_ours(part.marker, payload) else set()
            good = len(payload) >= jumbf.SEGMENT.size and jumbf.identity(payload) in ours
        else:
            good = part.marker not in range(APP0 + 1, COM + 1)
        if not good:
            return False
    return True


def _software(data: memoryview) -> re.Match[str] | None:
    entries = _entries(data)
    return OWN_SOFTWARE.fullmatch(tiff.text(entries.get(Tag.Software)))


def _entries(data: memoryview) -> tiff.Entries:
    """IFD0 of a TIFF; nothing where it cannot be read."""
    try:
        return tiff.read(data).entries
    except (RawbackError, struct.error):
        return {}


def _tiff(data: memoryview, intact: bool) -> Existing:
    entries = _entries(data)
    mark = tiff.text(entries.get(Tag.RawbackMark))
    if intact:
        kind = Kind.OWN
    elif not mark and not (Tag.DNGVersion in entries and _software(data)):
        kind = Kind.FOREIGN
    elif _ends_early(data):
        kind = Kind.HALF
    else:
        packet = entries[Tag.XMP].data if Tag.XMP in entries else b""
        kind = Kind.EDITED if mark or not _is_last_in_history(packet) else Kind.OWN
    facts = seal.facts_of(mark)
    return replace(_with(kind, facts), content=facts.get("PictureSha256", ""))


def _ends_early(data: memoryview) -> bool:
    """Whether a TIFF has lost what its directories point to."""
    for directory in tiff.read(data).walk():
        for tag, lengths in DATA_LENGTHS.items():
            pair = directory.entries.get(tag), directory.entries.get(lengths)
            if pair[0] and pair[1]:
                ends = [sum(numbers) for numbers in zip(tiff.numbers(pair[0]), tiff.numbers(pair[1]), strict=False)]
                if max(ends, default=0) > len(data):
                    return True
    return False


def _is_last_in_history(packet: bytes) -> bool:
    """Whether rawback was the last to write an XMP packet of a DNG: by its history, and by the toolkit that it names."""
    agents = re.findall(rb'softwareAgent[=>]"?([^"<]*)', packet)
    return b"xmptk" not in packet and (not agents or agents[-1].startswith(b"rawback "))
