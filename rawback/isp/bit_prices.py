"""What a bit is worth in a block, where a camera's tones leave other errors of the RAW than BT.709's curve would.

An error of luma is one of light, times the slope of the curve's inverse. BT.709's spreads errors over light about as the eye and
the metrics do; under a camera's, which is steeper in the midtones and flat in the highlights, these take most of the error.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import CURVES, curve_of
from rawback.isp.levels import LIMIT
from rawback.recipe import Recipe

WEIGHTS = tuple(float(2 ** (n / 4)) for n in range(-8, 9))
"""Of prices, by kind of block."""
EVEN = (1.0,)
"""Where all blocks are of one kind."""
POWER = 2.0
"""Of the ratio of slopes by which a price is weighed: 2 leaves errors of light as BT.709's curve would."""
CODES = 256


def of_curve(recipe: Recipe) -> np.ndarray | None:
    """Kind of a block by its mean luma, 0..255: (256,) uint8; None where there are no tones of a camera's."""
    if not recipe.tone:
        return None
    code = ((np.arange(CODES) + 0.5) / CODES).astype(np.float32)
    light, slope = curve_of(recipe).decode(code)
    base = CURVES["bt709"]
    _, usual = base.decode(base.encode(light))
    wanted = POWER * np.log2(np.maximum(usual, 1e-6) / np.maximum(slope, 1e-6))
    return np.clip(np.rint(4 * wanted) + len(WEIGHTS) // 2, 0, len(WEIGHTS) - 1).astype(np.uint8)


def kinds(steps: np.ndarray, first: int, by_mean: np.ndarray | None) -> tuple[np.ndarray, tuple[float, ...]]:
    """Kinds (N,) uint8 of blocks (N, 64) in steps, of which the mean's is `first`, and the weight of each kind."""
    if by_mean is None:
        return np.zeros(len(steps), np.uint8), EVEN
    mean = np.clip(steps[:, 0], -LIMIT, LIMIT) * np.float32(first / 8) + 128
    return by_mean[np.clip(mean, 0, CODES - 1).astype(np.intp)], WEIGHTS
