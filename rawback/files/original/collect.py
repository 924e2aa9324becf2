"""Everything that a RAW file says beside its pixels, taken from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rawback.files import ciff, exif, tiff
from rawback.files.exif import Exif
from rawback.files.original import adobe, written_anew
from rawback.files.original.metadata import Original, named
from rawback.files.tags import DATA_LENGTHS, Photometric, Tag, is_dng
from rawback.files.tiff import BYTE, IFD, LONG, Directory, Entries, Entry

MAX_PROFILES = 16
PANASONIC_MAGIC = b"\x55\0"
PANASONIC_OWN = 0x200
"""Below it Panasonic's RW2 has numbers of its own in IFD0, those of TIFF among them; the rest is EXIF's."""
KODAK_POINTERS = (33424, 65024)
"""Kodak's private directories in IFD0 of KDC and DCR files."""
CFA = (Tag.CFARepeatPatternDim, Tag.CFAPattern)
"""Of a file that is no DNG: they count from another corner than DNG's, and the recipe says them."""
CHANGED = (Tag.XMP, Tag.DNGVersion)
"""Not written back as they are, but needed for what is."""
WITH_PIXELS = DATA_LENGTHS.keys()
NO_PREVIEW = written_anew.PREVIEW.keys() - {Tag.NewSubfileType}
"""Tags of a preview in an IFD0 without one: beside the new one's they would say what is wrong."""
PREVIEWS = (1, 0x10001)
IMAGES = {0: "another mosaic", 4: "a transparency mask", 8: "a depth map", 16: "an enhanced image", 0x10004: "a semantic mask"}
"""By NewSubfileType (DNG 1.7.1): what is not carried, and so is named."""


def collect(data: bytes, known: Exif | None, frame: tuple[int, int], max_value: int = tiff.MAX_VALUE) -> Original:
    """All metadata of a RAW file; values larger than `max_value` bytes are named as left out.

    known: its EXIF where the file has none that is a TIFF's own. frame: width and height of the whole mosaic.
    """
    if not tiff.is_tiff(data):
        return _of_container(memoryview(data), known or Exif())
    original = _of_tiff(data, frame, max_value)
    return _completed(original, known) if known else original


def _of_container(data: memoryview, known: Exif) -> Original:
    """Of what is no TIFF: what is known of it, and the records of a CRW."""
    ifd0 = {tag: entry for tag, entry in known.ifd0.items() if tag not in written_anew.IFD0}
    if known.xmp:
        ifd0[Tag.XMP] = Entry(BYTE, len(known.xmp), known.xmp)
    if ciff.is_ciff(data):
        block = adobe.build(adobe.canon_records(data))
        ifd0[Tag.DNGPrivateData] = Entry(BYTE, len(block), block)
    return Original(replace(known, ifd0=ifd0))


def _completed(original: Original, known: Exif) -> Original:
    """With what only the EXIF elsewhere in the file says: in its JPEG, or as LibRaw read it."""
    own = original.exif
    strays = {tag: entry for tag, entry in known.exif.items() if tag not in own.ifd0 and tag not in own.exif}
    if known.order != own.order:
        strays.pop(Tag.MakerNote, None)
    more = {tag: entry for tag, entry in known.ifd0.items() if tag in exif.METADATA}
    merged = replace(
        own, ifd0=more | own.ifd0, exif=strays | own.exif, gps=own.gps or known.gps, interop=own.interop or known.interop
    )
    return replace(original, exif=merged)


def _of_tiff(data: bytes, frame: tuple[int, int], max_value: int) -> Original:
    first, order = tiff.read(data, max_value), bytes(data[:2]).decode()
    known = exif.from_directory(first, order)
    mosaic = _mosaic(first, frame)
    blocks: list[tuple[bytes, bytes]] = []
    ifd0 = {tag: entry for tag, entry in first.entries.items() if tag not in written_anew.IFD0 or tag in CHANGED}
    if bytes(data[2:4]) == PANASONIC_MAGIC:
        ifd0, blocks = _of_panasonic(ifd0, order)
    profiles, left_out = _profiles(data, first), [*_left_out(first, mosaic)]
    chain = [d.entries for d in tiff.read_chain(data) if not d.entries.keys() & WITH_PIXELS]
    if Tag.DNGVersion not in first.entries:
        private, more = _private_directories(data, ifd0, order)
        blocks += private
        left_out += more
    raw: Entries = {}
    if mosaic is first:
        raw = {tag: entry for tag, entry in first.entries.items() if tag in OF_MOSAIC or tag in written_anew.PREVIEW}
        ifd0 = {tag: entry for tag, entry in ifd0.items() if tag not in raw}
    elif mosaic is not None:
        foreign = Tag.DNGVersion not in first.entries
        raw = {tag: entry for tag, entry in mosaic.entries.items() if not (foreign and (is_dng(tag) or tag in CFA))}
    raw = {tag: entry for tag, entry in raw.items() if tag not in written_anew.MOSAIC}
    for entries in (ifd0, raw):
        misread = sorted(written_anew.MISREAD & entries.keys())
        left_out += [named(tag, len(entries.pop(tag).data)) for tag in misread]
    if blocks:
        block = adobe.build(blocks)
        ifd0[Tag.DNGPrivateData] = Entry(BYTE, len(block), block)
    inside = first.children.get(Tag.ExifIFD, [Directory()])[0].entries
    own = Exif(ifd0, inside, known.gps, known.interop, order, known.xmp, known.iptc)
    return Original(own, raw, profiles, chain, left_out=tuple(left_out))


