"""Codecs that store nothing but the RAW, for comparison, on planes that suit them: JPEG 2000, lossy JPEG XL, HEVC hevc.

The planes are the CFA's four, balanced (largest gain 1), through BT.709's curve, and rotated by an orthonormal matrix: one
scale for all, so that equal steps are equal errors in what an editor sees. Needs imagecodecs; HEVC, of 12 bits, needs PyAV
with its x265. No other part of a plain installation does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.errors import RawbackError
from rawback.evaluate import hevc
from rawback.files.raw import RawFile
from rawback.isp.colour import CURVES
from rawback.isp.mosaic import level, unlevel

ROTATION = np.array([
    [0.5, 0.5, 0.5, 0.5], [0.5**0.5, 0, 0, -(0.5**0.5)], [-0.5, 0.5, 0.5, -0.5], [0, 0.5**0.5, -(0.5**0.5), 0],
])  # fmt: skip
"""From R, G1, G2, B: their sum, R - B, G1 + G2 - R - B, G1 - G2; orthonormal."""
CURVE = CURVES["bt709"]
SETTINGS = {
    "JPEG 2000": (36, 42, 47, 52, 57, 62, 67, 72),
    "JPEG XL": (4, 2.5, 1.6, 1, 0.5, 0.25, 0.12, 0.06),
    "HEVC": (33, 28, 24, 20, 16, 12, 8, 4, 1),
}
"""PSNR in dB, Butteraugli distances, and quantisers."""
BITS = {"JPEG 2000": 16, "JPEG XL": 16, "HEVC": 12}
"""Of a plane's samples."""


def available() -> list[str]:
    """The codecs that are installed."""
    try:
        import imagecodecs
    except ImportError:
        return []
    if not (imagecodecs.JPEG2K.available and imagecodecs.JPEGXL.available):
        return []
    return [codec for codec in SETTINGS if codec != "HEVC" or hevc.available()]


def code(file: RawFile, codec: str, setting: float) -> tuple[int, np.ndarray]:
    """Bytes, and the mosaic (H, W) uint16 that comes back. Raises RawbackError for other CFAs than Bayer's."""
    if len(file.recipe.cfa) != 2:
        raise RawbackError("only Bayer mosaics are compared with RAW codecs")
    planes = Planes.of(file, BITS[codec])
    if codec == "HEVC":
        size, decoded = hevc.round_trip(planes.samples, round(setting))
    else:
        encode, decode = _functions(codec, setting)
        coded = [encode(plane) for plane in planes.samples]
        size, decoded = sum(map(len, coded)), np.stack([decode(data) for data in coded])
    mosaic = file.mosaic.copy()
    height, width = (n // 2 * 2 for n in mosaic.shape)
    mosaic[:height, :width] = planes.mosaic_of(decoded)
    return size, mosaic


def _functions(codec: str, setting: float) -> tuple[Callable, Callable]:
    from imagecodecs import jpeg2k_decode, jpeg2k_encode, jpegxl_decode, jpegxl_encode

    if codec == "JPEG 2000":
        return lambda plane: jpeg2k_encode(plane, level=int(setting), reversible=False, codecformat="j2k"), jpeg2k_decode
    return lambda plane: jpegxl_encode(plane, distance=setting, effort=7, usecontainer=False), jpegxl_decode


@dataclass(frozen=True)
class Planes:
    """A mosaic of even sides as four planes, and the way back."""

    file: RawFile
    samples: np.ndarray
    """(4, H / 2, W / 2) uint16."""
    scale: float
    """Of a code value, in steps of the samples."""
    middles: np.ndarray
    """(4, 1, 1): what lies in the middle of each plane's samples."""
    bits: int

    @classmethod
    def of(cls, file: RawFile, bits: int) -> Planes:
        """The planes of a file, each as wide as `bits` bits hold."""
        height, width = (n // 2 * 2 for n in file.mosaic.shape)
        balanced = level(file.mosaic[:height, :width], file.recipe)
        empty = cls(file, np.empty(0, np.uint16), 1.0, np.zeros((4, 1, 1)), bits)
        codes = [CURVE.encode(balanced[y::2, x::2] * gain) for (y, x), gain in empty._photosites]
        planes = np.tensordot(ROTATION, np.stack(codes).astype(np.float64), 1)
        low, high = planes.min((1, 2), keepdims=True), planes.max((1, 2), keepdims=True)
        scale = (2**bits - 1) / max(float((high - low).max()), 1e-6)
        samples = np.rint((planes - (low + high) / 2) * scale + 2 ** (bits - 1))
        return cls(file, np.clip(samples, 0, 2**bits - 1).astype(np.uint16), scale, (low + high) / 2, bits)

    def mosaic_of(self, samples: np.ndarray) -> np.ndarray:
        """Decoded samples -> mosaic (H, W) uint16."""
        planes = (samples.astype(np.float64) - 2 ** (self.bits - 1)) / self.scale + self.middles
        codes = np.tensordot(ROTATION.T, planes, 1).astype(np.float32)
        balanced = np.empty((2 * codes.shape[1], 2 * codes.shape[2]), np.float32)
        for ((y, x), gain), code_of in zip(self._photosites, codes, strict=True):
            balanced[y::2, x::2] = CURVE.light(code_of) / gain
        return unlevel(balanced, self.file.recipe)

    @cached_property
    def _photosites(self) -> list[tuple[tuple[int, int], np.float32]]:
        """Where R, G1, G2, B lie in a cell, and their gains, the largest 1."""
        cfa, gains = np.array(self.file.recipe.cfa), self.file.recipe.gains / self.file.recipe.gains.max()
        places = [(colour, y, x) for colour in range(3) for y, x in np.argwhere(cfa == colour).tolist()]
        return [((y, x), gains[colour]) for colour, y, x in places]
