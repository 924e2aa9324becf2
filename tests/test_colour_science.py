"""CIELAB and the colours of light, against published values."""

import numpy as np
import pytest

from rawback.isp import cielab, illuminant
from rawback.isp.colour import SRGB_TO_XYZ


@pytest.mark.parametrize(("light", "expected"), [
    ((1, 1, 1), (100, 0, 0)), ((1, 0, 0), (53.24, 80.09, 67.20)), ((0, 1, 0), (87.73, -86.18, 83.18)),
    ((0, 0, 1), (32.30, 79.19, -107.86)), ((0.001, 0.001, 0.001), (0.903, 0, 0)), ((0, 0, 0), (0, 0, 0)),
])  # fmt: skip
def test_primaries_have_their_places_in_cielab(light: tuple, expected: tuple):
    assert np.allclose(cielab.of_light(np.array(light, float)), expected, atol=0.01)


def test_the_slopes_of_cielab_are_its_derivatives():
    light, step = np.random.default_rng(0).random((50, 3)) * np.array([0.02, 0.02, 1]), 1e-6
    changes = [cielab.of_light(light + step * axis) - cielab.of_light(light - step * axis) for axis in np.eye(3)]
    assert np.allclose(cielab.slopes(light), np.stack(changes, -1) / (2 * step), rtol=1e-4, atol=1e-3)


def chromaticity(xyz: np.ndarray) -> np.ndarray:
    return xyz[:2] / xyz.sum()


@pytest.mark.parametrize(("kelvin", "x", "y"), [
    (2855.54, 0.44757, 0.40745), (5000, 0.3451, 0.3516), (6504, 0.3135, 0.3237), (10000, 0.2807, 0.2884),
])  # fmt: skip
def test_black_bodies_have_their_places(kelvin: float, x: float, y: float):
    """Illuminant A, and the Planckian locus."""
    assert np.allclose(chromaticity(illuminant.black_body(kelvin)), (x, y), atol=6e-4)


@pytest.mark.parametrize(("kelvin", "x", "y"), [(5003, 0.34567, 0.35850), (6504, 0.31271, 0.32902), (7504, 0.29902, 0.31485)])
def test_daylight_has_its_places(kelvin: float, x: float, y: float):
    """D50, D65 and D75."""
    assert np.allclose(chromaticity(illuminant.daylight(kelvin)), (x, y), atol=3e-4)


def test_white_of_srgb_is_daylight():
    assert np.allclose(SRGB_TO_XYZ.sum(1), illuminant.daylight(6504), atol=2e-3)


def test_light_of_a_temperature_is_a_lamp_or_daylight():
    assert np.array_equal(illuminant.of_kelvin(2800), illuminant.black_body(2800))
    assert np.array_equal(illuminant.of_kelvin(4000), illuminant.daylight(4000))
