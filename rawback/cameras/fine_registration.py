"""Where a picture lies on its RAW to a fraction of a pixel: where its codes follow from light alone as well as they can."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

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
    def sides(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Where it begins and ends, down and across."""
        return (self.y - self.height / 2, self.y + self.height / 2), (self.x - self.width / 2, self.x + self.width / 2)

    def lies_in(self, shape: tuple[int, ...]) -> bool:
        """Whether it has no part outside of an image (H, W)."""
        return all(start >= 0 and stop <= side for (start, stop), side in zip(self.sides, shape, strict=True))


class Plane:
    """Light (H, W), of which means over any regions are asked for."""

    def __init__(self, light: np.ndarray) -> None:
        self.shape = light.shape
        self.level = float(light.mean())  # sums stay small without it: float32 holds them
        self.sums = np.zeros((light.shape[0] + 1, light.shape[1]), np.float32)
        for row, above, below in zip(light - np.float32(self.level), self.sums, self.sums[1:], strict=False):
            np.add(above, row, out=below)  # numpy's cumsum goes down each column, which takes ten times as long
        self.by_rows: dict[tuple[float, float, int], np.ndarray] = {}

    def means(self, region: Region, rows: int, columns: int) -> np.ndarray:
        """Exact means (rows, columns) over the even parts of a region that lies in it."""
        (top, bottom), (left, right) = region.sides
        area = (bottom - top) * (right - left) / (rows * columns)
        sums = self._row_sums(top, bottom, rows)
        return np.diff(_between(sums, np.linspace(left, right, columns + 1)), axis=0).T / area + self.level

    def _row_sums(self, top: float, bottom: float, rows: int) -> np.ndarray:
        """Sums of rows, and of columns up to each: (W + 1, rows). Moves to either side ask for the same again."""
        key = (top, bottom, rows)
        if key not in self.by_rows:
            down = np.diff(_between(self.sums, np.linspace(top, bottom, rows + 1)), axis=0)
            sums = np.zeros((self.shape[1] + 1, rows), np.float32)
            np.cumsum(down.T, axis=0, out=sums[1:])
            self.by_rows[key] = sums
        return self.by_rows[key]


def _between(sums: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Rows of sums (H + 1, W) at fractions of them."""
    before = np.clip(at.astype(np.intp), 0, len(sums) - 2)
    share = (at - before).astype(np.float32)[:, None]
    return sums[before] * (1 - share) + sums[before + 1] * share


def refine(light: Plane, codes: np.ndarray, start: Region, pixel: float) -> Region:
    """The region of light (H, W) that codes (rows, columns), means over blocks of a picture, are best explained by.

    start: one that is at most a few pixels off; pixel: the width of one of the picture's, in those of light.
    """
    told = (codes > TOLD[0]) & (codes < TOLD[1])
    if told.sum() < LEVELS or not start.lies_in(light.shape):
        return start
    best, least, step = start, _unexplained(light, codes, told, start), COARSEST
    while step >= FINEST:
        for _ in range(MOST_MOVES):
            moves = [
                replace(best, **{name: getattr(best, name) + sign * step * pixel * (2 if name in ("height", "width") else 1)})
                for name in ("y", "x", "height", "width") for sign in (1, -1)
            ]  # fmt: skip
            tried = [(_unexplained(light, codes, told, move), move) for move in moves if move.lies_in(light.shape)]
            value, nearer = min(tried, key=lambda move: move[0], default=(least, best))
            if value >= least:
                break
            best, least = nearer, value
        step /= 2
    return best


def _unexplained(light: Plane, codes: np.ndarray, told: np.ndarray, region: Region) -> float:
    """Squared codes that a curve of light would leave."""
    level = np.log(np.maximum(light.means(region, *codes.shape)[told], DARK))
    level -= level.min()
    at = (level * ((LEVELS - 1) / max(float(level.max()), 1e-9))).astype(np.intp)
    count, total = np.bincount(at), np.bincount(at, codes[told])
    return float(np.square(codes[told]).sum() - (total**2 / np.maximum(count, 1)).sum())
