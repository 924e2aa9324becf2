"""What a DNG says beside its mosaic and its colours: packets carried from the photo, and the look of the photo."""

from __future__ import annotations

import struct
from dataclasses import replace

from rawback.files import makernote, tiff
from rawback.files.exif import Exif, closed, metadata
from rawback.files.tags import Tag, is_dng
from rawback.files.tiff import BYTE, FLOAT, LONG, UNDEFINED, Entries, Entry
from rawback.isp import dng_look
from rawback.recipe import Recipe

HUE_SAT_DATA = (Tag.ProfileHueSatMapData1, Tag.ProfileHueSatMapData2)
ALLOW_COPYING, NO_BLACK_SUBTRACTION = 0, 1
STRUCTURAL = {
    Tag.NewSubfileType, Tag.SubfileType, Tag.ImageWidth, Tag.ImageLength, Tag.BitsPerSample, Tag.Compression,
    Tag.PhotometricInterpretation, Tag.CellWidth, Tag.CellLength, Tag.FillOrder, Tag.StripOffsets, Tag.SamplesPerPixel,
    Tag.RowsPerStrip, Tag.StripByteCounts, Tag.MinSampleValue, Tag.MaxSampleValue, Tag.PlanarConfiguration,
    Tag.FreeOffsets, Tag.FreeByteCounts, Tag.Software, Tag.Predictor, Tag.ColorMap, Tag.TileWidth, Tag.TileLength,
    Tag.TileOffsets, Tag.TileByteCounts, Tag.SubIFDs, Tag.InkSet, Tag.NumberOfInks, Tag.DotRange, Tag.ExtraSamples,
    Tag.SampleFormat, Tag.SMinSampleValue, Tag.SMaxSampleValue, Tag.JPEGTables,
    *range(Tag.JPEGProc, Tag.JPEGACTables + 1), Tag.YCbCrSubSampling, Tag.XMP, Tag.CFARepeatPatternDim, Tag.CFAPattern,
    Tag.IPTC, Tag.ICCProfile, Tag.SensitivityType, Tag.RawbackMark,
}  # fmt: skip
"""IFD0 tags that describe the pixels of the file they stand in, or that are written anew; and everything of DNG."""


def carried(exif: Exif | None) -> Exif:
    """What goes from a photo into its DNG: all but what describes the pixels, and the MakerNote."""
    if exif is None:
        return Exif()
    return replace(
        metadata(exif),
        ifd0={tag: closed(entry) for tag, entry in exif.ifd0.items() if tag not in STRUCTURAL and not is_dng(tag)},
        interop={tag: closed(entry) for tag, entry in exif.interop.items()},
    )


def attached(exif: Exif) -> Entries:
    """XMP, IPTC and the MakerNote: the last as Adobe's block, which tells its byte order and where it used to stand."""
    found = {Tag.XMP: Entry(BYTE, len(exif.xmp), exif.xmp), Tag.IPTC: Entry(UNDEFINED, len(exif.iptc), exif.iptc)}
    note = exif.exif.get(Tag.MakerNote)
    if note and makernote.has_directory(note.data):
        body = exif.order.encode() + struct.pack(">I", makernote.origin(exif)) + note.data
        block = b"Adobe\0MakN" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
        found[Tag.DNGPrivateData] = Entry(BYTE, len(block), block)
    return {tag: entry for tag, entry in found.items() if entry.data}


def plain_note(exif: Exif) -> Entries:
    """A MakerNote without a directory, and so without offsets, in its usual place: Adobe's block is for the others."""
    note = exif.exif.get(Tag.MakerNote)
    return {Tag.MakerNote: note} if note and not makernote.has_directory(note.data) else {}


def look(recipe: Recipe) -> Entries:
    """An embedded profile with which developers show the mosaic as the photo looked; nothing for a standard rendering."""
    if not recipe.tone:
        return {}
    maps = HUE_SAT_DATA if "ColorMatrix2" in recipe.dng else HUE_SAT_DATA[:1]
    saturation = [0.0, 1.0, 1.0, 0.0, dng_look.saturation(recipe), 1.0]  # hue, saturation, value at no and at full saturation
    return {
        Tag.ProfileName: tiff.ascii_text(f"rawback {recipe.look} look"),
        Tag.ProfileToneCurve: tiff.pack(FLOAT, dng_look.tone_curve(recipe).ravel().tolist()),
        Tag.ProfileEmbedPolicy: tiff.pack(LONG, [ALLOW_COPYING]),
        Tag.DefaultBlackRender: tiff.pack(LONG, [NO_BLACK_SUBTRACTION]),
        Tag.ProfileHueSatMapDims: tiff.pack(LONG, [1, 2, 1]), **{tag: tiff.pack(FLOAT, saturation) for tag in maps},
    }  # fmt: skip
