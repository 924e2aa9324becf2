"""`--look auto`: a known look comes back from the picture inside the RAW; what cannot be a camera's picture is passed by."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scenes import photograph, recipe_of

import rawback
from rawback import RenderOptions
from rawback.cameras import laid as laid_module
from rawback.cameras import preview_look, registration
from rawback.cameras.laid import Laid
from rawback.files import dng, embedded, exif
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.isp import stages, tone
from rawback.isp.colour import CURVES
from rawback.picture import as_stored, upright

SIDES = 480, 640
SRGB = CURVES["srgb"]
CONTRAST = tone.knots_of(tone.generic_light(SRGB.decode(np.linspace(0, 1, 33))[0]) * 0.9, SRGB)
COOL = ((1.05, 0.02, -0.07), (-0.03, 0.98, 0.05), (0.0, -0.1, 1.1))
MIXED = tuple(map(tuple, np.round(np.linalg.inv([[1.1, -0.08, -0.02], [-0.04, 1.08, -0.04], [0, -0.12, 1.12]]), 6).tolist()))


def camera(**values) -> RawFile:
    """A RAW without a picture inside: soft colours of all brightness and posts of wood before a blown sky."""
    recipe = recipe_of(*SIDES, **values)
    grey, hue = (np.random.default_rng(7).uniform(low, 1, (6, 8, count)) for low, count in ((0, 1), (0.5, 3)))
    scene = np.stack([_enlarged(channel) for channel in np.moveaxis(0.9 * grey**2.5 * hue + 0.004, -1, 0)], -1)
    y, x = np.mgrid[: SIDES[0], : SIDES[1]]
    posts = np.hypot(x % 160 - 80, y % 120 - 60) < 30 + 15 * np.sin(x / 90)
    scene[posts] = scene[::-1, ::-1][posts] * (0.9, 0.7, 0.5)
    scene[(y < 90) & (x > 420)] = 3.0
    return RawFile(photograph(scene, recipe), recipe, None)


def _enlarged(plane: np.ndarray) -> np.ndarray:
    image = Image.fromarray(plane.astype(np.float32))
    return np.maximum(np.asarray(image.resize(SIDES[::-1], Image.Resampling.BICUBIC)), 0.002)


def look_of(raw: RawFile, **values):
    """The recipe of a camera that brightens by 0.6 EV, has a curve of its own, and mixes before and after it."""
    matrix = tuple(map(tuple, (np.array(COOL) @ np.array(raw.recipe.matrix)).tolist()))
    known = {"matrix": matrix, "exposure": 0.6, "tone": CONTRAST, "code_matrix": MIXED, "curve": "srgb"}
    return replace(raw.recipe, **(known | values))


def shown(raw: RawFile, recipe=None, width: int = 480) -> Image.Image:
    """What that camera shows of it, at a size."""
    srgb = stages.forward(raw.mosaic, recipe or look_of(raw), white_at=1.0)
    full = Image.fromarray(np.rint(np.clip(np.moveaxis(srgb, 0, -1), 0, 1) * 255).astype(np.uint8))
    return full.resize((width, round(width * full.height / full.width)), Image.Resampling.BOX)


def jpeg(picture: Image.Image, **options) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", **({"quality": 92} | options))
    return stream.getvalue()


def with_pictures(raw: RawFile, *pictures: bytes) -> RawFile:
    """As read from a file that has them somewhere among other bytes."""
    data = b"RAW" + b"".join(b"\xff\0" * 50 + picture for picture in pictures) + b"\xff\0" * 50
    return replace(raw, pictures=embedded.pictures(data))


def decided(raw: RawFile, **options):
    from rawback import rendering

    return rendering.decided(raw, RenderOptions(**options))


def difference(raw: RawFile, recipe, other) -> float:
    """Root mean square of codes between two looks, over what both show, in 8-bit steps."""
    pictures = [np.asarray(shown(raw, r), np.float64) for r in (recipe, other)]
    return float(np.sqrt(np.mean((pictures[0] - pictures[1]) ** 2)))


def test_a_known_look_comes_back():
    raw = camera()
    recipe, notes = decided(with_pictures(raw, jpeg(shown(raw))))
    assert recipe.look == preview_look.NAME and notes == []
    assert difference(raw, recipe, look_of(raw)) < 2.5
    assert difference(raw, decided(raw)[0], look_of(raw)) > 15


@pytest.mark.parametrize("orientation", range(2, 9))
def test_whichever_way_the_picture_lies(orientation: int):
    raw = camera(orientation=orientation)
    lying = shown(raw)
    turned = Image.fromarray(upright(np.asarray(lying), orientation))
    for picture in (lying, turned):
        recipe, notes = decided(with_pictures(raw, jpeg(picture)))
        assert notes == [] and difference(raw, recipe, look_of(raw)) < 2.5


@pytest.mark.parametrize("cut", ["border", "bars", "16:9"])
def test_pictures_that_are_cut_otherwise_than_the_raw(cut: str):
    raw = camera()
    whole = shown(raw, width=600)  # 450 rows
    picture = {"border": (9, 5, 591, 443), "bars": (0, 0, 600, 450), "16:9": (0, 56, 600, 394)}[cut]
    cropped = whole.crop(picture)
    if cut == "bars":
        framed = Image.new("RGB", (600, 540))
        framed.paste(cropped, (0, 45))
        cropped = framed
    recipe, notes = decided(with_pictures(raw, jpeg(cropped)))
    assert notes == [] and difference(raw, recipe, look_of(raw)) < 3


def test_the_picture_contains_its_raw_as_ever():
    raw = camera()
    rendered = rawback.render(with_pictures(raw, jpeg(shown(raw))), RenderOptions(quality=92))
    with Image.open(io.BytesIO(rendered.data)) as picture:
        small = picture.convert("RGB").resize((480, 360), Image.Resampling.BOX)
    error = np.asarray(small, np.float64) - np.asarray(shown(raw), np.float64)
    assert np.sqrt(np.mean(error**2)) < 5
    again = rawback.render(with_pictures(raw, jpeg(shown(raw))), RenderOptions(quality=92))
    assert again.data == rendered.data  # of the RAW's bytes alone


def test_exposure_is_on_top_of_the_look():
    raw = camera()
    file = with_pictures(raw, jpeg(shown(raw)))
    assert decided(file, exposure=1.0)[0].exposure == pytest.approx(decided(file)[0].exposure + 1)
    assert decided(raw, exposure=1.0)[0].exposure == 1.0  # LibRaw's: of the RAW itself


def test_white_balance_comes_from_the_picture_where_the_raw_tells_none():
    raw = camera()
    untold = replace(raw.recipe, neutral=(1.0, 0.9, 0.8), white_balance_from="daylight")
    recipe, notes = decided(
        with_pictures(replace(raw, recipe=untold), jpeg(shown(raw, look_of(raw, matrix=raw.recipe.matrix))))
    )
    assert np.allclose(recipe.neutral, raw.recipe.neutral, atol=0.04)
    assert recipe.white_balance_from == "preview" and "the camera's picture" in notes[0]


def test_white_balance_is_automatic_where_nobody_tells_it():
    raw = camera()
    untold = replace(raw, recipe=replace(raw.recipe, neutral=(1.0, 1.0, 1.0), white_balance_from="assumed"))
    recipe, notes = decided(untold)
    assert recipe.white_balance_from == "automatic" and any("automatic" in note for note in notes)
    grey = replace(raw.recipe, neutral=recipe.neutral)
    assert np.ptp(preview_look.reduced(raw.mosaic, grey).mean((0, 1))) < 0.1
    assert decided(untold, look="libraw")[0].neutral == (1.0, 1.0, 1.0)


def test_monochrome_pictures_tell_no_look():
    raw = camera()
    recipe, (note,) = decided(with_pictures(raw, jpeg(shown(raw).convert("L").convert("RGB"))))
    assert recipe.look == "" and "monochrome" in note and "LibRaw's look is taken" in note
    assert replace(recipe, options="") == replace(decided(raw, look="libraw")[0], options="")


def test_pictures_of_something_else_tell_no_look():
    raw = camera()
    other = np.random.default_rng(5).integers(0, 256, (12, 16, 3)).astype(np.uint8)
    for picture in (Image.fromarray(other).resize((480, 360)), Image.new("RGB", (480, 360), (90, 120, 60))):
        recipe, (note,) = decided(with_pictures(raw, jpeg(picture)))
        assert recipe.look == "" and "does not show the same" in note


def test_what_a_look_cannot_explain_is_stated():
    raw = camera()
    codes = np.asarray(shown(raw), np.float64)
    strong = np.where((np.arange(480) // 60 % 2)[None, :, None], codes, 255 - codes).astype(np.uint8)
    recipe, (note,) = decided(with_pictures(raw, jpeg(Image.fromarray(strong))))
    assert recipe.look == "" and ("dB" in note or "does not show the same" in note)


def test_none_at_all_is_said():
    recipe, (note,) = decided(camera())
    assert recipe.look == "" and "no picture" in note
    assert decided(camera(), look="libraw")[1] == []


def test_the_largest_that_is_the_cameras_is_taken():
    raw = camera()
    other = look_of(raw, exposure=0.0)
    recipe, _ = decided(with_pictures(raw, jpeg(shown(raw, other, 200)), jpeg(shown(raw))))
    assert difference(raw, recipe, look_of(raw)) < 2.5


def test_a_converters_picture_is_not_the_cameras():
    raw = camera()
    file = b"".join(dng.encode(raw.mosaic, raw.recipe, None, JpegFile(jpeg(shown(raw, width=256))), software="rawback 1"))
    (inside,) = embedded.pictures(file)
    assert inside.edited
    recipe, (note,) = decided(replace(raw, pictures=[inside]))
    assert recipe.look == "" and "another program" in note
    smaller = embedded.Picture(jpeg(shown(raw)), 480, 360)
    recipe, (note,) = decided(replace(raw, pictures=[smaller, inside]))
    assert recipe.look and "smaller" in note


def test_hostile_pictures_cost_nothing_but_the_look():
    raw = camera()
    good = jpeg(shown(raw))
    at = good.index(b"\xff\xc0")
    bomb = good[: at + 5] + b"\xff\xff\xff\xff" + good[at + 9 :]
    lying = good[: at + 5] + (9000).to_bytes(2, "big") * 2 + good[at + 9 :]
    noise = b"\xff\xd8\xff\xe0" + np.random.default_rng(1).bytes(5000)
    for wrong in (bomb, lying, noise, good[: len(good) // 3], good[:200], b"\xff\xd8\xff\xdb" * 2000):
        recipe, notes = decided(with_pictures(raw, wrong))
        assert recipe.matrix == raw.recipe.matrix or recipe.look  # a picture cut short may still show enough
        assert recipe.look or "LibRaw's look is taken" in notes[0]


def test_the_sidecar_beside_a_raw(tmp_path):
    raw = camera()
    path = tmp_path / "a.dng"
    path.write_bytes(b"".join(dng.encode(raw.mosaic, raw.recipe, None, None)))
    told = rawback.render(path, RenderOptions(look="sidecar"))
    assert told.recipe.look == "" and any("no JPEG of its camera's lies beside it" in note for note in told.notes)
    hint = "a JPEG of its name lies beside it: --look sidecar renders as that"
    assert not any(hint in note for note in rawback.render(path).notes)
    (tmp_path / "a.JPG").write_bytes(jpeg(shown(raw, width=640)))
    assert sum(hint in note for note in rawback.render(path).notes) == 1
    assert difference(raw, rawback.render(path, RenderOptions(look="sidecar")).recipe, look_of(raw)) < 2.5


@pytest.mark.parametrize(("width", "top", "left"), [(280, 3, 9), (300, 5, 2), (250, 0, 0)])
def test_placement_to_a_fraction_of_a_pixel(width: int, top: int, left: int):
    raw = camera()
    light = preview_look.light_of(raw.mosaic, raw.recipe)
    height = round(width * light.shape[0] / light.shape[1])
    picture = np.clip(registration.resized(light, width, height), 0, 1)[top : height - 7, left : width - 12] ** (1 / 2.2)
    laid = Laid.upon(light, picture, 1)
    assert isinstance(laid, Laid)
    scale, (rows, columns) = light.shape[1] / width, laid.codes.shape[:2]
    wanted = (top + laid_module.MARGIN + rows / 2) * scale, (left + laid_module.MARGIN + columns / 2) * scale
    assert np.abs(np.subtract((laid.region.y, laid.region.x), wanted)).max() < 0.3 * scale
    assert np.abs(np.subtract((laid.region.height, laid.region.width), (rows * scale, columns * scale))).max() < 1.1 * scale


def test_a_picture_of_another_shape_is_laid_as_it_is_squeezed():
    """Converters store some previews a few rows short."""
    raw = camera()
    light = preview_look.light_of(raw.mosaic, raw.recipe)
    squeezed = np.clip(registration.resized(light, 320, 237), 0, 1) ** (1 / 2.2)
    laid = Laid.upon(light, squeezed, 1)
    assert isinstance(laid, Laid)
    down, across = laid.region.height / laid.codes.shape[0], laid.region.width / laid.codes.shape[1]
    assert down / across == pytest.approx(240 / 237, abs=4e-3)


def test_adobe_rgb_is_brought_to_srgb():
    raw = camera()
    option_file = exif.Exif(interop={1: exif.tiff.ascii_text("R03")})
    picture = embedded.of_file(jpeg(shown(raw)))[0]
    plain, wide = (embedded.decode(picture, 480, told) for told in (None, option_file))
    assert plain is not None and wide is not None
    chroma = [np.ptp(codes, axis=-1).mean() for codes in (plain, wide)]
    assert chroma[1] > 1.05 * chroma[0]


def test_what_is_upright_is_laid_as_the_raw_lies():
    raw = np.arange(12).reshape(3, 4)
    for orientation in range(1, 9):
        assert np.array_equal(as_stored(upright(raw, orientation), orientation), raw)
