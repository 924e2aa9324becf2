"""A restoration is let through where the quantiser took more than noise, and not where it would only smear that."""

from dataclasses import replace

import numpy as np
import pytest

from rawback.isp.colour import curve_of
from rawback.isp.inverse_pass import sample_gains
from rawback.isp.mosaic import tile
from rawback.nets.noise_gate import NoiseGate
from rawback.nets.parts import Restorer
from rawback.picture import Coefficients
from rawback.recipe import Recipe

ISO_100, ISO_800 = (1.1e-5, 1.1e-9), (8.9e-5, 7.1e-8)
"""Noise of a full-frame sensor."""
SIDE = 64


def recipe_of(noise=(), exposure=0.0, cfa=((1, 2), (0, 1)), **fields) -> Recipe:
    matrix = ((1.6, -0.4, -0.2), (-0.2, 1.5, -0.3), (0.0, -0.5, 1.5))
    return Recipe(SIDE, SIDE, cfa, (512.0,) * 4, 16383.0, (0.5, 1, 0.7), matrix, exposure=exposure, noise=noise, **fields)


def saved_at(step: int) -> Coefficients:
    """A JPEG all of whose luma steps are that."""
    return Coefficients(SIDE, SIDE, [np.zeros((8, 8, 64), np.int16)] * 3, [np.full(64, step)] * 3)


def grey(value: float) -> np.ndarray:
    return np.full((SIDE, SIDE), value, np.float32)


def never(*arrays: np.ndarray) -> np.ndarray:
    raise AssertionError("a net was asked")


@pytest.mark.parametrize("fields", [{}, {"curve": "srgb"}, {"pedestal": 0.001}])
@pytest.mark.parametrize("model", [ISO_800, (*ISO_800, *ISO_100, *ISO_800)])
def test_noise_is_foretold_in_levels_of_the_jpeg(fields, model):
    """Light of one colour with the model's noise, brightened by 2 EV and sent through the curve, varies as foretold."""
    recipe = recipe_of(model, exposure=2.0, **fields)
    gains = tile(sample_gains(recipe), 512, 512)
    by_colour = np.resize(model, (3, 2))[tile(np.array(recipe.cfa), 512, 512)]
    light = 0.1 / gains
    rng = np.random.default_rng(0)
    noisy = light + np.sqrt(by_colour[..., 0] * light + by_colour[..., 1]) * rng.standard_normal(light.shape)
    balanced = (noisy * gains + recipe.pedestal * 2**recipe.exposure).astype(np.float32)
    codes = 255 * curve_of(recipe).encode(balanced)
    measured = np.mean([codes[y::2, x::2].var() for y, x in np.ndindex(2, 2)])
    assert NoiseGate(recipe, saved_at(4), False).noise(balanced).mean() == pytest.approx(measured, rel=0.05)


def test_without_a_noise_model_everything_is_let_through():
    gate = NoiseGate(recipe_of(), saved_at(1), False)
    assert np.array_equal(gate(grey(0.2)), np.ones((8, 8)))


def test_where_the_quantiser_rules_it_lets_through_and_where_noise_rules_it_is_not():
    quiet, noisy = recipe_of(ISO_100), recipe_of(ISO_800, exposure=5.0)
    assert NoiseGate(quiet, saved_at(12), False)(grey(0.2)).min() > 0.99
    assert NoiseGate(noisy, saved_at(12), False)(grey(0.2)).max() == 0
    steps = [NoiseGate(recipe_of(ISO_800), saved_at(step), False)(grey(0.05)).mean() for step in (1, 2, 4, 8, 16)]
    assert steps == sorted(steps) and steps[0] < 0.5 < 0.9 < steps[-1]


def test_what_another_program_may_have_clipped_is_guessed_whatever_the_noise():
    noisy = recipe_of((1e-3, 1e-6), exposure=0.0)
    bright = grey(0.2)
    bright[16:24, 40:48] = 1.2
    guessed = NoiseGate(noisy, saved_at(1), True)(bright)
    assert guessed[2, 5] == 1 and guessed[0, 0] < 0.1
    assert NoiseGate(noisy, saved_at(1), False)(bright).max() < 0.1


@pytest.mark.parametrize("shape", [(SIDE, SIDE), (58, 50)])
def test_no_net_is_asked_where_noise_rules(shape):
    """Not even rounding changes what is left alone."""
    recipe = recipe_of(ISO_800, exposure=5.0)
    balanced = np.random.default_rng(1).normal(0.1, 0.02, shape).astype(np.float32)
    chroma = np.zeros(shape, np.float32)
    assert Restorer(never, recipe, saved_at(2), 4)(balanced, chroma, chroma) is balanced


@pytest.mark.parametrize("cfa", [((0, 1), (1, 2)), ((1, 0), (2, 1)), ((1, 2), (0, 1)), ((2, 1), (1, 0))])
def test_what_a_net_says_counts_by_block_in_every_phase(cfa):
    """Half of the frame is dark and noisy, half is bright and blown: of a net that says 0.5, only the latter hears."""
    recipe = recipe_of((1e-3, 1e-6), cfa=cfa)
    balanced = grey(0.05)
    balanced[:, 40:] = 1.0
    net = Restorer(lambda code, chroma, told: np.full_like(code, 0.5), recipe, saved_at(1), 4)
    chroma = np.zeros((SIDE, SIDE), np.float32)
    found = net(balanced, chroma, chroma)
    assert np.allclose(found[:, :40], 0.05, atol=1e-6)
    assert np.ptp(found[:, 40:]) == 0 and found[0, 40] < 0.5
    plain = Restorer(net.engine, replace(recipe, noise=()), saved_at(1), 4)(balanced, chroma, chroma)
    assert np.ptp(plain) == 0
