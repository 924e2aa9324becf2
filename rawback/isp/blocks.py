"""Planes of a JPEG in float: 8x8 DCT, quantisation with a dead zone, chroma subsampling and libjpeg's triangle upsampling."""

from __future__ import annotations

import numpy as np

LIMIT = 1023
"""Largest magnitude of a quantised coefficient in a baseline JPEG."""


def _dct_matrix() -> np.ndarray:
    k, n = np.mgrid[:8, :8]
    basis = np.cos(np.pi * (2 * n + 1) * k / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)
    return np.kron(basis, basis).astype(np.float32)  # (64 coefficients, 64 samples)


DCT = _dct_matrix()


def to_coefficients(plane: np.ndarray) -> np.ndarray:
    """(8m, 8n) float32 samples -> (m, n, 64) float32 coefficients in natural order."""
    m, n = plane.shape[0] // 8, plane.shape[1] // 8
    blocks = plane.reshape(m, 8, n, 8).swapaxes(1, 2).reshape(m * n, 64)
    return (blocks @ DCT.T).reshape(m, n, 64)


def to_plane(coefficients: np.ndarray) -> np.ndarray:
    """(m, n, 64) float32 coefficients -> (8m, 8n) float32 samples."""
    m, n = coefficients.shape[:2]
    blocks = coefficients.reshape(m * n, 64) @ DCT
    return blocks.reshape(m, n, 8, 8).swapaxes(1, 2).reshape(m * 8, n * 8)


def quantise(steps: np.ndarray, dead_zone: float) -> np.ndarray:
    """Coefficients in quantiser steps -> int16 levels; a level is kept from (1 - dead_zone) of a step on.

    A dead zone of 0.5 is plain rounding. DC is always rounded: an error of a mean is seen, and costs no fewer bits.
    """
    levels = np.abs(steps)
    levels += np.float32(dead_zone)
    np.floor(levels, out=levels)
    np.minimum(levels, LIMIT, out=levels)
    np.copysign(levels, steps, out=levels)
    levels[..., 0] = np.clip(np.rint(steps[..., 0]), -LIMIT, LIMIT)
    return levels.astype(np.int16)


def dequantise(levels: np.ndarray, table: np.ndarray, centroids: tuple[float, ...] = ()) -> np.ndarray:
    """(m, n, 64) int16 levels -> (8m, 8n) float32 samples.

    centroids: what to add to the magnitudes 1, 2 and larger of AC levels, in steps: the mean of what was quantised to
    them. Nothing: the middle, as every viewer takes it.
    """
    values = levels.astype(np.float32)
    if centroids:
        shifts = np.repeat(np.array(centroids, np.float32), (1, 1, LIMIT - 2))
        answers = np.arange(-LIMIT, LIMIT + 1, dtype=np.float32)
        answers += np.concatenate([-shifts[::-1], [0], shifts]).astype(np.float32)
        values = answers[np.clip(levels, -LIMIT, LIMIT) + LIMIT]
        values[..., 0] = levels[..., 0]
    return to_plane(values * table.reshape(64).astype(np.float32))


def shrink(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Mean over (rows, columns) cells, as libjpeg subsamples."""
    v, h = factors
    if (v, h) == (1, 1):
        return plane
    return np.asarray(sum(plane[i::v, j::h] for i in range(v) for j in range(h))) * np.float32(1 / (v * h))


def grow(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """The way back: triangle filter by 2 (libjpeg's fancy upsampling, but in float), repetition by other factors."""
    for axis, factor in enumerate(factors):
        plane = _triangle(plane, axis) if factor == 2 else np.repeat(plane, factor, axis) if factor > 1 else plane
    return plane


def _triangle(plane: np.ndarray, axis: int) -> np.ndarray:
    padded = np.pad(plane, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
    shape = list(plane.shape)
    shape[axis] *= 2
    grown = np.empty(shape, plane.dtype)
    middle = plane * np.float32(0.75)
    n = plane.shape[axis]
    for parity, neighbour in ((0, 0), (1, 2)):
        target = grown[parity::2] if axis == 0 else grown[:, parity::2]
        beside = padded[neighbour : neighbour + n] if axis == 0 else padded[:, neighbour : neighbour + n]
        np.multiply(beside, np.float32(0.25), out=target)
        target += middle
    return grown
