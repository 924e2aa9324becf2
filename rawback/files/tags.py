"""Tag numbers of TIFF, EXIF and DNG, each once, by the names of their standards (TIFF 6.0; EXIF 3.0; DNG 1.7.1)."""

from __future__ import annotations

from enum import IntEnum

Tag = IntEnum(
    "Tag",
    {
        # TIFF 6.0, TIFF/EP, XMP and Windows in IFD0, EXIF's pointers
        "ProcessingSoftware": 11, "NewSubfileType": 254, "SubfileType": 255, "ImageWidth": 256, "ImageLength": 257,
        "BitsPerSample": 258, "Compression": 259, "PhotometricInterpretation": 262, "Thresholding": 263, "CellWidth": 264,
        "CellLength": 265, "FillOrder": 266, "DocumentName": 269, "ImageDescription": 270, "Make": 271, "Model": 272,
        "StripOffsets": 273, "Orientation": 274, "SamplesPerPixel": 277, "RowsPerStrip": 278, "StripByteCounts": 279,
        "MinSampleValue": 280, "MaxSampleValue": 281, "XResolution": 282, "YResolution": 283, "PlanarConfiguration": 284,
        "PageName": 285, "XPosition": 286, "YPosition": 287, "FreeOffsets": 288, "FreeByteCounts": 289,
        "GrayResponseUnit": 290, "GrayResponseCurve": 291, "T4Options": 292, "T6Options": 293, "ResolutionUnit": 296,
        "PageNumber": 297, "TransferFunction": 301, "Software": 305, "DateTime": 306, "Artist": 315, "HostComputer": 316,
        "Predictor": 317, "WhitePoint": 318, "PrimaryChromaticities": 319, "ColorMap": 320, "HalftoneHints": 321,
        "TileWidth": 322, "TileLength": 323, "TileOffsets": 324, "TileByteCounts": 325, "SubIFDs": 330, "InkSet": 332,
        "InkNames": 333, "NumberOfInks": 334, "DotRange": 336, "TargetPrinter": 337, "ExtraSamples": 338,
        "SampleFormat": 339, "SMinSampleValue": 340, "SMaxSampleValue": 341, "TransferRange": 342, "ClipPath": 343,
        "XClipPathUnits": 344, "YClipPathUnits": 345, "Indexed": 346, "JPEGTables": 347, "OPIProxy": 351, "JPEGProc": 512,
        "JPEGInterchangeFormat": 513, "JPEGInterchangeFormatLength": 514, "JPEGRestartInterval": 515,
        "JPEGLosslessPredictors": 517, "JPEGPointTransforms": 518, "JPEGQTables": 519, "JPEGDCTables": 520,
        "JPEGACTables": 521, "YCbCrCoefficients": 529, "YCbCrSubSampling": 530, "YCbCrPositioning": 531,
        "ReferenceBlackWhite": 532, "XMP": 700, "Rating": 18246, "RatingPercent": 18249, "ImageID": 32781,
        "CFARepeatPatternDim": 33421, "CFAPattern": 33422, "BatteryLevel": 33423, "Copyright": 33432, "IPTC": 33723,
        "ImageResources": 34377, "ExifIFD": 34665, "ICCProfile": 34675, "GPSIFD": 34853, "Interlace": 34857,
        "TimeZoneOffset": 34858, "SelfTimerMode": 34859, "TIFFEPFlashEnergy": 37387,
        "TIFFEPSpatialFrequencyResponse": 37388, "TIFFEPNoise": 37389, "TIFFEPFocalPlaneXResolution": 37390,
        "TIFFEPFocalPlaneYResolution": 37391, "TIFFEPFocalPlaneResolutionUnit": 37392, "ImageNumber": 37393,
        "SecurityClassification": 37394, "ImageHistory": 37395, "TIFFEPExposureIndex": 37397, "TIFFEPStandardID": 37398,
        "TIFFEPSensingMethod": 37399, "XPTitle": 40091, "XPComment": 40092, "XPAuthor": 40093, "XPKeywords": 40094,
        "XPSubject": 40095, "PrintImageMatching": 50341,
        # EXIF 2.32 and 3.0
        "ExposureTime": 33434, "FNumber": 33437, "ExposureProgram": 34850, "SpectralSensitivity": 34852,
        "PhotographicSensitivity": 34855, "OECF": 34856, "SensitivityType": 34864, "StandardOutputSensitivity": 34865,
        "RecommendedExposureIndex": 34866, "ISOSpeed": 34867, "ISOSpeedLatitudeyyy": 34868, "ISOSpeedLatitudezzz": 34869,
        "ExifVersion": 36864, "DateTimeOriginal": 36867, "DateTimeDigitized": 36868, "OffsetTime": 36880,
        "OffsetTimeOriginal": 36881, "OffsetTimeDigitized": 36882, "ComponentsConfiguration": 37121,
        "CompressedBitsPerPixel": 37122, "ShutterSpeedValue": 37377, "ApertureValue": 37378, "BrightnessValue": 37379,
        "ExposureBiasValue": 37380, "MaxApertureValue": 37381, "SubjectDistance": 37382, "MeteringMode": 37383,
        "LightSource": 37384, "Flash": 37385, "FocalLength": 37386, "SubjectArea": 37396, "MakerNote": 37500,
        "UserComment": 37510, "SubSecTime": 37520, "SubSecTimeOriginal": 37521, "SubSecTimeDigitized": 37522,
        "Temperature": 37888, "Humidity": 37889, "Pressure": 37890, "WaterDepth": 37891, "Acceleration": 37892,
        "CameraElevationAngle": 37893, "FlashpixVersion": 40960, "ColorSpace": 40961, "PixelXDimension": 40962,
        "PixelYDimension": 40963, "RelatedSoundFile": 40964, "InteropIFD": 40965, "FlashEnergy": 41483,
        "SpatialFrequencyResponse": 41484, "FocalPlaneXResolution": 41486, "FocalPlaneYResolution": 41487,
        "FocalPlaneResolutionUnit": 41488, "SubjectLocation": 41492, "ExposureIndex": 41493, "SensingMethod": 41495,
        "FileSource": 41728, "SceneType": 41729, "ExifCFAPattern": 41730, "CustomRendered": 41985, "ExposureMode": 41986,
        "WhiteBalance": 41987, "DigitalZoomRatio": 41988, "FocalLengthIn35mmFilm": 41989, "SceneCaptureType": 41990,
        "GainControl": 41991, "Contrast": 41992, "Saturation": 41993, "Sharpness": 41994, "DeviceSettingDescription": 41995,
        "SubjectDistanceRange": 41996, "ImageUniqueID": 42016, "CameraOwnerName": 42032, "BodySerialNumber": 42033,
        "LensSpecification": 42034, "LensMake": 42035, "LensModel": 42036, "LensSerialNumber": 42037, "ImageTitle": 42038,
        "Photographer": 42039, "ImageEditor": 42040, "CameraFirmware": 42041, "RAWDevelopingSoftware": 42042,
        "ImageEditingSoftware": 42043, "MetadataEditingSoftware": 42044, "CompositeImage": 42080,
        "SourceImageNumberOfCompositeImage": 42081, "SourceExposureTimesOfCompositeImage": 42082, "Gamma": 42240,
        # DNG 1.7.1 and CinemaDNG 1.1, with two of Canon's
        "DNGVersion": 50706, "DNGBackwardVersion": 50707, "UniqueCameraModel": 50708, "LocalizedCameraModel": 50709,
        "CFAPlaneColor": 50710, "CFALayout": 50711, "LinearizationTable": 50712, "BlackLevelRepeatDim": 50713,
        "BlackLevel": 50714, "BlackLevelDeltaH": 50715, "BlackLevelDeltaV": 50716, "WhiteLevel": 50717,
        "DefaultScale": 50718, "DefaultCropOrigin": 50719, "DefaultCropSize": 50720, "ColorMatrix1": 50721,
        "ColorMatrix2": 50722, "CameraCalibration1": 50723, "CameraCalibration2": 50724, "ReductionMatrix1": 50725,
        "ReductionMatrix2": 50726, "AnalogBalance": 50727, "AsShotNeutral": 50728, "AsShotWhiteXY": 50729,
        "BaselineExposure": 50730, "BaselineNoise": 50731, "BaselineSharpness": 50732, "BayerGreenSplit": 50733,
        "LinearResponseLimit": 50734, "CameraSerialNumber": 50735, "LensInfo": 50736, "ChromaBlurRadius": 50737,
        "AntiAliasStrength": 50738, "ShadowScale": 50739, "DNGPrivateData": 50740, "MakerNoteSafety": 50741,
        "RawImageSegmentation": 50752, "CalibrationIlluminant1": 50778, "CalibrationIlluminant2": 50779,
        "BestQualityScale": 50780, "RawDataUniqueID": 50781, "OriginalRawFileName": 50827, "OriginalRawFileData": 50828,
        "ActiveArea": 50829, "MaskedAreas": 50830, "AsShotICCProfile": 50831, "AsShotPreProfileMatrix": 50832,
        "CurrentICCProfile": 50833, "CurrentPreProfileMatrix": 50834, "ColorimetricReference": 50879, "SRawType": 50885,
        "CameraCalibrationSignature": 50931, "ProfileCalibrationSignature": 50932, "ProfileIFD": 50933,
        "AsShotProfileName": 50934, "NoiseReductionApplied": 50935, "ProfileName": 50936, "ProfileHueSatMapDims": 50937,
        "ProfileHueSatMapData1": 50938, "ProfileHueSatMapData2": 50939, "ProfileToneCurve": 50940,
        "ProfileEmbedPolicy": 50941, "ProfileCopyright": 50942, "ForwardMatrix1": 50964, "ForwardMatrix2": 50965,
        "PreviewApplicationName": 50966, "PreviewApplicationVersion": 50967, "PreviewSettingsName": 50968,
        "PreviewSettingsDigest": 50969, "PreviewColorSpace": 50970, "PreviewDateTime": 50971, "RawImageDigest": 50972,
        "OriginalRawFileDigest": 50973, "SubTileBlockSize": 50974, "RowInterleaveFactor": 50975,
        "ProfileLookTableDims": 50981, "ProfileLookTableData": 50982, "OpcodeList1": 51008, "OpcodeList2": 51009,
        "OpcodeList3": 51022, "NoiseProfile": 51041, "TimeCodes": 51043, "FrameRate": 51044, "TStop": 51058,
        "ReelName": 51081, "OriginalDefaultFinalSize": 51089, "OriginalBestQualitySize": 51090,
        "OriginalDefaultCropSize": 51091, "CameraLabel": 51105, "ProfileHueSatMapEncoding": 51107,
        "ProfileLookTableEncoding": 51108, "BaselineExposureOffset": 51109, "DefaultBlackRender": 51110,
        "NewRawImageDigest": 51111, "RawToPreviewGain": 51112, "CacheBlob": 51113, "CacheVersion": 51114,
        "DefaultUserCrop": 51125, "DepthFormat": 51177, "DepthNear": 51178, "DepthFar": 51179, "DepthUnits": 51180,
        "DepthMeasureType": 51181, "EnhanceParams": 51182, "ProfileGainTableMap": 52525, "SemanticName": 52526,
        "SemanticInstanceID": 52528, "CalibrationIlluminant3": 52529, "CameraCalibration3": 52530, "ColorMatrix3": 52531,
        "ForwardMatrix3": 52532, "IlluminantData1": 52533, "IlluminantData2": 52534, "IlluminantData3": 52535,
        "MaskSubArea": 52536, "ProfileHueSatMapData3": 52537, "ReductionMatrix3": 52538, "RGBTables": 52543,
        "ProfileGainTableMap2": 52544, "JUMBF": 52545, "ColumnInterleaveFactor": 52547, "ImageSequenceInfo": 52548,
        "ProfileToneMethod": 52549, "ImageStats": 52550, "ProfileDynamicRange": 52551, "ProfileGroupName": 52552,
        "JXLDistance": 52553, "JXLEffort": 52554, "JXLDecodeSpeed": 52555, "RawbackMark": 65400,
    },
)  # fmt: skip
"""Numbers in IFD0, SubIFDs and the Exif directory, which share one space."""

