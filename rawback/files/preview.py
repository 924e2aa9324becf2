"""The preview of a DNG: a baseline JPEG, whole, as IFD0 (DNG 1.7.1, "Preview Images")."""

from __future__ import annotations

import io
import re

import numpy as np

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.exif import segment_places, segments
from rawback.files.tiff import LONG, SHORT, Directory
from rawback.recipe import Recipe

NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In entropy-coded data: neither a stuffed FF, nor a restart, nor fill."""
SIDE = 256
"""Of the picture that is made where none is given, in pixels."""


def directory(jpeg: bytes) -> Directory:
    """IFD0 for a baseline JPEG of three components, stored whole as one strip."""
    width, height, horizontal, vertical = _frame(jpeg) or (0, 0, 0, 0)
    entries = {
        254: tiff.pack(LONG, [1]), 256: tiff.pack(LONG, [width]), 257: tiff.pack(LONG, [height]),
        258: tiff.pack(SHORT, [8, 8, 8]), 259: tiff.pack(SHORT, [7]), 262: tiff.pack(SHORT, [6]),
        277: tiff.pack(SHORT, [3]), 278: tiff.pack(LONG, [height]), 284: tiff.pack(SHORT, [1]),
        530: tiff.pack(SHORT, [horizontal, vertical]), 531: tiff.pack(SHORT, [1]),
        532: tiff.rationals([0, 255, 128, 255, 128, 255]), 50970: tiff.pack(LONG, [2]),  # PreviewColorSpace sRGB
    }  # fmt: skip
    return Directory(entries, strips={273: [jpeg]})


def first_picture(data: bytes) -> bytes:
    """A JPEG up to the end of its first picture: cameras hang further ones, or films, behind it."""
    position = max((stop for _, _, stop in segment_places(memoryview(data))), default=2)
    while found := NEXT_MARKER.search(data, position):
        if data[found.start() + 1] == 0xD9:
            return data[: found.end()]
        position = found.end()
    return data


def _frame(jpeg: bytes) -> tuple[int, int, int, int] | None:
    """Width, height and chroma subsampling of a baseline YCbCr JPEG; None for any other."""
    for marker, body in segments(jpeg):
        if marker == 0xEE and bytes(body[:5]) == b"Adobe" and len(body) >= 12 and body[11] != 1:
            return None  # RGB or CMYK
        if marker == 0xC0 and len(body) == 15 and body[0] == 8 and body[5] == 3 and body[10] == body[13] == 0x11:
            height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
            return (width, height, body[7] >> 4, body[7] & 15) if height and width else None
    return None


def baseline(jpeg: bytes) -> bytes:
    """The JPEG itself if it is baseline YCbCr, which is all that DNG allows here, else coded anew."""
    if _frame(jpeg):
        return first_picture(jpeg)
    from PIL import Image

    try:
        with Image.open(io.BytesIO(jpeg), formats=["JPEG"]) as picture:
            return _coded(picture.convert("RGB"))
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise RawbackError(f"the preview is not a JPEG that can be decoded ({error}); give another or none") from error


def small_picture(mosaic: np.ndarray, recipe: Recipe) -> bytes:
    """A thumbnail straight from the mosaic (one CFA cell a pixel) or camera RGB: linear, white-balanced, gamma 2.2."""
    if mosaic.ndim == 3:
        step = max(1, -(-max(mosaic.shape) // SIDE))
        return _shown(mosaic[::step, ::step] / 65535, recipe)
    period = len(recipe.cfa)
    step = period * max(1, -(-max(mosaic.shape) // (period * SIDE)))
    height, width = (max(1, side // step) for side in mosaic.shape)
    rgb = np.zeros((height, width, 3))
    for position, (black, colour) in enumerate(zip(recipe.black, sum(recipe.cfa, ()), strict=True)):
        rows, columns = (
            np.minimum(start + step * np.arange(count), side - 1)
            for start, count, side in zip(divmod(position, period), (height, width), mosaic.shape, strict=True)
        )
        rgb[..., colour] += (mosaic[np.ix_(rows, columns)] - black) / (recipe.white - black)
    return _shown(rgb / np.bincount(sum(recipe.cfa, ()), minlength=3), recipe)


def _shown(camera: np.ndarray, recipe: Recipe) -> bytes:
    """Camera RGB (H, W, 3), 0 black, 1 white level, as a JPEG."""
    from PIL import Image

    rgb = camera * recipe.gains * 2**recipe.exposure
    srgb = np.clip(np.minimum(rgb, 1) @ np.array(recipe.matrix).T, 0, 1) ** (1 / 2.2)
    return _coded(Image.fromarray(np.rint(255 * srgb).astype(np.uint8)))


def _coded(picture) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=90, subsampling="4:2:0")
    return stream.getvalue()
