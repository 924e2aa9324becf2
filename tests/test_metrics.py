"""Figures of merit of a recovered mosaic, against answers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import BAYER, recipe_of

from rawback import metrics

BALANCED = recipe_of(12, 16, black=(200.0,) * 4, white=1200.0, neutral=(0.5, 1.0, 0.8))
"""Gains of white balance 2, 1, 1.25; the largest made 1: 1, 0.5, 0.625."""


def flat(red: float, green: float, blue: float) -> np.ndarray:
    """A mosaic (12, 16) of one colour, from 0 (black) to 1 (white)."""
    return np.tile(np.rint(200 + 1000 * np.array([[red, green], [green, blue]])).astype(np.uint16), (6, 8))


def test_the_raw_metric_is_balanced_by_gains_up_to_one_and_has_gamma_2_2():
    """0.25, 0.5 and 0.4 are a balanced grey of 0.25; its display value is 0.25 ** (1 / 2.2) = 0.53252."""
    shown = metrics.displayed(flat(0.25, 0.5, 0.4), BALANCED)
    assert np.abs(shown - 0.53252).max() < 1e-4
    one = metrics.displayed(flat(0.5, 0.5, 0.5), BALANCED)  # 0.5, 0.25 and 0.3125
    assert np.abs(one - np.array([0.72974, 0.53252, 0.58937])[:, None, None]).max() < 1e-4


def test_the_raw_metric_of_a_known_error():
    """A grey of 0.25 for one of 0.5: 0.53252 for 0.72974, a difference of 0.19722, 14.10 dB."""
    true, recovered = flat(0.5, 1, 0.8), flat(0.25, 0.5, 0.4)
    assert metrics.paper_psnr(true, recovered, BALANCED) == pytest.approx(14.10, abs=0.01)
    assert metrics.paper_psnr(true, true, BALANCED) == 120


def test_the_mosaic_s_own_metric_knows_no_balance_and_no_gamma():
    """0.1 off at every photosite is 20 dB; what lies below black or above white counts as black or white."""
    assert metrics.mosaic_psnr(flat(0.5, 0.5, 0.5), flat(0.4, 0.6, 0.4), BALANCED) == pytest.approx(20, abs=0.01)
    assert metrics.mosaic_psnr(flat(0, 0, 0), flat(-0.1, -0.2, 0), BALANCED) == 120


@pytest.mark.parametrize("peak", [1.0, 255.0])
def test_psnr(peak: float):
    assert metrics.psnr(np.zeros(9), np.full(9, peak / 10), peak) == pytest.approx(20)


def test_tones_are_measured_apart():
    """Errors of 0.01 in the shadows, 0.1 in the midtones, none in the highlights, by the true value."""
    recipe = recipe_of(2, 6, BAYER["RGGB"], black=(0.0,) * 4, white=1000.0)
    true = np.array([[20, 20, 200, 200, 900, 900]] * 2, np.uint16)
    recovered = true + np.array([10, 10, 100, 100, 0, 0], np.uint16)
    found = metrics.by_tone(true, recovered, recipe)
    assert found == pytest.approx({"shadows": 40, "midtones": 20, "highlights": 120}, abs=1e-6)


def test_black_bias_is_in_dn_by_colour():
    recipe = recipe_of(8, 8, black=(256.0,) * 4)
    true = np.full((8, 8), 256, np.uint16)
    brighter = true + np.tile(np.array([[1, 2], [2, 3]], np.uint16), (4, 4))
    assert metrics.black_bias(true, brighter, recipe) == pytest.approx([1, 2, 3])
