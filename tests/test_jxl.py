"""JPEG XL: a JPEG in fewer bytes and back byte for byte; foreign pictures by their pixels."""

from __future__ import annotations

import contextlib
import sys

import numpy as np
import pytest
from PIL import Image
from small import jpeg_bytes, raw_bytes
from small import rawback as command

from rawback.batch import output_names
from rawback.errors import RawbackError, UsageError
from rawback.files import file_type, jxl, jxl_header, jxl_to_jpeg, libjxl
from rawback.files import photo as photos
from rawback.files.recognition import Kind, classify
from rawback.files.url import Url
from rawback.info import describe
from rawback.recovering import recover

codecs = pytest.importorskip("imagecodecs")


def colours() -> np.ndarray:
    y, x = np.mgrid[:48, :64] / 64
    return np.stack([0.55 + 0.3 * np.sin(5 * x + 4 * y + phase) for phase in (0, 0.7, 1.4)], -1)


@pytest.fixture(scope="module")
def made() -> tuple[bytes, bytes]:
    jpeg = jpeg_bytes(3, 128, 96, lossless=True)
    return jpeg, jxl.transcoded(jpeg, "x")


def test_a_jpeg_comes_back_byte_for_byte(made):
    jpeg, coded = made
    assert jxl.holds_jpeg(coded)
    assert jxl.jpeg_inside(coded, "x") == jpeg


def test_a_photograph_takes_a_tenth_less(sample_jpeg):
    assert len(jxl.transcoded(sample_jpeg.data, "x")) < 0.9 * len(sample_jpeg.data)


def test_more_effort_takes_fewer_bytes_where_it_can_be_had(sample_jpeg, monkeypatch):
    with_effort = jxl.transcoded(sample_jpeg.data, "x")
    monkeypatch.setattr(libjxl, "library", lambda: None)
    without = jxl.transcoded(sample_jpeg.data, "x")
    assert without == bytes(codecs.jpegxl_encode_jpeg(sample_jpeg.data))
    assert jxl.jpeg_inside(with_effort, "x") == jxl.jpeg_inside(without, "x") == sample_jpeg.data
    monkeypatch.undo()
    if libjxl.library() is not None:
        assert len(with_effort) < 0.999 * len(without)
        assert libjxl.transcoded(b"no JPEG") is None


def test_render_recover_verify_and_back_on_the_command_line(tmp_path):
    (tmp_path / "a.dng").write_bytes(raw_bytes(1))
    assert command("render", "a.dng", "--keep", "lossless", "-o", "a.jxl", cwd=tmp_path).returncode == 0
    assert command("render", "a.dng", "--keep", "lossless", "-o", "a.jpg", cwd=tmp_path).returncode == 0
    assert file_type.of((tmp_path / "a.jxl").read_bytes()) == "jxl"
    assert command("verify", "a.jxl", "a.dng", cwd=tmp_path).returncode == 0
    assert command("jpeg", "a.jxl", "-o", "b.jpg", cwd=tmp_path).returncode == 0
    assert (tmp_path / "b.jpg").read_bytes() == (tmp_path / "a.jpg").read_bytes()
    with_layer, plain = recover(tmp_path / "a.jxl"), recover(tmp_path / "a.jpg")
    assert with_layer.exact
    assert np.array_equal(with_layer.mosaic, plain.mosaic)
    assert describe(tmp_path / "a.jxl")["state"] == "untouched"


def test_a_batch_writes_jxl_and_knows_its_own(tmp_path):
    (tmp_path / "in").mkdir()
    for i in range(2):
        (tmp_path / "in" / f"{i}.dng").write_bytes(raw_bytes(i))
    again = ("render", "in", "-r", "-o", "out", "--jxl", "--skip-existing")
    assert command(*again, cwd=tmp_path).returncode == 0
    files = sorted((tmp_path / "out").iterdir())
    assert [file.name for file in files] == ["0.jxl", "1.jxl"]
    before = [file.stat().st_mtime_ns for file in files]
    assert command(*again, cwd=tmp_path).returncode == 0
    assert [file.stat().st_mtime_ns for file in files] == before
    assert command("recover", "out", "-r", "-o", "back", cwd=tmp_path).returncode == 0
    assert len(list((tmp_path / "back").iterdir())) == 2


def test_strip_leaves_the_picture_in_jxl(tmp_path, made):
    (tmp_path / "a.jxl").write_bytes(made[1])
    assert command("strip", "a.jxl", cwd=tmp_path).returncode == 0
    stripped = photos.read((tmp_path / "a.stripped.jxl").read_bytes(), "x")
    assert stripped.recipe is None
    assert stripped.coefficients.sha256() == photos.read(made[0], "x").coefficients.sha256()


def test_what_lies_there_is_recognised(made):
    _, coded = made
    assert classify(memoryview(coded)).kind is Kind.OWN
    assert classify(memoryview(coded)).archive
    foreign = codecs.jpegxl_encode(np.zeros((32, 32, 3), np.uint8))
    assert classify(memoryview(foreign)).kind is Kind.FOREIGN


