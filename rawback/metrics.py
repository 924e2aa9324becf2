"""How close a recovered RAW, or a picture, is to the true one. PSNR has peak 1 and is capped at 120 dB."""

from __future__ import annotations

import numpy as np

from rawback.isp import full_colour, noise
from rawback.isp.mosaic import black_pattern, demosaic_mean, level, tile
from rawback.recipe import Recipe

TONES = {"shadows": (0.0, 0.05), "midtones": (0.05, 0.4), "highlights": (0.4, 1.01)}
"""Ranges of the true mosaic between black and white level."""
NOISE_LEVELS = {"black": (-1.0, 0.002), "shadows": (0.002, 0.02), "midtones": (0.02, 0.2), "highlights": (0.2, 0.9)}
"""Ranges of level within which noise is compared, finer towards black than TONES."""
ENOUGH_BLOCKS = 24
"""Of a range of levels, for its noise to be compared."""
ROWS, CONTEXT = 192, 6
"""Of a strip, and above and below it for the interpolation: whole CFA cells of any camera."""
PART = 1 << 18
"""Values of a large array that are compared at a time: differences of all would take several times its memory."""


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 1.0) -> float:
    """PSNR in dB of two arrays of equal shape."""
    a, b = a.reshape(-1), b.reshape(-1)
    parts = (slice(start, start + PART) for start in range(0, a.size, PART))
    error = sum(float(np.square(a[part].astype(np.float64) - b[part]).sum()) for part in parts) / a.size / peak**2
    return float(-10 * np.log10(max(error, 1e-12)))


def mosaic_psnr(true: np.ndarray, recovered: np.ndarray, recipe: Recipe) -> float:
    """Of the mosaics themselves, (H, W) uint16 or of linear RAW (H, W, 3), between black and white level."""
    if recipe.linear:
        black, span = full_colour.levels(recipe)
        a, b = (np.clip((values - black) / span, 0, 1) for values in (true, recovered))
    else:
        a, b = (np.clip(level(m, recipe), 0, 1) for m in (true, recovered))
    return psnr(a, b)


def paper_psnr(true: np.ndarray, recovered: np.ndarray, recipe: Recipe) -> float:
    """As the InvISP paper measures RAW: bilinearly demosaiced, white-balanced (largest gain 1), gamma 1/2.2."""
    return psnr(displayed(true, recipe), displayed(recovered, recipe))


def displayed(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Mosaic (H, W), or linear RAW (H, W, 3), uint16 -> planes (3, H, W) float32 0..1 in camera colours.

    Interpolated, white-balanced, gamma 1/2.2.
    """
    height = len(mosaic)
    if recipe.linear:
        black, span = full_colour.levels(recipe)
        planes = np.moveaxis(np.clip((mosaic - black) / span, 0, 1) * (recipe.gains / recipe.gains.max()), -1, 0)
        return np.clip(planes, 0, 1) ** np.float32(1 / 2.2)
    planes = np.empty((3, *mosaic.shape), np.float32)
    for start in range(0, height, ROWS):
        stop, first = min(start + ROWS, height), max(start - CONTEXT, 0)
        strip = _displayed(mosaic[first : stop + CONTEXT], recipe)
        planes[:, start:stop] = strip[:, start - first : stop - first]
    return planes


def _displayed(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    cfa = tile(np.array(recipe.cfa), *mosaic.shape)
    planes = demosaic_mean(np.clip(level(mosaic, recipe), 0, 1), cfa, radius=1 if len(recipe.cfa) == 2 else 2)
    gains = recipe.gains / recipe.gains.max()
    return np.clip(planes * gains[:, None, None], 0, 1) ** np.float32(1 / 2.2)


def by_tone(true: np.ndarray, recovered: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Mosaic PSNR over photosites whose true value lies in each of TONES; nan where there are none."""
    a, b = (np.clip(level(m, recipe), 0, 1) for m in (true, recovered))
    inside = {name: (a >= low) & (a < high) for name, (low, high) in TONES.items()}
    return {name: psnr(a[mask], b[mask]) if mask.any() else float("nan") for name, mask in inside.items()}


def black_bias(true: np.ndarray, recovered: np.ndarray, recipe: Recipe) -> list[float]:
    """Mean of recovered - true in DN over the darkest photosites, for red, green, blue; nan where there are none.

    Those whose true and recovered value are up to 1 % above black in the mean: by the true value alone, what noise
    happened to make dark would be chosen, and seem to have been brightened.
    """
    cfa = tile(np.array(recipe.cfa), *true.shape)
    limit = tile(black_pattern(recipe), *true.shape) + 0.01 * (recipe.white - np.mean(recipe.black))
    difference = recovered.astype(np.float64) - true
    dark = true + difference / 2 <= limit
    return [float(difference[dark & (cfa == c)].mean()) if (dark & (cfa == c)).any() else float("nan") for c in range(3)]


def noise_kept(true: np.ndarray, recovered: np.ndarray, recipe: Recipe) -> dict[str, float]:
    """Noise variance of a recovered mosaic over the true one's, in each of NOISE_LEVELS; nan where too little is flat.

    Less than 1: noise was smeared away; more: it was added to. Of each range the fifth of the blocks that vary least.
    """
    cut = [noise.blocks(mosaic, recipe) for mosaic in (true, recovered)]
    noise_true, noise_found = map(noise.around_ramp, cut)
    mean, varies = (cut[0].mean((1, 2)) + cut[1].mean((1, 2))) / 2, noise_true + noise_found
    kept = {}
    for name, (low, high) in NOISE_LEVELS.items():
        inside = (mean >= low) & (mean < high) & (noise_true > 0)
        chosen = inside & (varies <= np.quantile(varies[inside], noise.QUIET)) if inside.any() else inside
        enough = np.count_nonzero(chosen) >= ENOUGH_BLOCKS
        kept[name] = float(noise_found[chosen].sum() / noise_true[chosen].sum()) if enough else float("nan")
    return kept
