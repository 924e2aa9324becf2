"""Simulated sensors, of known cameras and drawn at random: what weights are trained on."""

from __future__ import annotations

import numpy as np

from rawback.cameras.sensors import known, published, xyz_to_camera
from rawback.errors import RawbackError
from rawback.isp import illuminant
from rawback.isp.colour import SRGB_TO_XYZ, matrix_from_xyz
from rawback.isp.mosaic import BAYER, X_TRANS
from rawback.learn.unprocess import Sensor

D65 = SRGB_TO_XYZ.sum(1)
"""XYZ of daylight: white of linear sRGB."""
COLOURS = "RGB"
"""Letters of a pattern by their number in a CFA."""
LEAST_ANSWER = 0.15
"""Of a channel to the light, against that of the most sensitive one: no camera's gains are steeper."""
LOWEST_MIRED, HIGHEST_MIRED = 105, 400
"""Of lights that are drawn, evenly in 1e6 / kelvin: 9500 to 2500 K."""
CAST = 0.03
"""Spread of white balances about the light's, in the logarithm: no light lies quite on the locus."""
SHOT_NOISE = 1.0e-5
"""Scale of the noise model (DNG tag 51041) of a middling sensor at ISO 100; drawn from half of it to 2.8 times."""
READ_BY_SHOT, READ_AT_ONE, READ_SPREAD = 2.18, 1.2, 0.4
"""log offset = 2.18 log scale + 1.2 (Brooks et al. 2019, 3.1, from the Darmstadt dataset), and the spread about it."""
BITS, BITS_SHARES = (8, 10, 12, 14), (0.08, 0.17, 0.35, 0.4)
"""Depths that are drawn, and how often."""
BLACKS = (0, 1 / 64, 1 / 32, 1 / 16)
"""Black levels that are drawn, as shares of all DN."""
COLOURLESS = 0.1
"""Share of drawn sensors whose RGB is linear sRGB's."""


def matrix(name: str) -> np.ndarray:
    """White-balanced camera RGB -> linear sRGB: (3, 3) float64, rows sum to 1, as LibRaw computes it."""
    return matrix_from_xyz(xyz_to_camera(name))


def neutral(name: str, kelvin: float | None = None) -> np.ndarray:
    """As-shot neutral (DNG tag 50728), (3,) float64, largest 1, under daylight (D65) or light of 2000..10000 K."""
    return neutral_of(xyz_to_camera(name), D65 if kelvin is None else illuminant.of_kelvin(kelvin))


def neutral_of(to_camera: np.ndarray, light: np.ndarray) -> np.ndarray:
    """As-shot neutral (DNG tag 50728), (3,), largest 1, of a camera by XYZ -> camera (3, 3) in a light of XYZ (3,)."""
    answer = to_camera @ light
    answer = np.maximum(answer, LEAST_ANSWER * answer.max())
    return answer / answer.max()


def noise(name: str, iso: float) -> tuple[float, float]:
    """(scale, offset) of the noise model (DNG tag 51041) at an ISO speed.

    Shot noise of as many electrons as reach white at that speed; read noise before the amplifier, and after it.
    """
    camera = known(name)
    gain = iso / camera["base_iso"]
    electrons = camera["electrons"] / gain
    before, after = camera["read_noise"]
    return 1 / electrons, (before**2 + (after / gain) ** 2) / electrons**2


def cfa(name: str) -> tuple[tuple[int, ...], ...]:
    """The colour filter array: 0 red, 1 green, 2 blue; 2x2, or 6x6 for X-Trans."""
    pattern = known(name)["cfa"]
    if pattern == "X-Trans":
        return X_TRANS
    first, second, third, fourth = (COLOURS.index(letter) for letter in pattern)
    return (first, second), (third, fourth)


def sensor(name: str, iso: float | None = None, kelvin: float | None = None) -> Sensor:
    """The camera at an ISO speed (None: its lowest) and a white balance (None: daylight). Raises RawbackError."""
    camera = known(name)
    lowest, highest = camera["base_iso"], camera["highest_iso"]
    if not lowest <= (iso or lowest) <= highest:
        raise RawbackError(f"{name} has no ISO {iso:g}; expected {lowest} to {highest}")
    return _sensor(name, iso or lowest, neutral(name, kelvin))


def draw(name: str, rng: np.random.Generator, iso: tuple[float, float] = (0, np.inf)) -> Sensor:
    """The camera in light at random (2500 to 9500 K, uniform in mired) at an ISO of its own within `iso`, log-uniform."""
    camera = known(name)
    lowest, highest = (min(max(camera[key], iso[0]), iso[1]) for key in ("base_iso", "highest_iso"))
    speed = float(np.exp(rng.uniform(*np.log((lowest, highest)))))
    light = neutral(name, _kelvin(rng)) * np.exp(rng.normal(0, CAST, 3))
    return _sensor(name, speed, light / light.max())


def _sensor(name: str, iso: float, light: np.ndarray) -> Sensor:
    black, white = (float(known(name)[level]) for level in ("black", "white"))
    return Sensor(matrix(name), light, cfa(name), noise(name, iso), black, white)


def draw_any(
    rng: np.random.Generator, cfa: tuple[tuple[int, ...], ...] | None = None, iso: tuple[float, float] = (50, 25600)
) -> Sensor:
    """A sensor at random: colours, light, Bayer phase (if `cfa` is None), ISO (log-uniform in `iso`), noise, bit depth."""
    matrices = list(published().values())
    to_camera = matrices[rng.integers(len(matrices))]
    matrix, neutral = matrix_from_xyz(to_camera), neutral_of(to_camera, illuminant.of_kelvin(_kelvin(rng)))
    if rng.random() < COLOURLESS:
        matrix, neutral = np.eye(3), np.ones(3) if rng.random() < 0.5 else neutral
    neutral = neutral * np.exp(rng.normal(0, CAST, 3))
    shot = SHOT_NOISE * 2 ** rng.uniform(-1, 1.5) * np.exp(rng.uniform(*np.log(iso))) / 100
    read = np.exp(READ_BY_SHOT * np.log(shot) + READ_AT_ONE + rng.normal(0, READ_SPREAD))
    bits = int(rng.choice(BITS, p=BITS_SHARES))
    black = round(float(rng.choice(BLACKS)) * 2**bits)
    phase = cfa or list(BAYER.values())[rng.integers(len(BAYER))]
    return Sensor(matrix, neutral / neutral.max(), phase, (float(shot), float(read)), black, 2**bits - 1)


def _kelvin(rng: np.random.Generator) -> float:
    return 1e6 / rng.uniform(LOWEST_MIRED, HIGHEST_MIRED)
