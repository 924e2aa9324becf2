"""The colour of light by its temperature: black bodies (lamps), and daylight."""

from __future__ import annotations

import numpy as np

DAYLIGHT_FROM = 4000.0
"""Kelvin from which on `of_kelvin` takes light for daylight: there the CIE's series begins."""


def of_kelvin(kelvin: float) -> np.ndarray:
    """XYZ (3,) with Y = 1 of the light that has that temperature outdoors or at home: 1667 to 25000 K."""
    return daylight(kelvin) if kelvin >= DAYLIGHT_FROM else black_body(kelvin)


def black_body(kelvin: float) -> np.ndarray:
    """XYZ (3,) with Y = 1 on the Planckian locus, 2222 to 25000 K (Kim et al. 2002, US patent 7024034)."""
    t = 1e3 / kelvin
    if kelvin > DAYLIGHT_FROM:
        x = 0.240390 + t * (0.2226347 + t * (2.1070379 - 3.0258469 * t))
        y = -0.37001483 + x * (3.75112997 + x * (-5.87338670 + 3.0817580 * x))
    else:
        x = 0.179910 + t * (0.8776956 - t * (0.2343589 + 0.2661239 * t))
        y = -0.16748867 + x * (2.09137015 - x * (1.37418593 + 0.9549476 * x))
    return _xyz(x, y)


def daylight(kelvin: float) -> np.ndarray:
    """XYZ (3,) with Y = 1 of the CIE's D series, 4000 to 25000 K (CIE 15:2004, equations 3.3 to 3.5)."""
    t = 1e3 / kelvin
    if kelvin > 7000:
        x = 0.23704 + t * (0.24748 + t * (1.9018 - 2.0064 * t))
    else:
        x = 0.244063 + t * (0.09911 + t * (2.9678 - 4.6070 * t))
    return _xyz(x, -0.275 + x * (2.870 - 3.0 * x))


def _xyz(x: float, y: float) -> np.ndarray:
    return np.array([x / y, 1, (1 - x - y) / y])


TEMPERATURES = {
    1: 5500, 2: 4150, 3: 2850, 4: 5500, 9: 5500, 10: 6500, 11: 7500, 12: 6400, 13: 5050, 14: 4150, 15: 3450, 16: 2925,
    17: 2850, 18: 5500, 19: 6500, 20: 5500, 21: 6500, 22: 7500, 23: 5000, 24: 3200,
}  # fmt: skip
"""Kelvin of EXIF's LightSource (tag 37384), as DNG readers take them for CalibrationIlluminant1 and 2."""


def kelvin_of(x: float, y: float) -> float:
    """Correlated colour temperature of a chromaticity (McCamy 1992)."""
    n = (x - 0.3320) / (0.1858 - y)
    return ((449 * n + 3525) * n + 6823.3) * n + 5520.33


def camera_neutral(white_xy: tuple[float, ...], numbers: dict[str, tuple[float, ...]]) -> np.ndarray | None:
    """The answer (3,) of a camera to white of that chromaticity, largest 1, by a DNG's colour tags (DNG 1.7.1, chapter 6).

    Two matrices are mixed by the inverse of their lights' temperatures. None if the tags do not say it.
    """
    x, y = white_xy
    if "ColorMatrix1" not in numbers or not 0 < x < 1 or not 0 < y < 1 - x:
        return None
    sensors = [_sensor(numbers, number) for number in (1, 2) if f"ColorMatrix{number}" in numbers]
    lights = [TEMPERATURES.get(int(numbers.get(f"CalibrationIlluminant{number}", (0,))[0]), 0) for number in (1, 2)]
    sensor = sensors[0]
    if len(sensors) == 2 and all(lights) and lights[0] != lights[1]:
        kelvin = np.clip(kelvin_of(x, y), min(lights), max(lights))
        share = (1 / kelvin - 1 / lights[1]) / (1 / lights[0] - 1 / lights[1])
        sensor = share * sensors[0] + (1 - share) * sensors[1]
    neutral = sensor @ _xyz(x, y)
    return neutral / neutral.max() if neutral.min() > 0 else None


def _sensor(numbers: dict[str, tuple[float, ...]], number: int) -> np.ndarray:
    """AnalogBalance, CameraCalibration and ColorMatrix in one: XYZ -> camera (3, 3)."""
    own = np.reshape(numbers.get(f"CameraCalibration{number}", np.eye(3).ravel()), (3, 3))
    return np.diag(numbers.get("AnalogBalance", (1.0,) * 3)) @ own @ np.reshape(numbers[f"ColorMatrix{number}"], (3, 3))
