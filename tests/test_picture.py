"""The JPEG as any viewer takes it: an ordinary baseline file with the right colours, profile and metadata."""

import dataclasses
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import rawpy
import tifffile
from PIL import Image, ImageCms, ImageOps
from scenes import CFAS, SAMPLE, SHARED, garden, photograph, psnr, raw_file, recipe_of, recovered

import rawback
from rawback import RenderOptions
from rawback.files import dng, exif, jpeg, raw
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.isp.colour import CURVES

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from still_life import CHART

AS_SHOT = RenderOptions(look="libraw", exposure=0.0)
PATCH = 64
needs_exiftool = pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
needs_photos = pytest.mark.skipif(not SHARED.is_dir(), reason="no real photographs beside the project (../shared/data)")


def shown(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 as Pillow decodes it."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def libraw_rendering(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8, upright: the picture that `render` aims at."""
    with rawpy.imread(io.BytesIO(data)) as file:
        return file.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)


def test_the_file_is_an_ordinary_baseline_jpeg(sample_jpeg: rawback.Rendered):
    found = [(part.marker, bytes(part.payload[:6])) for part in JpegFile(sample_jpeg.data).segments]
    markers = [marker for marker, _ in found]
    assert found[0] == (0xE0, b"JFIF\0\1") and found[1] == (0xE1, b"Exif\0\0") and markers.count(0xE1) == 2
    assert {0xC0, 0xC4, 0xDB} <= set(markers) <= {0xC0, 0xC4, 0xDB, 0xE0, 0xE1, 0xE2, 0xEB}  # JUMBF boxes
    assert sample_jpeg.data.endswith(b"\xff\xd9")
    picture = Image.open(io.BytesIO(sample_jpeg.data))
    assert (picture.size, picture.mode, picture.format) == ((1800, 1200), "RGB", "JPEG")
    assert "progressive" not in picture.info


def test_the_profile_is_srgb(sample_jpeg: rawback.Rendered):
    profile = ImageCms.ImageCmsProfile(io.BytesIO(Image.open(io.BytesIO(sample_jpeg.data)).info["icc_profile"]))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    picture = Image.open(io.BytesIO(sample_jpeg.data))
    assert np.abs(np.asarray(ImageCms.applyTransform(picture, transform)).astype(int) - shown(sample_jpeg.data)).max() <= 1


@needs_exiftool
def test_exiftool_finds_the_metadata_of_the_raw(sample_file: Path):
    line = ["exiftool", "-j", "-n", "-validate", "-warning", "-error", "-all", str(sample_file)]
    found = json.loads(subprocess.run(line, check=True, capture_output=True).stdout)[0]
    expected = {
        "Make": "rawback", "Model": "Sample 1", "ISO": 100, "FNumber": 8, "FocalLength": 50, "LensModel": "Drawn 50mm F2",
        "DateTimeOriginal": "2026:01:01 12:00:00", "Orientation": 1, "ColorSpace": 1, "ExifImageWidth": 1800,
        "ExifImageHeight": 1200, "ImageWidth": 1800, "ImageHeight": 1200, "EncodingProcess": 0, "YCbCrSubSampling": "2 2",
        "Software": f"rawback {rawback.__version__}",
    }  # fmt: skip
    assert {name: found.get(name) for name in expected} == expected
    assert found["ExposureTime"] == pytest.approx(1 / 60) and found["ThumbnailLength"] < 10_000
    assert not str(found["Validate"]).strip("0 ") and "Warning" not in found and "Error" not in found


def test_without_exif_nothing_of_the_photograph_is_told():
    file = dataclasses.replace(raw_file(60, 80), exif=exif.from_values("Maker", "One", iso=100, lens="A lens"))
    kept, dropped = (rawback.render(file, RenderOptions(exposure=0.0, keep_exif=keep)).data for keep in (True, False))
    assert b"A lens" in kept and b"A lens" not in dropped
    found = exif.find_exif(dropped)
    assert found is not None and (found.make, found.model, found.orientation) == ("", "", 1)


def test_the_thumbnail_shows_the_picture(sample_jpeg: rawback.Rendered):
    app1 = next(map(bytes, JpegFile(sample_jpeg.data).payloads(0xE1)))
    thumbnail = Image.open(io.BytesIO(app1[app1.rindex(b"\xff\xd8\xff") :]))
    assert thumbnail.size == (160, 107)
    small = Image.open(io.BytesIO(sample_jpeg.data)).resize(thumbnail.size, Image.Resampling.BOX)
    assert psnr(np.asarray(thumbnail.convert("RGB")), np.asarray(small), 255) > 27


@pytest.mark.parametrize("name", ["RGGB", "X-Trans"])
def test_a_chart_of_known_camera_values_has_the_true_colours(name: str):
    """24 patches, two outside sRGB, at quality 96, against curve and matrix by the book.

    The mean over a patch is right to half a code value in the mean of all patches and channels; one alone may be off
    by what a decoder loses that rounds Y, Cb and Cr to integers before it makes RGB of them.
    """
    recipe = recipe_of(4 * PATCH, 6 * PATCH, CFAS[name])
    mosaic = photograph(CHART.reshape(4, 6, 3).repeat(PATCH, 0).repeat(PATCH, 1), recipe, noise=6)
    picture = shown(rawback.render(RawFile(mosaic, recipe, None), RenderOptions(quality=96, exposure=0.0)).data)
    inner = picture.reshape(4, PATCH, 6, PATCH, 3)[:, 16:-16, :, 16:-16].mean((1, 3)).reshape(24, 3)
    error = np.abs(inner - 255 * np.clip(CURVES["bt709"].encode(CHART.astype(np.float32)), 0, 1))
    assert error.mean() < 0.5 and error.max() < 1.5


