"""`render --hdr`: a gain map behind the picture, in three languages, which touches neither picture nor RAW."""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess

import numpy as np
import pytest
from PIL import Image
from scenes import photograph, raw_file, recipe_of
from small import raw_bytes
from small import rawback as command

from rawback import RenderOptions, render
from rawback.errors import UsageError
from rawback.files import dng, jpeg, jxl, seal
from rawback.files.gain_map import numbers, places, read, write
from rawback.files.jpeg_file import APP2, JpegFile
from rawback.isp import lit_map, stages
from rawback.isp.mosaic import X_TRANS
from rawback.recovering import from_photo, recover


@pytest.fixture(scope="module")
def raw():
    return raw_file(192, 256, light=1.0)


@pytest.fixture(scope="module")
def lit(raw) -> bytes:
    return render(raw, RenderOptions(hdr=True, exposure=1.5)).data


@pytest.fixture(scope="module")
def plain(raw) -> bytes:
    return render(raw, RenderOptions(exposure=1.5)).data


def test_picture_and_raw_are_what_they_are_without(lit, plain):
    with_map, without = jpeg.read(lit, "a"), jpeg.read(plain, "b")
    assert with_map.coefficients.sha256() == without.coefficients.sha256()
    assert np.array_equal(from_photo(with_map, "a").mosaic, from_photo(without, "b").mosaic)
    assert seal.is_intact(lit)
    shown = [np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (lit, plain)]
    assert np.array_equal(*shown)


def test_the_map_is_found_by_mpf_and_by_the_container(lit):
    start = len(JpegFile(lit).first_picture.data)
    length = int(re.search(rb'Item:Semantic="GainMap"[^>]*Item:Length="(\d+)"', lit)[1])
    assert start + length == len(lit)
    at = lit.index(b"MPF\0") + 4  # read here by hand
    assert lit[at : at + 4] == b"MM\0*"
    sizes = struct.unpack_from(">II", lit, at + 8 + 2 + 36 + 4 + 4), struct.unpack_from(">II", lit, at + 8 + 2 + 36 + 4 + 20)
    assert sizes == ((start, 0), (length, start - at))
    assert b"hdrgm:Version" in lit[:start]
    assert next(iter(JpegFile(lit).payloads(APP2, numbers.ISO))) == bytes(4)


def test_xmp_and_iso_say_the_same(lit):
    picture = places.pictures(JpegFile(lit))[0]
    by_iso = numbers.from_iso(bytes(next(picture.payloads(APP2, numbers.ISO))))
    by_xmp = numbers.from_xmp(bytes(next(picture.payloads(0xE1, b"http://ns.adobe.com/xap/1.0/\0"))))
    assert np.isclose(by_iso.high[0], by_xmp.high[0], atol=1e-5)
    assert (by_iso.low, by_iso.gamma, by_iso.base_offset) == (by_xmp.low, by_xmp.gamma, by_xmp.base_offset)
    assert not by_iso.problem()


def test_exiftool_finds_the_map(lit, tmp_path):
    if not shutil.which("exiftool"):
        pytest.skip("exiftool is not installed")
    (tmp_path / "a.jpg").write_bytes(lit)
    found = subprocess.run(["exiftool", "-b", "-MPImage2", "a.jpg"], cwd=tmp_path, capture_output=True, check=True).stdout
    assert found == lit[len(JpegFile(lit).first_picture.data) :]


def test_light_above_white_is_that_of_the_raw(raw, lit):
    """In luminance, averaged over the map's own 4 x 4 pixels: what a grey map can tell."""
    file = JpegFile(lit)
    photo = jpeg.read(lit, "x")
    gain_map, notes = read.of_jpeg(file, photo.exif, (256, 192), "x")
    assert notes == []
    base = np.asarray(Image.open(io.BytesIO(lit)).convert("RGB")) / 255
    base = np.where(base <= 0.04045, base / 12.92, ((base + 0.055) / 1.055) ** 2.4)
    hdr = gain_map.apply(np.moveaxis(base, -1, 0).astype(np.float32), 0, 192)
    true = stages.inverse(stages.forward(raw.mosaic, photo.recipe, 0, 2**1.5), photo.recipe, 0, stages.COLOUR[1:])
    luminance = np.array([0.2126, 0.7152, 0.0722])
    got, expected = ((luminance @ x.reshape(3, -1)).reshape(48, 4, 64, 4).mean((1, 3)) for x in (hdr, true))
    bright = expected > 1
    assert bright.mean() > 0.02
    error = np.clip(got[bright], 0, 2**gain_map.stops) - np.clip(expected[bright], 0, 2**gain_map.stops)
    assert -10 * np.log10(np.mean(error**2) / 4**gain_map.stops) > 28
    dark = expected < 0.3
    assert np.median(got[dark] / np.maximum((luminance @ np.moveaxis(base, -1, 0).reshape(3, -1)).reshape(48, 4, 64, 4).mean(
        (1, 3))[dark], 1e-3)) < 1.05  # fmt: skip


