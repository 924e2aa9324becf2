"""What a bit is worth in a block under a camera's tones, which leave other errors of the RAW than BT.709's curve would.

An error of luma is one of light times the slope of the curve's inverse. BT.709's spreads errors over light as the gamma of the
usual metrics does; under a camera's, steep in the midtones and flat in the highlights, these take most of the error. One JPEG
has one quantiser, but its encoder may weigh blocks differently, and no decoder needs to know.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import CURVES, curve_of
from rawback.recipe import Recipe

STEPS_PER_OCTAVE, OCTAVES = 4, 2
WEIGHTS = tuple(2 ** (n / STEPS_PER_OCTAVE) for n in range(-OCTAVES * STEPS_PER_OCTAVE, OCTAVES * STEPS_PER_OCTAVE + 1))
"""Of prices, by kind of block."""
EVEN = (1.0,)
"""Where all blocks are of one kind."""
USUAL, OWN = 1.5, 2.2
"""Powers of the slopes of BT.709's inverse (at the same light) and of the curve's own, by whose ratio a price is weighed.

2 and 2 would leave errors as BT.709's curve does, 0 and 2 the least error of light. At equal bytes these gain 0.33 dB of the
light and lose nothing at gamma 2.2 (five photographs at 0.7 to 2.7 bits per photosite).
"""
CODES = 256
FLATTEST = 1e-6
"""Slope that stands for none."""


def codes(means: np.ndarray, first: float) -> np.ndarray:
    """Means of luma blocks in steps of `first` (the table's entry), any shape -> codes 0..255, as viewers show them."""
    return np.clip(np.rint(means) * np.float32(first / 8) + 128, 0, CODES - 1).astype(np.intp)


def by_code(recipe: Recipe, counts: np.ndarray) -> np.ndarray | None:
    """The kind of a block by its code, (256,) uint8, such that the mean price of blocks with these `counts` (256,) stays.

    None where there are no tones of a camera's: there all are alike.
    """
    if not recipe.tone:
        return None
    light, slope = curve_of(recipe).decode(((np.arange(CODES) + 0.5) / CODES).astype(np.float32))
    base = CURVES["bt709"]
    usual = base.decode(base.encode(light))[1]
    wanted = USUAL * np.log2(np.maximum(usual, FLATTEST)) - OWN * np.log2(np.maximum(slope, FLATTEST))
    wanted -= np.average(wanted, weights=counts + 1e-9)
    kinds = np.rint(STEPS_PER_OCTAVE * (wanted + OCTAVES))
    return np.clip(kinds, 0, len(WEIGHTS) - 1).astype(np.uint8)