GpsTag = IntEnum(
    "GpsTag",
    {
        "VersionID": 0, "LatitudeRef": 1, "Latitude": 2, "LongitudeRef": 3, "Longitude": 4, "AltitudeRef": 5, "Altitude": 6,
        "TimeStamp": 7, "Satellites": 8, "Status": 9, "MeasureMode": 10, "DOP": 11, "SpeedRef": 12, "Speed": 13,
        "TrackRef": 14, "Track": 15, "ImgDirectionRef": 16, "ImgDirection": 17, "MapDatum": 18, "DestLatitudeRef": 19,
        "DestLatitude": 20, "DestLongitudeRef": 21, "DestLongitude": 22, "DestBearingRef": 23, "DestBearing": 24,
        "DestDistanceRef": 25, "DestDistance": 26, "ProcessingMethod": 27, "AreaInformation": 28, "DateStamp": 29,
        "Differential": 30, "HPositioningError": 31,
    },
)  # fmt: skip
"""EXIF 3.0, 4.6.7: numbers in the GPS directory."""


class InteropTag(IntEnum):
    """Numbers in the interoperability directory (DCF 2.0, 5.3)."""

    Index = 1
    Version = 2
    RelatedImageFileFormat = 4096
    RelatedImageWidth = 4097
    RelatedImageLength = 4098


