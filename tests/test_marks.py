"""What rawback writes is sealed, says of what it was made, and is the same bytes every time."""

from __future__ import annotations

import hashlib
import json
import zlib

import pytest
from movies import need_av
from scenes import SAMPLE, Run, raw_file
from small import raw_bytes

import rawback
from rawback import RecoverOptions, RenderOptions
from rawback.files import dng, jpeg, raw, seal, tiff
from rawback.files.jpeg_file import JpegFile
from rawback.files.tags import Tag
from rawback.isp import mosaic
from rawback.options.option import as_text


def test_a_jpeg_names_its_raw_and_options(sample_jpeg: rawback.Rendered):
    recipe = jpeg.read(sample_jpeg.data, "sample").recipe
    assert recipe is not None
    assert recipe.source_sha256 == hashlib.sha256(SAMPLE.read_bytes()).hexdigest()
    assert recipe.mosaic_sha256 == mosaic.sha256(raw.read(SAMPLE.read_bytes(), "sample").mosaic)
    assert recipe.options == "exposure=0"
    assert seal.is_intact(sample_jpeg.data)


def test_files_are_the_same_bytes_every_time(sample_jpeg: rawback.Rendered, sample_file):
    assert rawback.render(SAMPLE, RenderOptions(exposure=0.0)).data == sample_jpeg.data
    assert b"".join(rawback.recover(sample_file).dng()) == b"".join(rawback.recover(sample_file).dng())


def test_a_dng_names_its_jpeg_picture_and_options(sample_jpeg: rawback.Rendered, sample_file):
    chunks = rawback.recover(sample_file, RecoverOptions(compress=False)).dng()
    data = b"".join(chunks)
    assert len(chunks) > 1
    assert seal.is_intact(data)
    facts = seal.facts_of(tiff.text(tiff.read(data).entries[Tag.RawbackMark]))
    assert facts.pop("Seal") != seal.BLANK.decode()
    assert facts == {
        "SourceSha256": hashlib.sha256(sample_jpeg.data).hexdigest(),
        "PictureSha256": sample_jpeg.recipe.picture_sha256,
        "Options": "compress=False",
    }


def test_the_seal_of_a_dng_does_not_travel_through_a_jpeg(sample_file):
    """A DNG of rawback's own may be rendered again."""
    first = b"".join(rawback.recover(sample_file).dng())
    picture = rawback.render(raw.read(first, "first"), RenderOptions(exposure=0.0, lossless=True)).data
    assert seal.is_intact(picture)
    (sample_file.parent / "again.jpg").write_bytes(picture)
    again = b"".join(rawback.recover(sample_file.parent / "again.jpg").dng())
    assert seal.is_intact(again)
    facts = seal.facts_of(tiff.text(tiff.read(again).entries[Tag.RawbackMark]))
    assert facts["SourceSha256"] == hashlib.sha256(picture).hexdigest()


@pytest.mark.parametrize("kind", ["tif", "png"])
def test_16_bit_pictures_are_sealed(kind: str):
    data = rawback.render(SAMPLE, kind=f".{kind}").data
    assert seal.is_intact(data)
    assert b"rawback 0." in data
    assert hashlib.sha256(SAMPLE.read_bytes()).hexdigest().encode() in data
    for at in (len(data) // 2, data.index(b"rawback 0."), data.index(b"SourceSha256") + 20):
        assert not seal.is_intact(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_the_checksums_of_a_sealed_png_hold():
    data, at, kinds = rawback.render(raw_file(64, 96), kind=".png").data, 8, []
    while b"IEND" not in kinds:
        length = int.from_bytes(data[at : at + 4], "big")
        body, checksum = data[at + 4 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        assert zlib.crc32(body) == int.from_bytes(checksum, "big")
        kinds.append(body[:4])
        at += 12 + length
    assert kinds == [b"IHDR", b"iCCP", b"tEXt", b"IDAT", b"IEND"]
    assert data[at:].startswith(b"rawback:") and seal.is_intact(data)


def test_a_plain_dng_says_nothing():
    assert Tag.RawbackMark not in dng.directories(raw_bytes())[0]


def test_no_exif_hides_all_but_the_hash():
    recipe = jpeg.read(rawback.render(SAMPLE, RenderOptions(keep_exif=False)).data, "sample").recipe
    assert recipe is not None
    assert recipe.source_sha256
    assert recipe.options == "keep_exif=False"


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (RenderOptions(), ""),
        (RenderOptions(keep="lossless"), "lossless=True"),
        (RenderOptions(quality=90, keep_exif=False), "quality=90 keep_exif=False"),
        (RenderOptions(exposure=-0.5, camera="/home/me/my <card>.json"), "exposure=-0.5 camera=my__card_.json"),
        (RecoverOptions(linear=True), "linear=True"),
    ],
)
def test_options_as_text(options, text: str):
    assert as_text(options) == text


def crc_of_tags(data: bytes) -> bytes | None:
    """The CRC-32 element (RFC 8794, 11.3.1), always the first, of the last Tags element of a Matroska file."""
    start = data.rindex(b"\x12\x54\xc3\x67") + 4
    start += 9 - data[start].bit_length()  # its length, a variable number of bytes
    return data[start + 2 : start + 6] if data[start] == 0xBF else None


@pytest.mark.parametrize("name", ["a.mov", "a.mkv", "b.mp4"])
def test_movies_are_sealed(run: Run, tmp_path, name: str):
    need_av()
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in range(2):
        (folder / f"f{number}.dng").write_bytes(raw_bytes(number))
    codec = "h264" if name == "b.mp4" else "mjpeg"
    assert run("render", folder, "-o", name, "--fps", "24", "--codec", codec)[0] == 0
    assert seal.is_intact_file(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert b"\x12\x54\xc3\x67" not in data or crc_of_tags(data) is None, "of Matroska, over the seal"
    assert run("recover", name, "-o", "back")[0] == 0
    for frame in sorted((tmp_path / "back").iterdir()):
        assert seal.is_intact_file(frame)


def test_cards_and_reports_are_sealed(run: Run, tmp_path):
    assert run("evaluate", SAMPLE, "--quality", "87", "--crop", "128", "--report", "a.html")[0] == 0
    assert seal.is_intact_file(tmp_path / "a.html")


def test_frames_of_a_clip_have_no_seal_of_their_own(sample_jpeg: rawback.Rendered):
    from rawback.files.video import frame_fields

    fields = jpeg.recipe_fields(JpegFile(frame_fields.into_jpeg(sample_jpeg.data, {"FrameName": "a"})))
    assert fields["FrameName"] == "a"
    assert seal.NAME not in fields


def test_a_card_is_sealed(sample_jpeg: rawback.Rendered, sample_file, run: Run, tmp_path):
    code, _, errors = run("calibrate", SAMPLE, sample_file, "-o", "card.json")
    assert code == 0, errors
    assert seal.is_intact_file(tmp_path / "card.json")
    assert json.loads((tmp_path / "card.json").read_text())["name"] == "card"
