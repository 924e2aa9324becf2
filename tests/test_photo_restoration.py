"""What `recover` restores of a camera's JPEG: encoder and sharpening undone, within what the JPEG says; and its noise."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from small import jpeg_bytes

from rawback.cameras import looks
from rawback.cameras.cards import PHOTO_WEIGHTS, cards
from rawback.errors import UsageError
from rawback.files import jpeg
from rawback.files import photo as photos
from rawback.files.tags import Tag
from rawback.foreign import sensor, sharpening
from rawback.isp import dct, fixed_pass, intervals, inverse_pass, photo_noise
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.deblocking import Deblocking
from rawback.isp.quantisation_tables import quality_of
from rawback.isp.sharpening import OCTAVES, Sharpening, octaves, without
from rawback.nets import photo_part, weights
from rawback.options.recover import RecoverOptions
from rawback.picture import Pixels
from rawback.recipe import Recipe
from rawback.recovering import recover

RECIPE = Recipe(512, 512, ((0, 1), (1, 2)), (0.0,) * 4, 16383.0, (1.0, 1.0, 1.0), ((1, 0, 0), (0, 1, 0), (0, 0, 1)))


def scene(height: int = 256, width: int = 320) -> np.ndarray:
    """Codes (H, W, 3), 0..1: a dark gradient, soft discs and stripes, a little noise, in many colours."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    light = 0.08 + 0.25 * x / width + 0.1 * y / height
    planes = np.stack([light * share for share in (1.1, 1.0, 0.8)], -1)
    rng = np.random.default_rng(0)
    for _ in range(14):
        cy, cx, radius = rng.uniform(0, height), rng.uniform(0, width), rng.uniform(8, 50)
        disc = 1 / (1 + np.exp(1.5 * (np.hypot(y - cy, x - cx) - radius)))
        planes += disc[..., None] * (rng.uniform(0.05, 0.8, 3) - planes) * rng.uniform(0.5, 1)
    planes += 0.04 * (np.sin(x / 2.5) * (y > height * 0.7))[..., None]
    return np.clip(planes + rng.normal(0, 0.004, planes.shape), 0, 1)


def photo(codes: np.ndarray, quality: int = 85, subsampling: str = "4:2:0") -> bytes:
    """The JPEG of codes."""
    stream = io.BytesIO()
    Image.fromarray(np.rint(codes * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return stream.getvalue()


def coefficients(data: bytes):
    return jpeg.read(data, "photo").coefficients


def luma_error(luma: np.ndarray, codes: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(luma - codes @ RGB_TO_YCC[0]))))


def sharpened(codes: np.ndarray, amount: float = 1.0) -> np.ndarray:
    """Codes as a camera sharpens them."""
    luma = codes @ RGB_TO_YCC[0]
    padded = np.pad(luma, 1, mode="edge")
    around = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] + 2 * luma) / 6
    return np.clip(codes + amount * (luma - around)[..., None], 0, 1)


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("quality", [75, 90])
def test_the_picture_before_sharpening_and_encoder_is_nearer(quality, subsampling):
    codes = scene()
    picture = coefficients(photo(sharpened(codes), quality, subsampling))
    restored = weights.photo_restorer(picture, None)(0, picture.height)
    decoded = inverse_pass.decoded_planes(picture, 0, picture.height)
    assert 20 * np.log10(luma_error(decoded[0], codes) / luma_error(restored[0], codes)) > 1
    for plane, before, row in zip(restored[1:], decoded[1:], RGB_TO_YCC[1:], strict=True):
        error, was = (np.sqrt(np.mean(np.square(p - codes @ row))) for p in (plane, before))
        assert error < 1.01 * was


@pytest.mark.parametrize("size", [(256, 320), (150, 70), (33, 47)])
@pytest.mark.parametrize(
    ("subsampling", "shares"), [("4:2:0", ()), ("4:2:2", ()), ("4:4:4", ()), ("4:2:0", (0.5, 0.5, 0.5))]
)  # fmt: skip
def test_strips_and_the_whole_are_the_same(size, subsampling, shares):
    picture = coefficients(photo(scene(*size), 80, subsampling))
    restorer = weights.photo_restorer(picture, None, Sharpening(octaves=shares))
    whole = restorer(0, picture.height)
    strips = [restorer(start, min(start + 32, picture.height)) for start in range(0, picture.height, 32)]
    for number, plane in enumerate(whole):
        assert plane.shape == size
        assert np.abs(plane - np.concatenate([strip[number] for strip in strips])).max() < 1e-5


