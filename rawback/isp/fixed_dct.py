"""The 8x8 DCT in a fixed order of additions: the same bits on every processor, by numpy and by the compiled core.

The fast algorithm of Arai, Agui and Nakajima (1988), as libjpeg's floating-point DCT has it: both directions leave a
scale to each frequency, which goes into the quantisation tables.
"""

from __future__ import annotations

import numpy as np

from rawback.isp import dependent
from rawback.isp.native.library import call, library

CHUNK = 1 << 9
"""Blocks that numpy works on at a time."""
SCALE = np.where(np.arange(8) == 0, 1, np.cos(np.arange(8) * np.pi / 16) * np.sqrt(2))
"""By which the algorithm leaves each frequency of one dimension too large."""
SCALES = np.outer(SCALE, SCALE).ravel() / 8
"""(64,) both dimensions, and the eighth that makes the DCT orthonormal."""
HALF, QUARTER_TURN, TURN = np.float32(0.707106781), np.float32(1.414213562), np.float32(1.847759065)
OUTER, INNER = np.float32(1.082392200), np.float32(2.613125930)
SMALL, LESS, MORE = np.float32(0.382683433), np.float32(0.541196100), np.float32(1.306562965)
"""Cosines and sines of multiples of pi / 8 (`jidctflt.c`, `jfdctflt.c`), float32."""


def to_steps(table: np.ndarray, unit: float = 1.0) -> np.ndarray:
    """(64,) float32: by what `forward` has to multiply, for coefficients in quantiser steps of samples times `unit`."""
    return (unit / (64 * SCALES * np.asarray(table, np.float64).reshape(64))).astype(np.float32)


def from_steps(table: np.ndarray, unit: float = 1.0) -> np.ndarray:
    """(64,) float32: the way back, by what `inverse` has to multiply levels, for samples times `unit`."""
    return (unit * SCALES * np.asarray(table, np.float64).reshape(64)).astype(np.float32)


