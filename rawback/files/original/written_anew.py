"""The short list: what of a RAW is not carried into the DNG as it was, and why. All else is, tag by tag."""

from __future__ import annotations

from rawback.files.tags import Tag
from rawback.recipe import DNG_NUMBERS

_LAYOUT = "how the pixels lie in the file; the new one stores them its own way"
_PREVIEW = "describes the preview that the picture replaces"
_VERSION = "the version of DNG that the new file is written in, not lower than the old one's"
_APPLIED = "already applied to the values of the mosaic"
_DIGEST = "a checksum of the pixels as the old file stored them"
_LEVELS = "written from the recipe, which says the same"
_MERGED = "merged with what was edited since"
_SIGNED = "signs the bytes of the old file"

PIXELS: dict[int, str] = dict.fromkeys((
    Tag.ImageWidth, Tag.ImageLength, Tag.BitsPerSample, Tag.Compression, Tag.PhotometricInterpretation, Tag.FillOrder,
    Tag.StripOffsets, Tag.SamplesPerPixel, Tag.RowsPerStrip, Tag.StripByteCounts, Tag.PlanarConfiguration, Tag.Predictor,
    Tag.TileWidth, Tag.TileLength, Tag.TileOffsets, Tag.TileByteCounts, Tag.FreeOffsets, Tag.FreeByteCounts,
    Tag.JPEGInterchangeFormat, Tag.JPEGInterchangeFormatLength, Tag.SubTileBlockSize, Tag.RowInterleaveFactor,
    Tag.ColumnInterleaveFactor, Tag.JXLDistance, Tag.JXLEffort, Tag.JXLDecodeSpeed, Tag.SubIFDs, Tag.ExifIFD, Tag.GPSIFD,
    Tag.InteropIFD, Tag.ProfileIFD,
), _LAYOUT)  # fmt: skip
"""Everywhere: they are not even collected."""

PREVIEW: dict[int, str] = dict.fromkeys((
    Tag.NewSubfileType, Tag.SubfileType, Tag.TransferFunction, Tag.WhitePoint, Tag.PrimaryChromaticities, Tag.ColorMap,
    Tag.ExtraSamples, Tag.SampleFormat, Tag.SMinSampleValue, Tag.SMaxSampleValue, Tag.ICCProfile, Tag.JPEGTables,
    *range(Tag.JPEGProc, Tag.JPEGACTables + 1), Tag.YCbCrCoefficients, Tag.YCbCrSubSampling, Tag.YCbCrPositioning,
    Tag.ReferenceBlackWhite, *range(Tag.PreviewApplicationName, Tag.PreviewDateTime + 1),
), _PREVIEW)  # fmt: skip
"""In an IFD0 that is a preview."""

IFD0: dict[int, str] = PIXELS | PREVIEW | {
    Tag.DNGVersion: _VERSION, Tag.DNGBackwardVersion: _VERSION, Tag.RawImageDigest: _DIGEST, Tag.NewRawImageDigest: _DIGEST,
    Tag.Orientation: _LEVELS, Tag.XMP: _MERGED, Tag.JUMBF: _SIGNED, Tag.RawbackMark: _SIGNED,
}  # fmt: skip

MOSAIC: dict[int, str] = PIXELS | {
    Tag.NewSubfileType: _LAYOUT, Tag.SubfileType: _LAYOUT, Tag.LinearizationTable: _APPLIED, Tag.RawImageDigest: _DIGEST,
    Tag.NewRawImageDigest: _DIGEST,
}  # fmt: skip
"""In the directory of the mosaic."""

MISREAD = frozenset({28688, 46274, 61441, 61442, 61443, 61447, 61450, 64777})
"""Private tags of Sony (tone curve), Leica and Imacon, Fujifilm (sizes, offset, levels) and LibRaw's second CFAPattern: LibRaw
decodes any file by them, so that a DNG with them would be another mosaic. They are named as left out."""

OF_THE_FRAME = frozenset({
    Tag.CFARepeatPatternDim, Tag.CFAPattern, Tag.CFAPlaneColor, Tag.CFALayout,
    *range(Tag.BlackLevelRepeatDim, Tag.DefaultCropSize + 1), Tag.ActiveArea,
})  # fmt: skip
"""Levels, filter array, areas: they count from the active area of the whole frame. Where its margins are not kept, levels are
moved to where the visible mosaic begins (`dng_levels.moved`), and the recipe says the others."""
OF_RECIPES = frozenset({Tag.AsShotNeutral, Tag.AsShotWhiteXY, *(Tag[name] for name in DNG_NUMBERS)})
"""White balance and colours in IFD0, which the recipe says too."""
OF_MARGINS = frozenset({Tag.OpcodeList1, Tag.MaskedAreas})
"""They count from the corner of the whole frame: right only where its margins are kept."""
OF_CFA = OF_MARGINS | {Tag.OpcodeList2}
"""They speak of single photosites, which demosaiced colours are none of."""

PROFILE = frozenset({
    Tag.ProfileName, Tag.ProfileHueSatMapDims, Tag.ProfileHueSatMapData1, Tag.ProfileHueSatMapData2,
    Tag.ProfileHueSatMapData3, Tag.ProfileToneCurve, Tag.ProfileLookTableDims, Tag.ProfileLookTableData,
    Tag.ProfileGainTableMap, Tag.ProfileGainTableMap2, Tag.RGBTables,
})  # fmt: skip
"""A RAW that has one of these in IFD0 keeps its profile as the first; no look is written there."""

TECHNICAL = OF_THE_FRAME | OF_RECIPES | OF_CFA | frozenset({
    Tag.DNGVersion, Tag.OpcodeList3, Tag.DefaultUserCrop, Tag.BaselineExposure, Tag.BaselineExposureOffset,
    Tag.BayerGreenSplit, Tag.ChromaBlurRadius, Tag.AntiAliasStrength, Tag.ShadowScale, Tag.BestQualityScale, Tag.NoiseProfile,
    Tag.NoiseReductionApplied, Tag.ReductionMatrix1, Tag.ReductionMatrix2, Tag.ColorimetricReference, Tag.DefaultBlackRender,
    Tag.ProfileEmbedPolicy, Tag.ProfileHueSatMapDims, Tag.ProfileHueSatMapData1, Tag.ProfileHueSatMapData2,
    Tag.ProfileHueSatMapData3, Tag.ProfileHueSatMapEncoding, Tag.ProfileToneCurve, Tag.ProfileLookTableDims,
    Tag.ProfileLookTableData, Tag.ProfileLookTableEncoding, Tag.ProfileGainTableMap, Tag.ProfileGainTableMap2, Tag.RGBTables,
    Tag.ColorMatrix3, Tag.CameraCalibration3, Tag.ForwardMatrix3, Tag.ReductionMatrix3, Tag.CalibrationIlluminant3,
    Tag.IlluminantData1, Tag.IlluminantData2, Tag.IlluminantData3,
})  # fmt: skip
"""What --no-exif lets through: how photosites become colours, and nothing of who, when and where, no text and no number of a
camera."""
