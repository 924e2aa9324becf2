"""The bijection, stage by stage: each inverse brings back what its forward was given."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import BAYER, CFAS, X_TRANS, garden, recipe_of

from rawback.errors import RawbackError
from rawback.isp import colour, dct, mosaic, stages
from rawback.isp.colour import CURVES, Curve, curve_of
from rawback.isp.matmul import mix
from rawback.isp.stages import STAGES, CameraMatrix, CodeMatrix, Demosaic, Levels, TransferCurve, WhiteBalance

AWKWARD = np.array(
    [0, -0.0, 1, -1, 1e-30, -1e-30, 1e-6, 0.018, 0.01806, 0.999999, 1.000001, 2.7, 16, -0.05, -1.5, 300], np.float32
)
SHAPES = [(1, 1), (1, 40), (40, 1), (2, 3), (5, 7), (6, 6), (13, 17), (64, 62)]


def scattered(shape: tuple[int, ...], seed: int = 5) -> np.ndarray:
    """Values of every size and sign, the awkward ones among them."""
    random = np.random.default_rng(seed)
    values = random.normal(0.3, 0.7, shape).astype(np.float32)
    values.flat[: AWKWARD.size] = AWKWARD[: values.size]
    return values


@pytest.mark.parametrize("name", CFAS)
@pytest.mark.parametrize("shape", SHAPES)
def test_levels_bring_back_every_sample_up_to_white(name: str, shape: tuple[int, int]):
    positions = len(CFAS[name]) ** 2
    recipe = recipe_of(*shape, CFAS[name], black=tuple(200.25 + i for i in range(positions)), pedestal=0.01)
    values = np.random.default_rng(1).integers(0, 4096, shape).astype(np.uint16)
    for top in (0, 1, 3):
        assert np.array_equal(Levels().inverse(Levels().forward(values, recipe, top), recipe, top), values)


def test_levels_are_zero_at_black_and_one_at_white():
    recipe = recipe_of(2, 2, black=(100.0, 101.0, 102.0, 103.0))
    assert Levels().forward(np.array([[100, 101], [102, 103]], np.uint16), recipe, 0).tolist() == [[0, 0], [0, 0]]
    assert Levels().forward(np.full((2, 2), 4095, np.uint16), recipe, 0).tolist() == [[1, 1], [1, 1]]
    assert Levels().forward(np.zeros((2, 2), np.uint16), recipe, 0).max() < 0
    beyond = Levels().inverse(np.array([[1.5, -9], [np.inf, 0]], np.float32), recipe, 0)
    assert beyond.tolist() == [[4095, 0], [4095, 103]]


def test_all_16_bits_come_back():
    recipe = recipe_of(256, 256, black=(0.0,) * 4, white=65535.0)
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    assert np.array_equal(Levels().inverse(Levels().forward(values, recipe, 0), recipe, 0), values)


@pytest.mark.parametrize("name", CFAS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("top", [0, 1, 8])
def test_demosaicing_keeps_the_samples(name: str, shape: tuple[int, int], top: int):
    recipe = recipe_of(*shape, CFAS[name])
    samples = scattered(shape)
    planes = Demosaic().forward(samples, recipe, top)
    assert planes.shape == (3, *shape) and planes.dtype == np.float32 and np.isfinite(planes).all()
    assert np.array_equal(Demosaic().inverse(planes, recipe, top), samples)


@pytest.mark.parametrize("name", CFAS)
def test_demosaicing_leaves_flat_colour_flat(name: str):
    recipe = recipe_of(30, 42, CFAS[name])
    flat = np.array([0.2, 0.5, 0.8], np.float32)[mosaic.tile(np.array(CFAS[name]), 30, 42)]
    planes = Demosaic().forward(flat, recipe, 0)
    assert np.abs(planes - np.array([0.2, 0.5, 0.8])[:, None, None]).max() < 1e-5


@pytest.mark.parametrize("name", BAYER)
def test_demosaicing_draws_an_edge_without_fringes(name: str):
    """A grey edge along either axis stays grey to a hundredth of its height."""
    recipe = recipe_of(32, 32, CFAS[name])
    for axis in (0, 1):
        edge = np.where(np.indices((32, 32))[axis] < 16, np.float32(0.1), np.float32(0.9))
        planes = Demosaic().forward(edge, recipe, 0)[:, 4:-4, 4:-4]
        assert np.abs(planes - planes.mean(0)).max() < 0.01


@pytest.mark.parametrize("stage", [WhiteBalance(), CameraMatrix(), TransferCurve()], ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("name", ["GBRG", "X-Trans"])
@pytest.mark.parametrize("exposure", [-3.0, 0.0, 4.5])
def test_linear_light_and_code_values_come_back(stage: stages.Stage, name: str, exposure: float):
    recipe = recipe_of(31, 33, CFAS[name], exposure=exposure)
    shape = (31, 33) if isinstance(stage, WhiteBalance) else (3, 31, 33)
    values = np.clip(scattered(shape), -2, 16)
    found = stage.inverse(stage.forward(values, recipe, 3), recipe, 3)
    assert np.abs(found - values).max() < 2e-5 * 16


@pytest.mark.parametrize("name", CFAS)
@pytest.mark.parametrize("shape", [(17, 9), (60, 84)])
@pytest.mark.parametrize("exposure", [0.0, 3.0])
def test_the_whole_chain_brings_back_the_mosaic(name: str, shape: tuple[int, int], exposure: float):
    recipe = recipe_of(*shape, CFAS[name], exposure=exposure, shoulder=0.12)
    values = np.random.default_rng(2).integers(0, 4096, shape).astype(np.uint16)
    for top in (0, 5):
        srgb = stages.forward(values, recipe, top)
        assert np.array_equal(stages.inverse(srgb, recipe, top), values)


def test_white_balance_makes_neutral_grey_and_saturation_white():
    """What the camera answers to white comes out with three equal channels; a blown photosite is 1 or more everywhere."""
    recipe = recipe_of(24, 24)
    grey = (
        garden(24, 24, recipe) * 0
        + np.rint(256 + 0.3 * 3839 * np.array(recipe.neutral))[mosaic.tile(np.array(recipe.cfa), 24, 24)]
    )
    srgb = stages.forward(grey.astype(np.uint16), recipe)
    assert np.ptp(srgb, axis=0).max() < 0.002
    blown = stages.forward(np.full((24, 24), 4095, np.uint16), recipe, white_at=1.0)
    assert np.abs(blown - 1).max() < 1e-5


@pytest.mark.parametrize("name", CURVES)
@given(st.lists(st.floats(-4, 400, width=32), min_size=1, max_size=40), st.sampled_from([0.03, 0.12, 0.5, 3.0]))
def test_curves_are_undone(name: str, linear: list[float], shoulder: float):
    curve = replace(CURVES[name], shoulder=shoulder)
    values = np.array(linear, np.float32)
    found, _ = curve.decode(curve.encode(values))
    assert np.all(np.abs(found - values) <= 1e-5 + 2e-5 / shoulder * np.abs(values))


@pytest.mark.parametrize("curve", [*CURVES.values(), Curve(0.4, 0.07, 0.004, 0.2)])
def test_curves_rise_without_a_jump_and_know_their_slope(curve: Curve):
    linear = np.linspace(-0.5, 6, 200_001, dtype=np.float32)
    code = curve.encode(linear).astype(float)
    assert (np.diff(code) > -1e-6).all() and np.diff(code).max() < 1e-3
    _, slope = curve.decode(curve.encode(linear))
    measured = np.gradient(linear[::200].astype(float), code[::200])
    assert np.median(np.abs(slope[::200] / measured - 1)) < 0.01 and (slope > 0).all()


def test_curves_are_those_of_the_standards():
    """ITU-R BT.709-6, item 1.2, and IEC 61966-2-1."""
    light = np.array([0, 0.001, 0.01, 0.018, 0.18, 0.5, 1], np.float32)
    bt709 = np.where(light < 0.018054, 4.5 * light, 1.099297 * light**0.45 - 0.099297)
    srgb = np.where(light < 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    assert np.abs(CURVES["bt709"].encode(light) - bt709).max() < 2e-5
    assert np.abs(CURVES["srgb"].encode(light) - srgb).max() < 0.18 / 255  # without the corner of the standard at 0.0031


def test_an_unknown_curve_is_said():
    with pytest.raises(RawbackError, match="'no-such', unknown"):
        curve_of(recipe_of(8, 8, curve="no-such"))


def test_the_jpeg_matrix_is_jfif():
    ycc = mix(colour.RGB_TO_YCC, np.eye(3, dtype=np.float32)[:, :, None])
    assert np.allclose(ycc[:, :, 0], [[0.299, 0.587, 0.114], [-0.1687, -0.3313, 0.5], [0.5, -0.4187, -0.0813]], atol=1e-4)
    assert np.allclose(colour.YCC_TO_RGB @ colour.RGB_TO_YCC, np.eye(3), atol=1e-6)


def test_a_colour_matrix_of_xyz_makes_neutral_neutral():
    """DNG ColorMatrix1 of a Canon EOS 550D, as in dcraw."""
    matrix = colour.matrix_from_xyz(
        np.array([[0.6941, -0.1164, -0.0857], [-0.3825, 1.1597, 0.2534], [-0.0416, 0.1540, 0.6039]])
    )
    assert np.allclose(matrix.sum(1), 1) and (np.diag(matrix) > 1).all()


def test_the_dct_is_orthonormal_and_undone():
    assert np.allclose(dct.DCT @ dct.DCT.T, np.eye(64), atol=1e-6)
    plane = scattered((24, 40))
    assert np.abs(dct.to_plane(dct.to_coefficients(plane)) - plane).max() < 1e-3
    flat = dct.to_coefficients(np.full((8, 8), 10, np.float32))
    assert flat[0, 0, 0] == pytest.approx(80) and np.abs(flat[0, 0, 1:]).max() < 1e-4


@pytest.mark.parametrize("factors", [(1, 1), (1, 2), (2, 2), (2, 1), (1, 4), (4, 2)])
def test_subsampling_keeps_means_and_ramps(factors: tuple[int, int]):
    ramp = np.add.outer(np.arange(32), 2 * np.arange(48)).astype(np.float32)
    small = dct.shrink(ramp, factors)
    assert small.shape == (32 // factors[0], 48 // factors[1]) and small.mean() == pytest.approx(ramp.mean())
    grown = dct.grow(small, factors)
    assert grown.shape == ramp.shape
    if max(factors) <= 2:
        assert np.abs(grown - ramp)[2:-2, 2:-2].max() < 1e-4


def test_stages_stand_in_the_order_of_the_chain():
    assert [type(s) for s in STAGES] == [Levels, WhiteBalance, Demosaic, CameraMatrix, TransferCurve, CodeMatrix]
    assert recipe_of(6, 6, X_TRANS).gains.tolist() == pytest.approx([1 / 0.49, 1, 1 / 0.63])
