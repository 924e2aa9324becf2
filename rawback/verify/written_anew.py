"""The short list: what of a RAW file need not be in the DNG, and why. All else that is not there is named as missing."""

from __future__ import annotations

LAYOUT = "how the pixels lie in the file; the mosaic itself is compared, photosite by photosite"
PREVIEW = "describes a preview of the same shot, which the DNG replaces by the picture that was rendered"
VERSION = "the version of DNG that the new file itself is written in"
MARK = "of what rawback made the original, where that is a DNG of its own"
APPLIED = "already applied: photosites are compared after it"
DIGEST = "a checksum of the pixels as the old file stored them"
COMPARED = "compared as LibRaw reads it, for it counts from another corner in files that are no DNG"

_LAYOUT = dict.fromkeys((
    256, 257,  # ImageWidth, ImageLength
    258, 259, 262, 266,  # BitsPerSample, Compression, PhotometricInterpretation, FillOrder
    273, 277, 278, 279, 284,  # StripOffsets, SamplesPerPixel, RowsPerStrip, StripByteCounts, PlanarConfiguration
    317, 322, 323, 324, 325, 513, 514,  # Predictor; width, length, offsets, sizes of tiles; offset and size of a JPEG
), LAYOUT)  # fmt: skip

CONTAINER = {50706: VERSION, 50707: VERSION, 65400: MARK}
"""Anywhere: DNGVersion, DNGBackwardVersion, rawback's mark."""

MOSAIC = _LAYOUT | dict.fromkeys((
    50974, 50975, 52547,  # SubTileBlockSize, RowInterleaveFactor, ColumnInterleaveFactor
    52553, 52554, 52555,  # JXLDistance, JXLEffort, JXLDecodeSpeed
), LAYOUT) | {50712: APPLIED, 50972: DIGEST, 51111: DIGEST}  # fmt: skip
"""In the directory of the mosaic: LinearizationTable, RawImageDigest, NewRawImageDigest."""

MOSAIC_OF_OTHERS = {33421: COMPARED, 33422: COMPARED}
"""There, in files that are no DNG: CFARepeatPatternDim, CFAPattern (TIFF/EP)."""

MOSAIC_OF_CR2 = {50752: LAYOUT}
"""There, in a CR2: the widths of the slices that its mosaic is cut into."""

IFD0 = {50972: DIGEST, 51111: DIGEST}
"""RawImageDigest, NewRawImageDigest stand in IFD0."""

PREVIEWS = _LAYOUT | dict.fromkeys((
    254, 255,  # NewSubFileType, SubfileType
    301, 318, 319, 320, 338, 339, 340, 341, 34675,  # transfer, white, primaries, colour map, kinds of samples, ICC profile
    347, *range(512, 522), 529, 530, 531, 532,  # JPEG tables and its older tags, YCbCr
    *range(50966, 50972),  # PreviewApplicationName ... PreviewDateTime
), PREVIEW)  # fmt: skip
"""In the directory of a preview, which IFD0 often is."""

NO_IMAGE = {254: PREVIEW}
"""In an IFD0 without pixels: NewSubFileType."""

THUMBNAILS = dict.fromkeys((274, 282, 283, 296), PREVIEW)
"""In the directory of a preview that is not IFD0: Orientation, resolution and its unit."""

EXIF_OF_JPEG = PREVIEWS | THUMBNAILS | dict.fromkeys((
    36864, 37121, 40960, 40961, 40962, 40963,  # versions, ComponentsConfiguration, ColorSpace, size of the preview
    1, 2,  # of interoperability: which kind of JPEG this is
), PREVIEW)  # fmt: skip
"""In the EXIF within the JPEG of a preview."""

CIFF_RECORDS = {
    0x0000: "an empty record", 0x0001: "free space", 0x1835: LAYOUT, 0x2005: LAYOUT, 0x2007: PREVIEW, 0x2008: PREVIEW,
}  # fmt: skip
"""Of a CRW: NullRecord, FreeBytes, DecoderTable, RawData, JpgFromRaw, ThumbnailImage."""
