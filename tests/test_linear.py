"""RAW without a mosaic: three values a pixel, coded at 4:4:4, recovered as a linear DNG with its own levels."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rawpy
from PIL import Image
from small import mutants, raw_bytes

from rawback import RenderOptions, original_file, recover, render
from rawback.errors import RawbackError, UsageError
from rawback.files import dng, file_type, jpeg, raw, tiff
from rawback.files.dng_pixels import Whole
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.isp import full_colour
from rawback.lossless.coder import Coder
from rawback.lossless.colour_coder import ColourCoder
from rawback.picture import Coefficients
from rawback.recovering import from_photo
from rawback.verify.deletion import delete_original
from rawback.verify.verdict import verify

BLACK, WHITE = 512, 16383


def pixels(height: int = 75, width: int = 101) -> np.ndarray:
    """Smooth, with blown and black places."""
    y, x = np.mgrid[:height, :width] / width
    planes = [0.5 + 0.6 * np.sin(7 * x + 5 * y + phase) for phase in (0, 0.5, 1.0)]
    light = np.clip(np.stack(planes, -1), 0, 1) * (1 / np.array([2, 1, 1.6]))
    return np.rint(BLACK + light * (WHITE - BLACK)).astype(np.uint16)


def linear(values: np.ndarray) -> bytes:
    """A DNG of demosaiced camera colours, as raw converters write them."""
    height, width = values.shape[:2]
    first = tiff.read(raw_bytes(0, width, height))
    below = first.children[Tag.SubIFDs][0]
    stored = (Tag.TileOffsets, Tag.TileByteCounts, Tag.StripOffsets, Tag.StripByteCounts, Tag.TileWidth, Tag.TileLength)
    filters = (Tag.CFARepeatPatternDim, Tag.CFAPattern, Tag.CFAPlaneColor, Tag.CFALayout)
    shown = (Tag.YCbCrSubSampling, Tag.YCbCrPositioning, Tag.ReferenceBlackWhite, Tag.PreviewColorSpace)
    for entries, tags in ((below.entries, stored + filters), (first.entries, stored + shown)):
        for tag in tags:
            entries.pop(tag, None)
    below.entries |= {
        Tag.PhotometricInterpretation: tiff.pack(tiff.SHORT, [34892]), Tag.Compression: tiff.pack(tiff.SHORT, [1]),
        Tag.RowsPerStrip: tiff.pack(tiff.LONG, [height]), Tag.SamplesPerPixel: tiff.pack(tiff.SHORT, [3]),
        Tag.BitsPerSample: tiff.pack(tiff.SHORT, [16] * 3), Tag.BlackLevel: tiff.pack(tiff.LONG, [BLACK] * 3),
        Tag.WhiteLevel: tiff.pack(tiff.LONG, [WHITE] * 3),
    }  # fmt: skip
    below.strips = {Tag.StripOffsets: [values.tobytes()]}
    return b"".join(serialise(first))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.dng").write_bytes(linear(pixels()))
    return tmp_path / "a.dng"


def test_it_is_read_as_what_it_is(file):
    data = file.read_bytes()
    source = raw.read(data, "a", linear=True)
    assert source.recipe.linear
    assert np.array_equal(source.mosaic, pixels())
    assert (set(source.recipe.black), source.recipe.white) == ({BLACK}, WHITE)
    assert file_type.obstacle(data) == ""
    with pytest.raises(RawbackError, match="holds no mosaic"):
        raw.read(data, "a")  # those who need a mosaic


@pytest.mark.parametrize(
    ("options", "least"), [({}, 47), ({"quality": 96}, 57), ({"keep": "4bpp"}, 44), ({"exposure": 1.5}, 44)]
)
def test_three_values_come_back(file, options, least):
    result = render(file, RenderOptions(**options))
    assert Image.open(io.BytesIO(result.data)).mode == "RGB"
    back = from_photo(jpeg.read(result.data, "x"), "x")
    assert back.state.value == "untouched"
    error = np.sqrt(np.mean((back.mosaic.astype(float) - pixels()) ** 2))
    assert 20 * np.log10((WHITE - BLACK) / error) > least


def test_a_frame_too_small_to_tell_its_noise_keeps_the_finest(tmp_path):
    (tmp_path / "a.dng").write_bytes(linear(pixels(24, 33)))
    assert "the finest there is" in render(tmp_path / "a.dng", RenderOptions(keep="noise")).notes[-1]


def test_a_layer_of_luma_is_refused_by_name(file):
    with pytest.raises(UsageError, match=r"a\.dng is a linear RAW.*--layered"):
        render(file, RenderOptions(layered=True))


def test_the_dng_is_linear_with_its_own_levels(file):
    back = from_photo(jpeg.read(render(file, RenderOptions(quality=96)).data, "x"), "x")
    data = b"".join(map(bytes, back.dng()))
    with rawpy.imread(io.BytesIO(data)) as read, rawpy.imread(str(file)) as true:
        assert np.array_equal(read.raw_image[..., :3], back.mosaic)
        assert (read.white_level, read.black_level_per_channel[:3]) == (WHITE, [BLACK] * 3)
        a, b = (r.postprocess(use_camera_wb=True, no_auto_bright=True).astype(int) for r in (read, true))
    assert np.abs(a - b).mean() < 1.5


def test_picture_and_raw_look_alike(file):
    shown = np.asarray(Image.open(io.BytesIO(render(file, RenderOptions(look="libraw", exposure=0.0)).data))).astype(int)
    with rawpy.imread(str(file)) as read:
        options = {"use_camera_wb": True, "no_auto_bright": True, "adjust_maximum_thr": 0.0}
        expected = read.postprocess(**options).astype(int)
    assert np.abs(shown - expected)[8:-8, 8:-8].mean() < 4


@pytest.mark.parametrize("keep", ["lossless", "original"])
@pytest.mark.parametrize("tiles", [False, True])
def test_every_bit_can_be_kept(file, tmp_path, keep, tiles):
    """Uncompressed, or in tiles of lossless JPEG; deletion goes by the same proof."""
    if tiles:
        source = raw.read(file.read_bytes(), "a", linear=True)
        file.write_bytes(b"".join(map(bytes, dng.encode(source.mosaic, source.recipe, None, None))))
    (tmp_path / "a.jpg").write_bytes(render(file, RenderOptions(keep=keep)).data)
    verdict = verify(tmp_path / "a.jpg", file)
    assert (verdict.exact, verdict.missing, verdict.is_file) == (True, (), keep == "original")
    back = recover(tmp_path / "a.jpg")
    assert back.exact
    assert np.array_equal(back.mosaic, pixels())
    if keep == "original":
        assert original_file(tmp_path / "a.jpg").data == file.read_bytes()
    assert "deleted" in delete_original(tmp_path / "a.jpg", file)


def test_margins_are_kept(tmp_path):
    values = pixels(60, 80)
    plain = raw.read(linear(values[4:54, 6:76].copy()), "a", linear=True)
    whole = Whole(values, (4, 6, 54, 76))
    (tmp_path / "a.dng").write_bytes(b"".join(map(bytes, dng.encode(plain.mosaic, plain.recipe, None, None, whole=whole))))
    (tmp_path / "a.jpg").write_bytes(render(tmp_path / "a.dng", RenderOptions(keep="lossless")).data)
    verdict = verify(tmp_path / "a.jpg", tmp_path / "a.dng")
    assert (verdict.exact, verdict.missing) == (True, ())


def test_a_damaged_layer_costs_what_it_holds(file):
    """There is one block; its rows then come as the picture gives them."""
    data = bytearray(render(file, RenderOptions(keep="lossless", quality=96)).data)
    data[data.rindex(b"rawback.lossless.block") + 2000] ^= 0x55
    back = recover(bytes(data))
    assert (back.exact, back.mosaic.shape) == (False, (75, 101, 3))
    assert any("rows 0-74 are recovered without it" in note for note in back.notes)
    assert np.abs(back.mosaic.astype(int) - pixels()).mean() < 60


def test_a_layer_of_another_kind_is_refused():
    picture = Coefficients(24, 24, [np.zeros((3, 3, 64), np.int16)] * 3, [np.ones(64, np.uint16)] * 3, (1, 1))
    source = raw.read(linear(pixels(24, 24)), "x", linear=True)
    tables = ColourCoder.of(source.mosaic, picture, source.recipe).to_bytes()
    assert ColourCoder.from_bytes(tables, picture).predictor.white == WHITE
    with pytest.raises(RawbackError, match="another kind"):
        Coder.from_bytes(tables, picture)


def test_steep_edges_fit_into_a_baseline_jpeg():
    """Checks of full saturated colours: at step 1 their coefficients would be too large."""
    values = np.where(np.indices((64, 64)).sum(0)[..., None] // 4 % 2, [WHITE, BLACK, BLACK], [BLACK, BLACK, WHITE])
    source = raw.read(linear(values.astype(np.uint16)), "x", linear=True)
    picture = full_colour.encode(source.mosaic, source.recipe, np.ones(64, np.uint16))
    assert max(np.abs(plane).max() for plane in picture.planes) < 1023
    error = full_colour.decode(picture, source.recipe).astype(float) - source.mosaic
    assert 20 * np.log10((WHITE - BLACK) / np.sqrt(np.mean(error**2))) > 35


def test_mutants_raise_nothing_but_errors_of_ours(ends):
    data = linear(pixels(40, 40))
    for mutant in mutants(data, (8, 900), 4, 200, seed=7):
        try:
            raw.read(mutant, "x", linear=True)
        except RawbackError:
            continue


def test_its_light_is_between_its_levels(file):
    recovered = recover(render(str(file)).data)
    assert recovered.mosaic.shape == (75, 101, 3)
    light = recovered.linear()
    assert np.abs(light - (recovered.mosaic.astype(float) - BLACK) / (WHITE - BLACK)).max() < 1e-6
