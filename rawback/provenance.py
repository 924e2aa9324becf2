"""What became of a JPEG since rawback rendered it: untouched, rotated, recompressed or edited."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np

from rawback.isp import dct, small_dct
from rawback.isp.matmul import times
from rawback.picture import Coefficients
from rawback.recipe import Recipe

GRID, CHROMA_GRID = 16, 8
TOLERANCE = 3.5
"""Code values by which a cell of the thumbnail may differ before the picture counts as edited. Saved again at quality
50 to 95, 4:2:0 or 4:4:4, no cell of ten real pictures moved by more than 1, of a drawn one full of colours that sRGB
cannot hold by more than 3. A caption moved one by 5 to 32, a red square of a 24th of the sides by 9 to 57, a patch of an
eighth of the sides put elsewhere by 20 to 157, 5 % of brightness by 7 to 11, a crop of 8 pixels scaled up again by 4 to 53."""
LARGE = 1 << 21
"""Pixels from which on means of 2x2 stand for them: fast enough, and as near where a cell has thousands of pixels."""
BAND = 4
"""Rows of MCUs that are brought to pixels at a time."""


class State(Enum):
    """What the recipe's hash, size and thumbnail say about the picture."""

    UNTOUCHED = "untouched"
    ROTATED = "rotated"
    """Turned or mirrored without loss: undone exactly."""
    RECOMPRESSED = "recompressed"
    """And perhaps turned, which is undone too."""
    EDITED = "edited"


def examine(picture: Coefficients, recipe: Recipe) -> tuple[State, Coefficients]:
    """What became of the picture, and the picture turned back as it was rendered (unless edited)."""
    turns = [turn for turn in TURNS if turn.size(picture) == (recipe.width, recipe.height)]
    for turn in turns:
        turned = turn.blocks(picture)
        if turned.sha256() == recipe.picture_sha256:
            return (State.UNTOUCHED if turn == TURNS[0] else State.ROTATED), turned
    if turns and recipe.thumbnail:
        present, rendered = cells(picture), _grids(recipe.thumbnail)
        nearest = min(turns, key=lambda turn: turn.differs(present, rendered))
        if nearest.differs(present, rendered) <= TOLERANCE:
            return State.RECOMPRESSED, nearest.pixels(picture)
    return State.EDITED, picture


def thumbnail(picture: Coefficients) -> bytes:
    """16x16 luma, 8x8 Cb, 8x8 Cr as a viewer shows them, one byte each."""
    return b"".join(np.rint(grid).astype(np.uint8).tobytes() for grid in cells(picture))


def cells(picture: Coefficients) -> list[np.ndarray]:
    """Area averages of what `displayed` gives of Y, Cb and Cr: 16x16, 8x8 and 8x8 cells."""
    n = 4 if picture.width * picture.height >= LARGE else 8
    height, width = _size(picture, n)
    shares = [(_overlap(grid, height), _overlap(grid, width)) for grid in (GRID, CHROMA_GRID, CHROMA_GRID)]
    means = [np.zeros((grid, grid), np.float32) for grid in (GRID, CHROMA_GRID, CHROMA_GRID)]
    for top, planes in _bands(picture, n):
        for cell, plane, (down, across) in zip(means, planes, shares, strict=True):
            part = down[:, top : top + len(plane)]
            for row in np.flatnonzero(part.any(1)):
                cell[row] += np.einsum("gx,x->g", across, np.einsum("y,yx->x", part[row], plane))
    return means


def _overlap(n: int, size: int) -> np.ndarray:
    """(n, size) float32: the share that each of `size` samples has in the mean of each of `n` cells."""
    edges, at = np.linspace(0, size, n + 1)[:, None], np.arange(size)
    shares = np.minimum(edges[1:], at + 1) - np.maximum(edges[:-1], at)
    return (np.clip(shares, 0, None) * (n / size)).astype(np.float32)


def _grids(stored: bytes) -> list[np.ndarray]:
    values, luma = np.frombuffer(stored, np.uint8).astype(np.float32), GRID**2
    return [values[:luma].reshape(GRID, GRID), *values[luma:].reshape(2, CHROMA_GRID, CHROMA_GRID)]


def displayed(picture: Coefficients, n: int) -> np.ndarray:
    """Y, Cb, Cr as viewers clamp them, (3, rows, columns) float32 in 0..255, at n eighths of their size (1, 2, 4 or 8).

    That is what remains when another program saves the picture anew: out of its gamut, and in blocks that are partly
    blown, it differs much from the means of the coefficients.
    """
    planes = np.empty((3, *_size(picture, n)), np.float32)
    for top, band in _bands(picture, n):
        planes[:, top : top + band.shape[1]] = band
    return planes


