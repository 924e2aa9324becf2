"""Mosaics: levels, colour filter arrays, demosaicing that keeps the samples, and taking the samples back."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np

from rawback.isp import bayer
from rawback.recipe import Recipe

RGGB = ((0, 1), (1, 2))
BAYER = {"RGGB": RGGB, "GRBG": ((1, 0), (2, 1)), "GBRG": ((1, 2), (0, 1)), "BGGR": ((2, 1), (1, 0))}
"""The four phases of Bayer's colour filter array, as `Recipe.cfa` writes them: 0 red, 1 green, 2 blue."""
X_TRANS = (
    (1, 1, 0, 1, 1, 2), (1, 1, 2, 1, 1, 0), (2, 0, 1, 0, 2, 1),
    (1, 1, 2, 1, 1, 0), (1, 1, 0, 1, 1, 2), (0, 2, 1, 2, 0, 1),
)  # fmt: skip
"""One phase of Fujifilm's."""
SHARED_PIXELS = 1 << 20
"""Tiled patterns up to this size are kept for the next strip; a whole frame's would only fill memory."""
HALO = 2 * bayer.MARGIN
"""Rows around a strip that `demosaic` needs for the strip to come out as in the whole frame."""


def sha256(frame: np.ndarray) -> str:
    """Hash of a frame (H, W) uint16, row by row, little-endian: the same wherever its rows lie."""
    digest = hashlib.sha256()
    for row in frame:
        digest.update(row.astype("<u2").tobytes())
    return digest.hexdigest()


def tile(pattern: np.ndarray, height: int, width: int, *, top: int = 0) -> np.ndarray:
    """Repeat a CFA-shaped pattern (rows, columns, ...) over (height, width) photosites, the first row being row `top`.

    Read-only: strips of one shape share one array.
    """
    rows = pattern.shape[0]
    key = (pattern.tobytes(), pattern.dtype.str, pattern.shape, height, width, top % rows)
    return _tiled(*key) if height * width <= SHARED_PIXELS else _tiled.__wrapped__(*key)


@lru_cache(maxsize=24)
def _tiled(data: bytes, dtype: str, shape: tuple[int, ...], height: int, width: int, top: int) -> np.ndarray:
    pattern = np.frombuffer(data, dtype).reshape(shape)
    rows, columns = np.arange(top, top + height) % shape[0], np.arange(width) % shape[1]
    tiled = pattern[rows[:, None], columns[None, :]]
    tiled.flags.writeable = False
    return tiled


def black_pattern(recipe: Recipe) -> np.ndarray:
    """Black level in DN by CFA position: float32 of the CFA's shape."""
    return np.array(recipe.black, np.float32).reshape(np.shape(recipe.cfa))


def pedestals(recipe: Recipe) -> np.ndarray:
    """What is added to samples before the curve, by CFA position: float32 of the CFA's shape, white level 1."""
    return (np.float32(recipe.pedestal) / recipe.gains)[np.array(recipe.cfa)]


def level(mosaic: np.ndarray, recipe: Recipe, top: int = 0) -> np.ndarray:
    """Sensor values (H, W) in DN -> float32, 0 black, 1 white level; values below black stay negative."""
    black = tile(black_pattern(recipe), *mosaic.shape, top=top)
    samples = np.subtract(mosaic, black, dtype=np.float32)
    samples /= tile(np.float32(recipe.white) - black_pattern(recipe), *mosaic.shape, top=top)
    if recipe.pedestal:
        samples += tile(pedestals(recipe), *samples.shape, top=top)
    return samples


def unlevel(samples: np.ndarray, recipe: Recipe, top: int = 0) -> np.ndarray:
    """The way back: (H, W) float32 -> uint16 DN, rounded, clipped to 0..white level."""
    black = tile(black_pattern(recipe), *samples.shape, top=top)
    if recipe.pedestal:
        samples = samples - tile(pedestals(recipe), *samples.shape, top=top)
    dn = samples * tile(np.float32(recipe.white) - black_pattern(recipe), *samples.shape, top=top)
    dn += black
    np.rint(dn, out=dn)
    return np.clip(dn, 0, int(recipe.white), out=dn).astype(np.uint16)


