"""HEIC and AVIF: pixels, colours, orientation and metadata, and what is said where the decoder is missing."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from small import mutants
from small import rawback as command
from test_foreign import light_of

from rawback.errors import RawbackError
from rawback.files import file_type, tiff
from rawback.files import photo as photos
from rawback.files.heif.items import Items
from rawback.files.tags import Tag
from rawback.isp import cicp
from rawback.recovering import recover

DATA = Path(__file__).parent / "data"
P3_TO_SRGB = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09828]])
"""From their chromaticities; other digits than rawback's."""


def waves(height: int = 48, width: int = 64) -> np.ndarray:
    """What the files show, 0..1."""
    y, x = np.mgrid[:height, :width] / 64
    return np.stack([0.55 + 0.3 * np.sin(5 * x + 4 * y + phase) for phase in (0, 0.7, 1.4)], -1)


def light(code: np.ndarray) -> np.ndarray:
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4)


def psnr(a: np.ndarray, b: np.ndarray, peak: float = 1.0) -> float:
    return float(-10 * np.log10(np.mean((a - b) ** 2) / peak**2))


@pytest.fixture
def heif() -> None:
    pytest.importorskip("pi_heif")


@pytest.mark.usefixtures("heif")
def test_heic_is_turned_once_and_keeps_its_metadata():
    recovered = recover(DATA / "p3.heic")
    assert (recovered.photo.picture.width, recovered.photo.picture.height) == (48, 64)
    first = tiff.read(b"".join(map(bytes, recovered.dng())))
    assert tiff.numbers(first.entries[Tag.Orientation]) == (1,)
    assert tiff.text(first.entries[Tag.Make]) == "Maker"
    assert len(first.child(Tag.GPSIFD)) == 2
    assert b"Rating" in first.entries[Tag.XMP].data


@pytest.mark.usefixtures("heif")
def test_display_p3_by_numbers_is_brought_to_srgb():
    source = photos.read((DATA / "p3.heic").read_bytes(), "x")
    assert photos.profile(source).name == "Display P3"
    values = np.moveaxis(photos.profile(source).to_srgb(source.pixels.strip(0, 64)), 0, -1)
    expected = light(np.rot90(waves(), -1)) @ P3_TO_SRGB.T
    assert psnr(np.clip(light(values), 0, 1), np.clip(expected, 0, 1)) > 38


@pytest.mark.usefixtures("heif")
def test_pq_of_ten_bits_becomes_light_with_headroom():
    recovered = recover(DATA / "pq.heic")
    codes = 0.8 * waves()
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    power = codes ** (1 / m2)
    nits = 10000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1)  # SMPTE ST 2084
    to_srgb = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
    expected = np.clip(nits / 203 @ to_srgb.T, 0, None)
    stops = recovered.recipe.exposure
    assert 1.3 < stops < 1.5
    got = light_of(recovered.dng()) * 2**stops
    assert psnr(got, np.clip(expected, 0, 2**stops), 2**stops) > 37  # LibRaw clips what sRGB lacks
    assert "stops of it above the picture's white" in "".join(recovered.notes)


def test_hlg_has_its_white_where_the_standard_says():
    """BT.2408: 75 % of the signal is 203 cd/m2 of a display of 1000."""
    profile = cicp.profile(9, 18)
    grey = np.full((3, 1, 1), 0.75, np.float32)
    assert np.allclose(profile.light(grey), 1, atol=0.01)
    assert np.isclose(profile.light(np.ones((3, 1, 1), np.float32)).max(), 1000 / 203, rtol=0.01)


def test_without_the_extra_the_command_to_install_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(RawbackError, match=r"needs the extra \[heif\]: python -m pip install pi-heif$"):
        recover(DATA / "p3.heic")


@pytest.mark.usefixtures("heif")
@pytest.mark.parametrize("cut", [40, 300, 900, 1500])
def test_heic_that_is_cut_short_is_refused_in_a_line(cut):
    with pytest.raises(RawbackError) as raised:
        photos.read((DATA / "p3.heic").read_bytes()[:cut], "x.heic")
    assert "x.heic" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("heif")
def test_mutants_of_heic_raise_nothing_but_errors_of_ours(ends):
    data = (DATA / "p3.heic").read_bytes()
    for mutant in mutants(data, (0, 700), 3, 300, seed=1):
        with contextlib.suppress(RawbackError):
            photos.read(mutant, "x")


@pytest.mark.usefixtures("heif")
def test_heic_in_folders_is_searched_for(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.heic").write_bytes((DATA / "p3.heic").read_bytes())
    (tmp_path / "in" / "b.txt").write_text("no picture")
    command("recover", tmp_path / "in", "-r", "-o", tmp_path / "out")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["a.dng"]


def test_heic_is_told_from_avif_and_movies():
    stream = io.BytesIO()
    Image.new("RGB", (32, 32)).save(stream, "AVIF")
    assert file_type.of(stream.getvalue()) is None
    assert file_type.of((DATA / "p3.heic").read_bytes()) == "heif"
    assert not file_type.begins_movie((DATA / "p3.heic").read_bytes()[:1024])


def test_avif_of_ten_bits_is_read_whole_or_the_rest_is_named(monkeypatch):
    codecs = pytest.importorskip("imagecodecs")
    values = np.rint(1023 * waves()).astype(np.uint16)
    data = codecs.avif_encode(values, level=100, bitspersample=10, primaries=12, transfer=13, matrix=6)
    source = photos.read(data, "x.avif")
    assert source.pixels.values.dtype == np.uint16
    assert np.abs(source.pixels.values / 65535 * 1023 - values).max() < 6
    assert photos.profile(source).name == "Display P3"
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    plain = photos.read(data, "x.avif")
    assert plain.pixels.values.dtype == np.uint8
    assert "10 bits, of which 8 are used" in plain.notes[0]


def test_avif_keeps_its_exif_and_orientation():
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (9, 99, 199)).save(stream, "AVIF", exif=exif.tobytes())
    source = photos.read(stream.getvalue(), "x")
    assert (source.exif.make, source.exif.orientation) == ("Maker", 6)


def test_boxes_of_a_heif_are_read():
    items = Items((DATA / "p3.heic").read_bytes())
    assert items.primary == 1
    assert {item.kind for item in items.all.values()} == {b"hvc1", b"Exif", b"mime"}
    assert items.describing(1, b"mime")[0].startswith(b"<x:xmpmeta")
    assert (b"irot", b"\x03") in items.properties(1)
    assert Items(items.with_primary(3)).primary == 3
    assert Items(b"\0\0\0\x10ftypheic").all == {}
