"""Sharpening of a photo: how much of it is undone, and how much fine luma that takes away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Sharpening:
    """What is to be undone of a photo's sharpening."""

    share: float = 1.0
    """Of what cameras add in the mean: 0 leaves it."""
    reason: str = ""
    """Why none is undone, in words."""


def taken_away(bands: Iterable[tuple[np.ndarray, np.ndarray]]) -> float:
    """The share of fine luma that was taken for sharpening, as unsharp masking by a pixel adds it: 0 is none.

    bands: luma before sharpening and what was added to it the other way, (rows, width) float32.
    """
    added = fine = 0.0
    for plain, sharpened in bands:
        detail = plain[1:-1, 1:-1] - (plain[:-2, 1:-1] + plain[2:, 1:-1] + plain[1:-1, :-2] + plain[1:-1, 2:]) / 4
        added -= float(np.vdot(sharpened[1:-1, 1:-1], detail))
        fine += float(np.vdot(detail, detail))
    return max(added / fine, 0.0) if fine else 0.0
