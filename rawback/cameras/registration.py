"""A camera's small picture laid upon the RAW it was made from: found by the scale and shift at which their edges agree."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

COARSE, FINE = 160, 320
"""Columns of the first search, over all scales, and of the second, around the best of them."""
SCALES = np.arange(0.94, 1.1001, 0.02)
"""Columns of the whole RAW for one of the picture: cameras cut a few in a hundred away."""
FINER = (-0.01, -0.005, 0.0, 0.005, 0.01)
FLOOR = 0.02
"""Added to light before the logarithm: below it there is noise."""
BARS, MOST_BARS = 8 / 255, 0.3
"""Codes up to which rows and columns at the border are black bars, and the share of a side that they may take."""
ALIKE = 0.4
"""Correlation of edges from which two pictures are of one scene."""


@dataclass(frozen=True)
class Placement:
    """Where the picture lies on the RAW when that is brought to `width` columns and `height` rows."""

    width: int
    height: int
    top: int
    left: int
    """Row and column of the RAW, at that size, under the picture's first pixel; below 0 where the picture begins before it."""
    likeness: float
    """Correlation of edges, 1 at most."""

    def overlap(self, shape: tuple[int, ...]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Rows and columns of the RAW, and those of the picture (shape: its own), that lie on each other."""
        on_raw, on_picture = [], []
        for start, size, side in ((self.top, self.height, shape[0]), (self.left, self.width, shape[1])):
            first, last = max(0, -start), min(side, size - start)
            on_raw.append(slice(first + start, last + start))
            on_picture.append(slice(first, last))
        return (on_raw[0], on_raw[1]), (on_picture[0], on_picture[1])


def roughly(light: np.ndarray, picture: np.ndarray) -> Placement:
    """Lay a small copy of `picture` (h, w) on `light` (H, W), both linear light of any scale."""
    few = _small(picture, COARSE)
    scales = [scale * base for base in _bases(light.shape, few.shape) for scale in SCALES]
    return _best(_small(light, 4 * COARSE), few, scales)


def place(light: np.ndarray, picture: np.ndarray, rough: Placement | None = None) -> Placement:
    """Lay `picture` (h, w) on `light` (H, W), as `roughly` has found, to about two pixels at 640 columns."""
    found, few = rough or roughly(light, picture), _small(picture, COARSE)
    if few.shape == picture.shape:
        return found
    more = _small(picture, FINE)
    scale = found.width / few.shape[1]
    found = _best(_small(light, 4 * FINE), more, [scale + step for step in FINER])
    larger = picture.shape[1] / more.shape[1]
    width, top, left = (round(size * larger) for size in (found.width, found.top, found.left))
    return Placement(width, max(round(width * light.shape[0] / light.shape[1]), 8), top, left, found.likeness)


def _small(picture: np.ndarray, width: int) -> np.ndarray:
    """At most so many columns of it."""
    if picture.shape[1] <= width:
        return picture
    return resized(picture, width, max(round(width * picture.shape[0] / picture.shape[1]), 8))


def _bases(light: tuple[int, ...], picture: tuple[int, ...]) -> list[float]:
    """Scale at which the picture is as wide as the RAW, and, where its shape is another, at which it is as high."""
    as_high = picture[0] / picture[1] * light[1] / light[0]
    return [1.0] if abs(as_high - 1) < 0.05 else [1.0, as_high]


def _best(light: np.ndarray, picture: np.ndarray, scales: Iterable[float]) -> Placement:
    sides = {(width, max(round(width * light.shape[0] / light.shape[1]), 8))
             for width in (max(round(picture.shape[1] * scale), 8) for scale in scales)}  # fmt: skip
    tall, wide = (max(side) for side in zip(picture.shape, *((h, w) for w, h in sides), strict=True))
    shape = _fast(tall), _fast(wide)
    target = np.conj(np.fft.rfft2(edges(picture), s=shape))
    found = Placement(0, 0, 0, 0, -1.0)
    for width, height in sorted(sides):
        likeness = np.fft.irfft2(np.fft.rfft2(edges(resized(light, width, height)), s=shape) * target, s=shape)
        at = np.unravel_index(np.argmax(likeness), shape)
        top, left = (int(i) - (n if i > n // 2 else 0) for i, n in zip(at, shape, strict=True))
        value = float(likeness[at]) / (min(height, picture.shape[0]) * min(width, picture.shape[1]))
        if value > found.likeness:
            found = Placement(width, height, top, left, value)
    return found


def _fast(size: int) -> int:
    """The least size from there on that Fourier transforms like: of factors 2, 3 and 5."""
    while True:
        left = size
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        if left == 1:
            return size
        size += 1


def edges(light: np.ndarray) -> np.ndarray:
    """Strength of edges (h - 1, w - 1) float32, of mean 0 and variance 1: brightness and contrast do not matter."""
    level = np.log(np.maximum(light, 0) / max(float(light.mean()), 1e-6) + np.float32(FLOOR))
    strength = np.hypot(np.diff(level, axis=0)[:, :-1], np.diff(level, axis=1)[:-1])
    return ((strength - strength.mean()) / max(float(strength.std()), 1e-9)).astype(np.float32)


def resized(plane: np.ndarray, width: int, height: int) -> np.ndarray:
    """(H, W) or (H, W, C) float32 area-averaged to (height, width, ...)."""
    if plane.ndim == 3:
        return np.stack([resized(plane[..., c], width, height) for c in range(plane.shape[2])], -1)
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BOX))


def grey(rgb: np.ndarray) -> np.ndarray:
    """The sum of three channels (H, W, 3) -> (H, W), several times faster than numpy's over so short an axis."""
    return rgb[..., 0] + rgb[..., 1] + rgb[..., 2]


def without_bars(codes: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) without black bars at its borders: a view."""
    bright = grey(codes) / 3
    rows, columns = (_inside(bright.mean(axis)) for axis in (1, 0))
    return codes[rows, columns]


def _inside(line: np.ndarray) -> slice:
    lit = np.flatnonzero(line > BARS)
    if not len(lit) or len(lit) == len(line):
        return slice(None)
    first, last = int(lit[0]), int(lit[-1]) + 1
    return slice(first, last) if last - first >= (1 - MOST_BARS) * len(line) else slice(None)
