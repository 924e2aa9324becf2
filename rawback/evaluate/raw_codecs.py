"""Codecs that store nothing but the RAW, for comparison: JPEG 2000 and lossy JPEG XL of the four CFA planes.

The planes are the square root of the levelled values: mean of the greens, red and blue less that mean, difference of the
greens; 16 bits. Needs imagecodecs, which no other part of a plain installation does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rawback.errors import RawbackError
from rawback.files.raw import RawFile
from rawback.isp.mosaic import level, unlevel

SCALE, MIDDLE = 30000, 32768
"""White of a root, and zero of a difference, in 16 bits."""
SETTINGS = {
    "JPEG 2000": (36, 42, 47, 52, 57, 62, 67, 72),
    "JPEG XL": (4, 2.5, 1.6, 1, 0.5, 0.25, 0.12, 0.06),
}
"""PSNR in dB, and Butteraugli distances."""


def available() -> bool:
    """Whether imagecodecs is installed, with both codecs."""
    try:
        import imagecodecs
    except ImportError:
        return False
    return bool(imagecodecs.JPEG2K.available and imagecodecs.JPEGXL.available)


def code(file: RawFile, codec: str, setting: float) -> tuple[int, np.ndarray]:
    """Bytes, and the mosaic (H, W) uint16 that comes back. Raises RawbackError for other CFAs than Bayer's."""
    if len(file.recipe.cfa) != 2:
        raise RawbackError("only Bayer mosaics are compared with RAW codecs")
    encode, decode = _functions(codec, setting)
    height, width = (n // 2 * 2 for n in file.mosaic.shape)
    coded = [encode(plane) for plane in planes_of(file.mosaic[:height, :width], file)]
    mosaic = file.mosaic.copy()
    mosaic[:height, :width] = mosaic_of([decode(data) for data in coded], file)
    return sum(map(len, coded)), mosaic


def _functions(codec: str, setting: float) -> tuple[Callable, Callable]:
    from imagecodecs import jpeg2k_decode, jpeg2k_encode, jpegxl_decode, jpegxl_encode

    if codec == "JPEG 2000":
        return lambda plane: jpeg2k_encode(plane, level=int(setting), reversible=False), jpeg2k_decode
    return lambda plane: jpegxl_encode(plane, distance=setting, effort=5), jpegxl_decode


def planes_of(mosaic: np.ndarray, file: RawFile) -> list[np.ndarray]:
    """Mosaic of even sides -> four decorrelated planes, uint16."""
    root = np.sqrt(np.clip(level(mosaic, file.recipe), 0, 1)) * SCALE
    colours = np.array(file.recipe.cfa)
    red, blue = (root[y::2, x::2] for y, x in (np.argwhere(colours == c)[0] for c in (0, 2)))
    first, second = (root[y::2, x::2] for y, x in np.argwhere(colours == 1))
    green = (first + second) / 2
    signed = [green, red - green + MIDDLE, blue - green + MIDDLE, first - second + MIDDLE]
    return [np.clip(np.rint(plane), 0, 65535).astype(np.uint16) for plane in signed]


def mosaic_of(planes: list[np.ndarray], file: RawFile) -> np.ndarray:
    """The way back."""
    green, red, blue, difference = (plane.astype(np.float32) for plane in planes)
    samples = np.empty((2 * green.shape[0], 2 * green.shape[1]), np.float32)
    colours = np.array(file.recipe.cfa)
    (y1, x1), (y2, x2) = np.argwhere(colours == 1)
    samples[y1::2, x1::2], samples[y2::2, x2::2] = (green + s * (difference - MIDDLE) / 2 for s in (1, -1))
    for colour, plane in ((0, red), (2, blue)):
        y, x = np.argwhere(colours == colour)[0]
        samples[y::2, x::2] = plane - MIDDLE + green
    return unlevel(np.square(np.clip(samples / SCALE, 0, 1)), file.recipe)
