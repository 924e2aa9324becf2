"""The short list: what of a RAW file need not be in the DNG, and why. All else that is not there is named as missing."""

from __future__ import annotations

from rawback.files.tags import InteropTag, Tag

LAYOUT = "how the pixels lie in the file; the mosaic itself is compared, photosite by photosite"
PREVIEW = "describes a preview of the same shot, which the DNG replaces by the picture that was rendered"
VERSION = "the version of DNG that the new file itself is written in"
APPLIED = "already applied: photosites are compared after it"
DIGEST = "a checksum of the pixels as the old file stored them"
WIDENED = "compared as LibRaw reads it, for it makes values of 16 bits of those of 8 that are coded"
COMPARED = "compared as LibRaw reads it, for it counts from another corner in files that are no DNG"

_LAYOUT: dict[int, str] = dict.fromkeys((
    Tag.ImageWidth, Tag.ImageLength, Tag.BitsPerSample, Tag.Compression, Tag.PhotometricInterpretation, Tag.FillOrder,
    Tag.SamplesPerPixel, Tag.PlanarConfiguration, Tag.Predictor, Tag.RowsPerStrip, Tag.StripOffsets, Tag.StripByteCounts,
    Tag.TileWidth, Tag.TileLength, Tag.TileOffsets, Tag.TileByteCounts, Tag.JPEGInterchangeFormat,
    Tag.JPEGInterchangeFormatLength,
), LAYOUT)  # fmt: skip

CONTAINER: dict[int, str] = {Tag.DNGVersion: VERSION, Tag.DNGBackwardVersion: VERSION}
"""Anywhere."""

DIGESTS: dict[int, str] = {Tag.RawImageDigest: DIGEST, Tag.NewRawImageDigest: DIGEST}
"""In IFD0."""

MOSAIC: dict[int, str] = _LAYOUT | DIGESTS | dict.fromkeys((
    Tag.SubTileBlockSize, Tag.RowInterleaveFactor, Tag.ColumnInterleaveFactor, Tag.JXLDistance, Tag.JXLEffort,
    Tag.JXLDecodeSpeed,
), LAYOUT) | {Tag.LinearizationTable: APPLIED}  # fmt: skip
"""In the directory of the mosaic."""

MOSAIC_OF_OTHERS: dict[int, str] = {Tag.CFARepeatPatternDim: COMPARED, Tag.CFAPattern: COMPARED}
"""There, in files that are no DNG (TIFF/EP)."""

MOSAIC_OF_LOSSY: dict[int, str] = dict.fromkeys((Tag.BlackLevel, Tag.BlackLevelRepeatDim, Tag.WhiteLevel), WIDENED)
"""There, in a DNG with lossy JPEGs inside."""

MOSAIC_OF_CR2: dict[int, str] = {Tag.RawImageSegmentation: LAYOUT}
"""There, in a CR2: the widths of the slices that its mosaic is cut into."""

PREVIEWS: dict[int, str] = _LAYOUT | dict.fromkeys((
    Tag.NewSubfileType, Tag.SubfileType, Tag.TransferFunction, Tag.WhitePoint, Tag.PrimaryChromaticities, Tag.ColorMap,
    Tag.ExtraSamples, Tag.SampleFormat, Tag.SMinSampleValue, Tag.SMaxSampleValue, Tag.ICCProfile, Tag.JPEGTables, Tag.JPEGProc,
    Tag.JPEGRestartInterval, Tag.JPEGLosslessPredictors, Tag.JPEGPointTransforms, Tag.JPEGQTables, Tag.JPEGDCTables,
    Tag.JPEGACTables, Tag.YCbCrCoefficients, Tag.YCbCrSubSampling, Tag.YCbCrPositioning, Tag.ReferenceBlackWhite,
    Tag.PreviewApplicationName, Tag.PreviewApplicationVersion, Tag.PreviewSettingsName, Tag.PreviewSettingsDigest,
    Tag.PreviewColorSpace, Tag.PreviewDateTime,
), PREVIEW)  # fmt: skip
"""In the directory of a preview, which IFD0 often is."""

NO_IMAGE: dict[int, str] = {Tag.NewSubfileType: PREVIEW}
"""In an IFD0 without pixels."""

THUMBNAILS: dict[int, str] = dict.fromkeys((Tag.Orientation, Tag.XResolution, Tag.YResolution, Tag.ResolutionUnit), PREVIEW)
"""In the directory of a preview that is not IFD0."""

EXIF_OF_JPEG: dict[int, str] = PREVIEWS | THUMBNAILS | dict.fromkeys((
    Tag.ExifVersion, Tag.ComponentsConfiguration, Tag.FlashpixVersion, Tag.ColorSpace, Tag.PixelXDimension, Tag.PixelYDimension,
    InteropTag.Index, InteropTag.Version,
), PREVIEW)  # fmt: skip
"""In the EXIF within the JPEG of a preview."""

CIFF_RECORDS: dict[int, str] = {
    0x0000: "an empty record", 0x0001: "free space", 0x1835: LAYOUT, 0x2005: LAYOUT, 0x2007: PREVIEW, 0x2008: PREVIEW,
}  # fmt: skip
"""Of a CRW: NullRecord, FreeBytes, DecoderTable, RawData, JpgFromRaw, ThumbnailImage."""