OF_MOSAIC = frozenset({
    *range(Tag.CFAPlaneColor, Tag.DefaultCropSize + 1), Tag.BayerGreenSplit, Tag.ChromaBlurRadius, Tag.AntiAliasStrength,
    Tag.BestQualityScale, Tag.ActiveArea, Tag.MaskedAreas, Tag.NoiseReductionApplied, Tag.OpcodeList1, Tag.OpcodeList2,
    Tag.OpcodeList3, Tag.NoiseProfile, Tag.DefaultUserCrop, Tag.ProfileGainTableMap, Tag.MaskSubArea,
    Tag.ProfileGainTableMap2, Tag.CFARepeatPatternDim, Tag.CFAPattern,
})  # fmt: skip
"""What belongs to the mosaic where IFD0 is its directory (DNG 1.7.1, "Raw IFD")."""


def _mosaic(first: Directory, frame: tuple[int, int]) -> Directory | None:
    """The directory of the mosaic that was read: by its photometric interpretation and size."""
    candidates = [first, *(d for d in first.children.get(Tag.SubIFDs, []))]
    mosaics, linear = (
        [d for d in candidates if _number(d, Tag.PhotometricInterpretation) == kind]
        for kind in (Photometric.CFA, Photometric.LINEAR_RAW)
    )
    named = mosaics or linear
    fitting = [d for d in named or candidates if (_number(d, Tag.ImageWidth), _number(d, Tag.ImageLength)) == frame]
    return next(iter(fitting or named), None)


def _number(directory: Directory, tag: int) -> int | None:
    values = tiff.numbers(directory.entries[tag]) if tag in directory.entries else ()
    return int(values[0]) if values and values[0] == values[0] else None


def _left_out(first: Directory, mosaic: Directory | None) -> Iterator[str]:
    """Values that are too large to be read, tags that would be wrong of the new preview, images beside the mosaic."""
    if mosaic is not first and not first.entries.keys() & WITH_PIXELS:
        entries = {tag: entry for tag, entry in first.entries.items() if tag in NO_PREVIEW}
        yield from (named(tag, len(entry.data)) for tag, entry in entries.items())
    for directory in (first, *first.children.get(Tag.ExifIFD, []), *([mosaic] if mosaic not in (None, first) else [])):
        yield from (named(tag, size) for tag, size in directory.unread.items() if tag != exif.JPG_FROM_RAW)
    if Tag.DNGVersion not in first.entries:
        return
    for number, directory in enumerate(first.children.get(Tag.SubIFDs, [])):
        kind = _number(directory, Tag.NewSubfileType) or 0
        if directory is not mosaic and kind not in PREVIEWS and directory.entries:
            yield f"SubIFD{number} ({IMAGES.get(kind, 'another image')})"


def _profiles(data: bytes, first: Directory) -> list[Entries]:
    pointers = first.entries.get(Tag.ProfileIFD)
    if pointers is None or pointers.type not in (LONG, IFD):
        return []
    found = (tiff.read_profile(data, offset) for offset in tiff.numbers(pointers)[:MAX_PROFILES])
    return [profile for profile in found if profile]


def _of_panasonic(ifd0: Entries, order: str) -> tuple[Entries, list[tuple[bytes, bytes]]]:
    """IFD0 of an RW2 without the numbers that are Panasonic's own, which go into their block."""
    standard = {Tag.XMP, *exif.METADATA}
    own = {tag: entry for tag, entry in ifd0.items() if tag < PANASONIC_OWN and tag not in (*standard, exif.JPG_FROM_RAW)}
    rest = {tag: entry for tag, entry in ifd0.items() if tag >= PANASONIC_OWN or tag in standard}
    return rest, adobe.directory(adobe.PANASONIC, own, order)


def _private_directories(data: bytes, ifd0: Entries, order: str) -> tuple[list[tuple[bytes, bytes]], list[str]]:
    """Of a file that is no DNG: Kodak's directories as a block; pointers and what DNG would misunderstand taken from `ifd0`."""
    blocks: list[tuple[bytes, bytes]] = []
    left_out = []
    for tag in [tag for tag, entry in ifd0.items() if tag in KODAK_POINTERS or entry.type == IFD or is_dng(tag)]:
        entry = ifd0.pop(tag)
        offset = next(iter(tiff.numbers(entry)), 0)
        inside = tiff.read_directory(data, int(offset)) if tag in KODAK_POINTERS and not blocks else {}
        blocks += adobe.directory(adobe.KODAK, inside, order)
        if not inside:
            left_out.append(named(tag, len(entry.data)))
    return blocks, left_out
