"""A look that is known, found again from one RAW and its picture."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import BAYER, SAMPLE, SHARED, raw_file

from rawback import rendering
from rawback.calibrate import align, calibrate, fit, sharpness
from rawback.cameras import looks
from rawback.errors import RawbackError, UsageError
from rawback.files import dng
from rawback.files import photo as photos
from rawback.files.jpeg_file import JpegFile
from rawback.foreign.sensor import MARGIN
from rawback.isp import sharpening, stages, tone, vignetting
from rawback.isp.colour import CURVES, RGB_TO_YCC, YCC_TO_RGB
from rawback.isp.video import signal
from rawback.options.render import RenderOptions
from rawback.recovering import recover

SRGB = CURVES["srgb"]
SHIFT = (4, 6)
"""Rows and columns that the camera leaves out at the top left."""


def known_look(recipe):
    """A warm, contrasty camera: what `calibrate` should find."""
    light = np.maximum(SRGB.decode(np.linspace(0, 1, 33))[0], 0) ** 0.85
    saturated = np.linalg.inv(tone.saturation_matrix(0.85)) @ np.array(recipe.matrix)
    return replace(
        recipe, matrix=tuple(map(tuple, saturated.tolist())), curve="srgb", tone=tone.knots_of(light, SRGB), exposure=1.1
    )


def shown_by(raw, recipe) -> np.ndarray:
    """The whole picture (H, W, 3) uint8 of a camera with that look."""
    height, width = raw.mosaic.shape
    linear = stages.forward(raw.mosaic, replace(raw.recipe, matrix=recipe.matrix, exposure=1.1), white_at=1.0)
    light = CURVES[raw.recipe.curve].decode(linear)[0] * vignetting.gain((0.3, 0, 0, 0, 0), height, width, 0, height)
    codes = np.clip(tone.ToneCurve(SRGB, recipe.tone).encode(light), 0, 1)
    return np.rint(255 * np.moveaxis(codes, 0, -1)).astype(np.uint8)


@pytest.fixture(scope="module")
def shown(sample) -> np.ndarray:
    """The sample as a camera with the known look shows it: (H, W, 3) uint8. Not to be changed."""
    return shown_by(sample, known_look(sample.recipe))


@pytest.fixture(scope="module")
def pair(shown, tmp_path_factory) -> tuple[Path, Path]:
    """The sample, and the JPEG that a camera with the known look makes of it: cropped, its lens's falling off undone."""
    path = tmp_path_factory.mktemp("pair") / "camera.jpg"
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Camera"
    Image.fromarray(shown[SHIFT[0] :, SHIFT[1] :]).save(path, quality=95, exif=exif)
    return SAMPLE, path


@pytest.fixture(scope="module")
def found(pair) -> calibrate.Calibration:
    return calibrate.calibrate(pair, "known")


def test_the_look_is_found(found, sample):
    assert found.look.exposure == pytest.approx(1.1, abs=0.1)
    for radius2 in (0.3, 0.6, 0.9):
        falloff = sum(term * radius2 ** (k + 1) for k, term in enumerate(found.look.vignette))
        assert falloff == pytest.approx(0.3 * radius2, abs=0.03)
    expected = known_look(sample.recipe).tone
    assert np.abs(np.array(found.look.tone) - expected)[4:29].max() < 0.03
    assert min(row["dB"] for row in found.held_out) > 30
    assert max(row["hue"] for row in found.held_out) < 3


