"""The preview of a DNG: a baseline JPEG, whole, as IFD0 (DNG 1.7.1, "Preview Images")."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.jpeg_file import ADOBE, APP0, APP2, APP14, COM, ICC, JFIF, SOF0, JpegFile
from rawback.files.tags import Compression, Photometric, Tag
from rawback.files.tiff import LONG, SHORT, Buffer, Directory, Entries
from rawback.isp.quick_look import quick_look
from rawback.recipe import Recipe

if TYPE_CHECKING:
    from PIL import Image

REDUCED, CENTRED, SRGB = 1, 1, 2
"""Values of NewSubfileType, YCbCrPositioning and PreviewColorSpace."""
YCBCR_TRANSFORM = 1
"""Of Adobe's APP14 segment."""
APPLICATION = range(0xE0, 0xF0)
"""Markers of the segments APP0 to APP15."""
OF_THE_PICTURE = ((APP0, JFIF), (APP14, ADOBE))
"""Marker and start of segments without which a picture is read otherwise."""
WITH_PROFILE = (*OF_THE_PICTURE, (APP2, ICC))


def directory(jpeg: JpegFile) -> Directory:
    """IFD0 for a baseline JPEG of three components, stored whole as one strip."""
    width, height, horizontal, vertical = _frame(jpeg) or (0, 0, 0, 0)
    entries: Entries = {
        Tag.NewSubfileType: tiff.pack(LONG, [REDUCED]), Tag.ImageWidth: tiff.pack(LONG, [width]),
        Tag.ImageLength: tiff.pack(LONG, [height]), Tag.BitsPerSample: tiff.pack(SHORT, [8, 8, 8]),
        Tag.Compression: tiff.pack(SHORT, [Compression.JPEG]), Tag.SamplesPerPixel: tiff.pack(SHORT, [3]),
        Tag.PhotometricInterpretation: tiff.pack(SHORT, [Photometric.YCBCR]), Tag.RowsPerStrip: tiff.pack(LONG, [height]),
        Tag.PlanarConfiguration: tiff.pack(SHORT, [1]), Tag.YCbCrSubSampling: tiff.pack(SHORT, [horizontal, vertical]),
        Tag.YCbCrPositioning: tiff.pack(SHORT, [CENTRED]), Tag.PreviewColorSpace: tiff.pack(LONG, [SRGB]),
        Tag.ReferenceBlackWhite: tiff.rationals([0, 255, 128, 255, 128, 255]),
    }  # fmt: skip
    return Directory(entries, strips={Tag.StripOffsets: [jpeg.data]})


def _frame(jpeg: JpegFile) -> tuple[int, int, int, int] | None:
    """Width, height and chroma subsampling of a baseline YCbCr JPEG; None for any other."""
    frame = jpeg.frame
    if jpeg.adobe_transform not in (None, YCBCR_TRANSFORM) or frame is None or frame.marker != SOF0 or frame.bits != 8:
        return None
    if frame.components != 3 or len(frame.sampling) != 3 or frame.sampling[1:] != [(1, 1), (1, 1)]:
        return None
    (vertical, horizontal), *_ = frame.sampling
    return (frame.width, frame.height, horizontal, vertical) if frame.height and frame.width else None


def baseline(jpeg: JpegFile) -> JpegFile:
    """The JPEG's first picture itself if it is baseline YCbCr, which is all that DNG allows here, else coded anew.

    Raises RawbackError if it cannot be decoded.
    """
    if _frame(jpeg):
        return jpeg.first_picture
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg.data), formats=["JPEG"]) as picture:
            return _coded(picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RawbackError(f"the preview is not a JPEG that can be decoded ({error}); give another or none") from error


def bare(jpeg: JpegFile, keep: tuple[tuple[int, bytes], ...] = OF_THE_PICTURE) -> JpegFile:
    """The JPEG without segments that say anything but how its picture is coded; `keep`: marker and start of those that stay."""
    view, end = memoryview(jpeg.data), 0
    pieces: list[Buffer] = []
    for part in jpeg.segments:
        application = part.marker in APPLICATION or part.marker == COM
        if application and not any(part.marker == marker and part.payload[: len(start)] == start for marker, start in keep):
            pieces.append(view[end : part.start])
            end = part.stop
    return JpegFile(b"".join([*pieces, view[end:]])) if pieces else jpeg


def small_picture(mosaic: np.ndarray, recipe: Recipe) -> JpegFile:
    """A thumbnail of a mosaic (H, W) or of camera RGB (H, W, 3), both as `dng.encode` takes them."""
    from PIL import Image

    return _coded(Image.fromarray(quick_look(mosaic, recipe)))


def _coded(picture: Image.Image) -> JpegFile:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, subsampling="4:2:0")
    return JpegFile(stream.getvalue())
