"""The picture of a strip as Y, Cb and Cr: by the stages, by a learned demosaicing, or sent through a flow."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rawback.isp import dct, inverse_pass, luma, stages
from rawback.isp.chroma import sharpened
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.matmul import mix
from rawback.isp.mosaic import HALO, level, tile, window
from rawback.picture import Bijection
from rawback.recipe import Recipe


class Demosaicer(Protocol):
    """A learned demosaicing (`nets.parts.Demosaicer`): balanced samples and classical Cb, Cr (H, W) -> Cb, Cr (2, H, W)."""

    halo: int
    """Rows of context above and below that a strip needs."""

    def __call__(self, balanced: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray: ...


class StripPicture:
    """Of any strips (first row, row after the last) of a mosaic; white is 1."""

    def __init__(self, mosaic: np.ndarray, recipe: Recipe, factors: tuple[int, int], solver: luma.Solver) -> None:
        """factors: rows and columns of luma for one chroma sample."""
        self.mosaic, self.recipe, self.factors, self.solver = mosaic, recipe, factors, solver
        self.period = len(recipe.cfa)

    def ycc(self, strip: tuple[int, int], white_at: float | None) -> np.ndarray:
        """Y, Cb, Cr (3, rows, W) as the stages make them; white_at: light that viewers see white, None: nothing is cut."""
        start, stop = strip
        framed = window(self.mosaic, start - HALO, stop + HALO, self.period)
        srgb = stages.forward(framed, self.recipe, start - HALO, white_at)
        return mix(RGB_TO_YCC, srgb[:, HALO:-HALO])

    def learned_ycc(self, strip: tuple[int, int], demosaicer: Demosaicer) -> np.ndarray:
        """Chroma by the learned demosaicing, and the luma that keeps the samples under it, were it not quantised."""
        halo, width = demosaicer.halo, self.mosaic.shape[1]
        around = strip[0] - halo, strip[1] + halo
        ycc = self.ycc(around, None)
        mosaic = window(self.mosaic, *around, self.period)
        gains = tile(inverse_pass.sample_gains(self.recipe), *mosaic.shape, top=around[0])
        balanced = level(mosaic, self.recipe, around[0]) * gains
        ycc[1:] = demosaicer(balanced, *ycc[1:])
        blue, red = (
            dct.grow(plane * np.float32(factor), self.factors)[:, :width]
            for plane, factor in zip(self.subsampled(ycc[1:]), (luma.BLUE, luma.RED), strict=True)
        )
        ycc[0] = self.solver.luma(mosaic, blue, red, around[0]) / np.float32(luma.FINE)
        return ycc[:, halo:-halo]

    def flowed_ycc(self, strip: tuple[int, int], flow: Bijection) -> np.ndarray:
        """The classical picture sent through the flow, which must see the frame's own borders: its inverse will."""
        start, stop = strip
        first, last = max(start - flow.halo, 0), min(stop + flow.halo, self.mosaic.shape[0])
        srgb = flow(inverse_pass.extended_srgb(*self.ycc((first, last), None)))[:, start - first : stop - first]
        missing = stop - start - srgb.shape[1]
        return mix(RGB_TO_YCC, np.pad(srgb, [(0, 0), (0, missing), (0, 0)], mode="edge"))

    def subsampled(self, planes: np.ndarray) -> np.ndarray:
        """Cb and Cr (2, rows, width) as they are coded, (2, rows / v, columns / h)."""
        factors = self.factors
        small = [dct.shrink(widened(plane, 8 * factors[1]), factors) for plane in planes]
        return np.stack([sharpened(plane, factors) for plane in small])


def widened(plane: np.ndarray, multiple: int) -> np.ndarray:
    """Continue the last column until the width is a multiple."""
    missing = -plane.shape[1] % multiple
    return np.pad(plane, [(0, 0), (0, missing)], mode="edge") if missing else plane
