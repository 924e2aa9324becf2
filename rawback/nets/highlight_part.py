"""`nets.highlights` as a function of a picture, whatever runs it."""

from __future__ import annotations

import numpy as np

from rawback.isp.colour_profile import Profile
from rawback.isp.highlights import DARKEST, Blocks, Highlights, blocks_of
from rawback.nets.parts import Engine
from rawback.picture import Coefficients, Pixels
from rawback.recipe import Recipe

MULTIPLE = 16
"""Blocks that its sides are continued to multiples of."""
LOG_SCALE = 0.25
"""Of log2 of light, as the network is told it."""
LEAST_AROUND = 2.0
"""By how much less than the network's output, before softplus, the stops around are: untrained, it guesses about white."""


def guess(engine: Engine, picture: Coefficients | Pixels, recipe: Recipe, profile: Profile | None) -> Highlights | None:
    """What is to be guessed of a picture's highlights; None where hardly anything is blown."""
    blocks = blocks_of(picture, recipe, profile)
    if not blocks.matter:
        return None
    rows, columns = blocks.codes.shape[1:]
    padded = np.pad(known(blocks), [(0, 0), (0, -rows % MULTIPLE), (0, -columns % MULTIPLE)], mode="edge")
    ratios, around = guessed(engine(padded[None])[0][:, :rows, :columns])
    return Highlights(blocks, ratios, around, recipe)


def known(blocks: Blocks) -> np.ndarray:
    """What the network is told: (9, rows, columns) float32."""
    return np.concatenate([blocks.codes, blocks.blown, LOG_SCALE * np.log2(np.maximum(blocks.light, DARKEST))])


def guessed(out: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Its output (6, rows, columns) -> `Highlights.ratios` and `around`."""
    ratios, stops = out[:3], out[3:] - np.float32(LEAST_AROUND)
    return ratios - ratios.mean(0), np.exp2(np.logaddexp(stops, 0))
