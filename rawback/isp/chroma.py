"""Chroma of a Bayer picture, straight from the cells of its mosaic: what the closed loop codes first.

The same as the stages make, but subsampled on the way, and with the transfer curve as a table: the RAW
does not care for errors of chroma, and viewers do not see a tenth of a code value.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from rawback.isp import bayer
from rawback.isp.colour import RGB_TO_YCC, curve_of
from rawback.isp.inverse_pass import sample_line
from rawback.isp.mosaic import HALO, window
from rawback.isp.native.library import call, library
from rawback.isp.native.structures import ChromaPicture
from rawback.isp.tone import Curve
from rawback.recipe import Recipe

FINE = 8192
"""Entries for 1 of linear light in the table of the curve: the nearest is off by 0.07 / 255 in the toe, less above."""
LIGHT_RANGE = (-1.0, 3.0)
"""What the table covers; beyond, its ends are taken."""
BLOCK_PIXELS, COLUMNS = 1 << 16, 16
"""What is worked on at a time, few enough for the cache: whole MCUs."""


def has_bayer_cells(recipe: Recipe) -> bool:
    """Whether the mosaic's cells are red, two greens on a diagonal, and blue."""
    return sorted(sum(recipe.cfa, ())) == [0, 1, 1, 2] and (recipe.cfa[0][0] == 1) == (recipe.cfa[1][1] == 1)