def test_names_promise_what_is_written():
    output_names.check(Url("s3://b/x.jxl"), ".jpg")
    with pytest.raises(UsageError):
        output_names.check(Url("s3://b/x.jpg"), ".jxl")


@pytest.mark.parametrize(("kind", "options"), [
    (np.uint8, {"lossless": True}), (np.uint8, {"distance": 0.5}), (np.uint16, {"lossless": True}),
    (np.float32, {"lossless": True}),
])  # fmt: skip
def test_foreign_pictures_come_by_their_pixels(tmp_path, kind, options):
    top = 1 if kind is np.float32 else np.iinfo(kind).max
    values = (colours() * top).astype(kind)
    data = bytes(codecs.jpegxl_encode(values, **options))
    (tmp_path / "x.jxl").write_bytes(data)
    result = recover(tmp_path / "x.jxl")
    decoded = result.photo.picture.values.astype(float) / result.photo.picture.white
    assert np.abs(decoded - colours()).max() < (0.02 if options == {"lossless": True} else 0.1)
    linear = jxl_header.colours(data).profile
    assert (linear is not None) == (kind is not np.uint8)  # imagecodecs says of deep ones that they are linear
    with pytest.raises(RawbackError, match="holds none"):
        jxl_to_jpeg.jpeg_of(tmp_path / "x.jxl")


def test_ten_bits_are_brought_to_the_whole_range():
    values = np.rint(1023 * colours()).astype(np.uint16)
    data = bytes(codecs.jpegxl_encode(values, lossless=True, bitspersample=10))
    read = photos.read(data, "x").pixels.values
    assert np.abs(read / 65535 - colours()).max() < 1e-3


def test_float_beyond_white_gets_headroom(tmp_path):
    (tmp_path / "x.jxl").write_bytes(bytes(codecs.jpegxl_encode((3 * colours()).astype(np.float32), lossless=True)))
    result = recover(tmp_path / "x.jxl")
    assert np.isclose(2**result.recipe.exposure, 3 * colours().max(), rtol=0.01)


@pytest.mark.parametrize(("fields", "name"), [
    ((0, 1, 1, 11, 13), "Display P3"), ((0, 1, 1, 9, 16), "BT.2020 PQ"), ((0, 1, 1, 9, 18), "BT.2020 HLG"),
    ((0, 1, 1, 1, 13), None),
])  # fmt: skip
def test_colours_in_the_header(fields, name):
    """A codestream's beginning put together bit by bit: 8 x 8 pixels, 10 bits, the encoding given."""
    _, _, white, primaries, transfer = fields
    bits: list[int] = []

    def put(value: int, count: int) -> None:
        bits.extend(value >> i & 1 for i in range(count))

    def enum(value: int) -> None:
        if value < 2:
            put(value, 2)
        elif value < 18:
            put(2, 2), put(value - 2, 4)
        else:
            put(3, 2), put(value - 18, 6)

    for value, count in ((1, 1), (0, 5), (1, 3), (0, 1), (0, 1), (0, 1), (1, 2), (1, 1), (0, 2), (0, 1), (0, 1), (0, 1)):
        put(value, count)
    enum(0), enum(white), enum(primaries), put(0, 1), enum(transfer)
    bits += [0] * (-len(bits) % 8 + 64)
    data = bytes(sum(bit << i for i, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))
    found = jxl_header.colours(jxl_header.SIGNATURE + data)
    assert not found.unread
    assert (found.profile.name if found.profile else None) == name


def test_without_the_extra_the_command_to_install_it_is_named(tmp_path, monkeypatch, made):
    (tmp_path / "a.jxl").write_bytes(made[1])
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    for work in (lambda: recover(tmp_path / "a.jxl"), lambda: jxl.transcoded(made[0], "x")):
        with pytest.raises(RawbackError, match=r"needs the extra \[jxl\]: python -m pip install imagecodecs$"):
            work()


@pytest.mark.parametrize("of_jpeg", [True, False])
def test_mutants_raise_nothing_but_errors_of_ours(made, of_jpeg, ends):
    data = made[1] if of_jpeg else bytes(codecs.jpegxl_encode((colours() * 255).astype(np.uint8), distance=1.0))
    rng = np.random.default_rng(4)
    for _ in range(200):
        mutant = bytearray(data[: rng.integers(len(data) // 2, len(data) + 1)])
        for at in rng.integers(0, min(len(mutant), 600), 3):
            mutant[at] = rng.integers(256)
        with contextlib.suppress(RawbackError):
            photos.read(bytes(mutant), "x")


def test_metadata_of_a_foreign_jxl_that_held_a_jpeg(tmp_path):
    exif = Image.Exif()
    exif[271], exif[274] = "Maker", 6
    Image.fromarray((colours() * 255).astype(np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    (tmp_path / "a.jxl").write_bytes(jxl.transcoded((tmp_path / "a.jpg").read_bytes(), "x"))
    source = photos.read((tmp_path / "a.jxl").read_bytes(), "x")
    assert (source.exif.make, source.exif.orientation) == ("Maker", 6)
