"""Pictures at half of their size straight from a JPEG's levels, as viewers clamp them: by numpy and by the compiled core alike.

The mean of two neighbours of an inverse DCT is an inverse DCT of half the length, of coefficients that are folded: of those
of k and 8 - k, which differ in sign alone, one is left; that of 4 is lost.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.native.library import call, library

CHUNK = 1 << 9
"""Blocks that numpy works on at a time."""
FREQUENCIES = np.arange(8)
SHARES = np.where(FREQUENCIES == 0, np.sqrt(1 / 8), 0.5 * np.cos(FREQUENCIES * np.pi / 16)) * np.where(FREQUENCIES > 4, -1, 1)
"""What a coefficient adds to the one that is left of it, in one dimension."""
LONG, SHORT, HALF = np.float32(0.923879533), np.float32(0.382683433), np.float32(0.707106781)
"""Cosines of pi / 8, 3 pi / 8 and pi / 4."""
RED, GREEN_BLUE, GREEN_RED, BLUE = (np.float32(value) for value in (1.402, -0.344136286, -0.714136286, 1.772))
"""What Cr adds to R, Cb and Cr to G, and Cb to B (T.871, 7)."""
TO_Y = np.array([0.299, 0.587, 0.114], np.float32)
TO_CB, TO_CR = np.float32(0.5 / 0.886), np.float32(0.5 / 0.701)
"""By what B and R, less Y, are to be multiplied."""


def quarters(levels: np.ndarray, table: np.ndarray) -> np.ndarray:
    """(m, n, 64) int16 levels -> (4m, 4n) float32: means of 2 x 2 samples, centred on 0."""
    m, n = levels.shape[:2]
    factors = (np.outer(SHARES, SHARES).ravel() * np.asarray(table, np.float64).reshape(64)).astype(np.float32)
    plane = np.empty((4 * m, 4 * n), np.float32)
    if library() is not None and levels.dtype == np.int16:
        call("core_quarters", np.ascontiguousarray(levels), m, n, factors, plane)
        return plane
    for row, out in zip(levels, plane.reshape(m, 4, n, 4), strict=True):
        for start in range(0, n, CHUNK):
            values = np.ascontiguousarray(row[start : start + CHUNK].T, np.float32)  # (64, blocks)
            values *= factors[:, None]
            halved = _halved(_halved(values.reshape(8, 8, -1)).swapaxes(0, 1))  # (x, y, blocks)
            out[:, start : start + CHUNK] = halved.transpose(1, 2, 0)
    return plane


def _halved(x: np.ndarray) -> np.ndarray:
    """One dimension, along axis 0: (8, ...) -> (4, ...)."""
    first, second, third = x[1] + x[7], x[2] + x[6], x[3] + x[5]
    second *= HALF
    even, odd = (x[0] + second, x[0] - second), (first * LONG + third * SHORT, first * SHORT - third * LONG)
    return np.stack([even[0] + odd[0], even[1] + odd[1], even[1] - odd[1], even[0] - odd[0]])


def clamped(luma: np.ndarray, chroma: list[np.ndarray], factors: tuple[int, int]) -> np.ndarray:
    """What viewers show of Y (rows, columns), Cb and Cr (rows / v, columns / h) centred on 0: clamped, then clamped as RGB.

    Returns Y, Cb and Cr (3, rows, columns) float32 in 0..255; without chroma those of a grey picture.
    """
    ycc = np.empty((3, *luma.shape), np.float32)
    if library() is not None and len(chroma) == 2:
        planes = [np.ascontiguousarray(plane, np.float32) for plane in (luma, *chroma)]
        call("core_clamped", *planes, *luma.shape, chroma[0].shape[1], *factors, ycc)
        return ycc
    y = np.clip(luma + np.float32(128), 0, 255)
    cb, cr = (np.clip(_repeated(plane, factors, luma.shape), -128, 127) for plane in chroma or [np.zeros_like(luma)] * 2)
    red, blue = np.clip(y + cr * RED, 0, 255), np.clip(y + cb * BLUE, 0, 255)
    green = np.clip(y + cb * GREEN_BLUE + cr * GREEN_RED, 0, 255)
    ycc[0] = red * TO_Y[0] + green * TO_Y[1] + blue * TO_Y[2]
    ycc[1] = (blue - ycc[0]) * TO_CB + np.float32(128)
    ycc[2] = (red - ycc[0]) * TO_CR + np.float32(128)
    return ycc


def _repeated(plane: np.ndarray, factors: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Chroma as large as luma of a shape."""
    return np.repeat(np.repeat(plane, factors[0], 0), factors[1], 1)[: shape[0], : shape[1]] if plane.shape != shape else plane
