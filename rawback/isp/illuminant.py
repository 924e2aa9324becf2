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
