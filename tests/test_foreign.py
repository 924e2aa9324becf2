"""Photos that rawback did not render: any picture becomes a RAW that develops into that picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rawpy
from PIL import Image

from rawback.cameras import looks
from rawback.errors import RawbackError
from rawback.files import camera_table, tiff
from rawback.files import photo as photos
from rawback.files.tags import Tag
from rawback.foreign import sensor
from rawback.foreign.plan import plan
from rawback.isp import colour, colour_profile, tone
from rawback.isp.colour_profile import SRGB_TO_D50
from rawback.recovering import recover

SRGB = colour.CURVES["srgb"]


def picture(width: int = 64, height: int = 48) -> Image.Image:
    """Smooth, in all colours that a camera can make."""
    y, x = np.mgrid[:height, :width] / max(width, height)
    planes = [0.55 + 0.3 * np.sin(5 * x + 4 * y + phase) for phase in (0, 0.7, 1.4)]
    return Image.fromarray(np.rint(255 * np.stack(planes, -1)).astype(np.uint8))


def encoded(image: Image.Image, kind: str, **options) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def recovered(data: bytes, tmp_path, **options):
    (tmp_path / "photo.bin").write_bytes(data)
    return recover(tmp_path / "photo.bin", **options)


def light_of(dng: list) -> np.ndarray:
    """The crop of a DNG as LibRaw renders it, linear sRGB (H, W, 3), 0..1."""
    data = b"".join(map(bytes, dng))
    with rawpy.imread(io.BytesIO(data)) as raw:
        options = {"gamma": (1, 1), "output_bps": 16, "no_auto_bright": True, "adjust_maximum_thr": 0.0, "user_flip": 0}
        shown = raw.postprocess(use_camera_wb=True, **options) / 65535
        s = raw.sizes
    return shown[s.crop_top_margin :, s.crop_left_margin :][: s.crop_height, : s.crop_width]


def expected_light(image: Image.Image) -> np.ndarray:
    """The generic look undone: the mix after its curve, the curve, colours, exposure."""
    look = looks.load("look-generic-1")
    mixed = np.asarray(image.convert("RGB"), np.float32) / 255 @ np.array(look.code_matrix, np.float32).T
    light = tone.ToneCurve(SRGB, look.tone).light(mixed) @ np.linalg.inv(look.matrix).T
    return np.clip(light / 2**look.exposure, 0, 1)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "TGA", "JPEG2000"])
def test_pictures_of_any_format_become_dng(tmp_path, kind):
    found = recovered(encoded(picture(), kind), tmp_path)
    assert found.mosaic.shape == (64, 80)
    assert found.recipe.crop == (8.0, 8.0, 64.0, 48.0)


def test_libraw_renders_the_dng_as_the_look_undone(tmp_path):
    shown = light_of(recovered(encoded(picture(), "PNG"), tmp_path, linear=True).dng())
    assert np.abs(shown - expected_light(picture())).max() < 2e-3


def test_the_profile_of_the_dng_shows_the_picture(tmp_path):
    """Exposure, ForwardMatrix and tone curve, as DNG 1.7.1, chapter 6, has it: nearly the picture that went in."""
    dng = b"".join(map(bytes, recovered(encoded(picture(), "PNG"), tmp_path, linear=True).dng()))
    tags = tiff.read(dng).entries
    numbers = {tag: np.array(tiff.numbers(tags[tag])) for tag in (Tag.ForwardMatrix1, Tag.ProfileToneCurve, Tag.AsShotNeutral)}
    with rawpy.imread(io.BytesIO(dng)) as raw:
        s = raw.sizes
        camera = raw.raw_image[s.crop_top_margin :, s.crop_left_margin :][: s.crop_height, : s.crop_width, :3] / 65535
    exposure = sum(tiff.numbers(tags[tag])[0] for tag in (Tag.BaselineExposure, Tag.BaselineExposureOffset))
    balanced = camera / numbers[Tag.AsShotNeutral] * 2**exposure
    light = balanced @ (np.linalg.inv(SRGB_TO_D50) @ numbers[Tag.ForwardMatrix1].reshape(3, 3)).T
    x, y = numbers[Tag.ProfileToneCurve].reshape(-1, 2).T
    error = SRGB.encode(np.interp(light, x, y).astype(np.float32)) - np.asarray(picture()) / 255
    assert -20 * np.log10(np.sqrt(np.mean(error**2))) > 33


def test_the_mosaic_renders_like_the_linear_one(tmp_path):
    data = encoded(picture(), "PNG")
    mosaic, linear = (light_of(recovered(data, tmp_path, linear=kind).dng()) for kind in (False, True))
    assert np.abs(mosaic - linear)[2:-2, 2:-2].max() < 0.02


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0", "4:1:1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpegs_of_any_subsampling(tmp_path, subsampling, progressive):
    data = encoded(picture(), "JPEG", quality=98, subsampling=subsampling, progressive=progressive)
    shown = light_of(recovered(data, tmp_path, linear=True).dng())
    assert np.abs(shown - expected_light(picture())).mean() < 6e-3


def test_a_jpeg_coded_as_rgb_is_not_taken_for_ycbcr(tmp_path):
    data = encoded(picture(), "JPEG", quality=98, keep_rgb=True)
    found = recovered(data, tmp_path, linear=True)
    assert any("rare kind" in note for note in found.notes)
    assert np.abs(light_of(found.dng()) - expected_light(picture())).mean() < 6e-3


@pytest.mark.parametrize("mode", ["L", "LA", "P", "1", "RGBA"])
def test_grey_palettes_and_transparency(tmp_path, mode):
    assert recovered(encoded(picture().convert(mode), "PNG"), tmp_path).mosaic.any()


def test_sixteen_bits_are_kept(tmp_path):
    values = np.linspace(0, 65535, 48 * 64).reshape(48, 64).astype(np.uint16)
    assert np.array_equal(photos.read(encoded(Image.fromarray(values), "PNG"), "x").pixels.values, values)


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3, 2), (17, 16)])
def test_tiny_pictures_get_a_margin_that_libraw_can_use(tmp_path, size):
    found = recovered(encoded(picture().resize(size), "PNG"), tmp_path)
    assert min(found.mosaic.shape) >= sensor.SMALLEST
    assert light_of(found.dng()).shape[:2] == size[::-1]


@pytest.mark.parametrize(("data", "said"), [
    (b"", "empty"), (b"hello, world" * 9, "no picture of a kind that is known"), (b"\0\0\0\x18ftypheic" + b"\0" * 99, "HEIC"),
    (encoded(picture().convert("CMYK"), "JPEG"), "4 colour components"),
    (encoded(picture().convert("CMYK"), "TIFF"), "CMYK"),
    (encoded(picture(), "JPEG")[:-200], "cut short"),
    (encoded(picture(), "PNG")[:-200], "get the file again"),
])  # fmt: skip
def test_what_cannot_be_used_is_said_in_one_line(tmp_path, data, said):
    with pytest.raises(RawbackError, match=said) as raised:
        recovered(data, tmp_path)
    assert "\n" not in str(raised.value)


def test_colours_outside_srgb_come_through_a_profile_unclipped():
    """Adobe RGB's green has negative red in sRGB; the mosaic of a camera with wide filters can hold it."""
    source = photos.read(encoded(Image.new("RGB", (64, 48), (90, 200, 90)), "PNG"), "x")
    profile = colour_profile.adobe_rgb()
    assert profile.to_srgb(source.picture.strip(0, 48)).min() < -0.1
    wide = sensor.sensor(source.picture, plan(source).recipe, profile, True, lambda share: None)
    assert wide.min() > 0


