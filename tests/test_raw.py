"""RAW files: the sample is what its script draws, and real ones are read as LibRaw means them."""

import io
import sys
from pathlib import Path

import numpy as np
import pytest
import rawpy
from PIL import Image
from scenes import BAYER, CFAS, SAMPLE, SHARED, garden, recipe_of

import rawback
from rawback.errors import RawbackError
from rawback.files import dng, raw

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from make_sample import recipe as sample_recipe
from make_sample import sensor
from still_life import BAND, scene

needs_photos = pytest.mark.skipif(not SHARED.is_dir(), reason="no real photographs beside the project (../shared/data)")


def read(path: Path) -> raw.RawFile:
    return raw.read(path.read_bytes(), path.name)


def test_the_sample_is_what_its_script_draws():
    """Its first rows, drawn again; other processors may round a sample otherwise."""
    drawn = sensor(scene(BAND))
    stored = read(SAMPLE)
    difference = np.abs(stored.mosaic[:BAND].astype(int) - drawn)
    assert difference.max() <= 1 and (difference > 0).mean() < 1e-3
    assert stored.recipe.white == 4095 and stored.recipe.camera == sample_recipe(drawn).camera


def test_the_sample_has_what_it_is_for():
    mosaic = read(SAMPLE).mosaic
    assert mosaic.shape == (1200, 1800) and SAMPLE.stat().st_size < 2_500_000
    assert 0.003 < (mosaic == 4095).mean() < 0.05 and (mosaic < 256).any()
    assert (mosaic < 300).mean() > 0.02


@pytest.mark.parametrize("name", CFAS)
def test_a_mosaic_and_what_it_means(name: str):
    side = 600 if name == "X-Trans" else 64
    recipe = recipe_of(side, side, CFAS[name], black=tuple(200.0 + i % 2 for i in range(len(CFAS[name]) ** 2)))
    mosaic = garden(side, side, recipe)
    found = raw.read(b"".join(dng.encode(mosaic, recipe, None, None)), "a.dng")
    assert np.array_equal(found.mosaic, mosaic) and found.recipe.cfa == recipe.cfa
    assert found.recipe.black == recipe.black and found.recipe.white == recipe.white
    assert np.allclose(found.recipe.neutral, recipe.neutral, rtol=1e-5)
    assert np.allclose(found.recipe.matrix, recipe.matrix, atol=1e-4)
    assert found.recipe.white_balance_from == "camera"


BLACK = {"RGGB": (250, 260, 270, 280), "GRBG": (260, 250, 280, 270), "GBRG": (270, 280, 250, 260), "BGGR": (280, 270, 260, 250)}
"""Of a sensor whose red has 250, the greens beside red and blue 260 and 270, blue 280: by position, row by row."""


@pytest.mark.parametrize("from_libraw", [False, True], ids=["as the DNG says", "as LibRaw says"])
@pytest.mark.parametrize("cfa", BLACK)
def test_every_position_has_its_own_black_level(cfa: str, from_libraw: bool, monkeypatch: pytest.MonkeyPatch):
    black = tuple(map(float, BLACK[cfa]))
    recipe = recipe_of(64, 96, BAYER[cfa], black=black)
    data = b"".join(dng.encode(garden(64, 96, recipe), recipe, None, None))
    with rawpy.imread(io.BytesIO(data)) as file:
        positions = file.raw_pattern.ravel()
        assert [file.black_level_per_channel[channel] for channel in positions] == list(black)
    if from_libraw:  # as of a file that is no DNG
        monkeypatch.setattr(dng, "read_tags", lambda data: None)
    assert raw.read(data, "a.dng").recipe.black == black


def test_what_is_no_mosaic_is_refused():
    for data, says in ((b"", "empty"), (b"text " * 100, "not a RAW"), (b"\xff\xd8\xff\xe0" + bytes(500), "rawback recover")):
        with pytest.raises(RawbackError, match=says):
            raw.read(data, "photo")


@needs_photos
@pytest.mark.parametrize(("name", "cfa", "orientation", "from_camera"), [
    ("canon_powershot_s40_0104.CRW", "RGGB", 1, "camera"), ("canon_kiss_x4_colorchart.dng", "RGGB", 1, "camera"),
    ("infisp_outdoor1.dng", "GRBG", 1, "camera"), ("gopro_fusion_front.dng", "RGGB", 2, "camera"),
    ("quicktake_100_no_wb.QTK", "GRBG", 1, "daylight"), ("kodak_dc50.KDC", "GRBG", 1, "camera"),
])  # fmt: skip
def test_real_files(name: str, cfa: str, orientation: int, from_camera: str):
    path = SHARED / "raw" / name
    found = read(path)
    with rawpy.imread(str(path)) as file:
        assert np.array_equal(found.mosaic, file.raw_image_visible)
        assert found.recipe.white == file.white_level
    assert found.recipe.cfa == BAYER[cfa] and found.recipe.orientation == orientation
    assert found.recipe.white_balance_from == from_camera
    assert (from_camera == "camera") or any("white balance" in note for note in found.notes)


def test_pixels_that_are_not_square_and_a_crop_go_with_the_raw(tmp_path: Path):
    """The JPEG has the mosaic's size; the DNG recovered from it stretches and crops as the original does."""
    recipe = recipe_of(60, 90, scale=(1.0, 1.25), crop=(4.0, 2.0, 80.0, 56.0), baseline_exposure=0.5)
    source, photo = tmp_path / "a.dng", tmp_path / "a.jpg"
    source.write_bytes(b"".join(dng.encode(garden(60, 90, recipe), recipe, None, None)))
    photo.write_bytes(rawback.render(source).data)
    found = dng.read_tags(b"".join(rawback.recover(photo).dng()))
    assert found is not None and found.scale == (1.0, 1.25) and found.crop == (4.0, 2.0, 80.0, 56.0)
    with Image.open(photo) as picture:
        assert picture.size == (90, 60)


@needs_photos
def test_a_linear_dng_is_no_mosaic():
    with pytest.raises(RawbackError, match="holds no mosaic"):
        read(SHARED / "raw" / "canon_6d_linear_not_bayer.dng")


def test_a_wide_variety_of_sizes_is_read():
    for height, width in ((22, 22), (23, 37), (100, 31), (33, 640)):
        recipe = recipe_of(height, width)
        mosaic = garden(height, width, recipe)
        assert np.array_equal(raw.read(b"".join(dng.encode(mosaic, recipe, None, None)), "a.dng").mosaic, mosaic)
        with rawpy.imread(io.BytesIO(b"".join(dng.encode(mosaic, recipe, None, None)))) as file:
            assert file.raw_image_visible.shape == (height, width)