class Photometric(IntEnum):
    """Values of PhotometricInterpretation."""

    YCBCR = 6
    CFA = 32803
    LINEAR_RAW = 34892


class Compression(IntEnum):
    """Values of Compression: none, and what only RAW files use, but for JPEG (lossless or not, as the pixels tell)."""

    NONE = 1
    JPEG_OLD = 6
    JPEG = 7
    VC5 = 9
    KODAK_262 = 262
    SONY = 32766
    SONY_ARW = 32767
    PACKED_RAW = 32769
    SAMSUNG = 32770
    NIKON_NEF = 34713
    DNG_LOSSY = 34892
    JPEG_XL = 52546
    KODAK = 65000
    PENTAX = 65535


NAMELESS = "Tag 0x"

IFD_POINTERS = (Tag.SubIFDs, Tag.ExifIFD, Tag.GPSIFD, Tag.InteropIFD)
"""Tags whose values are offsets of further directories."""
DATA_LENGTHS: dict[int, int] = {
    Tag.StripOffsets: Tag.StripByteCounts, Tag.TileOffsets: Tag.TileByteCounts,
    Tag.JPEGInterchangeFormat: Tag.JPEGInterchangeFormatLength,
}  # fmt: skip
"""Tags that point to pixels (strips, tiles, a JPEG thumbnail), and those that hold the lengths."""


def is_dng(number: int) -> bool:
    """Whether a tag is one of DNG's, known or of a later version: its two ranges are reserved for it."""
    return 50706 <= number < 51200 or 52525 <= number < 52560


def name_of(number: int, directory: type[IntEnum] = Tag) -> str:
    """A tag's name in IFD0, SubIFDs and Exif (or in a GpsTag or InteropTag directory); "Tag 0xC7D5" if it has none."""
    try:
        return directory(number).name
    except ValueError:
        return f"{NAMELESS}{number:04X}"


def number_of(name: str, directory: type[IntEnum] = Tag) -> int | None:
    """The number of a tag by its name, None if there is none of that name; the inverse of `name_of`."""
    if name.startswith(NAMELESS):
        return int(name.removeprefix(NAMELESS), 16)
    return directory[name].value if name in directory.__members__ else None
