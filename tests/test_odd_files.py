"""Files that are odd but whole are read, and what cannot be read is refused for the right reason."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin
from small import foreign_jpeg

from rawback.errors import RawbackError
from rawback.files import photo as photos
from rawback.files import raw, tiff
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.isp.colour import CURVES


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
    (52546, 32803, "JPEG XL"), (9, 32803, "GPR"), (1, 34892, "without a mosaic"),
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
