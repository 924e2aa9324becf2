"""Where a picture lies on its RAW to a fraction of a pixel: where its codes follow from light alone as well as they can."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

COARSEST, FINEST = 2.0, 0.25
"""Steps of the search in pixels of the picture, halved from the first to the last."""
MOST_MOVES = 24
"""At each step."""
LEVELS = 48
"""Of light, evenly spaced in its logarithm: within each, codes should be alike."""
TOLD = (0.02, 0.97)
"""Codes (means of three channels) between which a picture tells light."""
DARK = 1e-4
"""Light below which levels end."""


@dataclass(frozen=True)
class Region:
    """A part of the RAW, in pixels of it and fractions of them."""

    y: float
    x: float
    """Of its middle."""
    height: float
    width: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom, as PIL has them."""
        return self.x - self.width / 2, self.y - self.height / 2, self.x + self.width / 2, self.y + self.height / 2

    def lies_in(self, shape: tuple[int, ...]) -> bool:
        """Whether it has no part outside of an image (H, W)."""
        left, top, right, bottom = self.box
        return left >= 0 and top >= 0 and right <= shape[1] and bottom <= shape[0]

    def of(self, plane: np.ndarray, rows: int, columns: int) -> np.ndarray:
        """Its means (rows, columns) of a plane (H, W) float32."""
        return self.of_image(_image(plane), rows, columns)

    def of_image(self, image: Image.Image, rows: int, columns: int) -> np.ndarray:
        """As `of`, of a plane that is an image already."""
        return np.asarray(image.resize((columns, rows), Image.Resampling.BOX, self.box))


def refine(light: np.ndarray, codes: np.ndarray, start: Region, pixel: float) -> Region:
    """The region of light (H, W) that codes (rows, columns), means over blocks of a picture, are best explained by.

    start: one that is at most a few pixels off; pixel: the width of one of the picture's, in those of light.
    """
    told = (codes > TOLD[0]) & (codes < TOLD[1])
    if told.sum() < LEVELS or not start.lies_in(light.shape):
        return start
    image = _image(light)
    best, least, step = start, _unexplained(image, codes, told, start), COARSEST
    while step >= FINEST:
        for _ in range(MOST_MOVES):
            moves = [
                replace(best, **{name: getattr(best, name) + sign * step * pixel * (2 if name in ("height", "width") else 1)})
                for name in ("y", "x", "height", "width") for sign in (1, -1)
            ]  # fmt: skip
            tried = [(_unexplained(image, codes, told, move), move) for move in moves if move.lies_in(light.shape)]
            value, nearer = min(tried, key=lambda move: move[0], default=(least, best))
            if value >= least:
                break
            best, least = nearer, value
        step /= 2
    return best


def _unexplained(light: Image.Image, codes: np.ndarray, told: np.ndarray, region: Region) -> float:
    """Squared codes that a curve of light would leave."""
    level = np.log(np.maximum(region.of_image(light, *codes.shape)[told], DARK))
    level -= level.min()
    at = (level * ((LEVELS - 1) / max(float(level.max()), 1e-9))).astype(np.intp)
    count, total = np.bincount(at), np.bincount(at, codes[told])
    return float(np.square(codes[told]).sum() - (total**2 / np.maximum(count, 1)).sum())


def _image(plane: np.ndarray) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(plane, np.float32))
