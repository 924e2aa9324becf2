"""Files that are odd but whole are read, and what cannot be read is refused for the right reason."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from scenes import recipe_of
from small import foreign_jpeg

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.files import dng, paths, raw, tiff
from rawback.files import photo as photos
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.isp.colour import CURVES
from rawback.options.recover import RecoverOptions
from rawback.recovering import from_photo
from rawback.rendering import decide, develop


def test_a_jpeg_without_its_end_is_used_if_its_blocks_are_all_there():
    data = foreign_jpeg()
    assert photos.read(data[:-2], "no end").coefficients is not None
    with pytest.raises(RawbackError, match="cut short"):
        photos.read(data[: len(data) * 2 // 3], "cut")


def test_the_height_of_a_jpeg_may_follow_its_scan():
    data = foreign_jpeg()
    at = data.index(b"\xff\xc0") + 5
    height = data[at : at + 2]
    later = data[:at] + b"\0\0" + data[at + 2 : -2] + b"\xff\xdc\0\4" + height + b"\xff\xd9"
    assert np.array_equal(photos.read(later, "later").coefficients.planes[0], photos.read(data, "plain").coefficients.planes[0])
    with pytest.raises(RawbackError, match="0 pixels"):
        photos.read(data[:at] + b"\0\0" + data[at + 2 :], "never")


@pytest.mark.parametrize("gamma", [1.0, 0.6])
def test_the_gamma_of_a_png_counts(gamma: float):
    light = np.linspace(0, 1, 64 * 48 * 3).reshape(48, 64, 3)
    stream, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", round(gamma * 1e5)))
    Image.fromarray(np.rint(255 * light**gamma).astype(np.uint8)).save(stream, "PNG", pnginfo=info)
    photo = photos.read(stream.getvalue(), "linear")
    expected = CURVES["srgb"].encode(light.astype(np.float32))
    bright = light > 0.1
    assert np.abs(photo.pixels.values / 65535 - expected)[bright].max() < 0.01
    assert any("gAMA" in note or "to the power" in note for note in photo.notes)


@pytest.mark.parametrize(("compression", "photometric", "reason"), [
    (9, 32803, "GPR"), (1, 34892, "without a mosaic"),
])  # fmt: skip
def test_neither_verb_sends_to_the_other_in_vain(compression: int, photometric: int, reason: str):
    tags = {
        Tag.DNGVersion: tiff.pack(tiff.BYTE, [1, 7, 0, 0]), Tag.Compression: tiff.pack(tiff.SHORT, [compression]),
        Tag.PhotometricInterpretation: tiff.pack(tiff.SHORT, [photometric]),
    }  # fmt: skip
    data = b"".join(serialise(tiff.Directory(tags)))
    for read in (raw.read, photos.read):
        with pytest.raises(RawbackError, match=reason):
            read(data, "odd.dng")


def test_a_camera_with_a_book_for_a_name(tmp_path):
    values = np.random.default_rng(0).integers(600, 9000, (48, 64)).astype(np.uint16)
    recipe = recipe_of(48, 64, black=(512.0,) * 4, white=16383.0, camera="x" * 70000)
    file = tmp_path / "a.dng"
    file.write_bytes(b"".join(dng.encode(values, recipe, None, None)))
    assert rawback.render(file).recipe.camera == "x" * raw.MAX_CAMERA


def test_a_file_url_is_decoded(tmp_path):
    assert paths.parse(f"file://{tmp_path}/a%20b.dng") == tmp_path / "a b.dng"
    assert paths.parse("a%20b.dng") == Path("a%20b.dng")


def test_demosaiced_colours_have_neither_pedestal_nor_layer():
    recipe = recipe_of(48, 64, black=(512.0,) * 4, white=16383.0)
    file = raw.RawFile(np.full((48, 64), 512, np.uint16), recipe, None)
    dark = replace(decide(file, RenderOptions(exposure=4.5, lossless=True)), pedestal=0.002)
    rendered = develop(file, dark, RenderOptions(exposure=4.5, lossless=True))
    back = from_photo(photos.read(rendered.data, "dark"), "dark", RecoverOptions(linear=True))
    assert back.mosaic.shape == (48, 64, 3) and back.mosaic.max() < 30  # of 65535; the pedestal would be 131
    assert not back.exact and any("not used" in note for note in back.notes) and not any("bit-exact" in n for n in back.notes)
