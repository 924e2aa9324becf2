"""Planes of a JPEG in float: 8x8 DCT, quantisation with a dead zone, chroma subsampling and libjpeg's triangle upsampling."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from rawback.isp import dependent
from rawback.isp.levels import LIMIT
from rawback.isp.matmul import times
from rawback.isp.native.library import call, library

CHUNK = 1 << 15
"""Samples that are worked on at a time."""


def _dct_matrix() -> np.ndarray:
    k, n = np.mgrid[:8, :8]
    basis = np.cos(np.pi * (2 * n + 1) * k / 16) * np.where(k == 0, np.sqrt(1 / 8), 0.5)
    return np.kron(basis, basis).astype(np.float32)  # (64 coefficients, 64 samples)


DCT = _dct_matrix()
"""The orthonormal DCT of an 8x8 block (ITU T.81, A.3.3): (64 coefficients, 64 samples), both in natural order."""


def to_coefficients(plane: np.ndarray, scale: np.ndarray | float = 1.0) -> np.ndarray:
    """(8m, 8n) float32 samples -> (m, n, 64) float32 coefficients in natural order, times `scale`, a number or (64,)."""
    m, n = plane.shape[0] // 8, plane.shape[1] // 8
    basis = DCT.T * np.asarray(scale, np.float32)  # (64 samples, 64 coefficients)
    coefficients = np.empty((m, n, 64), np.float32)
    for rows in _chunks(m, n):
        samples = plane[8 * rows.start : 8 * rows.stop].reshape(-1, 8, n, 8).swapaxes(1, 2)  # (rows, n, 8, 8)
        times(samples.reshape(-1, n, 64), basis, coefficients[rows])
    return coefficients


def to_plane(coefficients: np.ndarray) -> np.ndarray:
    """(m, n, 64) float32 coefficients -> (8m, 8n) float32 samples."""
    m, n = coefficients.shape[:2]
    plane = np.empty((m * 8, n * 8), np.float32)
    for rows in _chunks(m, n):
        samples = times(coefficients[rows], DCT)  # (rows, n, 64)
        plane.reshape(m, 8, n, 8)[rows] = samples.reshape(-1, n, 8, 8).swapaxes(1, 2)
    return plane


def _chunks(m: int, n: int) -> list[slice]:
    """Rows of blocks that fit into the cache together: there half the time goes."""
    count = max(CHUNK // (64 * n), 1)
    return [slice(start, min(start + count, m)) for start in range(0, m, count)]


def quantise(steps: np.ndarray, dead_zone: float) -> np.ndarray:
    """Coefficients in quantiser steps -> int16 levels; a level is kept from (1 - dead_zone) of a step on.

    A dead zone of 0.5 is plain rounding. DC is always rounded: an error of a mean is seen, and costs no fewer bits.
    """
    if library() is not None:
        coded = np.empty(steps.shape, np.int16)
        call("core_quantise", np.ascontiguousarray(steps), steps.size // 64, float(dead_zone), coded)
        return coded
    levels = np.copysign(np.float32(dead_zone), steps)
    levels += steps
    np.rint(steps[..., 0], out=levels[..., 0])
    np.clip(levels, -LIMIT, LIMIT, out=levels)
    return levels.astype(np.int16)  # which drops the fraction


def drop_small(levels: np.ndarray, steps: np.ndarray, least: float) -> None:
    """Make levels 0 in place where their coefficients are below `least` steps, but for DC."""
    kept = np.abs(steps) >= np.float32(least)
    kept[..., 0] = True
    levels *= kept


def dequantise(
    levels: np.ndarray, table: np.ndarray, centroids: tuple[float, ...] = (), is_dependent: bool = False
) -> np.ndarray:
    """(m, n, 64) int16 levels -> (8m, 8n) float32 samples.

    centroids: what to add to the magnitudes 1, 2 and larger of AC levels, in steps: the mean of what was quantised to
    them. Nothing: the middle, as every viewer takes it. is_dependent: whether there are two quantisers (`isp.dependent`).
    """
    steps = table.reshape(64).astype(np.float32)
    values = np.empty(levels.shape, np.float32)
    for rows in _chunks(*levels.shape[:2]):
        if is_dependent:
            np.multiply(dependent.values(levels[rows], dependent.answers(centroids)), steps, out=values[rows])
        elif centroids:
            answers(centroids).take(np.add(levels[rows], LIMIT, dtype=np.intp), mode="clip", out=values[rows])
            values[rows, :, 0] = levels[rows, :, 0]
            values[rows] *= steps
        else:
            np.multiply(levels[rows], steps, out=values[rows])
    return to_plane(values)


@lru_cache(maxsize=4)
def answers(centroids: tuple[float, ...]) -> np.ndarray:
    """What the levels -LIMIT..LIMIT stand for, in steps."""
    shifts = np.repeat(np.array(centroids, np.float32), (1, 1, LIMIT - 2))
    answers = np.arange(-LIMIT, LIMIT + 1, dtype=np.float32)
    return answers + np.concatenate([-shifts[::-1], [0], shifts]).astype(np.float32)


def shrink(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Mean over (rows, columns) cells, as libjpeg subsamples."""
    v, h = factors
    if (v, h) == (1, 1):
        return plane
    if (v, h) == (2, 2) and plane.dtype == np.float32 and library() is not None:
        smaller = np.empty((len(plane) // 2, plane.shape[1] // 2), np.float32)
        call("core_shrink", np.ascontiguousarray(plane), *smaller.shape, smaller)
        return smaller
    return np.asarray(sum(plane[i::v, j::h] for i in range(v) for j in range(h))) * np.float32(1 / (v * h))


def grow(plane: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """The way back: triangle filter by 2 (libjpeg's fancy upsampling, but in float), repetition by other factors."""
    if 2 in factors and max(factors) == 2 and plane.dtype == np.float32 and library() is not None:
        grown = np.empty((plane.shape[0] * factors[0], plane.shape[1] * factors[1]), np.float32)
        call("core_grow", np.ascontiguousarray(plane), *plane.shape, *factors, 0, *grown.shape, grown)
        return grown
    for axis, factor in enumerate(factors):
        plane = _triangle(plane, axis) if factor == 2 else np.repeat(plane, factor, axis) if factor > 1 else plane
    return plane


def _triangle(plane: np.ndarray, axis: int) -> np.ndarray:
    shape = list(plane.shape)
    shape[axis] *= 2
    grown = np.empty(shape, plane.dtype)
    near, far = plane * np.float32(0.75), plane * np.float32(0.25)
    lines = grown if axis == 0 else grown.T
    near, far = (near, far) if axis == 0 else (near.T, far.T)
    np.add(near[1:], far[:-1], out=lines[2::2])
    np.add(near[:-1], far[1:], out=lines[1:-1:2])
    lines[0], lines[-1] = near[0] + far[0], near[-1] + far[-1]
    return grown


def laid_out(cells: np.ndarray) -> np.ndarray:
    """The samples of n x n cells, row by row (n * n, h, w) float32 -> (n h, n w)."""
    count, height, width = cells.shape
    n = math.isqrt(count)
    if library() is not None and n <= 4:
        plane = np.empty((n * height, n * width), np.float32)
        call("core_lay_out", np.ascontiguousarray(cells), n, height, width, plane)
        return plane
    return cells.reshape(n, n, height, width).transpose(2, 0, 3, 1).reshape(n * height, n * width)
