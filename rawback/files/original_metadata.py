"""All that a RAW file says beside its pixels, kept in a lossless layer so that the DNG made from it can say it again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

from rawback.errors import RawbackError
from rawback.files import dng, dng_extras, exif, tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag, is_dng
from rawback.files.tiff import ASCII, LONG, Directory, Entries, Entry
from rawback.files.tiff_writer import serialise

ORDER, NOTE_OFFSET = 65000, 65001
"""Private tags: byte order of the original, and where its MakerNote stood in it."""
WRITTEN_ANEW = {
    Tag.DNGVersion, Tag.DNGBackwardVersion, Tag.CFAPlaneColor, Tag.CFALayout,
    *range(Tag.LinearizationTable, Tag.DefaultCropSize + 1),  # black and white levels, scale, crop
    Tag.AsShotNeutral, Tag.BaselineExposure, Tag.DNGPrivateData, Tag.RawDataUniqueID, Tag.OriginalRawFileData,
    Tag.ActiveArea, *range(Tag.PreviewApplicationName, Tag.RawImageDigest + 1), Tag.NoiseProfile, Tag.NewRawImageDigest,
    *range(Tag.ProfileGainTableMap, Tag.MaskSubArea + 1), Tag.RGBTables,
    *range(Tag.JUMBF, Tag.ImageSequenceInfo + 1),
}  # fmt: skip
"""DNG tags that say how pixels are stored (the linearisation is in the values already), that the recipe holds, that
describe previews, masks or gain maps of other layers, or are digests of the stored form; and the original RAW itself."""
MAX_BYTES = tiff.MAX_TOTAL


@dataclass
class Original:
    """What is kept of a file."""

    exif: Exif
    ifd0: Entries = field(default_factory=dict)
    """DNG tags of IFD0: calibrations, profiles, serial number."""
    raw: Entries = field(default_factory=dict)
    """DNG tags of the mosaic's own directory: opcodes against distortion and vignetting, masked areas."""


def collect(data: bytes, found: Exif | None) -> bytes:
    """The metadata of a RAW file, `found` being its EXIF, as compressed TIFF directories without pixels."""
    source = found or Exif()
    ifd0, mosaic = dng.directories(data)
    kept = dict(dng_extras.carried(source).ifd0)
    kept |= {tag: source.ifd0[tag] for tag in (Tag.XMP, Tag.IPTC) if tag in source.ifd0}
    note = source.exif.get(Tag.MakerNote)
    kept[ORDER] = tiff.ascii_text(source.order)
    kept[NOTE_OFFSET] = tiff.pack(LONG, [note.offset if note else 0])
    first = Directory(kept, {Tag.ExifIFD: [Directory()]} | source.directories())
    first.children[Tag.SubIFDs] = [Directory(_of_dng(ifd0)), Directory(_of_dng(mosaic))]
    packed = b"".join(serialise(first))
    return zlib.compress(packed, 9) if len(packed) <= MAX_BYTES else b""


def load(packed: bytes) -> Original:
    """The inverse of `collect`. Raises RawbackError for what is not that."""
    try:
        data = zlib.decompressobj().decompress(packed, MAX_BYTES)
    except zlib.error as error:
        raise RawbackError("the original's metadata in the lossless layer is damaged") from error
    first, found = tiff.read(data), exif.from_tiff(data)
    subs = first.children.get(Tag.SubIFDs, [])
    ifd0, mosaic = (_of_dng(subs[i].entries) if i < len(subs) else {} for i in (0, 1))
    order = found.ifd0.pop(ORDER, Entry(ASCII, 0, b""))
    offset = next(iter(tiff.numbers(found.ifd0.pop(NOTE_OFFSET, Entry(ASCII, 0, b"")))), 0)
    found.order = "MM" if tiff.text(order) == "MM" else "II"
    found.xmp, found.iptc = (found.ifd0.pop(tag, Entry(ASCII, 0, b"")).data for tag in (Tag.XMP, Tag.IPTC))
    if note := found.exif.get(Tag.MakerNote):
        found.exif[Tag.MakerNote] = replace(note, offset=int(offset))
    return Original(found, ifd0, mosaic)


def merged(photo: Exif | None, original: Exif) -> Exif:
    """The original's EXIF; what has since been changed in the photo (its artist, say) as it is there."""
    if photo is None:
        return original
    return replace(
        original,
        ifd0=original.ifd0 | {tag: entry for tag, entry in photo.ifd0.items() if tag in exif.METADATA},
        exif=photo.exif | original.exif,
        gps=photo.gps or original.gps,
        xmp=photo.xmp or original.xmp,
        iptc=photo.iptc or original.iptc,
    )


def _of_dng(entries: Entries) -> Entries:
    return {tag: entry for tag, entry in entries.items() if is_dng(tag) and tag not in WRITTEN_ANEW}
