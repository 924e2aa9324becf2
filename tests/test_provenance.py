"""What became of a JPEG is found out: untouched, rotated, recompressed, edited; and undone as far as that can be."""

import io
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scenes import SAMPLE, SHARED, mosaic_db, psnr, raw_file, recovered

import rawback
from rawback import RenderOptions, provenance
from rawback.errors import RawbackError
from rawback.files import jpeg, raw
from rawback.picture import Coefficients
from rawback.provenance import TURNS, State, Turn

TRANSPOSED = {
    "flip horizontal": Image.Transpose.FLIP_LEFT_RIGHT, "flip vertical": Image.Transpose.FLIP_TOP_BOTTOM,
    "rotate 180": Image.Transpose.ROTATE_180, "rotate 90": Image.Transpose.ROTATE_270, "rotate 270": Image.Transpose.ROTATE_90,
    "transpose": Image.Transpose.TRANSPOSE, "transverse": Image.Transpose.TRANSVERSE,
}  # fmt: skip
"""jpegtran's names (it turns clockwise), Pillow's."""
FILE = raw_file(200, 296)  # no multiple of 16: MCUs are cut by both far edges
needs_jpegtran = pytest.mark.skipif(not shutil.which("jpegtran"), reason="jpegtran is not installed")


def rendered(subsampling: str = "4:2:0", **options) -> rawback.Rendered:
    return rawback.render(FILE, RenderOptions(subsampling=subsampling, exposure=0.0, **options))


def saved(data: bytes, change: Callable[[Image.Image], Image.Image] = lambda picture: picture, **options) -> bytes:
    """The picture changed and saved anew by Pillow, all metadata kept, as editors do."""
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        kept = {name: picture.info[name] for name in ("exif", "xmp", "icc_profile")}
        change(picture.convert("RGB")).save(stream, "JPEG", **({"quality": 90} | kept | options))
    return stream.getvalue()


def examined(data: bytes) -> tuple[State, Coefficients]:
    photo = jpeg.read(data, "photo.jpg")
    assert photo.recipe is not None and photo.coefficients is not None
    return provenance.examine(photo.coefficients, photo.recipe)


def test_what_nobody_touched_is_untouched(sample_jpeg: rawback.Rendered):
    assert examined(sample_jpeg.data)[0] is State.UNTOUCHED
    assert examined(rendered("4:4:4").data)[0] is State.UNTOUCHED


@needs_jpegtran
@pytest.mark.parametrize(
    "options",
    [["-optimize"], ["-progressive"], ["-restart", "1"], ["-arithmetic"], ["-arithmetic", "-progressive"]],
    ids=" ".join,
)
def test_coding_the_same_coefficients_otherwise_touches_nothing(options: list[str]):
    data = rendered().data
    again = subprocess.run(["jpegtran", "-copy", "all", *options], input=data, capture_output=True, check=True).stdout
    assert recovered(again).state is State.UNTOUCHED
    assert np.array_equal(recovered(again).mosaic, recovered(data).mosaic)