def window(mosaic: np.ndarray, start: int, stop: int, period: int) -> np.ndarray:
    """Rows start..stop of a frame; outside it the first or last `period` rows repeat, so that the CFA goes on in phase."""
    last = mosaic.shape[0] - period
    rows = np.arange(start, stop)
    if start >= 0 and stop <= mosaic.shape[0]:
        return mosaic[start:stop]
    rows = np.where(rows < 0, rows % period, rows)
    rows = np.where(rows >= last, last + (rows - last) % period, rows)
    return mosaic[np.clip(rows, 0, None)]


def demosaic(samples: np.ndarray, cfa: np.ndarray) -> np.ndarray:
    """(H, W) float32 of any range -> planes (3, H, W) float32; every measured sample is kept as it is.

    `cfa` (H, W) holds the colour of each photosite, 0 red, 1 green, 2 blue. Bayer goes by direction, others by mean.
    """
    red = np.argwhere(cfa[:2, :2] == 0)
    if len(red) == 1 and (cfa[:2, :2] == 1).trace() in (0, 2) and np.array_equal(cfa[2:4, :4], cfa[:2, :4]):
        return demosaic_bayer(samples, *red[0])
    return demosaic_mean(samples, cfa)


def mosaic_of(planes: np.ndarray, cfa: np.ndarray) -> np.ndarray:
    """The inverse of any demosaicing that keeps the samples: take them back. (3, H, W), (H, W) -> (H, W)."""
    return np.take_along_axis(planes, cfa[None].astype(np.intp), 0)[0]


def demosaic_mean(samples: np.ndarray, cfa: np.ndarray, radius: int = 2) -> np.ndarray:
    """Each missing colour is the triangle-weighted mean of its neighbours: for any CFA, X-Trans included."""
    planes = np.empty((3, *samples.shape), np.float32)
    for colour in range(3):
        mask = cfa == colour
        weight = _triangle_sum(mask.astype(np.float32), radius)
        planes[colour] = _triangle_sum(np.where(mask, samples, 0), radius) / np.maximum(weight, 1e-6)
        planes[colour][mask] = samples[mask]
    return planes


def _triangle_sum(plane: np.ndarray, radius: int) -> np.ndarray:
    for axis in (0, 1):
        padded = np.pad(plane, [(radius, radius) if a == axis else (0, 0) for a in (0, 1)], mode="reflect")
        size = plane.shape[axis]
        total = np.zeros_like(plane)
        for shift in range(-radius, radius + 1):
            at = slice(radius + shift, radius + shift + size)
            total += (padded[at] if axis == 0 else padded[:, at]) * np.float32(radius + 1 - abs(shift))
        plane = total
    return plane


def demosaic_bayer(samples: np.ndarray, red_row: int, red_column: int) -> np.ndarray:
    """Directional demosaicing (`isp.bayer`) of a mosaic whose first red photosite lies at (red_row, red_column).

    (H, W) float32 -> (3, H, W) float32.
    """
    height, width = samples.shape
    rows = (HALO + red_row, HALO + (height + red_row) % 2)
    columns = (HALO + red_column, HALO + (width + red_column) % 2)
    framed = np.pad(samples, (rows, columns), mode="reflect")  # red at the top left, whole cells
    cells = np.array([[framed[y::2, x::2] for x in (0, 1)] for y in (0, 1)])  # (2, 2, h, w)
    green, *less = bayer.demosaic(cells)  # (2, 2, h - 2 MARGIN, w - 2 MARGIN) each
    planes = np.empty((3, framed.shape[0] - 2 * HALO, framed.shape[1] - 2 * HALO), np.float32)
    inside = slice(bayer.MARGIN, -bayer.MARGIN)
    for y, x in np.ndindex(2, 2):
        planes[0, y::2, x::2] = green[y, x] - less[0][y, x]
        planes[1, y::2, x::2] = green[y, x]
        planes[2, y::2, x::2] = green[y, x] - less[1][y, x]
    planes[0, 0::2, 0::2] = cells[0, 0, inside, inside]
    planes[2, 1::2, 1::2] = cells[1, 1, inside, inside]
    return planes[:, red_row : red_row + height, red_column : red_column + width]
