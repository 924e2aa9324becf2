"""Averaging along the motion: noise goes as the model says, what moves stays where it is, what is alone stays as it was."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import psnr, recipe_of
from test_motion import HEIGHT, WIDTH, scene

from rawback.isp.mosaic import level, unlevel
from rawback.isp.video import temporal
from rawback.recipe import Recipe

NOISE = (1e-3, 1e-5)


@pytest.fixture
def recipe() -> Recipe:
    return replace(recipe_of(HEIGHT, WIDTH), noise=NOISE)


def exposed(samples: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
    """The mosaic of a scene with noise."""
    scale, offset = NOISE
    noise = np.sqrt(scale * samples + offset) * np.random.default_rng(seed).standard_normal(samples.shape)
    return unlevel(samples + noise.astype(np.float32), recipe)


def pan(recipe: Recipe, step: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """The clean mosaic in the middle, and five noisy ones of a view that moves by `step` photosites down and right."""
    wide = scene(1)
    views = [wide[24 + step * n :, 24 + step * n :][:HEIGHT, :WIDTH] for n in (0, 1, 2, -1, -2)]
    return unlevel(views[0], recipe), [exposed(view, recipe, seed) for seed, view in enumerate(views)]


@pytest.mark.parametrize("step", [0, 4])
def test_noise_goes_and_the_scene_stays(step: int, recipe: Recipe):
    clean, noisy = pan(recipe, step)
    found, told = temporal.merged(noisy[0], recipe, [(mosaic, recipe) for mosaic in noisy[1:]])
    left = told.noise[0] / NOISE[0]
    assert psnr(found, clean, recipe.white) > psnr(noisy[0], clean, recipe.white) + 4.5
    assert 0.2 <= left < 0.35 and told.noise[1] / NOISE[1] == pytest.approx(left)


def test_what_is_left_of_the_noise_is_told(recipe: Recipe):
    grey = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    noisy = [exposed(grey, recipe, seed) for seed in range(5)]
    found, told = temporal.merged(noisy[0], recipe, [(mosaic, recipe) for mosaic in noisy[1:]])
    variance = np.var(level(found, recipe))
    assert told.noise[0] * 0.3 + told.noise[1] == pytest.approx(variance, rel=0.35)


def test_a_thing_that_jumps_leaves_no_ghost(recipe: Recipe):
    ground = scene(1)[:HEIGHT, :WIDTH]
    thing = ground.copy()
    thing[64:128, 96:160] += 0.3
    frames = [exposed(view, recipe, seed) for seed, view in enumerate((ground, thing, ground, thing, thing))]
    found, _ = temporal.merged(frames[0], recipe, [(mosaic, recipe) for mosaic in frames[1:]])
    clean = unlevel(ground, recipe)
    error = (level(found, recipe) - level(clean, recipe))[64:128, 96:160]
    assert abs(error.mean()) < 0.002 and error.std() < 1.05 * (level(frames[0], recipe) - level(clean, recipe)).std()


def test_other_levels_are_the_same_light(recipe: Recipe):
    clean, noisy = pan(recipe, 0)
    other = replace(recipe, black=(300.0,) * 4)
    beside = [(unlevel(level(mosaic, recipe), other), other) for mosaic in noisy[1:]]
    found, _ = temporal.merged(noisy[0], recipe, beside)
    assert psnr(found, clean, recipe.white) > psnr(noisy[0], clean, recipe.white) + 4.5


def test_a_frame_alone_stays_as_it_is(recipe: Recipe):
    _, noisy = pan(recipe, 0)
    found, told = temporal.merged(noisy[0], recipe, [])
    assert np.array_equal(found, noisy[0]) and told == recipe
    strangers = [(np.roll(mosaic, 97, 0)[::-1].copy(), recipe) for mosaic in noisy[1:]]
    found, told = temporal.merged(noisy[0], recipe, strangers)
    assert psnr(found, noisy[0], recipe.white) > 45 and told.noise[0] > 0.8 * NOISE[0]


def test_the_last_row_and_column_of_odd_frames_stay(recipe: Recipe):
    _, noisy = pan(recipe, 0)
    odd = replace(recipe, height=HEIGHT - 1, width=WIDTH - 1)
    frames = [mosaic[:-1, :-1] for mosaic in noisy]
    found, _ = temporal.merged(frames[0], odd, [(mosaic, odd) for mosaic in frames[1:]])
    assert np.array_equal(found[-1], frames[0][-1]) and np.array_equal(found[:, -1], frames[0][:, -1])
    assert not np.array_equal(found[-2], frames[0][-2])