def test_columns_that_the_network_is_given_change_nothing(monkeypatch):
    picture = coefficients(photo(scene(64, 330), 80))
    expected = weights.photo_restorer(picture, None)(0, 64)
    monkeypatch.setattr(photo_part, "COLUMNS", 48)
    assert all(map(np.array_equal, weights.photo_restorer(picture, None)(0, 64), expected))


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_photos_are_decoded_as_all_pictures_are(subsampling):
    picture = coefficients(photo(scene(150, 70), 80, subsampling))
    for ours, theirs in zip(fixed_pass.planes(picture, 16, 140), inverse_pass.decoded_planes(picture, 16, 140), strict=True):
        assert ours.shape == (124, 70) and np.allclose(ours, theirs, atol=2e-6)


def test_what_the_encoder_did_is_undone_within_its_steps():
    picture = coefficients(photo(scene(), 75))
    steps = picture.tables[0].astype(np.float32)
    wild = np.random.default_rng(0).normal(0, 0.2, (256, 320)).astype(np.float32)
    kept = dct.to_coefficients(intervals.within(wild, picture.tables[0])) * 255 / steps
    assert np.abs(dct.to_coefficients(wild) * 255 / steps).max() > 2
    assert np.abs(kept).max() < intervals.HALF + 1e-3
    assert np.allclose(intervals.within(wild * 1e-3, picture.tables[0]), wild * 1e-3, atol=1e-6)


def test_pictures_that_the_restoration_was_not_taught_are_left_as_they_are():
    grey = io.BytesIO()
    Image.fromarray(np.full((64, 64), 90, np.uint8)).save(grey, "JPEG")
    assert weights.photo_restorer(coefficients(grey.getvalue()), None) is None
    assert weights.photo_restorer(Pixels(np.zeros((64, 64, 3), np.uint8)), None) is None
    picture = coefficients(photo(scene()))
    assert weights.photo_restorer(picture, "none") is None
    assert weights.photo_restorer(picture, "generic-2") is not None  # which knows no photos: the default does


def test_recover_restores_photos_and_leaves_it_on_request(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(scene(), 80))
    restored, plain = recover(path), recover(path, weights="none")
    assert not np.array_equal(restored.mosaic, plain.mosaic)
    assert "quality 80" in " ".join(restored.notes)
    assert "quality" not in " ".join(plain.notes)


def test_pictures_of_rawbacks_own_are_not_touched(tmp_path, monkeypatch):
    def asked(*arguments):
        raise AssertionError("restored as a photo")

    monkeypatch.setattr(photo_part.PhotoRestorer, "__init__", asked)
    own = tmp_path / "own.jpg"
    own.write_bytes(jpeg_bytes())
    recover(own)
    resaved = tmp_path / "resaved.jpg"
    with Image.open(own) as picture:
        picture.save(resaved, quality=90, xmp=picture.info["xmp"])
    recover(resaved)