def test_nothing_above_white_makes_no_map(raw):
    result = render(raw, RenderOptions(hdr=True, exposure=-3.0))
    assert b"hdrgm" not in result.data
    assert "no gain map" in "".join(result.notes)


def test_x_trans_has_a_map_too():
    raw = raw_file(96, 120, X_TRANS)
    lit = lit_map.of(raw.mosaic, render(raw, RenderOptions(exposure=2.0)).recipe)
    assert lit.codes.shape[:2] == (16, 20)
    assert 0.5 < lit.stops <= lit_map.MOST_STOPS


@pytest.mark.parametrize(("colour", "dimensions"), [((1.0, 1.0, 1.0), 2), ((1.0, 0.55, 0.6), 3)])
def test_a_map_is_grey_where_one_gain_serves_all_colours(colour, dimensions):
    """Light twice to three times the picture's white, on a grey of a quarter of it; each channel comes back."""
    recipe = recipe_of(64, 64, exposure=1.7)
    scene = np.full((64, 64, 3), 0.08)
    scene[16:48, 16:48] = np.array(colour) * 0.9
    lit = lit_map.of(photograph(scene, recipe, noise=0), recipe)
    assert lit.codes.ndim == dimensions
    middle = 2 ** (lit.stops * np.broadcast_to(lit.codes[8, 8] / 255, 3))
    expected = np.array(colour) * 0.9 * 2**1.7
    assert np.abs(middle * np.minimum(expected, 1) - expected).max() < 0.05 * expected.max()
    assert lit.codes[1, 1].max() == 0


def test_strip_hdr_takes_the_map_alone(lit, plain, tmp_path):
    (tmp_path / "a.jpg").write_bytes(lit)
    assert command("strip", "--hdr", "a.jpg", "-o", "b.jpg", cwd=tmp_path).returncode == 0
    stripped = (tmp_path / "b.jpg").read_bytes()
    assert seal.is_intact(stripped)
    assert abs(len(stripped) - len(plain)) < 100  # the recipe says that it was rendered with --hdr
    assert b"hdrgm" not in stripped
    assert b"MPF\0" not in stripped
    assert np.array_equal(recover(tmp_path / "b.jpg").mosaic, recover(tmp_path / "a.jpg").mosaic)
    assert write.detached(plain) == plain


def test_strip_leaves_a_map_that_is_found(lit, tmp_path):
    (tmp_path / "a.jpg").write_bytes(lit)
    assert command("strip", "a.jpg", "-o", "b.jpg", cwd=tmp_path).returncode == 0
    stripped = (tmp_path / "b.jpg").read_bytes()
    assert jpeg.read(stripped, "x").recipe is None
    at = stripped.index(b"MPF\0") + 4
    size, offset = struct.unpack_from(">II", stripped, at + 8 + 2 + 36 + 4 + 20)
    assert stripped[at + offset :][:2] == b"\xff\xd8"
    assert at + offset + size == len(stripped)


def test_jxl_carries_the_map(lit):
    pytest.importorskip("imagecodecs")
    assert jxl.jpeg_inside(jxl.transcoded(lit, "x"), "x") == lit


def test_a_size_that_is_asked_for_holds_with_the_map(tmp_path):
    (tmp_path / "a.dng").write_bytes(raw_bytes(5, 256, 192))
    result = render(tmp_path / "a.dng", RenderOptions(hdr=True, exposure=2.0, keep="30kB"))
    assert b"hdrgm" in result.data
    assert len(result.data) <= 30_000


def test_pictures_without_a_raw_have_no_map(raw):
    with pytest.raises(UsageError):
        render(raw, RenderOptions(hdr=True), kind=".png")


def test_dng_of_an_hdr_jpeg_does_not_claim_the_map(lit):
    data = b"".join(map(bytes, from_photo(jpeg.read(lit, "x"), "x").dng()))
    assert b"hdr-gain-map" not in data
    assert dng.read_tags(data)
