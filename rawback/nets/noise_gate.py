"""How much of a restoration is let through: where the sensor's noise is beyond what it was taught on, it would smear that.

A net that has learned to undo a quantiser takes a fixed share of whatever looks like noise. That pays while the quantiser's
error is as large as the noise; where it is smaller, more is lost than the quantiser had taken.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import curve_of
from rawback.isp.inverse_pass import sample_gains
from rawback.isp.mosaic import pedestals
from rawback.picture import Coefficients
from rawback.recipe import Recipe

NOISIEST = 20.0
"""Noise variance in squared levels of 8 bits: three in a hundred of what `learn/pairs.py` draws are noisier."""
FINEST = 5.0
"""Noise variance over the quantiser's error: one in a hundred there has more."""
LEAST = 0.02
"""A share so small is none: noise stays as it is to the last DN."""
CERTAIN = 0.99
"""And from here on it is all."""
WHITE = 0.85
"""Light from which on other programs may have clipped: what they cut off is guessed whatever the noise."""


class NoiseGate:
    """Of a restoration, for one JPEG of a Bayer sensor."""

    def __init__(self, recipe: Recipe, picture: Coefficients, guessed: bool) -> None:
        """guessed: whether highlights are, and so let through. Without a noise model everything is."""
        self.recipe, self.guessed = recipe, guessed
        self.curve, self.gains = curve_of(recipe), sample_gains(recipe)
        self.quantiser = float(np.mean(np.square(picture.tables[0].astype(float))) + 1) / 12  # and rounding to 8 bits
        model = np.broadcast_to(np.reshape(recipe.noise, (-1, 2)), (3, 2)) if recipe.noise else np.zeros((3, 2))
        self.scale, self.offset = np.moveaxis(model[np.array(recipe.cfa)], -1, 0)  # by CFA position

    def __call__(self, balanced: np.ndarray) -> np.ndarray:
        """Recovered samples (8m, 8n) from the frame's first row and column or whole blocks below -> (m, n) float32, 0..1."""
        noise = self.noise(balanced)
        share = 1 / (1 + (noise / NOISIEST) ** 4 + (noise / (FINEST * self.quantiser)) ** 2)
        if self.guessed and share.min() < CERTAIN:
            share = np.where(self._near_white(balanced), 1, share)
        return np.where(share < LEAST, 0, share).astype(np.float32)

    def noise(self, balanced: np.ndarray) -> np.ndarray:
        """Noise variance that the sensor has at each block's mean, in squared levels of the JPEG: (m, n)."""
        m, n = (side // 8 for side in balanced.shape)
        rows = balanced.reshape(m, 4, 2, 8 * n).sum(1)
        light = rows.reshape(m, 2, n, 4, 2).sum(3) / 16  # (m, 2, n, 2): the mean of each CFA position
        gains, scale, offset, lifted = (
            by_position[:, None, :] for by_position in (self.gains, self.scale, self.offset, pedestals(self.recipe))
        )
        variance = np.maximum(scale * np.maximum(light / gains - lifted, 0) + offset, 0) * gains**2
        slope = self.curve.decode(self.curve.encode(light))[1]
        return (variance * np.square(255 / slope)).mean((1, 3))

    def _near_white(self, balanced: np.ndarray) -> np.ndarray:
        """Whether the sensor or sRGB is near white anywhere in a block: (m, n)."""
        cfa = np.array(self.recipe.cfa)
        camera = [np.mean([balanced[y::2, x::2] for y, x in np.argwhere(cfa == colour)], 0) for colour in range(3)]
        brightest = np.maximum(np.max(camera, 0), np.tensordot(np.array(self.recipe.matrix, np.float32), camera, 1).max(0))
        m, n = (side // 4 for side in brightest.shape)
        return brightest.reshape(m, 4, 4 * n).max(1).reshape(m, n, 4).max(2) >= WHITE


def spread(share: np.ndarray) -> np.ndarray:
    """Shares by block (m, n) -> by sample (8m, 8n)."""
    return share.repeat(8, 0).repeat(8, 1)
