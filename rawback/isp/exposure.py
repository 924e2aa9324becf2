"""How much to brighten a picture, and how the curve must run on above white to hold what is brightened."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rawback.isp.colour import CURVES, curve_of
from rawback.isp.mosaic import black_pattern
from rawback.recipe import Recipe

BINS, LOWEST, CLIPPED = 8192, 32, 0.01
"""LibRaw's auto-bright rule: bins of its histogram, the least white level that it takes, the share of pixels that may clip."""
CELLS = 1 << 18  # enough to tell where one pixel in a hundred clips
SHOULDERS = (0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03)
"""From the gentlest to the flattest that `with_shoulder` tries."""
HIGHEST_CODE = 1.6
"""Where a saturated photosite of the strongest channel may land, leaving room to what a JPEG can carry (1.88)."""

DARK = 4.0
"""EV of brightening that a picture asks for, or gets, from which on it is treated as a dark one."""
IN_TOE = 0.75
"""Share of the photosites on BT.709's first, straight part from which on a picture is dark, whatever shines in it."""
CLEAR, HAZE = 1.2, 20 / 255
"""How many sigmas of read noise a pedestal lifts black above the code 0, and the code up to which a black looks black."""


def expose(mosaic: np.ndarray, recipe: Recipe, ev: float | None) -> Recipe:
    """The recipe with an exposure in EV, None being automatic brightness, and with the curve and pedestal for it.

    A dark picture that is to stay dark, also one with lamps in it, gets sRGB's curve: its RAW would lie in the first
    codes of BT.709's. A dark one that is brightened gets a pedestal: the closed loop keeps what is below black, but a
    program that saves the picture again cuts it off, and so would brighten the blacks of the RAW by half of their noise.
    """
    cells = small_linear(mosaic, recipe)
    auto = _auto_exposure(cells, recipe)
    ev = float(auto if ev is None else ev)
    in_toe = np.count_nonzero(cells * 2**ev < CURVES["bt709"].toe) / cells.size
    curve = "srgb" if auto - ev >= DARK or in_toe >= IN_TOE else recipe.curve
    recipe = with_shoulder(replace(recipe, exposure=ev, curve=curve))
    return replace(recipe, pedestal=_pedestal(recipe)) if ev >= DARK and recipe.noise else recipe


def is_dim(recipe: Recipe) -> bool:
    """Whether the picture is a dark one that `expose` left dark; cameras' looks have sRGB's curve, too."""
    return recipe.curve == "srgb" and not recipe.look


def _pedestal(recipe: Recipe) -> float:
    """CLEAR sigmas for the colour whose noise white balance raises most, unless black would look hazy."""
    read_noise = math.sqrt(float(np.mean(recipe.noise[1::2])))
    haze = float(curve_of(recipe).decode(np.array([HAZE], np.float32))[0][0]) / 2**recipe.exposure
    return round(min(CLEAR * read_noise * float(recipe.gains.max()), haze), 7)


def _auto_exposure(cells: np.ndarray, recipe: Recipe) -> float:
    """EV >= 0 by LibRaw's auto-bright rule: the brightest channel of the rendering clips at 1 % of the pixels."""
    srgb = np.minimum(cells, 1) @ np.array(recipe.matrix, np.float32).T
    histogram = [np.histogram(srgb[..., c], BINS, (0, 1))[0] for c in range(3)]
    whites: list[int] = []
    for counts in histogram:
        counts[-1] += np.count_nonzero(srgb[..., len(whites)] > 1)
        above = np.cumsum(counts[::-1])
        whites.append(BINS - 1 - int(np.searchsorted(above, CLIPPED * srgb[..., 0].size, side="right")))
    return round(math.log2(BINS / max(*whites, LOWEST)), 2)


def small_linear(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """White-balanced camera RGB of CFA cells, evenly spread, at most about CELLS: (rows, columns, 3), exposure not applied."""
    pattern = np.array(recipe.cfa)
    period = len(pattern)
    stride = period * max(round(math.sqrt(mosaic.size / period**2 / CELLS)), 1)
    rows, columns = (max((side - period) // stride + 1, 1) for side in mosaic.shape)
    rgb = np.zeros((rows, columns, 3), np.float32)
    for (row, column), black in np.ndenumerate(black_pattern(recipe)):
        part = mosaic[row::stride, column::stride][:rows, :columns].astype(np.float32)
        rgb[: part.shape[0], : part.shape[1], pattern[row, column]] += (part - black) / (recipe.white - black)
    return rgb * (recipe.gains / np.bincount(pattern.ravel(), minlength=3)).astype(np.float32)


def with_shoulder(recipe: Recipe) -> Recipe:
    """The recipe with the gentlest continuation above white that keeps saturated photosites within range."""
    brightest = np.float32(recipe.gains.max() * 2**recipe.exposure)
    for shoulder in SHOULDERS:
        curve = curve_of(replace(recipe, shoulder=shoulder))
        if curve.encode(np.array([brightest]))[0] <= HIGHEST_CODE:
            break
    return replace(recipe, shoulder=shoulder)
