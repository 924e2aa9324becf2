"""A JPEG's planes in fixed point: inverse DCT and upsampling in int32, the same on every processor.

Coefficients, samples and chroma in sixteenths. Every bound on the way holds for any input, so nothing wraps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rawback.isp.levels import LIMIT

BITS = 13
"""Of fractions in weights."""
C1, C2, C3, C4, C5, C6, C7 = 4017, 3784, 3406, 2896, 2276, 1567, 799  # cos(k pi / 16) / 2 times 2^13
ODD = ((C1, C3, C5, C7), (C3, -C7, -C1, -C5), (C5, -C1, C7, C3), (C7, -C5, C3, -C1))
"""By odd frequency 1, 3, 5, 7 and sample 0..3; the other half mirrors with the sign changed."""
CLIP = (1 << 16) - 1
"""Of coefficients, and of what the first pass leaves: the basis sums to less than 2.8 * 2^13, so a sum of products
stays below 2^31. A coefficient of 4096 or a column of 2048 is beyond what samples of -192..352 can make."""
CHROMA_LIMIT = 1 << 14  # 1024 code values: four times a JPEG's own range
"""`grow` multiplies by this."""
JFIF = ((0, 11485), (-2819, -5850), (14516, 0))
"""What Cb and Cr add to red, green and blue, times 2^13."""
WEIGHT_LIMIT = (1 << 14) - 1
"""Of a weight's magnitude: see `rgb`."""


def plane(levels: np.ndarray, table: np.ndarray, centroids: tuple[int, ...] = (0, 0, 0)) -> np.ndarray:
    """(m, n, 64) int16 levels -> (8m, 8n) int32 samples in sixteenths, centred on 0.

    centroids: what to add to AC magnitudes 1, 2 and larger, in sixteenths of a step, -16..16.
    """
    m, n = levels.shape[:2]
    x = np.clip(levels.reshape(m * n, 64).T, -LIMIT, LIMIT).astype(np.int32, order="C")
    dc = x[0] * 16
    if any(centroids):
        shifts = np.repeat(centroids, (1, 1, LIMIT - 2))
        answers = np.arange(-LIMIT, LIMIT + 1) * 16 + np.concatenate([-shifts[::-1], [0], shifts])
        x += LIMIT
        x = np.take(answers.astype(np.int32), x)
    else:
        x *= 16
    x[0] = dc
    x *= np.minimum(table.reshape(64, 1), 255).astype(np.int32)
    np.clip(x, -CLIP, CLIP, out=x)
    columns = _idct(x.reshape(8, 8, m * n), 12)  # thirty-seconds
    np.clip(columns, -CLIP, CLIP, out=columns)
    rows = _idct(np.ascontiguousarray(columns.swapaxes(0, 1)), 14)
    return rows.reshape(8, 8, m, n).transpose(2, 1, 3, 0).reshape(8 * m, 8 * n)


def _idct(x: np.ndarray, shift: int) -> np.ndarray:
    """One dimension, along axis 0 of (8, ...) int32: even and odd frequencies apart, rounded and shifted."""
    outer, inner = (x[0] + x[4]) * C4, (x[0] - x[4]) * C4
    outer += 1 << shift - 1
    inner += 1 << shift - 1
    turn, cross = x[2] * C2 + x[6] * C6, x[2] * C6 - x[6] * C2
    even = (outer + turn, inner + cross, inner - cross, outer - turn)
    y, product = np.empty_like(x), np.empty_like(outer)
    for n in range(4):
        odd = x[1] * ODD[0][n]
        for k in (1, 2, 3):
            odd += np.multiply(x[2 * k + 1], ODD[k][n], out=product)
        np.add(even[n], odd, out=y[n])
        np.subtract(even[n], odd, out=y[7 - n])
    y >>= shift
    return y


def grow(samples: np.ndarray, factors: tuple[int, int]) -> np.ndarray:
    """Upsampled as `blocks.grow` does: triangle by 2, repetition by other factors; 16 times the int32 samples."""
    for axis, factor in enumerate(factors):
        if factor == 2:
            samples = _triangle(samples, axis)
        else:
            samples = np.repeat(samples, factor, axis) * 4 if factor > 1 else samples * 4
    return samples


def _triangle(samples: np.ndarray, axis: int) -> np.ndarray:
    """(3 * nearest + next) by parity, times 4 in scale."""
    size = samples.shape[axis]
    padded = np.pad(samples, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
    grown = np.empty([2 * s if a == axis else s for a, s in enumerate(samples.shape)], np.int32)
    middle = samples * 3
    for parity in (0, 1):
        beside = padded[2 * parity : 2 * parity + size] if axis == 0 else padded[:, 2 * parity : 2 * parity + size]
        np.add(middle, beside, out=grown[parity::2] if axis == 0 else grown[:, parity::2])
    return grown


def rgb(luma: np.ndarray, cb: np.ndarray, cr: np.ndarray, weights: Sequence[Sequence[int]] = JFIF) -> list[np.ndarray]:
    """Luma in sixteenths, chroma from `grow` (within 16 * CHROMA_LIMIT) -> R, G, B in sixteenths, int32 of any range.

    weights: as JFIF, within WEIGHT_LIMIT.
    """
    cb, cr = cb >> 2, cr >> 2  # sixty-fourths: 2^16 times two weights of less than 2^14
    planes = []
    for from_cb, from_cr in weights:
        offset = cr * from_cr if from_cr else np.zeros_like(cr)
        if from_cb:
            offset += cb * from_cb
        offset >>= BITS + 2
        offset += luma
        planes.append(offset)
    return planes
