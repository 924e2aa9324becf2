"""What goes to video codecs, which choose their own coefficients, and what comes back: mosaic -> Y'CbCr planes -> mosaic.

Luma is chosen as in the closed loop, for the chroma that is known by then. Codes of limited range hold luma from -0.07 to
1.09, so the curve has to bend more above white than in a JPEG.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.isp import inverse_pass, luma, stages
from rawback.isp.colour import curve_of
from rawback.isp.matmul import mix
from rawback.isp.mosaic import HALO, tile, unlevel, window
from rawback.isp.parallel import in_threads, strips
from rawback.recipe import Recipe

NEAR = 0.002
"""See `luma.Solver`: levels of 10 bits are finer than a JPEG's steps."""
HIGHEST_LUMA = 1.08
"""Of a blown picture: codes of 10 bits end at 1.09."""
SHOULDERS = (0.5, 0.35, 0.25, 0.18, 0.12, 0.08, 0.05, 0.03, 0.02, 0.01)
"""From the gentlest to the flattest that a recipe may have."""


def fitted(recipe: Recipe, luma: np.ndarray) -> Recipe:
    """The recipe with the gentlest shoulder with which a blown picture fits; `luma` (3,): shares of R', G', B' in it."""
    blown = (np.array(recipe.matrix) @ (recipe.gains * 2**recipe.exposure)).astype(np.float32)
    for shoulder in SHOULDERS:
        fitting = replace(recipe, shoulder=shoulder)
        if float(luma @ curve_of(fitting).encode(np.maximum(blown, 0))) <= HIGHEST_LUMA:
            break
    return fitting


def picture(mosaic: np.ndarray, recipe: Recipe, to_ycc: np.ndarray) -> np.ndarray:
    """Mosaic (H, W) uint16 -> Y'CbCr (3, H, W) float32 by the matrix `to_ycc` (3, 3): luma 0..1 and beyond, chroma centred."""
    height, width = mosaic.shape
    planes, period = np.empty((3, height, width), np.float32), len(recipe.cfa)

    def strip(rows: tuple[int, int]) -> None:
        start, stop = rows
        framed = window(mosaic, start - HALO, stop + HALO, period)
        srgb = stages.forward(framed, recipe, start - HALO)
        planes[:, start:stop] = mix(to_ycc.astype(np.float32), srgb[:, HALO:-HALO])

    in_threads(strip, strips(height, width, 16))
    return planes


def luma_under(chroma: np.ndarray, mosaic: np.ndarray, recipe: Recipe, to_rgb: np.ndarray) -> np.ndarray:
    """The luma (H, W) float32 with which each photosite comes back under that chroma (2, H, W); `to_rgb` (3, 3): the matrix."""
    solved = np.empty(mosaic.shape, np.float32)
    solver = luma.Solver(recipe, mosaic.shape[1], int(mosaic.max(initial=0)), to_rgb[:, 1:], NEAR)

    def strip(rows: tuple[int, int]) -> None:
        start, stop = rows
        blue, red = chroma[:, start:stop] * np.float32(luma.FINE)
        solved[start:stop] = solver.luma(mosaic[start:stop], blue, red, start)
        solved[start:stop] /= np.float32(luma.FINE)

    in_threads(strip, strips(mosaic.shape[0], mosaic.shape[1], 16))
    return solved


def mosaic_of(srgb: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Extended R'G'B' planes (3, H, W) float32 -> mosaic (H, W) uint16 in DN."""
    _, height, width = srgb.shape
    mosaic = np.empty((height, width), np.uint16)
    rows, per_gain, curve = inverse_pass.camera_rows(recipe), 1 / inverse_pass.sample_gains(recipe), curve_of(recipe)

    def strip(rows_of_strip: tuple[int, int]) -> None:
        start, stop = rows_of_strip
        codes = stages.CODE_MATRIX.inverse(srgb[:, start:stop], recipe, start)
        samples = inverse_pass.at_photosites(codes, rows, curve, start)
        samples *= tile(per_gain, *samples.shape, top=start)
        mosaic[start:stop] = unlevel(samples, recipe, start)

    in_threads(strip, strips(height, width, 16))
    return mosaic