def test_the_table_of_cameras_is_asked_by_name():
    known = camera_table.xyz_to_camera("Canon", "Canon EOS 5D")
    assert np.allclose(known[0], [0.6347, -0.0479, -0.0972], atol=1e-4)
    assert camera_table.xyz_to_camera("Nobody", "Nothing") is None
    assert camera_table.xyz_to_camera("NIKON", "E5700") is None  # four colours


def test_a_known_camera_lends_its_colours_and_daylight(tmp_path):
    exif = Image.Exif()
    exif[271], exif[272] = "Canon", "Canon EOS 5D"
    found = recovered(encoded(picture(), "JPEG", exif=exif), tmp_path)
    assert found.recipe.camera == "Canon EOS 5D"
    assert found.recipe.dng["ColorMatrix1"][0] == pytest.approx(0.6347, abs=1e-4)
    assert found.recipe.neutral[0] < 0.6 and found.recipe.neutral[1] == 1
    assert "the colours of Canon EOS 5D" in found.notes[-1]


def test_tone_curves_invert_and_rise():
    curve = tone.ToneCurve(SRGB, tone.generic_knots(SRGB))
    light = np.linspace(-0.1, 3, 5001).astype(np.float32)
    codes = curve.encode(light)
    assert np.diff(codes).min() > 0
    assert np.abs(curve.decode(codes)[0] - light).max() < 1e-5
    assert curve.encode(np.float32([1]))[0] == pytest.approx(1, abs=1e-3)


def test_a_card_that_is_none_is_refused(tmp_path):
    for text in ("[]", "{}", '{"look": {}}', "no json", '{"look": {"tone": [1, 0]}}'):
        (tmp_path / "card.json").write_text(text)
        with pytest.raises(RawbackError):
            looks.load(str(tmp_path / "card.json"))
    with pytest.raises(RawbackError, match="no camera or weights 'nobody'"):
        looks.load("nobody")


def noise_at(iso: int, tmp_path) -> tuple[float, ...]:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[34855] = iso
    return recovered(encoded(picture(), "JPEG", exif=exif), tmp_path).recipe.noise


def test_noise_grows_with_iso_as_the_sensor_s_does(tmp_path):
    """The gain multiplies read noise: its variance grows by the square. Photons counted at a level fall: shot noise by one."""
    at_100, at_400, at_6400 = (noise_at(iso, tmp_path) for iso in (100, 400, 6400))
    assert np.divide(at_400, at_100) == pytest.approx((4, 16), rel=1e-6)
    assert np.divide(at_6400, at_100) == pytest.approx((64, 4096), rel=1e-6)
    assert 4e-5 < at_100[0] < 4e-4  # a middling sensor holds some ten thousand electrons at ISO 100
    assert recovered(encoded(picture(), "JPEG"), tmp_path).recipe.noise == ()
