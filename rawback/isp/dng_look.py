"""The look of a photo as far as an embedded profile of a DNG can say it (DNG 1.7.1, chapter 6)."""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import CURVES, curve_of, matrix_from_xyz
from rawback.isp.colour_profile import SRGB_TO_D50
from rawback.recipe import Recipe

TONE_POINTS = 64
SATURATIONS = (0.8, 1.3)
"""What developers take well."""


def tone_curve(recipe: Recipe) -> np.ndarray:
    """ProfileToneCurve: light of the developer's own rendering -> light as the photo shows it, (65, 2), 0..1, rising."""
    light = np.linspace(0, 1, TONE_POINTS + 1) ** 2
    displayed = np.clip(CURVES[recipe.curve].decode(curve_of(recipe).encode(light.astype(np.float32)))[0], 0, 1)
    displayed[0], displayed[-1] = 0, 1
    return np.stack([light, np.maximum.accumulate(displayed)], 1)


def forward_matrix(recipe: Recipe) -> np.ndarray:
    """White-balanced camera RGB -> XYZ under D50 (3, 3), as the picture has its colours (DNG 1.7.1, tag 50964)."""
    return SRGB_TO_D50 @ np.array(recipe.matrix)


def saturation(recipe: Recipe) -> float:
    """How much more colourful the look is than the camera's matrix alone (exact where the look is but a saturation).

    What is mixed after the curve counts as much as in light.
    """
    numbers = recipe.dng.get("ColorMatrix2") or recipe.dng.get("ColorMatrix1")
    if not numbers:
        return 1.0
    mix = np.array(recipe.matrix) @ np.linalg.inv(matrix_from_xyz(np.reshape(numbers, (3, 3))))
    mixed_later = np.linalg.inv(recipe.code_matrix) if recipe.code_matrix else np.eye(3)
    amount = (np.trace(mix / mix.sum(1, keepdims=True)) - 1) / 2 * (np.trace(mixed_later) - 1) / 2
    return float(np.clip(amount, *SATURATIONS))
