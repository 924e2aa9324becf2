"""Simulated sensors of known cameras: what a camera's weights are trained on."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.mosaic import X_TRANS
from rawback.learn.unprocess import SRGB_TO_XYZ, Sensor, camera_matrix, illuminant, neutral_of

TABLE = Path(__file__).with_name("sensors.json")
D65 = SRGB_TO_XYZ.sum(1)
"""XYZ of daylight: white of linear sRGB."""
COLOURS = "RGB"


@cache
def table() -> dict[str, dict]:
    """The cameras of sensors.json by name; what the fields mean stands in that file."""
    return json.loads(TABLE.read_text())["cameras"]


def names() -> list[str]:
    """The cameras that can be simulated."""
    return list(table())


def known(name: str) -> dict:
    """What is known of a camera. Raises RawbackError if it is not in the table."""
    if name not in table():
        raise RawbackError(f"no sensor {name!r} is known; expected one of {', '.join(names())}")
    return table()[name]


def xyz_to_camera(name: str) -> np.ndarray:
    """XYZ -> camera (3, 3) float64 under D65, as in DNG ColorMatrix1 (tag 50721)."""
    return np.array(known(name)["matrix"], float).reshape(3, 3) / 1e4


def matrix(name: str) -> np.ndarray:
    """White-balanced camera RGB -> linear sRGB: (3, 3) float64, rows sum to 1, as LibRaw computes it."""
    return camera_matrix(xyz_to_camera(name))


def neutral(name: str, kelvin: float | None = None) -> np.ndarray:
    """As-shot neutral (DNG tag 50728), (3,) float64, largest 1, under daylight (D65) or light of 2000..10000 K."""
    return neutral_of(xyz_to_camera(name), D65 if kelvin is None else illuminant(kelvin))


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
    light = neutral(name, 1e6 / rng.uniform(105, 400)) * np.exp(rng.normal(0, 0.03, 3))
    return _sensor(name, speed, light / light.max())


def _sensor(name: str, iso: float, light: np.ndarray) -> Sensor:
    black, white = (float(known(name)[level]) for level in ("black", "white"))
    return Sensor(matrix(name), light, cfa(name), noise(name, iso), black, white)
