"""CIEDE2000 and MS-SSIM: how different two pictures look."""

from __future__ import annotations

import numpy as np

from rawback.isp import cielab
from rawback.isp.colour import srgb_light

SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Wang, Simoncelli and Bovik 2003."""
ROWS = 128
"""Of a picture that are compared at a time."""
GAUSS = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
"""The window of SSIM: 11 pixels, sigma 1.5 (Wang et al. 2004)."""


def lab(srgb: np.ndarray) -> np.ndarray:
    """sRGB (..., 3) in 0..1 -> CIELAB under D65."""
    return cielab.of_light(srgb_light(srgb))


def delta_e_2000(lab1: np.ndarray, lab2: np.ndarray) -> np.ndarray:
    """CIEDE2000 of CIELAB colours (..., 3); Sharma, Wu and Dalal 2005, equations 2 to 22."""
    (l1, a1, b1), (l2, a2, b2) = (np.moveaxis(x, -1, 0) for x in (lab1, lab2))
    mean7 = ((np.hypot(a1, b1) + np.hypot(a2, b2)) / 2) ** 7
    stretch = 1.5 - 0.5 * np.sqrt(mean7 / (mean7 + 25.0**7))
    c1, c2 = np.hypot(stretch * a1, b1), np.hypot(stretch * a2, b2)
    h1, h2 = (np.degrees(np.arctan2(b, stretch * a)) % 360 for a, b in ((a1, b1), (a2, b2)))
    turn = (h2 - h1 + 180) % 360 - 180
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, turn)
    hue = np.where(grey, h1 + h2, np.where(np.abs(h1 - h2) > 180, (h1 + h2 + 360) / 2 % 360, (h1 + h2) / 2))
    lightness, chroma = (l1 + l2) / 2, (c1 + c2) / 2
    cos = [np.cos(np.radians(k * hue + shift)) for k, shift in ((1, -30), (2, 0), (3, 6), (4, -63))]
    t = 1 - 0.17 * cos[0] + 0.24 * cos[1] + 0.32 * cos[2] - 0.20 * cos[3]
    rotation = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    dl = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2))
    dc = (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    return np.sqrt(np.maximum(dl**2 + dc**2 + dh**2 + rotation * dc * dh, 0))


def ms_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Multi-scale SSIM of two grey pictures (H, W), peak 1; as many of the five scales as the size allows."""
    contrasts: list[float] = []
    for weight in SCALE_WEIGHTS:
        if min(a.shape) < len(GAUSS):
            break
        luminance, contrast = _ssim(a, b)
        contrasts.append(max(contrast, 1e-6) ** weight)
        last = max(luminance, 1e-6) ** weight
        a, b = (_halve(x) for x in (a, b))
    return float(np.prod(contrasts) * last) if contrasts else float("nan")


def _ssim(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    inner = a.shape[0] - len(GAUSS) + 1
    sums = np.zeros(2)
    for top in range(0, inner, ROWS):  # in strips: the whole would take fifteen times the memory of the pictures
        rows = slice(top, min(top + ROWS, inner) + len(GAUSS) - 1)
        sums += [part.sum() for part in _similar(a[rows], b[rows])]
    luminance, contrast = sums / inner / (a.shape[1] - len(GAUSS) + 1)
    return float(luminance), float(contrast)


def _similar(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM's two factors at every place."""
    mean_a, mean_b = _blur(a), _blur(b)
    var_a, var_b, both = _blur(a * a) - mean_a**2, _blur(b * b) - mean_b**2, _blur(a * b) - mean_a * mean_b
    contrast = (2 * both + 0.03**2) / (var_a + var_b + 0.03**2)
    luminance = (2 * mean_a * mean_b + 0.01**2) / (mean_a**2 + mean_b**2 + 0.01**2)
    return luminance, contrast


def _blur(plane: np.ndarray) -> np.ndarray:
    weights = GAUSS / GAUSS.sum()
    n = len(weights) - 1
    rows = sum(w * plane[i : plane.shape[0] - n + i] for i, w in enumerate(weights))
    return np.asarray(sum(w * rows[:, i : plane.shape[1] - n + i] for i, w in enumerate(weights)))


def _halve(plane: np.ndarray) -> np.ndarray:
    h, w = (n // 2 * 2 for n in plane.shape)
    return plane[:h, :w].reshape(h // 2, 2, w // 2, 2).mean((1, 3))
