"""What became of a JPEG since rawback rendered it: untouched, rotated, recompressed or edited."""

from __future__ import annotations

from enum import Enum

import numpy as np

from rawback.coefficients import Coefficients
from rawback.recipe import Recipe

GRID, CHROMA_GRID = 16, 8
TOLERANCE = 6.0
"""Code values by which a cell of the thumbnail may differ before the picture counts as edited: saving again at
quality 50 moves no cell by more than 3, a visible retouch moves one by more than 10."""


class State(Enum):
    """What the recipe's hash, size and thumbnail say about the picture."""

    UNTOUCHED = "untouched"
    ROTATED = "rotated"
    """Turned or mirrored without loss: undone exactly."""
    RECOMPRESSED = "recompressed"
    EDITED = "edited"


def thumbnail(picture: Coefficients) -> bytes:
    """16x16 luma, 8x8 Cb, 8x8 Cr as a viewer shows them, one byte each: from the blocks' means alone."""
    means = block_means(picture)
    grids = (GRID, CHROMA_GRID, CHROMA_GRID)
    return b"".join(np.rint(_cells(m, n)).astype(np.uint8).tobytes() for m, n in zip(means, grids, strict=True))


def block_means(picture: Coefficients) -> list[np.ndarray]:
    """Mean of each 8x8 block of Y, Cb, Cr, clipped to 0..255 (float32); a grey picture gets neutral chroma."""
    means = [np.clip(p[..., 0] * (t[0] / 8) + 128, 0, 255) for p, t in zip(picture.planes, picture.tables, strict=True)]
    return means if len(means) == 3 else [means[0]] + [np.full((1, 1), 128.0)] * 2


def _cells(plane: np.ndarray, n: int) -> np.ndarray:
    """Area average to n x n cells, by integrating along each axis."""
    for _ in range(2):
        sums = np.concatenate([np.zeros((1, plane.shape[1])), np.cumsum(plane, 0)])
        edges = np.linspace(0, plane.shape[0], n + 1)
        at = np.stack([np.interp(edges, np.arange(len(sums)), column) for column in sums.T], 1)
        plane = (np.diff(at, axis=0) * n / plane.shape[0]).T
    return plane


def examine(picture: Coefficients, recipe: Recipe) -> tuple[State, Coefficients]:
    """What became of the picture, and the picture turned back as it was rendered (unless edited)."""
    for turn in TURNS:
        if turn.size(picture) != (recipe.width, recipe.height):
            continue
        turned = turn.undo(picture)
        if turned.sha256() == recipe.picture_sha256:
            return (State.UNTOUCHED if turn is TURNS[0] else State.ROTATED), turned
    for turn in TURNS:
        if turn.size(picture) == (recipe.width, recipe.height) and recipe.thumbnail:
            turned = turn.undo(picture)
            if _resembles(turned, recipe.thumbnail):
                return State.RECOMPRESSED, turned
    return State.EDITED, picture


def _resembles(picture: Coefficients, expected: bytes) -> bool:
    found, wanted = (np.frombuffer(b, np.uint8).astype(int) for b in (thumbnail(picture), expected))
    return bool(np.abs(found - wanted).max() <= TOLERANCE)


class Turn:
    """A lossless turn of coefficients: perhaps transposed, then mirrored along rows or columns (as jpegtran does)."""

    def __init__(self, transpose: bool, flip_rows: bool, flip_columns: bool) -> None:
        self.transpose, self.flips = transpose, (flip_rows, flip_columns)

    def size(self, picture: Coefficients) -> tuple[int, int]:
        """Width and height once turned."""
        return (picture.height, picture.width) if self.transpose else (picture.width, picture.height)

    def undo(self, picture: Coefficients) -> Coefficients:
        """The picture turned: transposed first, then mirrored."""
        if not self.transpose and not any(self.flips):
            return picture
        planes = [self._plane(p) for p in picture.planes]
        tables = [_transposed(t) if self.transpose else t for t in picture.tables]
        factors = picture.factors[::-1] if self.transpose else picture.factors
        return Coefficients(*self.size(picture), planes, tables, factors)

    def _plane(self, plane: np.ndarray) -> np.ndarray:
        if self.transpose:
            plane = _transposed(plane.swapaxes(0, 1))
        odd = np.arange(8) % 2 == 1  # mirroring changes the sign of odd frequencies
        for axis, flip in enumerate(self.flips):
            if flip:
                signs = np.where(odd[:, None] if axis == 0 else odd[None, :], -1, 1) * np.ones((8, 8), int)
                plane = np.flip(plane, axis) * signs.reshape(64).astype(np.int16)
        return plane


def _transposed(last: np.ndarray) -> np.ndarray:
    return last.reshape(*last.shape[:-1], 8, 8).swapaxes(-1, -2).reshape(last.shape)


TURNS = [Turn(t, r, c) for t in (False, True) for r in (False, True) for c in (False, True)]
