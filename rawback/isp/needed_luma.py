"""What the closed loop asks of luma: under a picture's chroma, that with which the decoder gives back the mosaic."""

from __future__ import annotations

import numpy as np

from rawback.isp import blown, dct, fixed_dct, fixed_pass, luma
from rawback.isp.mosaic import window
from rawback.isp.strip_picture import widened
from rawback.picture import Coefficients
from rawback.recipe import Recipe

Strip = tuple[int, int]
"""First row, which begins an MCU, and row after the last."""


class NeededLuma:
    """Of any strips of a mosaic (H, W) uint16; white is at `luma.FINE`."""

    def __init__(self, mosaic: np.ndarray, recipe: Recipe) -> None:
        self.mosaic, self.period = mosaic, len(recipe.cfa)
        self.solver = luma.Solver(recipe, mosaic.shape[1], int(mosaic.max(initial=0)))

    def plane(self, strip: Strip, picture: Coefficients) -> np.ndarray:
        """(rows, W) float32: solved under the chroma that the decoder will see; smooth where the mosaic is blown."""
        start, stop = strip
        mosaic = window(self.mosaic, start, stop, self.period)  # (rows, W); an MCU may go beyond the frame
        blue, red = (
            fixed_pass.grown(picture, fixed_pass.chroma(picture, component, start, stop, unit / 255), start, stop)
            for component, unit in ((1, luma.BLUE), (2, luma.RED))
        )
        return blown.smoothed(self.solver.luma(mosaic, blue, red, start), self.solver.blown(mosaic, start))

    def levels(self, strip: Strip, picture: Coefficients, dead_zone: float) -> tuple[np.ndarray, np.ndarray]:
        """Its levels by the picture's own steps (m, n, 64) int16, and the luma itself (8 m, 8 n), 1 = white."""
        plane = widened(self.plane(strip, picture), 8 * picture.factors[1])
        return dct.quantise(in_steps(plane, picture, luma.FINE), dead_zone), plane / luma.FINE


def in_steps(plane: np.ndarray, picture: Coefficients, white: float) -> np.ndarray:
    """Luma (rows, width) float32 -> coefficients in a picture's quantiser steps (m, n, 64) float32."""
    table = picture.tables[0]
    steps = fixed_dct.forward(widened(plane, 8 * picture.factors[1]), fixed_dct.to_steps(table, 255 / white))
    steps[..., 0] -= np.float32(8 * 128 / table[0])
    return steps
