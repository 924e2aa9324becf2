"""How close a recovered RAW, or a picture, is to the true one. PSNR has peak 1 and is capped at 120 dB."""

from __future__ import annotations

import numpy as np

from rawback.isp.mosaic import black_pattern, demosaic_mean, level, tile
from rawback.recipe import Recipe

TONES = {"shadows": (0.0, 0.05), "midtones": (0.05, 0.4), "highlights": (0.4, 1.01)}
"""Ranges of the true mosaic between black and white level."""


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """PSNR in dB of two arrays of equal shape, peak 1."""
    error = float(np.mean(np.square(a.astype(np.float64) - b)))
    return float(-10 * np.log10(max(error, 1e-12)))


def mosaic_psnr(true: np.ndarray, found: np.ndarray, recipe: Recipe) -> float:
    """Of the mosaics themselves, (H, W) uint16, between black and white level."""
    return psnr(*(np.clip(level(m, recipe), 0, 1) for m in (true, found)))


def paper_psnr(true: np.ndarray, found: np.ndarray, recipe: Recipe) -> float:
    """As the InvISP paper measures RAW: bilinearly demosaiced, white-balanced (largest gain 1), gamma 1/2.2."""
    return psnr(*(displayed(m, recipe) for m in (true, found)))


def displayed(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Mosaic (H, W) uint16 -> planes (3, H, W) float32 0..1: interpolated, white-balanced, gamma 1/2.2, camera colours."""
    cfa = tile(np.array(recipe.cfa), *mosaic.shape)
    planes = demosaic_mean(np.clip(level(mosaic, recipe), 0, 1), cfa, radius=1 if len(recipe.cfa) == 2 else 2)
    gains = recipe.gains / recipe.gains.max()
    return np.clip(planes * gains[:, None, None], 0, 1) ** np.float32(1 / 2.2)


def by_tone(true: np.ndarray, found: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Mosaic PSNR over photosites whose true value lies in each of TONES; nan where there are none."""
    a, b = (np.clip(level(m, recipe), 0, 1) for m in (true, found))
    inside = {name: (a >= low) & (a < high) for name, (low, high) in TONES.items()}
    return {name: psnr(a[mask], b[mask]) if mask.any() else float("nan") for name, mask in inside.items()}


def black_bias(true: np.ndarray, found: np.ndarray, recipe: Recipe) -> list[float]:
    """Mean of found - true in DN over the darkest photosites (true value up to 1 % above black), for red, green, blue."""
    cfa = tile(np.array(recipe.cfa), *true.shape)
    dark = true <= tile(black_pattern(recipe), *true.shape) + 0.01 * (recipe.white - np.mean(recipe.black))
    difference = found.astype(np.float64) - true
    return [float(difference[dark & (cfa == c)].mean()) if (dark & (cfa == c)).any() else float("nan") for c in range(3)]