def _size(picture: Coefficients, n: int) -> tuple[int, int]:
    return -(-picture.height * n // 8), -(-picture.width * n // 8)


def _bands(picture: Coefficients, n: int) -> Iterator[tuple[int, np.ndarray]]:
    """The first row and the planes of each band of `displayed`."""
    rows, columns = _size(picture, n)
    v, _ = picture.factors
    for top in range(0, len(picture.planes[0]), BAND * v):
        luma, *chroma = (_samples(p[at : at + count], t, n) for p, t, at, count in _band(picture, top))
        yield n * top, small_dct.clamped(luma, chroma, picture.factors)[:, : rows - n * top, :columns]


def _band(picture: Coefficients, top: int) -> Iterator[tuple[np.ndarray, np.ndarray, int, int]]:
    """Plane, table, first block row and their number, of each component, from block row `top` of luma on."""
    v = picture.factors[0]
    for number, (plane, table) in enumerate(zip(picture.planes, picture.tables, strict=True)):
        yield plane, table, top // (v if number else 1), BAND * (1 if number else v)


def _samples(levels: np.ndarray, table: np.ndarray, n: int) -> np.ndarray:
    """(rows, columns, 64) levels -> n x n means of each block, centred on 0."""
    if n == 1:
        return levels[..., 0] * np.float32(table.flat[0] / 8)
    if n == 4:
        return small_dct.quarters(levels, table)
    rows, columns = levels.shape[:2]
    means = dct.DCT.reshape(64, n, 8 // n, n, 8 // n).mean((2, 4)).reshape(64, n * n)
    samples = times(levels.reshape(rows * columns, 64) * table.astype(np.float32), means)
    return samples.reshape(rows, columns, n, n).swapaxes(1, 2).reshape(n * rows, n * columns)


@dataclass(frozen=True)
class Turn:
    """The way back from a picture that was turned or mirrored: perhaps transposed, then rows or columns reversed."""

    transpose: bool
    rows: bool
    columns: bool

    def size(self, picture: Coefficients) -> tuple[int, int]:
        """Width and height once turned."""
        return (picture.height, picture.width) if self.transpose else (picture.width, picture.height)

    def differs(self, present: list[np.ndarray], rendered: list[np.ndarray]) -> float:
        """Largest difference between the cells of a picture, turned, and those of the one that was rendered."""
        return max(float(np.abs(self._turned(a) - b).max()) for a, b in zip(present, rendered, strict=True))

    def _turned(self, plane: np.ndarray) -> np.ndarray:
        plane = plane.T if self.transpose else plane
        return plane[:: -1 if self.rows else 1, :: -1 if self.columns else 1]

    def blocks(self, picture: Coefficients) -> Coefficients:
        """Turned block by block, as jpegtran does without loss: an MCU that is cut by the far edge stays there."""
        if self == TURNS[0]:
            return picture
        width, height = self.size(picture)
        v, h = self._factors(picture)
        planes = []
        for number, plane in enumerate(picture.planes):
            plane = _transposed(plane.swapaxes(0, 1)) if self.transpose else plane
            for axis, (flip, side, factor) in enumerate(((self.rows, height, v), (self.columns, width, h))):
                kept = side // (8 * factor) * (1 if number else factor)
                plane = _reversed(plane, axis, kept) if flip else plane
            planes.append(plane)
        return Coefficients(width, height, planes, self._tables(picture), (v, h))

    def pixels(self, picture: Coefficients) -> Coefficients:
        """Turned sample by sample, which no partial block disturbs; levels are then fractions of the same tables."""
        if self == TURNS[0]:
            return picture
        width, height = self.size(picture)
        v, h = self._factors(picture)
        tables, planes = self._tables(picture), []
        for number, (plane, table) in enumerate(zip(picture.planes, picture.tables, strict=True)):
            fv, fh = picture.factors if number else (1, 1)
            samples = dct.to_plane(plane * table.astype(np.float32))
            samples = self._turned(samples[: -(-picture.height // fv), : -(-picture.width // fh)])
            m, n = (-(-size // 8) for size in samples.shape)
            framed = np.pad(samples, [(0, 8 * m - samples.shape[0]), (0, 8 * n - samples.shape[1])], mode="edge")
            planes.append(dct.to_coefficients(np.ascontiguousarray(framed)) / tables[number])
        return Coefficients(width, height, planes, tables, (v, h))

    def _factors(self, picture: Coefficients) -> tuple[int, int]:
        return picture.factors[::-1] if self.transpose else picture.factors

    def _tables(self, picture: Coefficients) -> list[np.ndarray]:
        return [_transposed(t) if self.transpose else t for t in picture.tables]


def _transposed(last: np.ndarray) -> np.ndarray:
    return last.reshape(*last.shape[:-1], 8, 8).swapaxes(-1, -2).reshape(last.shape)


def _reversed(plane: np.ndarray, axis: int, count: int) -> np.ndarray:
    """The first `count` block rows (axis 0) or columns (axis 1) mirrored: their order, and the sign of odd frequencies."""
    signs = np.ones((8, 8), np.int16)
    (signs if axis == 0 else signs.T)[1::2] = -1
    turned = plane.copy()
    at = (slice(count),) if axis == 0 else (slice(None), slice(count))
    turned[at] = np.flip(plane[at], axis) * signs.reshape(64)
    return turned


TURNS = [Turn(t, r, c) for t in (False, True) for r in (False, True) for c in (False, True)]
"""The first does nothing."""
