"""A photograph -> the RAW that a chosen camera might have taken of the same scene: training RAW is made.

After Brooks et al., "Unprocessing images for learned raw denoising" (CVPR 2019), with what a round trip through a JPEG is
sensitive to added: photosites that really saturate, colours outside sRGB, all white balances, levels of real bit depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp.colour import srgb_light
from rawback.isp.mosaic import tile
from rawback.isp.tone import LUMINANCE


@dataclass(frozen=True)
class Sensor:
    """A camera at one white balance and one ISO."""

    matrix: np.ndarray
    """White-balanced camera RGB -> linear sRGB, (3, 3), rows sum to 1."""
    neutral: np.ndarray
    """As-shot neutral (DNG tag 50728), (3,), largest 1."""
    cfa: tuple[tuple[int, ...], ...]
    """Colour filter array: 0 red, 1 green, 2 blue."""
    noise: tuple[float, float]
    """Variance = noise[0] * x + noise[1] for x in 0..1 (DNG tag 51041)."""
    black: float
    """Black level in DN."""
    white: float
    """White level in DN, where a photosite saturates."""

    @property
    def gains(self) -> np.ndarray:
        """White balance multipliers (3,), smallest 1."""
        gains = 1 / self.neutral
        return gains / gains.min()


def linear_light(encoded: np.ndarray) -> np.ndarray:
    """sRGB-encoded uint8 or uint16 (H, W, 3) -> linear float32 0..1."""
    x = np.arange(np.iinfo(encoded.dtype).max + 1, dtype=np.float64) / np.iinfo(encoded.dtype).max
    return srgb_light(x).astype(np.float32)[encoded]


def scene(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The light before the photograph was developed: (H, W, 3) linear sRGB 0..1 -> scene linear sRGB from below 0 to about 8.

    Undoes a contrast curve of random strength, lifts what is near white (a photograph has lost how bright it was),
    sets the exposure and saturates colours beyond sRGB.
    """
    rgb = rgb.astype(np.float32)
    strength = np.float32(rng.uniform(0, 1))
    contrast = 0.5 - np.sin(np.arcsin(np.clip(1 - 2 * rgb, -1, 1)) / 3)
    rgb = rgb + strength * (contrast - rgb)
    knee = np.float32(rng.uniform(0.7, 0.95))
    brightest = rgb.max(-1, keepdims=True)
    rgb = rgb * (1 + np.float32(rng.uniform(0.2, 3)) * np.maximum(brightest - knee, 0) / (1 - knee))
    luminance = (rgb @ LUMINANCE.astype(np.float32))[..., None]
    rgb = luminance + np.float32(np.clip(rng.normal(1.05, 0.2), 0.7, 1.7)) * (rgb - luminance)
    return rgb * np.float32(2 ** rng.uniform(-2.5, 0.5))


def soften(light: np.ndarray, sigma: float) -> np.ndarray:
    """A lens's blur: (H, W, 3) through a Gaussian of `sigma` pixels (0 to 1: five taps)."""
    if sigma == 0:
        return light
    taps = np.exp(-(np.arange(-2, 3) ** 2) / (2 * sigma**2)).astype(np.float32)
    taps /= taps.sum()
    for axis in (0, 1):
        padded = np.pad(light, [(2, 2) if a == axis else (0, 0) for a in range(3)], mode="edge")
        n = light.shape[axis]
        light = sum(tap * (padded[i : i + n] if axis == 0 else padded[:, i : i + n]) for i, tap in enumerate(taps))
    return light


def expose(light: np.ndarray, sensor: Sensor) -> np.ndarray:
    """Scene linear sRGB (H, W, 3) -> white-balanced camera RGB (H, W, 3) float32, noiseless and unclipped above, 0 or more."""
    return np.maximum(light @ np.linalg.inv(sensor.matrix).T.astype(np.float32), 0)


def measure(balanced: np.ndarray, sensor: Sensor, rng: np.random.Generator) -> np.ndarray:
    """White-balanced camera RGB (H, W, 3) -> what the sensor counts: mosaic (H, W) uint16 DN, noisy, saturated at white."""
    index = tile(np.array(sensor.cfa), *balanced.shape[:2])  # (H, W)
    level = np.take_along_axis(balanced, index[..., None], -1)[..., 0] / sensor.gains.astype(np.float32)[index]
    sigma = np.sqrt(sensor.noise[0] * np.minimum(level, 1) + sensor.noise[1]).astype(np.float32)
    level = level + sigma * rng.standard_normal(level.shape, np.float32)
    counts = np.round(sensor.black + level * (sensor.white - sensor.black))
    return np.clip(counts, 0, sensor.white).astype(np.uint16)
