"""The closed loop: the mosaic comes back from the JPEG, whatever its size, filters, light and coding."""

import dataclasses

import numpy as np
import pytest
from scenes import BAYER, CFAS, garden, mosaic_db, raw_file, recipe_of, recovered

import rawback
from rawback import RenderOptions
from rawback.files import jpeg
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass, parallel, stages
from rawback.isp.quantisation_tables import coding
from rawback.provenance import State

AS_SHOT = RenderOptions(exposure=0.0)


def there_and_back(file: RawFile, **options) -> tuple[np.ndarray, rawback.Rendered]:
    """The recovered mosaic, and the picture that carried it."""
    rendered = rawback.render(file, RenderOptions(**({"exposure": 0.0} | options)))
    found = recovered(rendered.data)
    assert found.state is State.UNTOUCHED and found.mosaic.shape == file.mosaic.shape and found.mosaic.dtype == np.uint16
    return found.mosaic, rendered


@pytest.mark.parametrize(("quality", "subsampling", "least"), [
    (50, "4:2:0", 44.3), (75, "4:2:0", 48.4), (85, "4:4:4", 51.0), (90, "4:2:2", 53.2),
])  # fmt: skip
def test_the_sample_comes_back(sample: RawFile, quality: int, subsampling: str, least: float):
    found, _ = there_and_back(sample, quality=quality, subsampling=subsampling)
    assert mosaic_db(found, sample.mosaic, sample.recipe) > least


def test_the_sample_comes_back_with_the_defaults(sample: RawFile, sample_jpeg: rawback.Rendered):
    found = recovered(sample_jpeg.data).mosaic
    assert mosaic_db(found, sample.mosaic, sample.recipe) > 51.8
    assert len(sample_jpeg.data) * 8 / found.size < 1.35
    dark = sample.mosaic < 300
    assert abs(found[dark].mean() - sample.mosaic[dark].mean()) < 0.3
    blown = sample.mosaic == 4095
    assert (found[blown] > 4050).mean() > 0.99


def test_finer_tables_bring_more_back(sample: RawFile):
    size = (slice(100, 500), slice(700, 1100))  # with the lamp
    height, width = sample.mosaic[size].shape
    part = dataclasses.replace(
        sample, mosaic=sample.mosaic[size], recipe=dataclasses.replace(sample.recipe, height=height, width=width, crop=None)
    )
    reached = [mosaic_db(there_and_back(part, quality=q)[0], part.mosaic, part.recipe) for q in (60, 80, 90, 94, 96, 100)]
    assert reached == sorted(reached) and reached[-1] > 60


def test_the_loop_beats_plain_encoding_at_equal_bytes():
    """The paper's way, open loop, at a size no smaller, loses more than 2 dB."""
    file = raw_file(240, 320)
    closed, small = there_and_back(file, quality=85)
    opened, large = there_and_back(
        file, quality=90, refine=False, tables="standard", subsampling="4:2:2", weights="none"
    )  # fmt: skip
    assert len(small.data) <= len(large.data)
    assert mosaic_db(closed, file.mosaic, file.recipe) > 2 + mosaic_db(opened, file.mosaic, file.recipe)


@pytest.mark.parametrize("name", CFAS)
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_every_filter_array_comes_back(name: str, subsampling: str):
    file = raw_file(150, 210, CFAS[name])
    found, _ = there_and_back(file, subsampling=subsampling)
    assert mosaic_db(found, file.mosaic, file.recipe) > 47


@pytest.mark.parametrize(
    "size", [(9, 17), (17, 9), (8, 8), (16, 16), (6, 200), (200, 6), (33, 65), (97, 113), (129, 1025), (2, 2), (1, 1)]
)
@pytest.mark.parametrize("name", ["RGGB", "X-Trans"])
def test_any_size_comes_back(size: tuple[int, int], name: str):
    file = raw_file(*size, CFAS[name])
    for subsampling in ("4:2:0", "4:4:4"):
        found, _ = there_and_back(file, subsampling=subsampling)
        assert mosaic_db(found, file.mosaic, file.recipe) > 42


@pytest.mark.parametrize("name", BAYER)
def test_the_edge_comes_back_as_well_as_the_middle(name: str):
    """The last column of a frame one pixel wider than its blocks, the last row likewise."""
    file = raw_file(161, 193, BAYER[name])
    found, _ = there_and_back(file)
    error = np.abs(found.astype(float) - file.mosaic)
    for edge in (error[:, -1], error[-1], error[:, 0], error[0]):
        assert edge.mean() < 3 * error.mean()


