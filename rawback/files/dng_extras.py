"""What a DNG says beside its mosaic and its colours: packets carried from the photo, and the look of the photo."""

from __future__ import annotations

from dataclasses import replace

from rawback.files import tiff
from rawback.files.exif import Exif, closed, metadata
from rawback.files.original import adobe
from rawback.files.tags import Tag, is_dng
from rawback.files.tiff import BYTE, FLOAT, LONG, SRATIONAL, UNDEFINED, Entries, Entry
from rawback.isp import dng_look
from rawback.recipe import Recipe

HUE_SAT_DATA = (Tag.ProfileHueSatMapData1, Tag.ProfileHueSatMapData2)
FORWARD = (Tag.ForwardMatrix1, Tag.ForwardMatrix2)
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


def packets(exif: Exif) -> Entries:
    """XMP and IPTC."""
    found = {Tag.XMP: Entry(BYTE, len(exif.xmp), exif.xmp), Tag.IPTC: Entry(UNDEFINED, len(exif.iptc), exif.iptc)}
    return {tag: entry for tag, entry in found.items() if entry.data}


def maker_note(exif: Exif, private: Entry | None) -> tuple[Entries, Entries]:
    """Where the MakerNote goes, tags of IFD0 and of Exif; private: the DNGPrivateData that the original had.

    As Adobe's block where its offsets need that; where another maker's data stands there, which stays as it is, and where a
    note has no offsets, in its usual place.
    """
    note = exif.exif.get(Tag.MakerNote)
    if note is None:
        return {}, {}
    blocks = adobe.maker_note(exif)
    there = adobe.blocks(private.data) if private else []
    taken = private is not None and not there
    if not blocks or taken or adobe.MAKER_NOTE in dict(there):
        return {}, {Tag.MakerNote: note}
    block = adobe.build([*there, *blocks])
    return {Tag.DNGPrivateData: Entry(BYTE, len(block), block)}, {}


def look(recipe: Recipe, headroom: float = 0.0) -> Entries:
    """An embedded profile with which developers show the mosaic as the photo looked; nothing for a standard rendering.

    headroom: stops of the exposure that BaselineExposure says.
    """
    if not recipe.tone:
        return {}
    return _colours_of_look(recipe) | {
        Tag.ProfileName: tiff.ascii_text(f"rawback {recipe.look} look"),
        Tag.ProfileToneCurve: tiff.pack(FLOAT, dng_look.tone_curve(recipe).ravel().tolist()),
        Tag.BaselineExposureOffset: tiff.rationals([recipe.exposure - headroom], SRATIONAL),
        Tag.ProfileEmbedPolicy: tiff.pack(LONG, [ALLOW_COPYING]),
        Tag.DefaultBlackRender: tiff.pack(LONG, [NO_BLACK_SUBTRACTION]),
    }  # fmt: skip


def _colours_of_look(recipe: Recipe) -> Entries:
    """What the look does to colours before its curve: ForwardMatrix has all of it; where the RAW has its own, a saturation."""
    illuminants = 2 if "ColorMatrix2" in recipe.dng else 1
    if not recipe.dng.keys() & {"ForwardMatrix1", "ForwardMatrix2"}:
        forward = tiff.rationals(dng_look.forward_matrix(recipe).ravel().tolist(), SRATIONAL)
        return dict.fromkeys(FORWARD[:illuminants], forward)
    saturation = [0.0, 1.0, 1.0, 0.0, dng_look.saturation(recipe), 1.0]  # hue, saturation, value at no and at full saturation
    maps: Entries = dict.fromkeys(HUE_SAT_DATA[:illuminants], tiff.pack(FLOAT, saturation))
    return maps | {Tag.ProfileHueSatMapDims: tiff.pack(LONG, [1, 2, 1])}
