"""A camera's small picture laid upon the RAW it was made from, by the scale and shift at which their edges agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from rawback.cameras.regions import Region, block_means, everything, means

COARSE, FINE = 160, 320
"""Columns at which the picture is searched, and at which it is compared when it is laid."""
SCALES = np.arange(0.94, 1.1001, 0.02)
"""Columns of the whole RAW for one of the picture: cameras cut a few in a hundred away."""
FLOOR = 0.02
"""Added to light before the logarithm: below it there is noise."""
BARS, MOST_BARS = 8 / 255, 0.3
"""Codes up to which rows and columns at the border are black bars, and the share of a side that they may take."""
ALIKE = 0.4
"""Correlation of edges from which two pictures are of one scene."""


@dataclass(frozen=True)
class Placement:
    """Where a picture lies on its RAW."""

    region: Region
    """Of the RAW, below all of the picture; parts of it may lie outside of the RAW."""
    likeness: float
    """Correlation of edges, 1 at most."""


class Places:
    """Light (H, W) float32 of a RAW, on which pictures are searched: at each scale it is looked at once."""

    def __init__(self, light: np.ndarray) -> None:
        self.light, self.side = light, max(light.shape[1] // (3 * COARSE), 1)
        self.coarse = block_means(light, self.side) if self.side > 1 else light
        self.edges: dict[tuple[int, int], np.ndarray] = {}
        self.spectra: dict[tuple[int, ...], np.ndarray] = {}

    def roughly(self, codes: np.ndarray) -> Placement:
        """Where the greys (h, w) of a picture lie, to a pixel of the few that are looked at."""
        picture = _small(codes, COARSE)
        picture *= picture  # about light
        wide = picture.shape[1]
        sides = sorted(
            {self._sides(wide * scale * base) for base in _bases(self.light.shape, picture.shape) for scale in SCALES}
        )
        shape = tuple(_fast(max(sizes)) for sizes in zip(picture.shape, *sides, strict=True))
        target, best = np.conj(np.fft.rfft2(edges(picture), s=shape)), Placement(everything(self.light.shape), -1.0)
        whole = Region(*(self.side * size for size in vars(everything(self.coarse.shape)).values()))
        for height, width in sides:
            likeness = np.fft.irfft2(self._spectrum(height, width, shape) * target, s=shape)
            at = np.unravel_index(np.argmax(likeness), shape)
            value = float(likeness[at]) / (min(height, picture.shape[0]) * min(width, wide))
            if value > best.likeness:
                top, left = (int(i) - (n if i > n // 2 else 0) for i, n in zip(at, shape, strict=True))
                region = whole.part((height, width), top, left, *picture.shape)
                best = Placement(region, value)
        return best

    def likeness(self, codes: np.ndarray, region: Region) -> float:
        """Correlation of the edges of a picture's greys (h, w) and of the region that lies below all of it."""
        picture = _small(codes, FINE)
        picture *= picture
        return float(np.mean(edges(picture) * edges(means(self.light, region, *picture.shape))))

    def _sides(self, width: float) -> tuple[int, int]:
        """Height and width of the light at about so many columns."""
        columns = max(round(width), 8)
        return max(round(columns * self.light.shape[0] / self.light.shape[1]), 8), columns

    def _spectrum(self, height: int, width: int, shape: tuple[int, ...]) -> np.ndarray:
        """Of the edges of the light at a size, `shape` being the transform's."""
        size = height, width
        if size not in self.edges:
            self.edges[size] = edges(means(self.coarse, everything(self.coarse.shape), height, width))
        if (*size, *shape) not in self.spectra:
            self.spectra[*size, *shape] = np.fft.rfft2(self.edges[size], s=shape)
        return self.spectra[*size, *shape]


def _small(picture: np.ndarray, width: int) -> np.ndarray:
    """At most so many columns of it, as an array of its own."""
    if picture.shape[1] <= width:
        return picture.copy()
    return np.array(resized(picture, width, max(round(width * picture.shape[0] / picture.shape[1]), 8)))


def _bases(light: tuple[int, ...], picture: tuple[int, ...]) -> list[float]:
    """Scale at which the picture is as wide as the RAW, and, where its shape is another, at which it is as high."""
    as_high = picture[0] / picture[1] * light[1] / light[0]
    return [1.0] if abs(as_high - 1) < 0.05 else [1.0, as_high]


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
