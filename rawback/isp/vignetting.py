"""How much a lens' light falls off towards the corners, and what a camera does against it."""

from __future__ import annotations

import numpy as np


def radius2(height: int, width: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Squared distance from the centre of a picture, 1 in its corners, at rows start..stop: (rows, width) float64."""
    y = (np.arange(start, height if stop is None else stop) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    corner = (width**2 + height**2) / 4
    return ((y * height) ** 2)[:, None] / corner + ((x * width) ** 2)[None] / corner


def gain(terms: tuple[float, ...], height: int, width: int, start: int, stop: int) -> np.ndarray:
    """The camera's gain against its lens at rows start..stop, 1 + v0 r^2 + v1 r^4 + ... : (rows, width) float32."""
    r2 = radius2(height, width, start, stop)
    total = np.zeros_like(r2)
    for term in reversed(terms):
        total = (total + term) * r2
    return (1 + total).astype(np.float32)