def test_the_shift_is_found(pair):
    samples = align.read_pair(pair[0].read_bytes(), "raw", pair[1].read_bytes(), "jpeg").samples()
    assert samples.shift == (-SHIFT[0] // 2, -SHIFT[1] // 2)
    assert samples.cfa == BAYER["RGGB"]


@pytest.mark.parametrize(("rows", "columns", "cfa"), [(0, 0, "RGGB"), (3, 0, "GBRG"), (0, 5, "GRBG"), (3, 5, "BGGR")])
def test_the_colours_of_the_photosites_are_found(rows, columns, cfa, sample, shown):
    """A picture from which the camera left out some rows and columns of the RAW."""
    raw = sample
    green = shown[rows : rows + 1190, columns : columns + 1790, 1] / 255
    light = align.cells_of(raw.mosaic, raw.recipe)[..., 1]
    shift = (-round(rows / 2), -round(columns / 2))
    assert align._cfa(green, light, shift, raw.recipe) == BAYER[cfa]
    mirrored, turned = replace(raw.recipe, orientation=2), BAYER[{"RGGB": "GRBG", "GBRG": "BGGR"}.get(cfa, cfa)]
    if not columns:
        assert align._cfa(green, light, shift, mirrored) == turned


def test_recover_with_the_card_gives_the_raw_as_it_was(found, pair, sample, tmp_path):
    card = tmp_path / "known.json"
    card.write_bytes(calibrate.card(found, card))
    assert looks.load(str(card)) == found.look
    recovered = recover(pair[1], camera=str(card), weights="none")  # a drawn picture was never sharpened, as cameras' are
    original = sample
    got = light(recovered.mosaic, recovered.recipe)[MARGIN // 2 : -MARGIN // 2, MARGIN // 2 :]
    true = light(original.mosaic, original.recipe)[SHIFT[0] // 2 :, SHIFT[1] // 2 :]
    got = got[: true.shape[0], : true.shape[1]]
    true = np.clip(true[: got.shape[0], : got.shape[1]], 0, 1)
    unclipped = true.max(-1) < 0.4  # the camera blew what is brighter by its exposure
    assert np.sqrt(np.mean((got - true)[unclipped] ** 2)) < 0.02


def light(mosaic: np.ndarray, recipe) -> np.ndarray:
    return align.cells_of(mosaic, recipe) @ np.array(recipe.matrix if not recipe.tone else recovered_matrix(recipe)).T


def recovered_matrix(recipe) -> np.ndarray:
    """Of the camera alone, as LibRaw takes it from the DNG."""
    from rawback.isp.colour import matrix_from_xyz

    return matrix_from_xyz(np.reshape(recipe.dng["ColorMatrix1"], (3, 3)))


def test_render_with_the_look_comes_back(found, sample, tmp_path):
    card = tmp_path / "known.json"
    card.write_bytes(calibrate.card(found, card))
    options = RenderOptions(look="camera", camera=str(card), quality=92)
    rendered = rendering.render(SAMPLE, options)
    (tmp_path / "x.jpg").write_bytes(rendered.data)
    original, back = sample, recover(tmp_path / "x.jpg")
    error = (back.mosaic.astype(float) - original.mosaic) / (original.recipe.white - original.recipe.black[0])
    assert -10 * np.log10(np.mean(error**2)) > 45
    assert rendered.recipe.look == "known"


CODE_MATRIX = ((1.15, -0.02, -0.13), (0.06, 1.02, -0.08), (0.15, -0.04, 0.89))


def test_what_a_camera_mixes_after_its_curve_comes_back(found, tmp_path):
    card, plain = tmp_path / "mixed.json", tmp_path / "plain.json"
    look = replace(found.look, code_matrix=CODE_MATRIX)
    card.write_bytes(looks.save(look, card, {}))
    plain.write_bytes(looks.save(replace(found.look, code_matrix=()), plain, {}))
    original = raw_file(160, 240, light=0.6)
    shown = {}
    for path in (card, plain):
        options = RenderOptions(look="camera", camera=str(path), quality=92, subsampling="4:4:4")
        picture = tmp_path / f"{path.stem}.jpg"
        picture.write_bytes(rendering.render(original, options).data)
        back = recover(picture)
        assert (back.recipe.code_matrix == CODE_MATRIX) == (path == card)
        error = (back.mosaic.astype(float) - original.mosaic) / (original.recipe.white - original.recipe.black[0])
        assert -10 * np.log10(np.mean(error**2)) > 45
        shown[path] = np.asarray(Image.open(picture)).astype(float)
    expected = shown[plain] @ np.linalg.inv(CODE_MATRIX).T
    inside = (shown[plain].min(-1) > 20) & (shown[plain].max(-1) < 235)
    assert inside.mean() > 0.3 and np.abs(shown[card] - expected)[inside].mean() < 2.5


def test_what_is_mixed_comes_back_from_a_video_s_planes():
    raw = raw_file(64, 96, light=0.5)
    recipe = replace(raw.recipe, code_matrix=CODE_MATRIX, curve="srgb")
    planes = signal.picture(raw.mosaic, recipe, RGB_TO_YCC)
    planes[0] = signal.luma_under(planes[1:], raw.mosaic, recipe, YCC_TO_RGB)
    back = signal.mosaic_of(np.tensordot(YCC_TO_RGB, planes, 1).astype(np.float32), recipe)
    assert np.abs(back.astype(int) - raw.mosaic).max() <= 1


def test_cards_of_the_first_version_are_read(found):
    card = found.look.to_card()
    del card["look"]["code_matrix"], card["look"]["cfa"], card["look"]["sharpening"]
    assert looks.from_card(card, "known") == replace(found.look, code_matrix=(), cfa=(), sharpening=())
    with pytest.raises(RawbackError, match="holds no look"):
        looks.from_card(card | {"look": card["look"] | {"sharpening": [1e9] * 3}}, "known")
    for wrong in ([[1, 0, 0.1], [0, 1, 0], [0, 0, 1]], [[1, 0], [0, 1]], [[0, 0, 1]] * 3):
        card["look"]["code_matrix"] = wrong
        with pytest.raises(RawbackError, match="holds no look"):
            looks.from_card(card, "known")


def test_sharpening_is_measured_against_the_raw(found, shown, sample):
    codes = shown[104:1128, 606:1630]
    small = replace(sample, mosaic=sample.mosaic[100:1140, 600:1640])
    luma = (codes / 255 @ RGB_TO_YCC[0]).astype(np.float32)
    sharper = luma + sum(gain * fine for gain, fine in zip((0.7, 0.7, 0.3), sharpening.octaves(luma, 3), strict=True))
    turned = replace(small, recipe=replace(sample.recipe, orientation=6))  # which the picture is already
    measured, samples = [], None
    for pixels in (codes, np.clip(codes + 255 * (sharper - luma)[..., None], 0, 255)):
        stream = io.BytesIO()
        upright = np.ascontiguousarray(align.upright(np.rint(pixels).astype(np.uint8), 6))
        Image.fromarray(upright).save(stream, "JPEG", quality=95)
        pair = align.Pair(turned, photos.read(stream.getvalue(), "turned.jpg"), "a pair")
        samples = samples or pair.samples()
        measured.append(sharpness.measured([pair], [samples], found.look))
    assert measured[0] == pytest.approx([0, 0, 0], abs=0.08)
    assert measured[1] == pytest.approx([0.7 / 1.7, 0.7 / 1.7, 0.3 / 1.3], abs=0.08)
    left = sharpening.without(sharper, measured[1])
    assert np.abs(left - luma).mean() < 0.3 * np.abs(sharper - luma).mean()


def known_fit() -> fit.Fit:
    curve = np.linspace(0, 1, fit.KNOTS) ** 2.4 + 1e-4
    matrix = np.array([[0.47, 0.18, 0.0], [0.0, 0.6, 0.02], [-0.03, 0.1, 0.55]])
    return fit.Fit(matrix, curve, np.array([0.1, 0.2, 0.1]), np.array(CODE_MATRIX))


def test_the_fit_knows_its_slopes():
    rng = np.random.default_rng(5)
    codes, radius2, known = rng.uniform(0.1, 0.9, (40, 3)), rng.uniform(0, 1, 40), known_fit()
    by = known.derivatives(codes, radius2)
    for parameter in range(0, fit.PARAMETERS, 3):
        step = 1e-6 * np.eye(fit.PARAMETERS)[parameter]
        rise = (known.stepped(step).light(codes, radius2) - known.stepped(-step).light(codes, radius2)) / 2e-6
        assert np.allclose(by[..., parameter], rise, atol=1e-6)


def test_a_picture_of_few_colours_is_told_from_one_of_many():
    def samples(hue: np.ndarray) -> align.Samples:
        light = 0.3 + 0.2 * np.stack([np.cos(hue), np.cos(hue - 2), np.cos(hue + 2)], -1)
        return align.Samples(light, light, hue, hue, (0, 0))

    everything = np.linspace(0, 2 * np.pi, 1000)
    assert fit.hues([samples(everything)]) == 6
    assert fit.hues([samples(everything[:150])]) <= 3
    assert fit.hues([samples(everything[:150]), samples(everything[300:600])]) >= 4


def test_strays_do_not_spoil_the_fit():
    """A tenth of the samples were lightened by the camera, the rest is as the known fit says but for noise."""
    rng = np.random.default_rng(6)
    grey = rng.uniform(0.05, 0.9, (4000, 1))
    codes, radius2 = np.clip(grey + rng.normal(0, 0.1, (4000, 3)), 0.02, 0.97), rng.uniform(0, 1, 4000)
    light = known_fit().light(codes, radius2)
    seen = light * (1 + 0.01 * rng.standard_normal(light.shape))
    seen[::10] *= 0.6
    samples = align.Samples(codes, seen, radius2, np.zeros(4000, int), (0, 0))
    got = fit.fit([samples]).light(codes, radius2)
    assert np.median(np.abs(got / light - 1)) < 0.02
    assert np.abs(got - light).max() < 0.03


def test_what_a_picture_does_not_show_is_as_cameras_do_in_the_mean():
    """Nearly grey and never bright: nothing can be learned of the rest, and nothing is made up."""
    rng = np.random.default_rng(8)
    codes = np.clip(rng.uniform(0.1, 0.6, (2000, 1)) + rng.normal(0, 0.01, (2000, 3)), 0.02, 0.97)
    radius2, mean = rng.uniform(0, 1, 2000), fit.generic()
    light = 0.8 * mean.light(codes, radius2) * (1 + 0.03 * rng.standard_normal(codes.shape))
    found = fit.fit([align.Samples(codes, light, radius2, np.zeros(2000, int), (0, 0))])
    anything = rng.uniform(0.05, 0.95, (2000, 3))
    assert np.abs(found.light(anything, radius2) - 0.8 * mean.light(anything, radius2)).max() < 0.025


def test_pictures_that_do_not_match_are_refused(pair, tmp_path):
    other = tmp_path / "other.jpg"
    y, x = np.mgrid[:1200, :1800]
    Image.fromarray((127 + 120 * np.sin(x * y / 9e3)).astype(np.uint8)).save(other)
    with pytest.raises(RawbackError, match="do not show the same"):
        calibrate.calibrate([SAMPLE, other], "x")
    small = tmp_path / "small.jpg"
    with Image.open(other) as image:
        image.resize((300, 200)).save(small)
    with pytest.raises(RawbackError, match=r"small.jpg: the picture is monochrome; leave this pair out"):
        calibrate.calibrate([SAMPLE, small], "x")
    with Image.open(small) as image:
        image.resize((30, 20)).save(small)
    with pytest.raises(RawbackError, match="too small"):
        calibrate.calibrate([SAMPLE, small], "x")


def test_pictures_of_any_size_and_several_pairs(found, pair, sample, tmp_path):
    """Resized pictures tell the look that the one of full size does; each is left out in its turn."""
    sources = []
    for width in (640, 900):
        small = tmp_path / f"{width}.jpg"
        with Image.open(pair[1]) as image:
            image.resize((width, round(width * image.height / image.width))).save(small, quality=95, exif=image.getexif())
        sources += [pair[0], small]
    several = calibrate.calibrate(sources, "small")
    assert several.pairs == 2 and len(several.held_out) == 2 and min(row["dB"] for row in several.held_out) > 25
    assert several.look.exposure == pytest.approx(1.1, abs=0.1) and several.look.make == "Maker"
    codes = np.linspace(0.1, 0.9, 9)[:, None] * [1.0, 0.9, 0.8]
    curves = [tone.ToneCurve(SRGB, look.tone).light(codes.astype(np.float32)) for look in (several.look, found.look)]
    assert np.abs(curves[0] - curves[1]).max() < 0.05
    for radius2 in (0.3, 0.9):
        falloff = sum(term * radius2 ** (k + 1) for k, term in enumerate(several.look.vignette))
        assert falloff == pytest.approx(0.3 * radius2, abs=0.06)
    card = calibrate.card(several, tmp_path / "small.json")
    told = calibrate.report(several)
    assert "held out: pair 2, from the others" in told and "seen: light from" in told
    assert b'"pictures": 2' in card and b'"seen"' in card
    assert "third 1, from the rest" in calibrate.report(found) and "seen: light from" in calibrate.report(found)
    mixed = calibrate.calibrate([*pair, *sources[:2]], "mixed")
    assert mixed.pairs == 2 and "on that pair itself" in calibrate.report(calibrate.calibrate(sources[:2], "single"))


def test_a_jpeg_needs_its_raw_before_it(pair):
    with pytest.raises(UsageError, match="no RAW before it"):
        calibrate.paired([pair[1], pair[0]])
    assert calibrate.paired([pair[0], pair[1], pair[0]]) == [pair, (pair[0], None)]


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_raw_with_its_camera_s_picture_inside_needs_no_other(orientation, sample, shown, tmp_path):
    raw = sample
    stream, path = io.BytesIO(), tmp_path / "whole.dng"
    Image.fromarray(shown).save(stream, "JPEG", quality=95)
    recipe = replace(raw.recipe, orientation=orientation)
    path.write_bytes(b"".join(dng.encode(raw.mosaic, recipe, raw.exif, JpegFile(stream.getvalue()))))
    found = calibrate.calibrate([path], "inside")
    assert found.look.exposure == pytest.approx(1.1, abs=0.1)
    assert (found.look.make, found.look.model) == ("rawback", "Sample 1")
    assert found.look.size == raw.mosaic.shape[::-1]
    assert found.look.cfa == BAYER["RGGB" if orientation == 1 else "GRBG"]
    assert min(row["dB"] for row in found.held_out) > 30


def test_a_raw_without_a_picture_is_refused():
    with pytest.raises(RawbackError, match=r"holds (no|a) picture|does not show the same|was made by another program"):
        calibrate.calibrate([SAMPLE], "small")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_viewers_show(orientation):
    stored = np.arange(6).reshape(2, 3).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "PNG", exif=exif)
    from PIL import ImageOps

    shown = np.asarray(ImageOps.exif_transpose(Image.open(stream)))
    assert np.array_equal(align.upright(stored, orientation), shown)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "pairs").is_dir(), reason="needs ../shared/data/pairs")
def test_a_real_pair():
    (jpeg,), (raw,) = (SHARED / "pairs").glob("*.JPG"), (SHARED / "pairs").glob("*.dng")
    found = calibrate.calibrate([raw, jpeg], "hero7")
    assert min(row["dB"] for row in found.held_out) > 36
    assert max(row["hue"] for row in found.held_out) < 4
    assert found.look.cfa == BAYER["GRBG"], "the RAW is stored mirrored"
    assert found.look.sharpening == pytest.approx([0.45, 0.45, 0.17], abs=0.05), "its EXIF says that it was sharpened hard"
