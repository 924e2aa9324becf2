"""Pictures in colours of their own brought to sRGB in float, nothing clipped: profiles of three curves and a matrix."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp.colour import CURVES, srgb_light

SRGB_TO_D50 = np.array([[0.43606, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Linear sRGB -> XYZ as seen under D50, the colorants of every sRGB profile."""
ADOBE_TO_D50 = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
ADOBE_GAMMA = 563 / 256
SAMPLES = 4096
SAME = 2e-3
"""Codes that a profile may be off sRGB and still be sRGB: a quarter of an 8-bit step."""


@dataclass(frozen=True)
class Profile:
    """How code values of a picture become light."""

    name: str
    to_d50: np.ndarray
    """(3, 3) linear RGB -> XYZ under D50."""
    curves: np.ndarray
    """(3, SAMPLES + 1) linear light of each channel at codes 0..1; beyond 1 where codes tell light above white."""
    system_gamma: float = 1.0
    """To which power luminance is taken after the curves: HLG's, from its scene to its light."""

    @property
    def peak(self) -> float:
        """The brightest light that codes can tell, 1 being white."""
        return float(self.curves.max()) ** self.system_gamma

    @property
    def is_srgb(self) -> bool:
        """Whether nothing would change."""
        if self.peak > 1 + SAME:
            return False
        codes = np.linspace(0, 1, 17)
        greys = np.stack([codes] * 3)
        pure = np.concatenate([greys, np.eye(3)], 1).astype(np.float32)[:, None]
        return bool(np.abs(self.to_srgb(pure) - pure).max() < 4 * SAME)

    def light(self, planes: np.ndarray) -> np.ndarray:
        """Code values (3, H, W) float32 -> linear light of its own primaries (3, H, W) float32."""
        light = np.stack([_lookup(curve, plane) for curve, plane in zip(self.curves, planes, strict=True)])
        if self.system_gamma != 1:
            luminance = np.tensordot(self.to_d50[1].astype(np.float32), light, 1)
            light *= np.maximum(luminance, 1e-6) ** np.float32(self.system_gamma - 1)
        return light

    def linear_srgb(self, light: np.ndarray) -> np.ndarray:
        """Linear light of its primaries (3, H, W) float32 -> linear sRGB (3, H, W) float32, nothing clipped."""
        matrix = (np.linalg.inv(SRGB_TO_D50) @ self.to_d50).astype(np.float32)
        return np.einsum("ij,jhw->ihw", matrix, light)

    def to_srgb(self, planes: np.ndarray) -> np.ndarray:
        """Code values (3, H, W) float32 -> extended sRGB codes (3, H, W) float32; what sRGB lacks lies outside 0..1."""
        return _encode(self.linear_srgb(self.light(planes)))


def srgb() -> Profile:
    """sRGB's own, for those who need light and not codes."""
    return Profile("sRGB", SRGB_TO_D50, np.stack([srgb_light(np.linspace(0, 1, SAMPLES + 1))] * 3))


def adobe_rgb() -> Profile:
    """Adobe RGB (1998), for files that name it without carrying it (DCF option file, interoperability index R03)."""
    return Profile("Adobe RGB (1998)", ADOBE_TO_D50, np.stack([np.linspace(0, 1, SAMPLES + 1) ** ADOBE_GAMMA] * 3))


def from_gamma(values: np.ndarray, gamma: float) -> np.ndarray:
    """Values of any shape, uint8 or uint16, that are light to the power of `gamma` -> sRGB's codes, uint16."""
    light = (values.astype(np.float32) / np.float32(np.iinfo(values.dtype).max)) ** np.float32(1 / gamma)
    return np.rint(65535 * np.clip(CURVES["srgb"].encode(light), 0, 1)).astype(np.uint16)


def _lookup(curve: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Light at codes of any range: negative codes mirror the curve, above 1 its last slope goes on."""
    code = np.abs(plane)
    light = np.interp(code, np.linspace(0, 1, SAMPLES + 1), curve).astype(np.float32)
    slope = np.float32((curve[-1] - curve[-33]) * SAMPLES / 32)
    light += slope * np.maximum(code - 1, 0)
    return np.copysign(light, plane)


def _encode(light: np.ndarray) -> np.ndarray:
    x = np.abs(light)
    code = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.copysign(code, light).astype(np.float32)
