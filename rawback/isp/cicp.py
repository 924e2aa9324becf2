"""Colours given by numbers: primaries and transfer characteristics (ITU-T H.273), as HEIF, AVIF, PNG and video do it."""

from __future__ import annotations

import numpy as np

from rawback.isp.colour import srgb_light
from rawback.isp.colour_profile import SAMPLES, SRGB_TO_D50, Profile

UNSPECIFIED, SRGB_PRIMARIES, SRGB_TRANSFER = 2, 1, 13
PRIMARIES = {
    1: ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), 5: ((0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: ((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)), 9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}  # fmt: skip
"""Chromaticities of red, green and blue under D65: BT.709, BT.601 of 625 and 525 lines, BT.2020, P3."""
NAMES = {1: "BT.709", 5: "BT.601", 6: "BT.601", 9: "BT.2020", 12: "Display P3"}
WHITE_XY = np.array([0.3127, 0.3290])
"""Chromaticity of D65."""
LINEAR, GAMMA_22, GAMMA_28, PQ, HLG = 8, 4, 5, 16, 18
REFERENCE_WHITE = 203.0
"""cd/m2 of a picture's white in PQ, and what HLG's 75 % are (ITU-R BT.2408, 2.1)."""
PQ_PEAK = 10000.0
HLG_PEAK, HLG_SYSTEM_GAMMA = 1000.0, 1.2
"""cd/m2 of HLG's nominal display, and the gamma from its scene to its light (BT.2100, table 5)."""


def profile(primaries: int, transfer: int) -> Profile | None:
    """By the two numbers; None for sRGB and what is not known. Video's curves are taken for sRGB's, as in browsers."""
    if primaries not in PRIMARIES and primaries != UNSPECIFIED:
        return None
    code = SRGB_PRIMARIES if primaries == UNSPECIFIED else primaries
    curve = _curve(transfer)
    if code == SRGB_PRIMARIES and curve is None:
        return None
    codes = np.linspace(0, 1, SAMPLES + 1)
    light = srgb_light(codes) if curve is None else curve
    gamma = HLG_SYSTEM_GAMMA if transfer == HLG else 1.0
    name = {PQ: f"{NAMES[code]} PQ", HLG: f"{NAMES[code]} HLG", LINEAR: f"linear {NAMES[code]}"}.get(transfer, NAMES[code])
    return Profile(name, to_d50(PRIMARIES[code]), np.stack([light] * 3), gamma)


def to_d50(chromaticities: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Linear RGB of these primaries and D65 -> XYZ under D50 (3, 3)."""
    return SRGB_TO_D50 @ np.linalg.inv(_to_xyz(PRIMARIES[SRGB_PRIMARIES])) @ _to_xyz(chromaticities)


def _to_xyz(chromaticities: tuple[tuple[float, float], ...]) -> np.ndarray:
    """Linear RGB -> XYZ (3, 3), white being D65 of Y 1."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in chromaticities]).T
    white = np.array([WHITE_XY[0] / WHITE_XY[1], 1, (1 - WHITE_XY.sum()) / WHITE_XY[1]])
    return columns * np.linalg.solve(columns, white)


def _curve(transfer: int) -> np.ndarray | None:
    """(SAMPLES + 1,) light at codes 0..1, the picture's white being 1; None for sRGB's, and all that is taken for it."""
    codes = np.linspace(0, 1, SAMPLES + 1)
    if transfer == LINEAR:
        return codes
    if transfer in (GAMMA_22, GAMMA_28):
        return codes ** (2.2 if transfer == GAMMA_22 else 2.8)
    if transfer == PQ:
        return pq_light(codes)
    return hlg_light(codes) if transfer == HLG else None


def pq_light(codes: np.ndarray) -> np.ndarray:
    """SMPTE ST 2084: codes 0..1 -> light, 1 being the reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = codes ** (1 / m2)
    return PQ_PEAK / REFERENCE_WHITE * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)


def hlg_light(codes: np.ndarray) -> np.ndarray:
    """ARIB STD-B67: codes 0..1 -> the scene's light; its luminance taken to the system gamma, 1 is the reference white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(codes <= 0.5, codes**2 / 3, (np.exp((codes - c) / a) + b) / 12)
    return scene * (HLG_PEAK / REFERENCE_WHITE) ** (1 / HLG_SYSTEM_GAMMA)
