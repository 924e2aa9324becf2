"""The fused fast parts of the closed loop give what the plain stages give."""

import dataclasses

import numpy as np
import pytest
from scenes import BAYER, CFAS, garden, raw_file, recipe_of

from rawback.files.raw import RawFile
from rawback.files.video import planes
from rawback.isp import chroma, closed_loop, dct, inverse_pass, luma, stages, tone
from rawback.isp.colour import CURVES, RGB_TO_YCC, curve_of
from rawback.isp.matmul import mix
from rawback.isp.mosaic import level, tile
from rawback.isp.quantisation_tables import coding
from rawback.isp.tone import Curve
from rawback.isp.video import signal
from rawback.recipe import Recipe

MIXED = ((0.9, 0.06, 0.04), (0.05, 0.9, 0.05), (0.02, 0.08, 0.9))
FACTORS = [(1, 1), (1, 2), (2, 2)]


@pytest.fixture
def colourful(sample: RawFile) -> tuple[np.ndarray, Recipe]:
    """A part of the sample with deep colours, lights and shadows."""
    return sample.mosaic[256:448, 320:832], dataclasses.replace(sample.recipe, height=192, width=512, crop=None, exposure=0.8)


def plain_chroma(mosaic: np.ndarray, recipe: Recipe, factors: tuple[int, int]) -> np.ndarray:
    """By the stages, subsampled as libjpeg does."""
    ycc = mix(RGB_TO_YCC, stages.forward(mosaic, recipe, white_at=1.0))
    return np.stack([dct.shrink(plane, factors) for plane in ycc[1:]])


def plain_luma(target: np.ndarray, offsets: np.ndarray, rows: np.ndarray, curve: Curve) -> np.ndarray:
    """The luma with which each photosite answers `target`, by Newton's method from where the picture would be grey.

    `target` (H, W): balanced samples; `offsets` (3, H, W): what chroma adds to luma; `rows` (H, W, 3): the camera's
    answer to linear sRGB there.
    """
    weights = np.moveaxis(rows, -1, 0)
    found = (curve.encode(target) - (weights * offsets).sum(0)).clip(*luma.LUMA_RANGE)
    for _ in range(20):
        light, slope = (np.array(part) for part in zip(*(curve.decode(found + offset) for offset in offsets), strict=True))
        step = ((weights * light).sum(0) - target) / np.maximum((weights * slope).sum(0), luma.LEAST_SLOPE)
        found -= step.clip(-luma.LONGEST_STEP, luma.LONGEST_STEP)
    return found.clip(*luma.LUMA_RANGE)


