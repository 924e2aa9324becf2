"""Sharpening of a photo: how much of it is undone, and how much fine luma that takes away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rawback.isp.dct import grow, shrink

OCTAVES = 3
"""Of a picture, as sharpening is measured: what means over 2x2 pixels leave, 4x4 of those, and 8x8 of those."""


@dataclass(frozen=True)
class Sharpening:
    """What is to be undone of a photo's sharpening."""

    share: float = 1.0
    """Of what cameras add in the mean: 0 leaves it."""
    reason: str = ""
    """Why none is undone, in words."""
    octaves: tuple[float, ...] = ()
    """Where the camera was measured, instead: which share of each of OCTAVES is sharpening, the finest first."""


def octaves(plane: np.ndarray, count: int) -> list[np.ndarray]:
    """What means over cells of 2, 4, 8 ... pixels leave of the octave before, each (H, W) float32.

    Sides are multiples of 2^count.
    """
    smaller = shrink(plane, (2, 2))
    below = [grow(octave, (2, 2)) for octave in octaves(smaller, count - 1)] if count > 1 else []
    return [plane - grow(smaller, (2, 2)), *below]


def without(plane: np.ndarray, shares: Sequence[float]) -> np.ndarray:
    """A plane (H, W) float32 without these shares of its octaves, the finest first; none is made stronger.

    Sides are multiples of 2^len(shares). A pixel sees less than 2 * 2^len(shares) pixels each way.
    """
    if not shares:
        return plane
    smaller = shrink(plane, (2, 2))
    kept = np.float32(1 - min(max(shares[0], 0), 1))
    return grow(without(smaller, shares[1:]), (2, 2)) + kept * (plane - grow(smaller, (2, 2)))


def detail(luma: np.ndarray) -> np.ndarray:
    """What a pixel differs from the mean of its four neighbours by: (H, W) -> (H - 2, W - 2)."""
    return luma[1:-1, 1:-1] - (luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]) / 4


def taken_away(bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The share of fine luma that was taken for sharpening, as unsharp masking by a pixel adds it: 0 is none.

    bands: luma before sharpening and what was added to it the other way, (rows, width) float32.
    """
    added = fine = 0.0
    for plain, sharpened in bands:
        own = detail(plain)
        added -= float(np.vdot(sharpened[1:-1, 1:-1], own))
        fine += float(np.vdot(own, own))
    return max(added / fine, 0.0) if fine else 0.0