def forward(plane: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """(8m, 8n) float32 samples -> (m, n, 64) float32 coefficients in natural order, each times its factor."""
    m, n = plane.shape[0] // 8, plane.shape[1] // 8
    steps = np.empty((m, n, 64), np.float32)
    if library() is not None:
        call("core_forward", np.ascontiguousarray(plane), m, n, factors, steps)
        return steps
    scale, blocks = factors[:, None], plane.reshape(m, 8, n, 8)
    for row, out in zip(blocks, steps, strict=True):
        for start in range(0, n, CHUNK):
            samples = np.ascontiguousarray(row[:, start : start + CHUNK].transpose(0, 2, 1))  # (8, 8, blocks)
            coefficients = _forward(_forward(samples.swapaxes(0, 1)).swapaxes(0, 1)).reshape(64, -1)
            coefficients *= scale
            out[start : start + CHUNK] = coefficients.T
    return steps


def inverse(levels: np.ndarray, factors: np.ndarray, answers: np.ndarray | None = None) -> np.ndarray:
    """(m, n, 64) int16 levels -> (8m, 8n) float32 samples.

    answers: what AC levels from -n / 2 to n / 2 stand for, in steps (n,) float32; beyond, the ends are taken; (2, n): of
    two quantisers (`isp.dependent`).
    """
    m, n = levels.shape[:2]
    plane = np.empty((8 * m, 8 * n), np.float32)
    if library() is not None:
        call("core_inverse_dct", np.ascontiguousarray(levels), m, n, factors, *answers_of(answers), plane)
        return plane
    for row, out in zip(levels, plane.reshape(m, 8, n, 8), strict=True):
        for start in range(0, n, CHUNK):
            _samples(_values(row[start : start + CHUNK].T, answers), factors, out[:, start : start + CHUNK])
    return plane


def limited(plane: np.ndarray, table: np.ndarray, limit: float) -> np.ndarray:
    """(8m, 8n) float32 samples, 0..1, whose coefficients are at most `limit` steps of a quantisation table from 0."""
    m, n = plane.shape[0] // 8, plane.shape[1] // 8
    to, back, result = to_steps(table, 255), from_steps(table, 1 / 255), np.empty(plane.shape, np.float32)
    if library() is not None:
        call("core_limited", np.ascontiguousarray(plane), m, n, to, back, float(limit), result)
        return result
    steps = forward(plane, to)
    np.clip(steps, np.float32(-limit), np.float32(limit), out=steps)
    for row, out in zip(steps, result.reshape(m, 8, n, 8), strict=True):
        _samples(np.ascontiguousarray(row.T), back, out)
    return result


def _samples(values: np.ndarray, factors: np.ndarray, out: np.ndarray) -> None:
    """(64, blocks) float32, which is used up, into (8, blocks, 8) samples."""
    values *= factors[:, None]
    samples = _inverse(_inverse(values.reshape(8, 8, -1)).swapaxes(0, 1))  # (x, y, blocks)
    out[:] = samples.transpose(1, 2, 0)


def answers_of(answers: np.ndarray | None) -> tuple[np.ndarray | None, int, int]:
    """As the compiled core takes them: the answers, the largest level of any, and whether they are of two quantisers."""
    if answers is None:
        return None, 0, 0
    return answers, answers.shape[-1] // 2, int(answers.ndim == 2)


def _values(levels: np.ndarray, answers: np.ndarray | None) -> np.ndarray:
    """(64, blocks) int16 -> float32."""
    if answers is None:
        return np.ascontiguousarray(levels, np.float32)
    if answers.ndim == 2:
        return np.ascontiguousarray(dependent.values(levels.T, answers).T)
    values = answers.take(np.add(levels, len(answers) // 2, dtype=np.intp), mode="clip")
    values[0] = levels[0]
    return values


def _forward(x: np.ndarray) -> np.ndarray:
    """One dimension, along axis 0 of (8, ...) float32."""
    y = np.empty(x.shape, np.float32)
    sums, rest = x[:4] + x[:3:-1], x[:4] - x[:3:-1]  # of what mirrors
    even, turned = sums[:2] + sums[:1:-1], sums[:2] - sums[:1:-1]
    np.add(even[0], even[1], out=y[0])
    np.subtract(even[0], even[1], out=y[4])
    both = turned[1] + turned[0]
    both *= HALF
    np.add(turned[0], both, out=y[2])
    np.subtract(turned[0], both, out=y[6])
    first, second, third = rest[3] + rest[2], rest[2] + rest[1], rest[1] + rest[0]
    common = first - third
    common *= SMALL
    first *= LESS
    first += common
    third *= MORE
    third += common
    second *= HALF
    high, low = rest[0] + second, rest[0] - second
    np.add(low, first, out=y[5])
    np.subtract(low, first, out=y[3])
    np.add(high, third, out=y[1])
    np.subtract(high, third, out=y[7])
    return y


def _inverse(x: np.ndarray) -> np.ndarray:
    """One dimension, along axis 0 of (8, ...) float32."""
    y = np.empty(x.shape, np.float32)
    outer, inner = x[0] + x[4], x[0] - x[4]
    turn, cross = x[2] + x[6], x[2] - x[6]
    cross *= QUARTER_TURN
    cross -= turn
    even = (outer + turn, inner + cross, inner - cross, outer - turn)
    b, a = x[5] + x[3], x[5] - x[3]
    c, d = x[1] + x[7], x[1] - x[7]
    first = c + b
    c -= b
    c *= QUARTER_TURN
    common = a + d
    common *= TURN
    a *= INNER
    second = common - a
    second -= first
    third = c - second
    d *= OUTER
    fourth = common - d
    fourth -= third
    for n, odd in enumerate((first, second, third, fourth)):
        np.add(even[n], odd, out=y[n])
        np.subtract(even[n], odd, out=y[7 - n])
    return y