def solved(mosaic: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Luma by the fast solver and by the plain one, in units of 1 / 255."""
    picture = closed_loop.encode(mosaic, recipe, coding(80, "4:2:0", "raw"))
    height, width = mosaic.shape
    blue, red = (inverse_pass.chroma_rows(picture, c, 0, height, k) for c, k in ((1, luma.BLUE), (2, luma.RED)))
    fast = luma.Solver(recipe, width, int(mosaic.max())).luma(mosaic, blue, red, 0) * (255 / luma.FINE)
    target = level(mosaic, recipe) * tile(inverse_pass.sample_gains(recipe), height, width)
    offsets = inverse_pass.chroma_offsets(*(inverse_pass.chroma_rows(picture, c, 0, height) for c in (1, 2)))
    offsets = stages.CODE_MATRIX.inverse(offsets, recipe, 0)
    rows = tile(inverse_pass.camera_rows(recipe), height, width)
    return fast, 255 * plain_luma(target, offsets, rows, curve_of(recipe))


@pytest.mark.parametrize("factors", FACTORS)
@pytest.mark.parametrize("code_matrix", [(), MIXED])
def test_chroma_of_cells_is_that_of_the_stages(colourful, factors: tuple[int, int], code_matrix: tuple):
    mosaic, recipe = colourful
    recipe = dataclasses.replace(recipe, code_matrix=code_matrix)
    fast = chroma.BayerChroma(mosaic, recipe, factors, 1.0)
    found = np.concatenate([fast.strip(top, top + 64) for top in (0, 64, 128)], 1)
    plain = plain_chroma(mosaic, recipe, factors)
    strips = np.split(plain, 3, 1)
    expected = np.concatenate([[chroma.sharpened(plane, factors) for plane in strip] for strip in strips], 1)
    error = 255 * (found - expected)[:, 8:-8, 8:-8]
    undecided = (np.abs(error) > 1).mean()  # where the direction of demosaicing hangs on the last bit
    assert np.sqrt(np.mean(error**2)) < 0.1 and undecided < 1e-3


@pytest.mark.parametrize("name", BAYER)
@pytest.mark.parametrize("factors", FACTORS)
def test_a_mirrored_mosaic_has_mirrored_chroma(name: str, factors: tuple[int, int]):
    recipe = recipe_of(96, 128)
    mosaic = garden(96, 128, recipe)
    expected = chroma.BayerChroma(mosaic, recipe, factors, 1.0).strip(0, 96)
    cfa = np.array(CFAS[name])
    row, column = np.argwhere(cfa == 0)[0]
    turn = slice(None, None, -1 if row else 1), slice(None, None, -1 if column else 1)
    turned = chroma.BayerChroma(np.ascontiguousarray(mosaic[turn]), recipe_of(96, 128, CFAS[name]), factors, 1.0)
    found = turned.strip(0, 96)[(slice(None), *turn)]
    assert np.abs(found - expected)[:, 8:-8, 8:-8].max() < 1e-5


@pytest.mark.parametrize("factors", FACTORS)
def test_sharpening_is_what_upsampling_loses(factors: tuple[int, int]):
    plane = np.random.default_rng(1).random((32, 48)).astype(np.float32)
    small = dct.shrink(plane, factors)
    lost = dct.shrink(plane - dct.grow(small, factors), factors)
    assert np.allclose(chroma.sharpened(small, factors), small + lost, atol=1e-6)


def test_the_fast_solver_finds_the_luma_of_the_plain_one(colourful):
    fast, plain = solved(*colourful)
    assert np.abs(fast - plain).max() < 0.5 and np.sqrt(np.mean((fast - plain) ** 2)) < 0.03


@pytest.mark.parametrize("name", CFAS)
@pytest.mark.parametrize(("exposure", "shoulder"), [(-2.0, 0.5), (0.0, 0.5), (4.0, 0.05)])
def test_the_fast_solver_knows_every_filter_array(name: str, exposure: float, shoulder: float):
    file = raw_file(62, 70, CFAS[name], black=tuple(250.0 + i for i in range(len(CFAS[name]) ** 2)))
    fast, plain = solved(file.mosaic, dataclasses.replace(file.recipe, exposure=exposure, shoulder=shoulder, pedestal=0.002))
    assert np.abs(fast - plain).max() < 1 and np.sqrt(np.mean((fast - plain) ** 2)) < 0.05


def test_the_fast_solver_knows_looks(colourful):
    """A tone curve, a matrix whose rows do not sum to 1, and codes mixed after the curve."""
    mosaic, recipe = colourful
    matrix = tuple(tuple(0.8 * value for value in row) for row in recipe.matrix)
    recipe = dataclasses.replace(
        recipe, curve="srgb", tone=tone.generic_knots(CURVES["srgb"]), matrix=matrix, code_matrix=MIXED
    )
    fast, plain = solved(mosaic, recipe)
    assert np.sqrt(np.mean((fast - plain) ** 2)) < 0.1


def test_saturation_is_found_in_dn():
    recipe = recipe_of(2, 2, black=(100.0, 101.0, 102.0, 103.0), pedestal=0.01)
    mosaic = np.arange(4000, 4096, dtype=np.uint16)[:, None].repeat(2, 1)
    found = luma.Solver(recipe, 2, 4095).blown(mosaic, 0)
    assert np.array_equal(found, level(mosaic, recipe) >= luma.BLOWN)


def test_extreme_chroma_does_not_upset_the_solver():
    """Chroma that no picture has: the luma stays within its range."""
    recipe = recipe_of(8, 64)
    wild = np.random.default_rng(2).normal(0, 8 * luma.FINE, (2, 8, 64)).astype(np.float32)
    found = luma.Solver(recipe, 64, 4095).luma(garden(8, 64, recipe), *wild, 0) / luma.FINE
    assert np.isfinite(found).all() and found.min() >= luma.LUMA_RANGE[0] and found.max() <= luma.LUMA_RANGE[1]


def test_a_video_signal_has_the_luma_of_the_plain_solution(colourful):
    mosaic, recipe = colourful
    to_rgb = planes.to_rgb_matrix(planes.BT709)
    chroma = signal.picture(mosaic, recipe, np.linalg.inv(to_rgb))[1:]
    found = signal.luma_under(chroma, mosaic, recipe, to_rgb)
    target = level(mosaic, recipe) * tile(inverse_pass.sample_gains(recipe), *mosaic.shape)
    offsets = stages.CODE_MATRIX.inverse(np.tensordot(to_rgb[:, 1:].astype(np.float32), chroma, 1), recipe, 0)
    plain = plain_luma(target, offsets, tile(inverse_pass.camera_rows(recipe), *mosaic.shape), curve_of(recipe))
    assert np.quantile(np.abs(found - plain), 0.999) < 1 / 876
