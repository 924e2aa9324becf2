"""A look that is known, found again from one RAW and its picture."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import SAMPLE, SHARED

from rawback import calibrate, foreign, looks, pairs, rendering
from rawback.errors import RawbackError, UsageError
from rawback.files import raw as raws
from rawback.isp import pipeline, tone
from rawback.isp.colour import CURVES
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


@pytest.fixture(scope="module")
def pair(tmp_path_factory) -> tuple[Path, Path]:
    """The sample, and the JPEG that a camera with the known look makes of it: cropped, its lens's falling off undone."""
    raw = raws.read(SAMPLE.read_bytes(), "sample")
    recipe = known_look(raw.recipe)
    height, width = raw.mosaic.shape
    linear = pipeline.forward(raw.mosaic, replace(raw.recipe, matrix=recipe.matrix, exposure=1.1), white_at=1.0)
    light = CURVES[raw.recipe.curve].decode(linear)[0] * foreign.falloff((0.3, 0, 0, 0, 0), width, height, 0, height)
    codes = np.clip(tone.ToneCurve(SRGB, recipe.tone).encode(light), 0, 1)
    shown = np.rint(255 * np.moveaxis(codes, 0, -1)).astype(np.uint8)[SHIFT[0] :, SHIFT[1] :]
    path = tmp_path_factory.mktemp("pair") / "camera.jpg"
    exif = Image.Exif()
    exif[271], exif[272] = "Maker", "Camera"
    Image.fromarray(shown).save(path, quality=95, exif=exif)
    return SAMPLE, path


@pytest.fixture(scope="module")
def found(pair) -> calibrate.Calibration:
    return calibrate.calibrate(pair, "known")


def test_the_look_is_found(found, pair):
    assert found.look.exposure == pytest.approx(1.1, abs=0.1)
    assert found.look.vignette[0] == pytest.approx(0.3, abs=0.08)
    expected = known_look(raws.read(SAMPLE.read_bytes(), "sample").recipe).tone
    assert np.abs(np.array(found.look.tone) - expected)[4:29].max() < 0.03
    assert min(row["dB"] for row in found.held_out) > 30
    assert max(row["hue"] for row in found.held_out) < 3


def test_the_shift_is_found(pair):
    _, _, samples = pairs.read_pair(pair[0].read_bytes(), "raw", pair[1].read_bytes(), "jpeg")
    assert samples.shift == (-SHIFT[0] // 2, -SHIFT[1] // 2)


def test_recover_with_the_card_gives_the_raw_as_it_was(found, pair, tmp_path):
    card = tmp_path / "known.json"
    card.write_bytes(calibrate.card(found, card))
    assert looks.load(str(card)) == found.look
    recovered = recover(pair[1], camera=str(card))
    original = raws.read(SAMPLE.read_bytes(), "sample")
    got = light(recovered.mosaic, recovered.recipe)[foreign.MARGIN // 2 : -foreign.MARGIN // 2, foreign.MARGIN // 2 :]
    true = light(original.mosaic, original.recipe)[SHIFT[0] // 2 :, SHIFT[1] // 2 :]
    got = got[: true.shape[0], : true.shape[1]]
    true = np.clip(true[: got.shape[0], : got.shape[1]], 0, 1)
    unclipped = true.max(-1) < 0.4  # the camera blew what is brighter by its exposure
    assert np.sqrt(np.mean((got - true)[unclipped] ** 2)) < 0.02


def light(mosaic: np.ndarray, recipe) -> np.ndarray:
    return pairs.cells_of(mosaic, recipe) @ np.array(recipe.matrix if not recipe.tone else recovered_matrix(recipe)).T


def recovered_matrix(recipe) -> np.ndarray:
    """Of the camera alone, as LibRaw takes it from the DNG."""
    from rawback.isp.colour import matrix_from_xyz

    return matrix_from_xyz(np.reshape(recipe.dng["ColorMatrix1"], (3, 3)))


def test_render_with_the_look_comes_back(found, tmp_path):
    card = tmp_path / "known.json"
    card.write_bytes(calibrate.card(found, card))
    options = rendering.RenderOptions(look="camera", camera=str(card), quality=92)
    rendered = rendering.render(SAMPLE, options)
    (tmp_path / "x.jpg").write_bytes(rendered.data)
    original, back = raws.read(SAMPLE.read_bytes(), "sample"), recover(tmp_path / "x.jpg")
    error = (back.mosaic.astype(float) - original.mosaic) / (original.recipe.white - original.recipe.black[0])
    assert -10 * np.log10(np.mean(error**2)) > 45
    assert rendered.recipe.look == "known"


def test_pictures_that_do_not_match_are_refused(pair, tmp_path):
    other = tmp_path / "other.jpg"
    y, x = np.mgrid[:1200, :1800]
    Image.fromarray((127 + 120 * np.sin(x * y / 9e3)).astype(np.uint8)).save(other)
    with pytest.raises(RawbackError, match="do not show the same"):
        calibrate.calibrate([SAMPLE, other], "x")
    small = tmp_path / "small.jpg"
    with Image.open(pair[1]) as image:
        image.resize((300, 200)).save(small)
    with pytest.raises(RawbackError, match="much smaller"):
        calibrate.calibrate([SAMPLE, small], "x")


def test_a_jpeg_needs_its_raw_before_it(pair):
    with pytest.raises(UsageError, match="no RAW before it"):
        calibrate.paired([pair[1], pair[0]])
    assert calibrate.paired([pair[0], pair[1], pair[0]]) == [pair, (pair[0], None)]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright_is_what_viewers_show(orientation):
    stored = np.arange(6).reshape(2, 3).astype(np.uint8)
    exif = Image.Exif()
    exif[274] = orientation
    stream = io.BytesIO()
    Image.fromarray(stored).save(stream, "PNG", exif=exif)
    from PIL import ImageOps

    shown = np.asarray(ImageOps.exif_transpose(Image.open(stream)))
    assert np.array_equal(pairs.upright(stored, orientation), shown)


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "pairs").is_dir(), reason="needs ../shared/data/pairs")
def test_a_real_pair():
    (jpeg,), (raw,) = (SHARED / "pairs").glob("*.JPG"), (SHARED / "pairs").glob("*.dng")
    found = calibrate.calibrate([raw, jpeg], "hero7")
    assert min(row["dB"] for row in found.held_out) > 32
    assert max(row["hue"] for row in found.held_out) < 6
