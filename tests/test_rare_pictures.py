"""TIFFs that Pillow cuts down, CMYK by its profile, colours of PNGs by numbers."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin
from small import rawback as command

from rawback.errors import RawbackError
from rawback.files import cmyk, png_colours
from rawback.files import photo as photos
from rawback.foreign.plan import plan

LIGHT = np.linspace(0, 1, 48 * 64 * 3).reshape(48, 64, 3)


def tiff(values: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, values, **options)
    return stream.getvalue()


@pytest.mark.parametrize(("kind", "options"), [
    (np.uint16, {"bigtiff": True}), (np.uint8, {"bigtiff": True}), (np.uint32, {}), (np.float32, {}), (np.float16, {}),
    (np.uint16, {"planarconfig": "separate"}), (np.uint8, {"planarconfig": "separate"}), (np.uint16, {}),
])  # fmt: skip
def test_tiffs_of_all_depths_are_read_whole(kind, options):
    values = (LIGHT * (1 if np.dtype(kind).kind == "f" else np.iinfo(kind).max)).astype(kind)
    stored = np.moveaxis(values, -1, 0) if options.get("planarconfig") else values
    read = photos.read(tiff(stored, photometric="rgb", **options), "x").pixels
    assert read.values.shape == (48, 64, 3)
    assert np.abs(read.values / read.white - LIGHT).max() < (5e-3 if kind is np.uint8 else 1e-3)


def test_float_beyond_white_is_light_with_headroom():
    photo = photos.read(tiff((2 * LIGHT).astype(np.float32), photometric="rgb"), "x")
    assert plan(photo).light is not None


def test_white_may_be_zero():
    grey = (LIGHT[..., 0] * 65535).astype(np.uint16)
    read = photos.read(tiff(grey, photometric="miniswhite"), "x").pixels.values
    assert np.array_equal(read, 65535 - grey)


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    info, stream = PngImagePlugin.PngInfo(), io.BytesIO()
    for name, body in chunks:
        info.add(name, body)
    Image.fromarray((LIGHT * 255).astype(np.uint8)).save(stream, "PNG", pnginfo=info)
    return stream.getvalue()


CHROMATICITIES = (b"cHRM", struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000))


def test_numbers_of_a_png_tell_its_colours():
    assert png_colours.profile(png((b"cICP", bytes([12, 13, 0, 1])))).name == "Display P3"
    assert plan(photos.read(png((b"cICP", bytes([9, 16, 0, 1]))), "x")).light is not None
    assert png_colours.profile(png()) is None
    own = png_colours.profile(png(CHROMATICITIES, (b"gAMA", struct.pack(">I", 45455))))
    assert np.allclose(own.to_d50, [[0.5151, 0.2920, 0.1571], [0.2412, 0.6922, 0.0666], [-0.0011, 0.0419, 0.7841]], atol=2e-3)


def test_cmyk_without_a_profile_is_refused_for_that_reason():
    for kind in ("JPEG", "TIFF"):
        stream = io.BytesIO()
        Image.fromarray((LIGHT * 255).astype(np.uint8)).convert("CMYK").save(stream, kind)
        with pytest.raises(RawbackError, match="CMYK"):
            photos.read(stream.getvalue(), "x")
    assert not cmyk.is_profile(b"")


def test_jpegs_of_12_bits_are_read_whole():
    imagecodecs = pytest.importorskip("imagecodecs")
    values = np.rint(LIGHT * 4095).astype(np.uint16)
    data = imagecodecs.jpeg8_encode(values, level=98, bitspersample=12)
    photo = photos.read(data, "x.jpg")
    assert photo.pixels.values.dtype == np.uint16
    assert np.abs(photo.pixels.values / 65535 - LIGHT).mean() < 0.004
    assert len(np.unique(photo.pixels.values >> 4)) > 1000  # more than 8 bits tell apart
    with pytest.raises(RawbackError, match="cut short"):
        photos.read(data[: len(data) // 2], "x.jpg")


def test_without_the_library_a_jpeg_of_12_bits_names_the_command(monkeypatch):
    head = b"\xff\xd8\xff\xc1" + struct.pack(">HBHHB", 17, 12, 48, 64, 3) + bytes([1, 17, 0, 2, 17, 0, 3, 17, 0])
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(RawbackError, match=r"12 bits .* python -m pip install imagecodecs"):
        photos.read(head + b"\xff\xda" + bytes(400) + b"\xff\xd9", "x.jpg")


def test_nothing_is_printed_about_a_damaged_tiff_but_the_error(tmp_path):
    (tmp_path / "x.tif").write_bytes(b"II*\0" + struct.pack("<I", 1 << 27) + bytes(100))
    said = command("recover", tmp_path / "x.tif", "-o", tmp_path / "x.dng").stderr
    assert said.startswith(b"rawback: ")
    assert said.count(b"\n") == 1


def test_a_jpeg_of_a_forged_size_is_not_decoded_by_pixels(monkeypatch):
    stream = io.BytesIO()
    Image.fromarray((LIGHT * 255).astype(np.uint8)).save(stream, "JPEG")
    data = bytearray(stream.getvalue())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 13103, 12079)
    monkeypatch.setattr(photos, "_read_pixels", lambda data, name: pytest.fail("it was decoded"))
    with pytest.raises(RawbackError, match="that cannot be"):
        photos.read(bytes(data), "x.jpg")
