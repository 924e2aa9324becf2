"""CinemaDNG and time codes: what is written is what LibRaw, exiftool, darktable and FFmpeg read."""

import io
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import rawpy
from hypothesis import given
from hypothesis import strategies as st
from movies import frame_metadata
from scenes import CFAS, garden, recipe_of

from rawback.errors import UsageError
from rawback.files import tiff
from rawback.files.video import cinema_dng, timecode

DROP = Fraction(30000, 1001)


def frame(height: int = 64, width: int = 96, cfa=CFAS["RGGB"], **options) -> tuple[bytes, np.ndarray]:
    recipe = recipe_of(height, width, cfa)
    mosaic = garden(height, width, recipe)
    return b"".join(cinema_dng.encode(mosaic, recipe, None, frame_metadata(7), **options)), mosaic


@pytest.mark.parametrize("form", [{}, {"compress": False}, {"packed": True}], ids=["tiles", "strip", "packed"])
@pytest.mark.parametrize("cfa", CFAS)
def test_libraw_reads_every_form(cfa: str, form: dict):
    data, mosaic = frame(66, 97, CFAS[cfa], **form)
    with rawpy.imread(io.BytesIO(data)) as raw:
        assert np.array_equal(raw.raw_image_visible, mosaic)
        assert raw.white_level == 4095 and raw.black_level_per_channel == [256] * 4
        assert np.allclose(raw.camera_whitebalance[:3], 1 / np.array([0.49, 1.0, 0.63]), rtol=1e-5)


def test_the_mosaic_is_in_the_first_directory_and_there_is_no_other():
    first = tiff.read(frame()[0])
    assert tiff.numbers(first.entries[254]) == (0,) and tiff.numbers(first.entries[262]) == (32803,)
    assert not first.children


def test_plain_frames_of_a_clip_have_one_size():
    recipe = recipe_of(64, 96)
    for form in ({"compress": False}, {"packed": True}):
        sizes = {
            sum(map(len, cinema_dng.encode(garden(64, 96, recipe, light), recipe, None, frame_metadata(n), **form)))
            for n, light in enumerate((1.0, 0.3, 0.02))
        }
        assert len(sizes) == 1
    assert 64 * 96 * 3 // 2 < sizes.pop() < 64 * 96 * 3 // 2 + 1500


def test_twelve_bits_are_refused_where_they_are_too_few():
    with pytest.raises(UsageError, match="4096"):
        cinema_dng.packed12(np.full((2, 2), 4096, np.uint16))


def test_what_a_frame_says_comes_back():
    assert cinema_dng.read(frame()[0], frame_metadata(7).name) == frame_metadata(7)
    assert cinema_dng.metadata_of(frame_metadata(7).to_fields()) == frame_metadata(7)


@given(st.dictionaries(st.sampled_from(list(frame_metadata(7).to_fields())), st.text(max_size=40)))
def test_a_stranger_can_say_anything(texts: dict[str, str]):
    found = cinema_dng.metadata_of(texts)
    assert "/" not in found.name and not found.name.startswith(".") and len(found.time_code) % 8 == 0


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_exiftool_reads_the_tags_of_cinema(tmp_path: Path):
    path = tmp_path / "a.dng"
    path.write_bytes(frame()[0])
    line = ["exiftool", "-s", "-s", "-s", "-FrameRate", "-TimeCodes", "-TStop", "-ReelName", "-CameraLabel", "-Warning", path]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout.split()
    assert said == ["23.976", "01:00:00.07", "2.80", "A001", "B"]


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_ffmpeg_reads_a_clip(tmp_path: Path):
    for number in range(2):
        (tmp_path / f"a{number}.dng").write_bytes(frame(compress=False)[0])
    line = ["ffmpeg", "-v", "error", "-i", tmp_path / "a%d.dng", "-f", "framemd5", "-"]
    said = subprocess.run(line, capture_output=True, text=True, check=True).stdout
    assert len([line for line in said.splitlines() if not line.startswith("#")]) == 2


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("darktable-cli"), reason="darktable is not installed")
def test_darktable_opens_a_frame(tmp_path: Path):
    path, shown = tmp_path / "a.dng", tmp_path / "a.png"
    path.write_bytes(frame(128, 192)[0])
    core = ["--core", "--configdir", tmp_path / "config", "--cachedir", tmp_path / "cache"]
    line = ["darktable-cli", path, shown, *core]
    subprocess.run([str(part) for part in line], capture_output=True, check=True, timeout=120)
    assert shown.stat().st_size > 1000


@pytest.mark.parametrize(
    ("start", "frames", "rate", "then"),
    [
        ("23:59:59:23", 1, Fraction(24), "00:00:00:00"),
        ("00:00:59;29", 1, DROP, "00:01:00;02"),  # drop frame leaves out two numbers a minute
        ("00:09:59;29", 1, DROP, "00:10:00;00"),  # but for every tenth
        ("00:00:00;00", 17982, DROP, "00:10:00;00"),  # so that ten minutes take ten minutes
        ("00:00:00:00", 17982, Fraction(25), "00:11:59:07"),
        ("01:00:00:00", -1, Fraction(24), "00:59:59:23"),
    ],
)
def test_time_codes_count(start: str, frames: int, rate: Fraction, then: str):
    assert timecode.later(start, frames, rate) == then


@given(st.integers(0, 2589407), st.booleans())
def test_time_codes_count_back(frames: int, drop: bool):
    zero = "00:00:00;00" if drop else "00:00:00:00"
    text = timecode.later(zero, frames, DROP)
    assert timecode.later(text, -frames, DROP) == zero
    assert timecode.to_text(timecode.to_bytes(text)) == text


@pytest.mark.parametrize(
    ("text", "rate"), [("23.976", "24000/1001"), ("25", "25"), ("30000/1001", "30000/1001"), ("12.5", "25/2")]
)
def test_rates_are_read_as_they_are_meant(text: str, rate: str):
    assert str(cinema_dng.rate_of(text)) == rate


@pytest.mark.parametrize("text", ["", "0", "24/0", "-3", "1e9", "fast", "9999999999"])
def test_what_is_no_rate_is_none(text: str):
    assert cinema_dng.rate_of(text) is None
