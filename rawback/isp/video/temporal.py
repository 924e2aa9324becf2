"""Frames averaged along their motion, as a burst is merged (Hasinoff et al. 2016): less noise, and nothing that moves smeared.

Squares that overlap are brought from each neighbour to where their things are in the frame, and averaged coefficient by
coefficient of a cosine transform: the more a neighbour's differ from the frame's than noise would, the less they count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from rawback.isp import noise as noises
from rawback.isp.mosaic import level, unlevel
from rawback.isp.video import motion
from rawback.isp.video.motion import AROUND, BLOCK, WINDOW
from rawback.recipe import Recipe

STRICTNESS = 16.0
"""Variances of noise by which a coefficient must differ, squared, to count half. Hasinoff has 8, and no other bound: 16 gains
0.5 to 0.9 dB more."""
ALIKE, OTHER = 1.5, 3.0
"""Mean squared difference of a square, in multiples of the noise's: up to where it counts whole, from where on not at all."""
ROWS = 4
"""Of blocks that are worked on at once."""


def merged(mosaic: np.ndarray, recipe: Recipe, others: Sequence[tuple[np.ndarray, Recipe]]) -> tuple[np.ndarray, Recipe]:
    """Bayer mosaic (H, W) uint16 in DN, averaged with those of other frames of its size and CFA.

    The recipes tell their levels, this frame's its noise too; else that is measured. Returns the recipe with what is left.
    """
    model = recipe.noise or noises.estimate(mosaic, recipe) or (0.0, noises.rounding(recipe))
    if not others:
        return mosaic, replace(recipe, noise=model)
    samples, *rest = (level(frame, replace(its, pedestal=0.0)) for frame, its in ((mosaic, recipe), *others))
    guide = motion.guide(samples)
    fields = [motion.field(motion.guide(other), guide) for other in rest]
    pairs = np.array(model, np.float32).reshape(-1, 2)
    noise = (pairs if len(pairs) == 3 else pairs.repeat(3, 0))[np.ravel(recipe.cfa)]
    planes, left = _averaged(_planes(samples), [_planes(other) for other in rest], fields, noise)
    height, width = (2 * size for size in planes.shape[1:])
    for plane, (y, x) in zip(planes, np.ndindex(2, 2), strict=True):
        samples[y:height:2, x:width:2] = plane
    back = unlevel(samples, replace(recipe, pedestal=0.0))
    return back, replace(recipe, noise=tuple(value * left for value in model))


def _planes(samples: np.ndarray) -> np.ndarray:
    """(H, W) -> the colour planes of whole cells, (4, H // 2, W // 2)."""
    rows, columns = (size // 2 * 2 for size in samples.shape)
    return np.stack([samples[y:rows:2, x:columns:2] for y, x in np.ndindex(2, 2)])


def _averaged(
    planes: np.ndarray, others: list[np.ndarray], fields: list[np.ndarray], noise: np.ndarray
) -> tuple[np.ndarray, float]:
    """Planes (4, h, w) with their neighbours', by the fields that lead there, and the share of variance that is left.

    noise: scale and offset of the model by plane, (4, 2).
    """
    rows, columns = fields[0].shape[:2]
    height, width = rows * BLOCK + WINDOW - BLOCK, columns * BLOCK + WINDOW - BLOCK
    sums, left = np.zeros((4, height, width), np.float32), 0.0
    still = np.zeros((rows, columns, 2), np.float32)
    frames = [motion.framed(frame) for frame in (planes, *others)]
    for first in range(0, rows, ROWS):
        part = slice(first, first + ROWS)
        moved = (motion.squares(f, v[part], WINDOW, AROUND, first) for f, v in zip(frames, (still, *fields), strict=True))
        known = (_inside(vectors[part], first, planes.shape[1:]) for vectors in fields)
        mean, share = _mean(next(moved), zip(moved, known, strict=True), len(frames), noise)
        _add(sums, mean, first)
        left += share * len(mean[0]) / rows
    weights = np.zeros((1, height, width), np.float32)
    _add(weights, np.ones((1, rows, columns, WINDOW, WINDOW), np.float32), 0)
    inside = np.s_[:, AROUND : AROUND + planes.shape[1], AROUND : AROUND + planes.shape[2]]
    return sums[inside] / weights[inside], float(np.clip(left, 1 / len(frames), 1))


def _inside(vectors: np.ndarray, first: int, size: tuple[int, ...]) -> np.ndarray:
    """Which cells of squares lie inside both frames: (rows, columns, WINDOW, WINDOW) bool."""
    inside = []
    for axis in (0, 1):
        blocks = np.arange(vectors.shape[axis]) + (first if axis == 0 else 0)
        blocks = blocks[:, None] if axis == 0 else blocks[None]
        here = (blocks * BLOCK - AROUND)[..., None] + np.arange(WINDOW)
        there = here + vectors[..., axis, None]
        last = size[axis] - 1
        inside.append((here >= 0) & (here <= last) & (there >= 0) & (there <= last))
    return inside[0][..., None] & inside[1][..., None, :]


def _mean(
    own: np.ndarray, others: Iterable[tuple[np.ndarray, np.ndarray]], count: int, noise: np.ndarray
) -> tuple[np.ndarray, float]:
    """Squares (4, rows, columns, WINDOW, WINDOW) averaged with those of others where these are known, `count` in all.

    And the share of variance left, by Stein's estimate: weights depend on the noise too.
    """
    scale, offset = noise.T[..., None, None, None, None]
    variance = scale * own.mean((-1, -2), keepdims=True).clip(0, 1) + offset
    cosines = _cosines(WINDOW)
    bound = STRICTNESS * variance
    total, slope = np.zeros_like(own), np.zeros_like(own)
    for other, inside in others:
        missing = cosines @ ((other - own) * inside) @ cosines.T
        power = np.square(missing)
        share = inside.mean((-1, -2), keepdims=True, dtype=np.float32).clip(1 / WINDOW)
        excess = (power / (2 * variance)).mean((0, -1, -2), keepdims=True) / share
        trust = np.clip((OTHER - excess) / (OTHER - ALIKE), 0, 1) / count
        weight = trust * bound / (power + bound)
        total += weight * missing
        slope += weight * (bound - power) / (power + bound)
    left = 1 + (np.square(total) / variance - 2 * slope).mean()
    return own + cosines.T @ total @ cosines, float(left)


def _add(sums: np.ndarray, squares: np.ndarray, first: int) -> None:
    """Squares (n, rows, columns, WINDOW, WINDOW) of blocks from row `first` on, faded out to their edges, into the sums."""
    count, rows, columns = squares.shape[:3]
    fade = np.square(np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW)).astype(np.float32)
    faded = squares * (fade[:, None] * fade)
    for y, x in np.ndindex(WINDOW // BLOCK, WINDOW // BLOCK):
        part = faded[..., y * BLOCK : (y + 1) * BLOCK, x * BLOCK : (x + 1) * BLOCK].swapaxes(2, 3)
        top = (first + y) * BLOCK
        into = sums[:, top : top + rows * BLOCK, x * BLOCK : (x + columns) * BLOCK]
        into += part.reshape(count, rows * BLOCK, columns * BLOCK)


def _cosines(size: int) -> np.ndarray:
    """The orthonormal cosine transform (DCT-II): (size, size) float32."""
    angles = np.pi / size * np.arange(size)[:, None] * (np.arange(size) + 0.5)
    return (np.cos(angles) * np.sqrt(np.where(np.arange(size) == 0, 1, 2) / size)[:, None]).astype(np.float32)
