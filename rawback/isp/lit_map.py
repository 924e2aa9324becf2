"""The gain map of a rendered picture: what its RAW has above the picture's white, a quarter of its size.

Grey where one gain serves red, green and blue; in colour where the light above white has one of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp import mosaic as mosaics
from rawback.isp.colour import curve_of, srgb_light
from rawback.isp.matmul import mix
from rawback.isp.parallel import in_threads, strips
from rawback.isp.tone import LUMINANCE
from rawback.recipe import Recipe

X_TRANS = 6
"""Side of a CFA that has all colours in each quarter of it."""
CELLS = 2
"""Cells of the CFA along each side of a code of the map: 4 photosites of Bayer, 8 of quad Bayer, 6 of X-Trans."""
MOST_STOPS = 4.0
"""Headroom that is told at most: 16 times the picture's white, what screens will show."""
GREY_ENOUGH = 32.0
"""dB of light above white that a grey map has to reach, against the brightest."""
LEAST_SHOWN = 0.05
"""Light of the picture that gains are taken of, at least: darker colours beside bright ones are noise."""
LEAST_STOPS = 0.1
"""Below it no map is worth its bytes."""


@dataclass(frozen=True)
class LitMap:
    """A map: light = picture's light * 2^(stops * code / 255)."""

    codes: np.ndarray
    """(rows, columns) uint8, or (rows, columns, 3) of red, green and blue."""
    stops: float
    """log2 of the gain at code 255."""


def of(mosaic: np.ndarray, recipe: Recipe) -> LitMap | None:
    """The map of a mosaic (H, W) uint16 that is rendered by a recipe; None where nothing is brighter than its white."""
    side = len(recipe.cfa) if len(recipe.cfa) == X_TRANS else CELLS * len(recipe.cfa)
    height, width = (-(-length // side) for length in mosaic.shape)
    shown, excess = (np.empty((3, height, width), np.float32) for _ in range(2))

    def strip(rows: tuple[int, int]) -> None:
        start, stop = rows
        part = mosaic[start * side : stop * side]
        padding = [(0, (stop - start) * side - len(part)), (0, width * side - part.shape[1])]
        light = _light(np.pad(part, padding, mode="symmetric"), recipe, side // CELLS)  # (3, 2 rows, 2 columns), white 1
        shown[:, start:stop], excess[:, start:stop] = _blocks(_shown(light, recipe)), _blocks(np.maximum(light - 1, 0))

    in_threads(strip, strips(height, width, 16))
    gains = _grey(shown, excess)
    if gains.max() < 2**LEAST_STOPS:
        return None
    if not _serves(gains, shown, excess):
        gains = np.moveaxis(1 + excess / np.maximum(shown, LEAST_SHOWN), 0, -1)
    stops = min(float(np.log2(gains.max())), MOST_STOPS)
    return LitMap(np.rint(255 / stops * np.clip(np.log2(gains), 0, stops)).astype(np.uint8), stops)


def _grey(shown: np.ndarray, excess: np.ndarray) -> np.ndarray:
    """(rows, columns) float32, at least 1: one gain for red, green and blue (3, rows, columns).

    Where the picture shows all of the light it is 1; above white the excess is added to it, in the least squares over
    the colours by their shares in luminance: one gain cannot be right for each.
    """
    weighted = shown * LUMINANCE.astype(np.float32)[:, None, None]
    return 1 + (excess * weighted).sum(0) / np.maximum((shown * weighted).sum(0), 1e-3)


def _serves(gains: np.ndarray, shown: np.ndarray, excess: np.ndarray) -> bool:
    """Whether one gain for all colours comes near the light that is above white."""
    bright = (excess > 0).any(0)
    error = (shown * (gains - 1) - excess)[:, bright]
    peak = min(float((shown + excess).max()), 2**MOST_STOPS)
    return float(np.square(error).mean()) <= peak**2 * 10 ** (-GREY_ENOUGH / 10)


def _light(mosaic: np.ndarray, recipe: Recipe, cell: int) -> np.ndarray:
    """Mean light of cells as linear sRGB (3, rows, columns), 1 being the picture's white; what blew out the sensor is white."""
    samples = np.minimum(mosaics.level(mosaic, recipe), 1)
    cfa = mosaics.tile(np.array(recipe.cfa), *mosaic.shape)
    planes = []
    for colour, gain in enumerate(recipe.gains):
        mask = (cfa == colour).astype(np.float32)
        planes.append(_sums(samples * mask, cell) / np.maximum(_sums(mask, cell), 1) * gain)
    balanced = np.minimum(np.stack(planes), 1) * np.float32(2**recipe.exposure)
    return mix(np.array(recipe.matrix, np.float32), balanced) / _white(recipe)


def _white(recipe: Recipe) -> np.float32:
    """Light that the picture shows as white."""
    return np.float32(curve_of(recipe).light(np.ones(1, np.float32))[0])


def _shown(light: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Light as viewers show it, 0..1: by the recipe's curve, then sRGB's."""
    codes = np.clip(curve_of(recipe).encode(light * _white(recipe)), 0, 1)
    return srgb_light(codes).astype(np.float32)


def _sums(plane: np.ndarray, cell: int) -> np.ndarray:
    rows, columns = plane.shape[0] // cell, plane.shape[1] // cell
    return plane.reshape(rows, cell, columns, cell).sum((1, 3))


def _blocks(planes: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 cells."""
    _, rows, columns = planes.shape
    return planes.reshape(3, rows // CELLS, CELLS, columns // CELLS, CELLS).mean((2, 4))