@needs_jpegtran
def test_arithmetic_code_without_its_end_is_refused():
    """Its decoder would make up what is missing, and say nothing."""
    data = subprocess.run(["jpegtran", "-arithmetic", "-copy", "all"], input=rendered().data, capture_output=True, check=True)
    with pytest.raises(RawbackError, match="cut short"):
        recovered(data.stdout[: len(data.stdout) * 2 // 3])


@needs_jpegtran
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("turn", TRANSPOSED)
def test_lossless_rotation_is_undone_exactly(turn: str, subsampling: str):
    """Even where MCUs are cut by the far edges, which jpegtran leaves where they are."""
    data = rendered(subsampling).data
    turned = subprocess.run(
        ["jpegtran", "-copy", "all", *f"-{turn}".split()], input=data, capture_output=True, check=True
    ).stdout
    found = recovered(turned)
    assert found.state is State.ROTATED
    assert np.array_equal(found.mosaic, recovered(data).mosaic)


@pytest.mark.parametrize("turn", TURNS, ids=lambda t: f"{t.transpose:d}{t.rows:d}{t.columns:d}")
def test_turns_of_coefficients_turn_pixels(turn: Turn):
    """Both ways to turn agree with Pillow on the decoded picture."""
    file = raw_file(192, 304)
    photo = jpeg.read(rawback.render(file, RenderOptions(exposure=0.0)).data, "photo.jpg")
    by_block, by_pixel = turn.blocks(photo.coefficients), turn.pixels(photo.coefficients)
    assert by_block.width == by_pixel.width == (192 if turn.transpose else 304)
    for a, b in zip(by_block.planes, by_pixel.planes, strict=True):
        assert np.abs(a - b).max() < 1e-3
    shown = np.asarray(Image.open(io.BytesIO(jpeg.write(photo.coefficients, None, b""))))
    expected = shown.swapaxes(0, 1) if turn.transpose else shown
    expected = expected[:: -1 if turn.rows else 1, :: -1 if turn.columns else 1]
    found = np.asarray(Image.open(io.BytesIO(jpeg.write(by_block, None, b""))))
    assert psnr(found, expected, 255) > 45


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
@pytest.mark.parametrize("quality", [50, 65, 80, 95])
def test_saving_again_is_recompression(sample_jpeg: rawback.Rendered, quality: int, subsampling: str):
    """On the sample, a third of which no 8-bit sRGB can hold, and on the garden."""
    for data in (sample_jpeg.data, rendered().data):
        assert examined(saved(data, quality=quality, subsampling=subsampling))[0] is State.RECOMPRESSED


def test_a_recompressed_picture_still_brings_back_most(sample_jpeg: rawback.Rendered):
    original = raw.read(SAMPLE.read_bytes(), SAMPLE.name)
    found = recovered(saved(sample_jpeg.data, quality=95))
    assert found.state is State.RECOMPRESSED
    assert mosaic_db(found.mosaic, original.mosaic, original.recipe) > 31
    assert any("saved again" in note for note in found.notes)


@pytest.mark.parametrize("turn", TRANSPOSED)
def test_turned_and_saved_again_is_turned_back(turn: str):
    """By pixels, so that no size is a problem."""
    straight = recovered(saved(rendered().data, quality=95, subsampling="4:4:4"))
    found = recovered(saved(rendered().data, lambda p: p.transpose(TRANSPOSED[turn]), quality=95, subsampling="4:4:4"))
    assert found.state is State.RECOMPRESSED and found.recipe.cfa == FILE.recipe.cfa
    assert mosaic_db(found.mosaic, straight.mosaic, FILE.recipe) > 36


def painted(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    ImageDraw.Draw(picture).rectangle(
        (width // 2, height // 2, width // 2 + width // 12, height // 2 + height // 12), fill="white"
    )
    return picture


def cloned(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    picture.paste(picture.crop((0, 0, width // 8, height // 8)), (width // 2, height // 2))
    return picture


EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "painted": painted,
    "cloned": cloned,
    "cropped": lambda p: p.crop((8, 16, p.width - 16, p.height - 8)),
    "made smaller": lambda p: p.resize((p.width // 2, p.height // 2)),
    "made lighter": lambda p: p.point(lambda v: min(255, round(1.08 * v))),
    "made grey": lambda p: p.convert("L").convert("RGB"),
    "mirrored and painted": lambda p: painted(p.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edits_are_noticed(sample_jpeg: rawback.Rendered, edit: str):
    """The picture then goes the way of a foreign one, keeping camera and white balance."""
    for data in (sample_jpeg.data, rendered().data):
        changed = saved(data, EDITS[edit], quality=92)
        assert examined(changed)[0] is State.EDITED
    found = recovered(changed)
    assert found.state is State.EDITED and found.recipe.camera == "Maker One"
    assert np.allclose(found.recipe.neutral, FILE.recipe.neutral, rtol=1e-6)
    with Image.open(io.BytesIO(changed)) as picture:
        assert found.recipe.crop is not None and found.recipe.crop[2:] == picture.size


def test_a_grey_version_is_edited():
    changed = saved(rendered().data, lambda p: p.convert("L"))
    assert examined(changed)[0] is State.EDITED and recovered(changed).mosaic.ndim == 2


def test_a_recipe_moved_to_another_picture_is_not_believed(sample_jpeg: rawback.Rendered):
    photo = jpeg.read(sample_jpeg.data, "sample.jpg")
    other = jpeg.read(rendered().data, "other.jpg")
    for recipe in (photo.recipe, replace(photo.recipe, width=FILE.recipe.width, height=FILE.recipe.height, crop=None)):
        assert provenance.examine(other.coefficients, recipe)[0] is State.EDITED
    assert provenance.examine(other.coefficients, replace(other.recipe, picture_sha256="", thumbnail=b""))[0] is State.EDITED


def test_the_thumbnail_is_the_picture_that_viewers_show(sample_jpeg: rawback.Rendered):
    grid = np.frombuffer(sample_jpeg.recipe.thumbnail, np.uint8)
    with Image.open(io.BytesIO(sample_jpeg.data)) as picture:
        small = np.asarray(picture.convert("YCbCr").resize((16, 16), Image.Resampling.BOX))
    assert np.abs(grid[:256].reshape(16, 16) - small[..., 0].astype(int)).max() <= 3


@pytest.mark.skipif(not SHARED.is_dir(), reason="no real photographs beside the project (../shared/data)")
@pytest.mark.parametrize("name", ["canon_kiss_x4_colorchart.dng", "kodak_dc50.KDC"])
def test_real_pictures_move_no_cell_by_more_than_one_when_saved_again(name: str):
    data = rawback.render(SHARED / "raw" / name, RenderOptions(exposure=0.0)).data
    recipe = jpeg.read(data, name).recipe
    stored = np.frombuffer(recipe.thumbnail, np.uint8).astype(int)
    for quality in (50, 90):
        again = jpeg.read(saved(data, quality=quality), name).coefficients
        assert np.abs(np.frombuffer(provenance.thumbnail(again), np.uint8) - stored).max() <= 1
    assert examined(saved(data, painted))[0] is State.EDITED