class BayerChroma:
    """Of one frame. Samples are cut at `white_at`, so that blown ones are white."""

    def __init__(
        self, mosaic: np.ndarray, recipe: Recipe, factors: tuple[int, int], white_at: float,
        rows: np.ndarray = RGB_TO_YCC[1:],
    ) -> None:  # fmt: skip
        """rows: (2, 3) what is asked of the picture's R, G, B; Cb and Cr."""
        self.mosaic, self.factors, self.white_at = mosaic, factors, white_at
        self.codes = _encoding(curve_of(recipe))
        self.scale, self.bias = sample_line(recipe)  # DN -> balanced sample, (2, 2) each
        (self.red,) = np.argwhere(np.array(recipe.cfa) == 0).tolist()
        matrix = np.array(recipe.matrix) * FINE  # of camera RGB; here of green, and of what red and blue are less
        mixed_later = np.linalg.inv(np.array(recipe.code_matrix)) if recipe.code_matrix else np.eye(3)
        mean = rows.astype(np.float64) @ mixed_later / (factors[0] * factors[1])
        self.to_chroma = mean.astype(np.float32)  # (2, 3), from sums over cells
        self.zero = np.float32(0.5 - FINE * LIGHT_RANGE[0])
        self.matrix = np.stack([matrix.sum(1), -matrix[:, 0], -matrix[:, 2]], 1).astype(np.float32)  # (3, 3)

    def strip(self, start: int, stop: int) -> np.ndarray:
        """Cb and Cr as they are coded, (2, rows / v, columns / h) float32, for rows start..stop and whole MCUs across."""
        v, h = self.factors
        width = -(-self.mosaic.shape[1] // (8 * h)) * 8 * h
        rows = window(self.mosaic, start - HALO, stop + HALO, 2)  # (rows + 2 HALO, W)
        framed = _widened(rows, width)
        if library() is not None:
            chroma = self._compiled(framed)
        else:
            chroma = np.empty((2, (stop - start) // v, width // h), np.float32)
            count = max(BLOCK_PIXELS // (stop - start) // COLUMNS, 4) * COLUMNS
            for left in range(0, width, count):
                right = min(left + count, width)
                chroma[:, :, left // h : right // h] = self._block(framed[:, left : right + 2 * HALO])
        return np.stack([sharpened(plane, self.factors) for plane in chroma])

    @property
    def _turn(self) -> tuple[slice, ...]:
        """By which red comes first, as cells have it."""
        return tuple(slice(None, None, -1 if red else 1) for red in self.red)

    def _block(self, mosaic: np.ndarray) -> np.ndarray:
        """Means of Cb and Cr within the halo, (2, rows, columns)."""
        cells = self._cells(mosaic[self._turn])  # (2, 2, h, w)
        planes = bayer.demosaic(cells)  # (3, 2, 2, h, w) without the halo: green, and how much less red and blue are
        green, *less = planes.reshape(3, -1, planes.shape[-1]).copy()
        for code, row in zip(planes.reshape(3, *green.shape), self.matrix, strict=True):
            light = _weighed((green, *less), row)  # (4 h, w) linear sRGB, FINE to 1
            light += self.zero
            self.codes.take(light.astype(np.intp), mode="clip", out=code)
        return self._subsampled(planes)[(slice(None), *self._turn)]

    def _compiled(self, framed: np.ndarray) -> np.ndarray:
        """As `_block`, of a strip at once."""
        v, h = self.factors
        turned = np.ascontiguousarray(framed[self._turn])
        rows, columns = (size // 2 - HALO for size in framed.shape)  # of cells
        chroma = np.empty((2, 2 * rows // v, 2 * columns // h), np.float32)
        by_cell = [np.ascontiguousarray(line[self._turn]) for line in (self.scale, self.bias)]
        picture = ChromaPicture(
            turned.ctypes.data, turned.shape[1], *(line.ctypes.data for line in by_cell), self.white_at,
            self.matrix.ctypes.data, self.zero, self.codes.ctypes.data, len(self.codes), self.to_chroma.ctypes.data, v, h,
        )  # fmt: skip
        call("core_chroma", picture, rows, columns, chroma)
        return chroma[(slice(None), *self._turn)]

    def _cells(self, mosaic: np.ndarray) -> np.ndarray:
        """Balanced samples (2, 2, h, w)."""
        cells = np.empty((2, 2, mosaic.shape[0] // 2, mosaic.shape[1] // 2), np.float32)
        for y, x in np.ndindex(2, 2):
            position, cell = (y ^ self.red[0], x ^ self.red[1]), cells[y, x]
            np.copyto(cell, mosaic[y::2, x::2])
            cell *= self.scale[position]
            cell += self.bias[position]
            np.clip(cell, None, self.white_at, out=cell)
        return cells

    def _subsampled(self, codes: np.ndarray) -> np.ndarray:
        """R, G, B at the photosites of cells (3, 2, 2, h, w) -> means of Cb and Cr (2, rows, columns)."""
        v, h = self.factors
        if v == 2:
            codes = codes[:, :1] + codes[:, 1:]
        if h == 2:
            codes = codes[:, :, :1] + codes[:, :, 1:]
        y, x, height, width = codes.shape[1:]
        chroma = np.stack([_weighed(codes, row) for row in self.to_chroma])  # (2, y, x, h, w): means of cells
        return chroma.transpose(0, 3, 1, 4, 2).reshape(2, y * height, x * width)


def _widened(rows: np.ndarray, width: int) -> np.ndarray:
    """Rows of cells with HALO columns on the left and right, and as make `width` of them, in phase as `window` has them."""
    if rows.shape[1] < 2:
        return window(rows.T, -HALO, width + HALO, 2).T
    framed = np.empty((len(rows), width + 2 * HALO), rows.dtype)
    last = HALO + rows.shape[1]
    framed[:, HALO:last] = rows
    for x in (0, 1):
        framed[:, x:HALO:2] = rows[:, x, None]
        framed[:, last + x :: 2] = rows[:, rows.shape[1] - 2 + x, None]
    return framed


def _weighed(planes: Iterable[np.ndarray], weights: np.ndarray) -> np.ndarray:
    """The sum of planes times weights, from the first on: an order that BLAS would not keep."""
    total, *others = (plane * weight for plane, weight in zip(planes, weights, strict=True))
    for other in others:
        total += other
    return total


@lru_cache(maxsize=4)
def _encoding(curve: Curve) -> np.ndarray:
    """Codes of linear light, FINE to 1, from LIGHT_RANGE[0] on."""
    low, high = LIGHT_RANGE
    light = low + np.arange(round((high - low) * FINE)) / FINE
    return curve.encode(light.astype(np.float32)).astype(np.float32)


def sharpened(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Subsampled chroma, with what the decoder's upsampling will blur sharpened once beforehand: twice it, less its blur."""
    if library() is not None and 2 in factors:
        sharp = np.empty(plane.shape, np.float32)
        call("core_sharpen", np.ascontiguousarray(plane), *plane.shape, *factors, sharp)
        return sharp
    blurred = plane
    for axis, factor in enumerate(factors):
        blurred = _blurred(blurred, axis) if factor == 2 else blurred
    return 2 * plane - blurred if blurred is not plane else plane


def _blurred(plane: np.ndarray, axis: int) -> np.ndarray:
    """What is left of subsampled chroma that is upsampled (`blocks.grow`) and subsampled again: 1/8, 3/4, 1/8."""
    lines = plane if axis == 0 else plane.T
    blurred, eighth = lines * np.float32(0.75), lines * np.float32(0.125)
    blurred[1:] += eighth[:-1]
    blurred[:-1] += eighth[1:]
    blurred[0] += eighth[0]
    blurred[-1] += eighth[-1]
    return blurred if axis == 0 else blurred.T
