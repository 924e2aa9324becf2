"""Light above white: guessed where a photo is blown, in headroom, and nowhere else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import rawback
from rawback.files import photo as photos
from rawback.files import tiff
from rawback.files.tags import Tag
from rawback.isp import highlights
from rawback.isp.colour import curve_of
from rawback.isp.highlights import Highlights
from rawback.picture import Pixels
from rawback.recipe import Recipe

RECIPE = Recipe(
    width=64, height=48, cfa=((0, 1), (1, 2)), black=(0.0,) * 4, white=16383.0, neutral=(1.0, 1.0, 1.0),
    matrix=((1.0, 0, 0), (0, 1.0, 0), (0, 0, 1.0)), curve="srgb",
)  # fmt: skip


def encoded(light: np.ndarray) -> np.ndarray:
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def lamp(height: int = 240, width: int = 320) -> np.ndarray:
    """A warm lamp before a grey wall: light (H, W, 3), brighter than white in the middle, its red first."""
    y, x = np.mgrid[:height, :width]
    glow = np.exp(-((y - height / 2) ** 2 + (x - width / 2) ** 2) / (2 * (height / 5) ** 2))
    return 0.05 + glow[..., None] * np.array([3.0, 1.8, 0.7])


def photo(path: Path, light: np.ndarray, **options: object) -> Path:
    codes = np.rint(255 * encoded(np.clip(light, 0, 1))).astype(np.uint8)
    Image.fromarray(codes).save(path, "JPEG", quality=95, subsampling=0, **options)
    return path


def test_what_is_not_blown_stays_to_the_bit_and_needs_no_room(tmp_path: Path):
    dim = photo(tmp_path / "dim.jpg", lamp() / 4)
    plain, with_guess = (rawback.recover(dim, weights=weights) for weights in ("none", None))
    assert with_guess.recipe.white == plain.recipe.white and with_guess.recipe.exposure == plain.recipe.exposure
    assert not any("highlights guessed" in note for note in with_guess.notes)


def test_blown_channels_get_light_and_the_dng_the_room_for_it(tmp_path: Path):
    path = photo(tmp_path / "lamp.jpg", lamp())
    plain, recovered = rawback.recover(path, weights="none"), rawback.recover(path)
    assert any("highlights guessed" in note for note in recovered.notes) and not any(
        "highlights guessed" in note for note in plain.notes
    )
    room = recovered.recipe.exposure - plain.recipe.exposure
    assert 0 < room <= highlights.MOST_STOPS
    before, after = (tiff.read(b"".join(map(bytes, each.dng()))).entries for each in (plain, recovered))
    said = [tiff.numbers(entries[Tag.BaselineExposure])[0] for entries in (before, after)]
    assert said[1] - said[0] == pytest.approx(room, abs=1e-3)
    offsets = [tiff.numbers(entries[Tag.BaselineExposureOffset])[0] for entries in (before, after)]
    assert offsets[0] == pytest.approx(offsets[1], abs=1e-3), "the look is as bright as it was"
    scale = 2**room * (plain.recipe.white / recovered.recipe.white)
    dark = np.s_[40:80, 20:60]
    difference = recovered.mosaic[dark] * scale - plain.mosaic[dark]
    assert abs(float(difference.mean())) < 0.01 * float(plain.mosaic[dark].mean()), "what is not blown is as bright as it was"
    middle = np.s_[120:136, 160:176]
    assert (recovered.mosaic[middle] * scale).mean() > 1.05 * plain.mosaic[middle].mean()


def test_light_is_never_less_than_the_picture_says():
    rng = np.random.default_rng(1)
    light, share = rng.uniform(0, 1, (2, 3, 50))
    ratios, around = rng.normal(0, 1, (3, 50)), 1 + rng.uniform(0, 2, (3, 50))
    got = highlights.restored_light(light, share, ratios - ratios.mean(0), around)
    assert (got >= light).all() and got.max() <= 2**highlights.MOST_STOPS
    assert np.array_equal(highlights.restored_light(light, np.zeros_like(share), ratios, around), light)


def test_a_channels_light_is_that_of_the_others_times_the_ratio():
    light, share = np.array([[1.0], [0.8], [0.4]]), np.array([[1.0], [0.0], [0.0]])
    true = np.array([1.6, 0.8, 0.4])
    ratios = (np.log2(true) - np.log2(true).mean())[:, None]
    mean = 2 ** np.log2(true).mean()
    got = highlights.restored_light(light, share, ratios, np.full((3, 1), mean) * 2**ratios)
    assert got[:, 0] == pytest.approx(true, rel=0.02)


def test_blocks_are_the_means_of_their_pixels():
    values = np.random.default_rng(2).integers(0, 256, (250, 333, 3), np.uint8)
    means = highlights.block_means(Pixels(values))
    assert means.shape == (3, 32, 42)
    assert means[:, 1, 2] == pytest.approx(values[8:16, 16:24].mean((0, 1)) / 255, abs=1e-5)
    assert means[:, 31, 41] == pytest.approx(values[248:, 328:].mean((0, 1)) / 255, abs=1e-5)


@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_blocks_of_a_jpeg_are_those_of_its_pixels(tmp_path: Path, subsampling: int):
    light = lamp() / 4
    Image.fromarray(np.rint(255 * encoded(light)).astype(np.uint8)).save(
        tmp_path / "a.jpg", quality=95, subsampling=subsampling
    )
    coefficients = photos.read((tmp_path / "a.jpg").read_bytes(), "a").coefficients
    assert coefficients is not None
    pixels = Pixels(np.asarray(Image.open(tmp_path / "a.jpg")))
    assert np.abs(highlights.block_means(coefficients) - highlights.block_means(pixels)).max() < 0.03


def test_codes_go_through_the_curve_there_and_back():
    plane = np.ones((3, 6, 8), np.float32)
    guess = Highlights(plane, plane, 0 * plane, 1.5 * plane, RECIPE)
    codes = np.ones((3, 48, 64), np.float32)
    codes[:, :8] = 0.5
    got = guess.restored(codes, codes, 0)
    assert np.array_equal(got[:, :8], codes[:, :8])
    stops = np.hypot(np.log2(1.5), highlights.BEYOND[1])
    assert curve_of(RECIPE).light(got[:, 20]) == pytest.approx(2**stops, abs=1e-3) and guess.stops == pytest.approx(stops)


def test_blown_light_lies_above_white_even_where_nothing_tells_by_how_much():
    ones = np.ones((3, 1))
    for known, least in ((0, highlights.BEYOND[1]), (1, highlights.BEYOND[0])):
        share = np.array([[1.0], [1.0], [1.0 - known]])
        got = highlights.restored_light(ones, share, 0 * ones, ones)
        assert np.log2(got[:, 0]) == pytest.approx(least * share[:, 0], abs=1e-6)


def test_a_photo_of_nothing_but_white_is_no_fault(tmp_path: Path):
    for light in (np.ones((64, 96, 3)), np.ones((9, 9, 3))):
        stream = io.BytesIO()
        Image.fromarray((255 * light).astype(np.uint8)).save(stream, "JPEG")
        (tmp_path / "white.jpg").write_bytes(stream.getvalue())
        mosaic = rawback.recover(tmp_path / "white.jpg").mosaic
        assert np.isfinite(mosaic).all() and mosaic.min() > 1000