def signed(codes: np.ndarray, quality: int = 90, **tags: object) -> bytes:
    """The JPEG of codes with EXIF's tags, Sharpness in its Exif directory."""
    exif, stream = Image.Exif(), io.BytesIO()
    for name, value in tags.items():
        (exif.get_ifd(34665) if name == "Sharpness" else exif)[Tag[name]] = value
    Image.fromarray(np.rint(codes * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality, exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("tags", "share"),
    [
        ({}, 0), ({"Make": "Canon", "Model": "EOS 30D"}, 1), ({"Make": "Apple", "Model": "iPhone 6", "Software": "8.3"}, 1),
        ({"Make": "NIKON CORPORATION", "Software": "Ver.1.00", "Sharpness": 0}, 1), ({"Make": "GoPro", "Sharpness": 2}, 1.5),
        ({"Make": "Motorola", "Sharpness": 1}, 0), ({"Make": "Canon", "Software": "Adobe Photoshop Lightroom 6.1"}, 0),
        ({"Make": "Canon", "ProcessingSoftware": "digiKam-7"}, 0), ({"Software": "GIMP 2.10"}, 0),
        ({"Make": "LGE", "Model": "Nexus 5", "Software": "Google"}, 1),
    ],
)  # fmt: skip
def test_sharpening_is_undone_where_the_file_says_that_a_camera_sharpened(tags, share):
    told = sharpening.of(photos.read(signed(scene(32, 32), **tags), "photo.jpg"))
    assert told.share == share
    assert bool(told.reason) == (share == 0)


def test_the_user_and_xmp_say_who_made_it_too():
    photo = photos.read(signed(scene(32, 32)), "photo.jpg")
    assert sharpening.of(photo, "look-generic-1").share == 1
    photo.xmp.append(b'<x xmp:CreatorTool="Adobe Photoshop Lightroom Classic 9.0"/>')
    assert "Lightroom" in sharpening.of(photo, "look-generic-1").reason


def test_what_a_camera_was_measured_to_add_is_undone():
    codes = scene()
    fine = octaves((codes @ RGB_TO_YCC[0]).astype(np.float32), OCTAVES)
    widely = sum(gain * octave for gain, octave in zip((0.7, 0.7, 0.3), fine, strict=True))  # wider than cameras do in the mean
    picture = coefficients(photo(np.clip(codes + widely[..., None], 0, 1), 92))
    measured = weights.photo_restorer(picture, None, Sharpening(octaves=(0.7 / 1.7, 0.7 / 1.7, 0.3 / 1.3)))
    mean = weights.photo_restorer(picture, None, Sharpening())
    errors = [luma_error(restorer(0, picture.height)[0], codes) for restorer in (measured, mean)]
    assert errors[0] < 0.9 * errors[1]
    assert "as its camera was measured to do" in measured.message()
    softer = weights.photo_restorer(picture, None, Sharpening(octaves=(-0.2, -0.2, -0.1)))
    assert softer.sharpening() == pytest.approx(0, abs=1e-6)  # nothing is sharpened further


def test_octaves_add_up_and_are_seen_no_farther_than_a_strip_s_context():
    plane = np.random.default_rng(1).uniform(0, 1, (64, 48)).astype(np.float32)
    parts = octaves(plane, OCTAVES)
    assert np.allclose(without(plane, (1.0,) * OCTAVES) + sum(parts), plane, atol=1e-6)
    shares = (0.5, 0.25, 0.1)
    assert np.allclose(without(plane, shares), plane - sum(s * part for s, part in zip(shares, parts, strict=True)), atol=1e-6)
    assert np.allclose(without(plane[:48], shares)[:32], without(plane, shares)[:32], atol=1e-6)


def test_a_measured_camera_comes_before_what_a_picture_says(tmp_path, monkeypatch):
    (card,) = (card for card in cards() if card["name"] == "look-generic-1")
    look = replace(looks.from_card(card, "mine"), scope="body", make="Maker", model="Camera", size=(320, 256))
    monkeypatch.setenv("RAWBACK_WEIGHTS", str(tmp_path))
    (tmp_path / "mine.json").write_text(json.dumps(replace(look, sharpening=(0.4, 0.4, 0.1)).to_card()))
    told = {"Make": "Maker", "Model": "Camera", "Sharpness": 1}
    assert sharpening.of(photos.read(signed(scene(), **told), "photo.jpg")).octaves == (0.4, 0.4, 0.1)
    assert sharpening.of(photos.read(signed(scene(128, 160), **told), "small.jpg")).octaves == ()
    of_family = replace(look, sharpening=(0.4, 0.4, 0.1), scope="family", models=("cam*",)).to_card()
    (tmp_path / "mine.json").write_text(json.dumps(of_family))
    assert sharpening.of(photos.read(signed(scene(), **told), "soft.jpg")).share == 0
    assert sharpening.of(photos.read(signed(scene(), **told | {"Sharpness": 2}), "hard.jpg")).octaves == (0.4, 0.4, 0.1)
    edited = sharpening.of(photos.read(signed(scene(), **told, Software="GIMP 2.10"), "edited.jpg"))
    assert (edited.share, edited.octaves) == (0, ())


def test_what_was_never_sharpened_loses_nothing():
    codes = scene()
    picture = coefficients(photo(codes, 90))
    before = luma_error(inverse_pass.decoded_planes(picture, 0, picture.height)[0], codes)
    left = weights.photo_restorer(picture, None, Sharpening(0.0, "no camera is named"))
    assert 20 * np.log10(before / luma_error(left(0, picture.height)[0], codes)) > -0.1
    assert left.sharpening() == 0
    assert "no camera is named" in left.message()
    undone = weights.photo_restorer(picture, None, Sharpening(1.0))
    assert 20 * np.log10(before / luma_error(undone(0, picture.height)[0], codes)) < -0.1  # what the guard is for


def test_info_tells_what_the_camera_did(tmp_path, run):
    path = tmp_path / "photo.jpg"
    codes = scene()
    codes[:64] = 1
    path.write_bytes(photo(codes, 90))
    told = json.loads(run("info", str(path), "--json")[1])
    assert told["quality"] == 90
    assert 0.2 < told["clipped"] < 0.3
    assert told["sharpening_undone"] == 0
    assert told["sharpness_left"] == "no camera is named"
    path.write_bytes(signed(sharpened(codes), Make="Canon", Model="Canon EOS 30D"))
    told = json.loads(run("info", str(path), "--json")[1])
    assert told["sharpening_undone"] > 0
    assert "sharpness_left" not in told
    text = run("info", str(path))[1]
    assert "as cameras add in the mean" in text
    assert "channel at white" in text


@pytest.mark.parametrize("quality", [1, 50, 80, 96, 100])
def test_quality_is_read_off_the_table(quality):
    assert quality_of(coefficients(photo(scene(64, 64), quality)).tables[0]) == quality


def test_noise_is_measured_in_the_photo():
    rng = np.random.default_rng(1)
    flat = np.tile(np.linspace(1000, 9000, 512), (512, 1))
    mosaic = np.rint(flat + rng.normal(0, 40, flat.shape)).astype(np.uint16)
    scale, offset = photo_noise.measured(mosaic, RECIPE)
    assert scale * 0.3 + offset == pytest.approx((40 / 16383) ** 2, rel=0.15)
    kept, recipe, told = sensor.with_noise(mosaic, RECIPE, False, 1)
    assert kept is mosaic
    assert recipe.noise == (scale, offset)
    assert told == ""


def test_a_sensors_noise_is_added_up_to_what_it_has():
    sensors = (4e-4, 1e-6)
    flat = np.full((512, 512), 6000, np.uint16)
    noisy = photo_noise.with_noise(flat, RECIPE, (1e-4, 0.0), sensors, 7)
    light = 6000 / 16383
    assert np.var(noisy / 16383) == pytest.approx(3e-4 * light + 1e-6, rel=0.03)
    assert np.array_equal(noisy, photo_noise.with_noise(flat, RECIPE, (1e-4, 0.0), sensors, 7))
    assert not np.array_equal(noisy, photo_noise.with_noise(flat, RECIPE, (1e-4, 0.0), sensors, 8))
    assert np.array_equal(flat, photo_noise.with_noise(flat, RECIPE, (1e-3, 1e-5), sensors, 7))  # has more already


@pytest.mark.parametrize("linear", [False, True])
def test_recover_adds_noise_on_request_and_says_so(tmp_path, linear):
    path = tmp_path / "photo.jpg"
    path.write_bytes(photo(scene(), 90))
    plain, noisy = recover(path, linear=linear), recover(path, linear=linear, noise="real")
    assert plain.mosaic.shape == noisy.mosaic.shape
    assert 0 < np.std(plain.mosaic.astype(float) - noisy.mosaic) < 500
    assert np.array_equal(noisy.mosaic, recover(path, linear=linear, noise="real").mosaic)
    assert "ISO 100" in " ".join(noisy.notes)
    with pytest.raises(UsageError, match="noise"):
        RecoverOptions(noise="much")


def test_the_card_tells_what_was_learned():
    card = weights.load(PHOTO_WEIGHTS).card
    part = card["parts"]["restore_photo"]
    assert part["use"] == ["foreign"]
    assert len(part["figures"]["validation dB gained"]) == 3
    assert min(part["figures"]["validation dB gained"][:2]) > 0
    assert card["training"]["manifest_sha256"]


def test_learning_starts_from_nothing_changed():
    torch = pytest.importorskip("torch", reason="networks are defined in torch, of the extra [train]")
    from rawback.nets.restore_photo import KNOWN, RestorePhoto

    net = RestorePhoto(8, 3)
    change = net(torch.rand(1, 1, 32, 48), torch.rand(1, 2, 16, 24), torch.rand(1, KNOWN))
    assert change.shape == (1, 40, 8, 12)
    assert not change.abs().max()
    corners = net.phase(torch.zeros(1, 3, 4, 8))[0]
    assert corners[0, :, 0].tolist() == [-1, 1, -1, 1]
    assert corners[2, :, 0].tolist() == [-1, -1, 1, 1]
    assert corners[1, 0].tolist() == [-1, 1] * 4


def test_steps_at_borders_are_brought_down_to_those_within():
    rng = np.random.default_rng(3)
    smooth = 0.3 + 0.2 * np.sin(np.arange(512) / 60)[None] + rng.normal(0, 0.002, (256, 512))
    blocked = (smooth + np.kron(rng.normal(0, 0.01, (32, 64)), np.ones((8, 8)))).astype(np.float32)
    even = Deblocking.measured([blocked]).applied(blocked)

    def excess(luma):
        steps = np.abs(np.diff(luma, axis=1))
        return steps[:, 7::8].mean() - steps[:, 3::8].mean()

    assert excess(blocked) > 0.008
    assert abs(excess(even)) < 0.2 * excess(blocked)
    untouched = smooth.astype(np.float32)
    assert np.abs(Deblocking.measured([untouched]).applied(untouched) - untouched).max() < 2e-3
