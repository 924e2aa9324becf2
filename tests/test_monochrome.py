"""Monochrome sensors: a grey JPEG that contains its RAW, and a monochrome DNG back."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rawpy
from PIL import Image
from small import mutants, raw_bytes

from rawback import RenderOptions, render
from rawback.errors import RawbackError
from rawback.files import file_type, jpeg, raw, tiff
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.options.recover import RecoverOptions
from rawback.recipe import Recipe
from rawback.recovering import from_photo, recover
from rawback.verify.verdict import verify


def monochrome(seed: int = 0, width: int = 101, height: int = 75) -> bytes:
    """A DNG of one value a pixel, without filters, as Leica's Monochrom writes it."""
    plain = raw_bytes(seed, width, height)
    values = raw.read(plain, "plain").mosaic
    first = tiff.read(plain)
    below = first.children[Tag.SubIFDs][0]
    stored = (Tag.TileOffsets, Tag.TileByteCounts, Tag.StripOffsets, Tag.StripByteCounts, Tag.TileWidth, Tag.TileLength)
    filters = (Tag.CFARepeatPatternDim, Tag.CFAPattern, Tag.CFAPlaneColor, Tag.CFALayout)
    colours = (Tag.ColorMatrix1, Tag.CalibrationIlluminant1, Tag.AsShotNeutral)
    for entries, tags in ((below.entries, stored + filters), (first.entries, stored + colours)):
        for tag in tags:
            entries.pop(tag, None)
    for tag in (Tag.YCbCrSubSampling, Tag.YCbCrPositioning, Tag.ReferenceBlackWhite, Tag.PreviewColorSpace):
        first.entries.pop(tag, None)  # of the preview that is not there any more
    below.entries |= {
        Tag.PhotometricInterpretation: tiff.pack(tiff.SHORT, [34892]), Tag.Compression: tiff.pack(tiff.SHORT, [1]),
        Tag.RowsPerStrip: tiff.pack(tiff.LONG, [height]),
    }  # fmt: skip
    below.strips = {Tag.StripOffsets: [values.tobytes()]}
    return b"".join(serialise(first))


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.dng").write_bytes(monochrome())
    return tmp_path / "a.dng"


def test_it_is_read_as_what_it_is(file):
    source = raw.read(file.read_bytes(), "a")
    assert source.recipe.monochrome
    assert source.mosaic.shape == (75, 101)
    assert source.recipe.black == (512.0,) * 4
    assert file_type.obstacle(file.read_bytes()) == ""


@pytest.mark.parametrize("options", [{}, {"refine": False}, {"keep": "2.5bpp"}, {"effort": "best"}, {"subsampling": "4:4:4"}])
def test_a_grey_jpeg_gives_it_back(file, options):
    result = render(file, RenderOptions(**options))
    assert Image.open(io.BytesIO(result.data)).mode == "L"
    back = from_photo(jpeg.read(result.data, "x"), "x")
    assert back.state.value == "untouched"
    true = raw.read(file.read_bytes(), "a").mosaic
    error = np.sqrt(np.mean((back.mosaic.astype(float) - true) ** 2))
    assert 20 * np.log10((16383 - 512) / error) > 40


def test_the_dng_is_monochrome(file):
    dng = b"".join(map(bytes, from_photo(jpeg.read(render(file).data, "x"), "x").dng()))
    with rawpy.imread(io.BytesIO(dng)) as read:
        assert read.num_colors == 1
        assert read.raw_image.shape == (75, 101)
        assert read.postprocess(no_auto_bright=True).shape[:2] == (75, 101)
    tags = tiff.read(dng)
    assert not tags.entries.keys() & {Tag.ColorMatrix1, Tag.AsShotNeutral}
    assert not tags.children[Tag.SubIFDs][0].entries.keys() & {Tag.CFAPattern, Tag.CFARepeatPatternDim}
    assert np.array_equal(raw.read(dng, "again").mosaic, from_photo(jpeg.read(render(file).data, "x"), "x").mosaic)


@pytest.mark.parametrize("keep", ["lossless", "original"])
def test_every_bit_can_be_kept(file, tmp_path, keep):
    (tmp_path / "a.jpg").write_bytes(render(file, RenderOptions(keep=keep)).data)
    verdict = verify(tmp_path / "a.jpg", file)
    assert verdict.exact
    assert verdict.missing == ()
    assert np.array_equal(recover(tmp_path / "a.jpg").mosaic, raw.read(file.read_bytes(), "a").mosaic)


def test_demosaiced_colours_of_it_are_its_own_values(file):
    photo = jpeg.read(render(file).data, "x")
    linear = from_photo(photo, "x", RecoverOptions(linear=True))
    assert np.array_equal(linear.mosaic, from_photo(photo, "x").mosaic)


def test_a_picture_of_16_bits_is_grey(file):
    values = np.asarray(Image.open(io.BytesIO(render(file, kind=".png").data)).convert("RGB"))
    assert np.array_equal(values[..., 0], values[..., 1])


def test_one_that_was_saved_again_is_recovered(file):
    stream = io.BytesIO()
    source = Image.open(io.BytesIO(render(file).data))
    source.save(stream, "JPEG", quality=95, xmp=source.info["xmp"])
    back = from_photo(jpeg.read(stream.getvalue(), "x"), "x")
    assert back.state.value == "recompressed"
    assert back.recipe.monochrome


def test_a_forged_flag_is_refused():
    colour = raw.read(raw_bytes(), "x").recipe
    assert Recipe(**(vars(colour) | {"monochrome": True})).problem() == "monochrome"


def test_mutants_raise_nothing_but_errors_of_ours(ends):
    data = monochrome()
    for mutant in mutants(data, (8, 900), 4, 200, seed=6):
        try:
            raw.read(mutant, "x")
        except RawbackError:
            continue