@pytest.mark.parametrize("exposure", [-2.0, 1.5, 4.0, 6.0])
def test_a_lifted_picture_keeps_its_highlights(exposure: float):
    file = raw_file(160, 240, light=0.7)
    found, rendered = there_and_back(file, exposure=exposure, quality=90)
    assert rendered.recipe.exposure == exposure
    assert mosaic_db(found, file.mosaic, file.recipe) > (43 if exposure > 5 else 46)


def test_blown_photosites_stay_blown_and_others_do_not_become_so():
    """Half of the frame is saturated in all channels, or in green alone."""
    recipe = recipe_of(128, 128)
    for scene in ((4.0, 4.0, 4.0), (0.9, 1.0, 0.6)):
        mosaic = garden(128, 128, recipe)
        mosaic[:, 64:] = np.minimum(
            256 + np.tile(np.array([[scene[0], scene[1]], [scene[1], scene[2]]]) * 3839, (64, 32)), 4095
        )
        found, _ = there_and_back(RawFile(mosaic, recipe, None))
        right, expected = found[:, 80:].astype(float), mosaic[:, 80:].astype(float)
        assert np.abs(right - expected).max() < 64
        assert mosaic_db(found, mosaic, recipe) > 45


def test_samples_below_black_survive():
    """Dark noise, half of it below the black level, comes back without a bias and still on both sides."""
    recipe = recipe_of(256, 256)
    mosaic = np.rint(256 + 6 * np.random.default_rng(3).standard_normal((256, 256))).astype(np.uint16)
    for options in ({}, {"exposure": 3.0}, {"quality": 94}):
        found, _ = there_and_back(RawFile(mosaic, recipe, None), **options)
        assert abs(found.mean() - mosaic.mean()) < 0.3
        assert 0.3 < (found < 256).mean() < 0.7
        assert mosaic_db(found, mosaic, recipe) > 54


@pytest.mark.parametrize("black", [(0.0,) * 4, (100.0, 140.0, 160.0, 120.0), (1023.5, 1024.25, 1024.0, 1023.75)])
def test_black_levels_by_position(black: tuple[float, ...]):
    file = raw_file(120, 160, black=black)
    found, _ = there_and_back(file)
    assert mosaic_db(found, file.mosaic, file.recipe) > 47
    low = file.mosaic < np.mean(black) + 200
    for row, column in np.ndindex(2, 2):
        at = low[row::2, column::2]
        assert abs(np.mean(found[row::2, column::2][at].astype(float) - file.mosaic[row::2, column::2][at])) < 1.5


@pytest.mark.parametrize("value", [0, 256, 257, 4095])
def test_frames_of_one_value(value: int):
    recipe = recipe_of(40, 56)
    mosaic = np.full((40, 56), value, np.uint16)
    found, _ = there_and_back(RawFile(mosaic, recipe, None))
    assert np.abs(found.astype(int) - value).max() < (100 if value == 0 else 4)  # codes end a little below black


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("name", ["GBRG", "X-Trans"])
def test_decoding_is_the_inverse_of_the_stages(name: str, subsampling: str):
    """The fused decoder gives, to one DN, what the plain stages make of the decoded planes."""
    file = raw_file(93, 130, CFAS[name], black=tuple(250.0 + i for i in range(len(CFAS[name]) ** 2)))
    recipe = dataclasses.replace(file.recipe, exposure=0.7)
    picture = closed_loop.encode(file.mosaic, recipe, coding(85, subsampling, "raw"))
    planes = inverse_pass.decoded_strip(picture, 0, 93)
    plain = stages.inverse(planes, recipe)
    fused = inverse_pass.decode(picture, recipe)
    assert np.abs(fused.astype(int) - plain).max() <= 1 and (fused != plain).mean() < 0.01


def test_a_frame_in_many_strips_is_coded_as_well_as_in_one(monkeypatch: pytest.MonkeyPatch):
    file = raw_file(200, 120)
    pictures = [closed_loop.encode(file.mosaic, file.recipe, coding(85, "4:2:0", "raw"))]
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 120 * 32)
    pictures.append(closed_loop.encode(file.mosaic, file.recipe, coding(85, "4:2:0", "raw")))
    reached = [mosaic_db(inverse_pass.decode(picture, file.recipe), file.mosaic, file.recipe) for picture in pictures]
    assert abs(reached[0] - reached[1]) < 0.1


def test_equal_inputs_make_equal_files():
    file = raw_file(100, 140)
    assert rawback.render(file, AS_SHOT).data == rawback.render(file, AS_SHOT).data


def test_progress_rises_to_one():
    told: list[float] = []
    rendered = rawback.render(raw_file(100, 140), AS_SHOT, progress=told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)
    told.clear()
    photo = jpeg.read(rendered.data, "photo")
    inverse_pass.decode(photo.coefficients, rendered.recipe, told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)