def test_the_picture_is_that_of_libraw(sample_jpeg: rawback.Rendered):
    assert psnr(shown(sample_jpeg.data), libraw_rendering(SAMPLE.read_bytes()), 255) > 36


@needs_photos
@pytest.mark.parametrize(("name", "least"), [("canon_powershot_s40_0104.CRW", 39.3), ("canon_kiss_x4_colorchart.dng", 37.8)])
def test_pictures_of_real_cameras_are_those_of_libraw(name: str, least: float):
    path = SHARED / "raw" / name
    assert psnr(shown(rawback.render(path, AS_SHOT).data), libraw_rendering(path.read_bytes()), 255) > least


@pytest.mark.parametrize("line", [
    ["djpeg", "-ppm"], ["djpeg", "-ppm", "-dct", "float"], ["convert", "jpg:-", "ppm:-"],
], ids=" ".join)  # fmt: skip
def test_other_decoders_show_the_same(sample_jpeg: rawback.Rendered, line: list[str]):
    if not shutil.which(line[0]):
        pytest.skip(f"{line[0]} is not installed")
    found = subprocess.run(line, input=sample_jpeg.data, capture_output=True, check=True).stdout
    error = np.abs(np.asarray(Image.open(io.BytesIO(found))).astype(int) - shown(sample_jpeg.data))
    assert error.max() <= 3 and error.mean() < 0.25  # float and integer transforms round one value in five apart


def test_what_is_blown_is_shown_white_and_its_edge_without_colour(sample_jpeg: rawback.Rendered):
    """The lamp of the sample, and a frame that is blown all over."""
    lamp = shown(sample_jpeg.data)[195:245, 912:964]
    assert (lamp == 255).all()
    recipe = recipe_of(64, 64)
    blown = rawback.render(RawFile(np.full((64, 64), 4095, np.uint16), recipe, None), AS_SHOT)
    assert (shown(blown.data) == 255).all()


def test_the_filter_array_does_not_show(sample_jpeg: rawback.Rendered):
    """On the smooth wall the four positions of the mosaic have the same mean to a quarter of a code value."""
    wall = shown(sample_jpeg.data)[20:220, 1200:1700].astype(float)
    means = np.array([[wall[row::2, column::2].mean((0, 1)) for column in (0, 1)] for row in (0, 1)])
    assert np.ptp(means, axis=(0, 1)).max() < 0.25


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_a_tag_and_goes_with_the_raw(orientation: int, tmp_path: Path):
    """From file to file: pixels stay in sensor order, viewers turn them as LibRaw turns the RAW."""
    recipe = recipe_of(120, 184, orientation=orientation)
    mosaic = garden(120, 184, recipe)
    source, picture, back = (tmp_path / name for name in ("a.dng", "a.jpg", "b.dng"))
    source.write_bytes(b"".join(dng.encode(mosaic, recipe, None, None)))
    picture.write_bytes(rawback.render(source, AS_SHOT).data)
    with Image.open(picture) as found:
        assert found.size == (184, 120) and found.getexif()[274] == orientation
        upright = np.asarray(ImageOps.exif_transpose(found).convert("RGB"))
    target = libraw_rendering(source.read_bytes())
    assert upright.shape == target.shape and psnr(upright, target, 255) > 24
    source.unlink()
    back.write_bytes(b"".join(rawback.recover(picture).dng()))
    found = raw.read(back.read_bytes(), "b.dng")
    assert found.recipe.orientation == orientation
    assert psnr(found.mosaic, mosaic, 3839) > 47 and found.recipe.cfa == recipe.cfa
    assert psnr(libraw_rendering(back.read_bytes()), target, 255) > 30


@pytest.mark.parametrize("kind", [".tif", ".png"])
@pytest.mark.parametrize("orientation", [1, 2, 6, 7])
def test_16_bit_pictures_are_upright_and_finer(kind: str, orientation: int):
    file = raw_file(61, 83, light=0.6, orientation=orientation)
    rendered = rawback.render(file, AS_SHOT, kind=kind)
    pixels = tifffile.imread(io.BytesIO(rendered.data)) if kind == ".tif" else imagecodecs.png_decode(rendered.data)
    jpeg_shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(rawback.render(file, AS_SHOT).data))).convert("RGB"))
    assert pixels.dtype == np.uint16 and pixels.shape == jpeg_shown.shape
    assert psnr(pixels / 257, jpeg_shown, 255) > 26 and len(np.unique(pixels)) > 1000
    assert "no RAW" in rendered.notes[-1]
    picture = Image.open(io.BytesIO(rendered.data))
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(picture.info["icc_profile"])))


def test_automatic_exposure_clips_one_per_cent():
    file = raw_file(240, 320, light=0.1)
    rendered = rawback.render(file, RenderOptions())
    assert 2 < rendered.recipe.exposure < 4
    assert 0.002 < (shown(rendered.data).max(-1) == 255).mean() < 0.02
    assert recovered(rendered.data).recipe.exposure == rendered.recipe.exposure


def test_the_recipe_in_the_file_is_the_one_that_was_used(sample_jpeg: rawback.Rendered):
    photo = jpeg.read(sample_jpeg.data, "sample.jpg")
    assert photo.recipe is not None
    for entry in dataclasses.fields(photo.recipe):
        found, used = (getattr(r, entry.name) for r in (photo.recipe, sample_jpeg.recipe))
        if isinstance(used, (str, bytes, int, type(None), dict)):
            assert found == used or entry.name == "dng"
        elif used != ():
            assert np.allclose(found, used, rtol=1e-8)
