"""Dark pictures: black stays where it is, noise stays what it is, and how they are exposed."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scenes import raw_file, recipe_of, recovered

import rawback
from rawback import RenderOptions, metrics
from rawback.files import dng
from rawback.files.raw import RawFile
from rawback.files.raw import read as read_raw
from rawback.isp import noise
from rawback.provenance import State
from rawback.rendering import decide, develop

ISO_800 = (8.9e-5, 7.1e-8)
"""Noise of a full-frame sensor: 90,000 electrons at ISO 100, 3 electrons of read noise (4.2 DN of 14 bits)."""
SIDE, PATCH = 384, 96


def dark(side: int = SIDE, brightest: float = 1 / 32) -> tuple[RawFile, np.ndarray]:
    """Sixteen grey patches from black to `brightest` (white: 1), ISO 800 on a 14-bit sensor, and their true values in DN."""
    recipe = recipe_of(side, side, black=(512.0,) * 4, white=16383.0)
    grey = np.linspace(0, brightest, 16).reshape(4, 4).repeat(PATCH, 0).repeat(PATCH, 1)
    grey[:PATCH, :PATCH] = 0
    light = grey * np.tile(np.array(recipe.neutral)[np.array(recipe.cfa)], (side // 2, side // 2))
    noisy = light + np.sqrt(ISO_800[0] * light + ISO_800[1]) * np.random.default_rng(4).standard_normal(light.shape)
    truth = light * (16383 - 512) + 512
    return RawFile(np.clip(np.rint(noisy * (16383 - 512) + 512), 0, 16383).astype(np.uint16), recipe, None), truth


@pytest.fixture(scope="module")
def night() -> tuple[RawFile, np.ndarray]:
    return dark()


def bias_of_black(found: np.ndarray, truth: np.ndarray) -> list[float]:
    """Mean error in DN of the black patch, by CFA position."""
    error = found[:PATCH, :PATCH] - truth[:PATCH, :PATCH]
    return [float(error[row::2, column::2].mean()) for row in range(2) for column in range(2)]


@pytest.mark.parametrize("quality", [75, 87])
def test_black_at_iso_800_stays_within_a_third_of_a_dn(night, quality: int):
    file, truth = night
    rendered = rawback.render(file, RenderOptions(quality=quality))
    assert rendered.recipe.exposure > 4
    assert np.abs(bias_of_black(recovered(rendered.data).mosaic, truth)).max() < 0.3


def test_saving_it_again_does_not_brighten_black(night):
    """Other programs cut off what is below black, which without a pedestal brightens the mean by 0.4 sigma."""
    file, truth = night
    rendered = rawback.render(file)
    again = io.BytesIO()
    with Image.open(io.BytesIO(rendered.data)) as picture:
        picture.save(again, "JPEG", quality=95, subsampling=0, xmp=picture.info["xmp"])
    found = recovered(again.getvalue())
    assert found.state is State.RECOMPRESSED
    assert np.abs(bias_of_black(found.mosaic, truth)).max() < 0.5


@pytest.mark.parametrize("refine", [True, False])
def test_no_restoration_smears_the_noise_of_a_dark_picture(night, tmp_path, refine: bool):
    """Saved again finely, or in the open loop: the default weights change nothing, and noise is kept."""
    file, _ = night
    data = rawback.render(file, RenderOptions(quality=95, refine=refine)).data
    if refine:
        again = io.BytesIO()
        with Image.open(io.BytesIO(data)) as picture:
            picture.save(again, "JPEG", quality=95, subsampling=0, xmp=picture.info["xmp"])
        data = again.getvalue()
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    restored, plain = (rawback.recover(path, weights=weights) for weights in (None, "none"))
    assert restored.state is (State.RECOMPRESSED if refine else State.UNTOUCHED)
    off = np.abs(restored.mosaic.astype(int) - plain.mosaic)  # sums are in another order where restoration is tried
    assert off.max() <= 1 and np.count_nonzero(off) < 1e-3 * off.size
    kept = metrics.noise_kept(file.mosaic, restored.mosaic, file.recipe)
    assert all(0.9 < kept[name] < 1.1 for name in ("shadows", "midtones"))


def test_noise_is_neither_smeared_nor_added_to(night):
    file, _ = night
    found = recovered(rawback.render(file).data)
    kept = metrics.noise_kept(file.mosaic, found.mosaic, file.recipe)
    assert all(0.95 < kept[name] < 1.05 for name in ("black", "shadows", "midtones")) and np.isnan(kept["highlights"])


def test_smearing_and_adding_show_in_the_noise_kept(night):
    file, _ = night
    dn = file.mosaic.astype(float)
    smeared = (2 * dn + np.roll(dn, 2, 0) + np.roll(dn, -2, 0)) / 4
    added = dn + np.random.default_rng(0).normal(0, 8, dn.shape)
    for changed, expected in ((smeared, 0.375), (added, 1 + 64 / (ISO_800[1] * 15871**2))):
        kept = metrics.noise_kept(file.mosaic, np.rint(changed).astype(np.uint16), file.recipe)
        assert kept["black"] == pytest.approx(expected, rel=0.15)


def test_black_bias_is_not_that_of_what_noise_made_dark():
    """A mean level one sigma above the limit of "dark": errors without a bias must not look like brightening."""
    recipe = recipe_of(256, 256)
    rng = np.random.default_rng(1)
    true, found = (np.rint(rng.normal(256 + 38.39 + 10, 10, (256, 256))).astype(np.uint16) for _ in range(2))
    assert np.abs(metrics.black_bias(true, found, recipe)).max() < 0.5


def test_an_ordinary_picture_gets_neither_curve_nor_pedestal():
    for ev in (None, 0.0, 2.0):
        recipe = rawback.render(raw_file(96, 128), RenderOptions(exposure=ev)).recipe
        assert (recipe.curve, recipe.pedestal) == ("bt709", 0.0)


def test_a_dark_picture_left_dark_gets_the_curve_with_finer_shadows(night):
    recipe = rawback.render(night[0], RenderOptions(exposure=0.0)).recipe
    assert (recipe.exposure, recipe.curve, recipe.pedestal) == (0.0, "srgb", 0.0)


@pytest.mark.parametrize("keep", ["", "3bpp"])
def test_a_dark_picture_left_dark_has_finer_chroma_than_an_ordinary_one(night, keep: str):
    """Who takes it wants to brighten it: the eye will want more than it does in an ordinary picture."""
    finest = []
    for ev in (0.0, None):
        options = RenderOptions(exposure=ev, quality=90, keep=keep)
        with Image.open(io.BytesIO(rawback.render(night[0], options).data)) as picture:
            finest.append(min(picture.quantization[1][1:]))
    assert finest[0] < 6 < 9 <= finest[1]


def test_lamps_do_not_make_a_dark_picture_an_ordinary_one():
    """Where 3 % shine, automatic brightness has nothing to do, yet the RAW of all else lies in the first codes of BT.709."""
    mosaic = dark(brightest=1 / 64)[0].mosaic
    mosaic[:64, :64] = 16000
    lit = RawFile(mosaic, recipe_of(SIDE, SIDE, black=(512.0,) * 4, white=16383.0), None)
    recipe = decide(lit, RenderOptions())
    assert (recipe.exposure, recipe.curve, recipe.pedestal) == (0.0, "srgb", 0.0)
    errors = []
    for curve in ("srgb", "bt709"):
        found = recovered(develop(lit, replace(recipe, curve=curve), RenderOptions()).data).mosaic
        errors.append(np.square(found.astype(float) - mosaic)[64:].mean())
    assert errors[0] < 0.7 * errors[1]


def test_a_brightened_picture_is_dimmed_again_by_its_dng_and_its_black_is_neutral(night):
    rendered = rawback.render(night[0])
    found = recovered(rendered.data)
    assert dng.read_tags(b"".join(found.dng())).baseline_exposure == pytest.approx(rendered.recipe.exposure)
    with Image.open(io.BytesIO(rendered.data)) as picture:
        black = np.asarray(picture.convert("RGB"))[8 : PATCH - 8, 8 : PATCH - 8].mean((0, 1))
    assert rendered.recipe.pedestal > 0 and black.max() < 24 and np.ptp(black) < 6


def test_a_dark_picture_is_kept_to_the_last_bit_at_no_more_cost(night):
    """The lossless layer foretells the mosaic through the pedestal, too."""
    options = RenderOptions(lossless=True)
    recipe = decide(night[0], options)
    with_pedestal, without = (develop(night[0], r, options).data for r in (recipe, replace(recipe, pedestal=0.0)))
    found = recovered(with_pedestal)
    assert recipe.pedestal > 0 and found.exact and np.array_equal(found.mosaic, night[0].mosaic)
    assert len(with_pedestal) < 1.01 * len(without)


def test_the_noise_model_is_measured_and_told(night):
    """In the DNG as NoiseProfile (tag 51041): variance = scale * x + offset between black and white level."""
    found = recovered(rawback.render(night[0]).data)
    tags = dng.read_tags(b"".join(found.dng()))
    assert tags.noise == pytest.approx(noise.estimate(night[0].mosaic, night[0].recipe), rel=1e-6)
    assert tags.noise == pytest.approx(ISO_800, rel=0.25)


@pytest.mark.parametrize("model", [(1e-4, 2e-8), (1e-4, 2e-8, 2e-4, 3e-8, 3e-4, 4e-8)])
def test_the_noise_model_of_the_file_is_kept(model: tuple[float, ...]):
    """One pair for all colours, or one for each colour plane."""
    file = raw_file(96, 128)
    data = b"".join(dng.encode(file.mosaic, replace(file.recipe, noise=model), None, None))
    assert read_raw(data, "a.dng").recipe.noise == model
    rendered = rawback.render(read_raw(data, "a.dng"))
    assert dng.read_tags(b"".join(recovered(rendered.data).dng())).noise == pytest.approx(model)


def test_too_little_to_measure_noise_in_is_said_by_silence():
    file = raw_file(48, 64)
    assert noise.estimate(file.mosaic, file.recipe) == ()
    assert dng.read_tags(b"".join(recovered(rawback.render(file).data).dng())).noise == ()
