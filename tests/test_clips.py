"""Clips: folders of RAW to movies and back; what was rendered comes back as it was, whatever the movie is copied to."""

import builtins
import io
import json
import shutil
import subprocess
import tarfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from movies import NTSC, clip_folder, need_av, pictures, recovered_frames, samples_of, tone
from scenes import Run, mosaic_db

from rawback.clips import reader
from rawback.files import raw
from rawback.files.video import cinema_dng, movie, soundtrack

av = need_av()
ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
WORST = {"mjpeg": 48.0, "h264": 44.0, "hevc": 44.0, "ffv1": 54.0}
"""dB of the worst frame's mosaic at the default quality."""


def converted(source: Path, name: str, *options: str) -> Path:
    target = source.with_name(name)
    subprocess.run(["ffmpeg", "-v", "error", "-y", *options, "-i", source, "-c", "copy", target], check=True)
    return target


def same(found: dict[str, raw.RawFile], expected: dict[str, raw.RawFile], at_least: float) -> None:
    """Names, sizes, CFA, levels and white balance exactly; mosaics nearly."""
    assert list(found) == list(expected)
    for name, file in found.items():
        old = expected[name]
        for what in ("width", "height", "cfa", "black", "white", "orientation", "crop", "camera", "scale"):
            assert getattr(file.recipe, what) == getattr(old.recipe, what)
        assert np.allclose(file.recipe.neutral, old.recipe.neutral, rtol=1e-5)
        assert mosaic_db(file.mosaic, old.mosaic, old.recipe) > at_least


def test_mjpeg_brings_a_clip_back(tmp_path: Path, run: Run):
    files, wav = clip_folder(tmp_path / "clip", 4), tmp_path / "clip" / "A001.wav"
    sound = tone(wav, 0.2)
    assert run("render", tmp_path / "clip", "-o", "a.mov", "-q") == (0, "", "")
    assert run("recover", "a.mov", "-o", "back", "-q") == (0, "", "")
    same(pictures(tmp_path / "back"), pictures(tmp_path / "clip"), WORST["mjpeg"])
    for file in files:
        told = [cinema_dng.read(path.read_bytes(), path.stem) for path in (file, tmp_path / "back" / file.name)]
        assert told[0] == told[1] and told[0].rate == NTSC
    assert samples_of(tmp_path / "back" / "back.wav") == sound
    assert not list(tmp_path.glob(".rawback-*"))


@pytest.mark.parametrize(("codec", "name"), [("h264", "a.mp4"), ("hevc", "a.mov"), ("ffv1", "a.mkv"), ("mjpeg", "a.mp4")])
def test_every_codec_keeps_names_levels_and_sound(codec: str, name: str, tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 4)
    sound = tone(tmp_path / "clip" / "A001.wav", 0.2)
    assert run("render", tmp_path / "clip", "-o", name, "--codec", codec, "-q") == (0, "", "")
    same(recovered_frames(tmp_path / name), pictures(tmp_path / "clip"), WORST[codec])
    with (tmp_path / "a.wav").open("w+b") as file:
        soundtrack.extract(tmp_path / name, file)
    assert samples_of(tmp_path / "a.wav")[: len(sound)] == sound
    with movie.Movie(tmp_path / name) as made:
        assert (made.rate, made.time_code) == (NTSC, "01:00:00:00")


@ffmpeg
@pytest.mark.parametrize("codec", ["mjpeg", "h264", "hevc"])
def test_a_copied_and_a_cut_clip_still_hold_it(codec: str, tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 20, 48, 64)
    expected = pictures(tmp_path / "clip")
    assert run("render", tmp_path / "clip", "-o", "a.mov", "--codec", codec, "-q")[0] == 0
    for suffix in ("mp4", "mov", "mkv", "ts")[: 4 - (codec == "mjpeg")]:  # a transport stream holds no JPEGs
        copied = converted(tmp_path / "a.mov", f"copy.{suffix}")
        same(recovered_frames(copied), expected, WORST[codec] - 9)
    cut = converted(tmp_path / "a.mov", "cut.mov", "-ss", "0.5")
    rest = recovered_frames(cut)
    assert 5 < len(rest) <= 20 and rest.keys() <= expected.keys()
    same(rest, {name: expected[name] for name in rest}, WORST[codec] - 9)


@ffmpeg
def test_an_encoded_clip_is_recognised(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 3)
    run("render", tmp_path / "clip", "-o", "a.mov", "-q")
    line = ["ffmpeg", "-v", "error", "-i", "a.mov", "-c:v", "libx264", "-crf", "16", "b.mp4"]
    subprocess.run(line, check=True, cwd=tmp_path)
    assert "encoded again by another program" in reader.contents(tmp_path / "b.mp4").promise
    for file, old in zip(recovered_frames(tmp_path / "b.mp4").values(), pictures(tmp_path / "clip").values(), strict=True):
        assert mosaic_db(file.mosaic, old.mosaic, old.recipe) > 25 and file.recipe.white == old.recipe.white


@ffmpeg
def test_a_movie_of_a_stranger_becomes_frames(tmp_path: Path, run: Run):
    source = ["-f", "lavfi", "-i", "testsrc2=size=96x64:rate=25:duration=0.12", "-f", "lavfi", "-i", "sine=duration=0.12"]
    line = [
        "ffmpeg",
        "-v",
        "error",
        *source,
        "-pix_fmt",
        "yuv420p",
        "-metadata",
        "make=Apple",
        "-metadata",
        "model=iPhone",
        "f.mov",
    ]
    subprocess.run(line, check=True, cwd=tmp_path)
    code, _, said = run("recover", "f.mov")
    assert code == 0 and "not rendered by rawback" in said
    frames = pictures(tmp_path / "f")
    assert list(frames) == [f"f_{n:06}" for n in range(3)] and (tmp_path / "f" / "f.wav").exists()
    assert frames["f_000000"].recipe.crop == (8.0, 8.0, 96.0, 64.0)
    assert cinema_dng.read((tmp_path / "f" / "f_000002.dng").read_bytes(), "").rate == 25


def test_one_exposure_for_a_clip_whose_light_changes(tmp_path: Path, run: Run):
    (bright,), (dark,) = clip_folder(tmp_path / "clip", 1), clip_folder(tmp_path / "dark", 1, black=(300.0,) * 4)
    dark.rename(bright.with_name("A001_C001_000101.dng"))
    assert run("render", tmp_path / "clip", "-o", "a.mov", "-q")[0] == 0
    with movie.Movie(tmp_path / "a.mov") as made:
        texts = [movie.frame_fields.of_packet(made.packet(frame.pts), "mjpeg") for frame in made.listing().frames]
    assert len({(t.get("Exposure"), t.get("Curve"), t.get("Shoulder")) for t in texts}) == 1
    assert [t["Black"] for t in texts] == ["256", "300"]


def test_a_run_that_was_cut_off_is_resumed(tmp_path: Path, run: Run):
    files = clip_folder(tmp_path / "clip", 8)
    whole = files[1].read_bytes()
    files[1].write_bytes(whole[: len(whole) // 2])
    code, _, said = run("render", tmp_path / "clip", "-o", "a.mov")
    assert code == 1 and "cut short" in said and not (tmp_path / "a.mov").exists()
    files[1].write_bytes(whole)
    code, _, said = run("render", tmp_path / "clip", "-o", "a.mov")
    assert code == 0 and "7 skipped" in said and "1 done" in said
    run("recover", "a.mov", "-o", "back", "-q")
    (tmp_path / "back" / files[1].name).unlink()
    code, _, said = run("recover", "a.mov", "-o", "back", "--skip-existing")
    assert code == 0 and "1 done" in said and "7 skipped" in said


def test_what_exists_is_not_replaced(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2)
    (tmp_path / "a.mov").write_bytes(b"mine")
    code, _, said = run("render", tmp_path / "clip", "-o", "a.mov")
    assert code == 1 and "exists already" in said and (tmp_path / "a.mov").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("clip", "-o", "a.mp4", "--codec", "ffv1"), ".mkv"),
        (("clip", "-o", "a.mov", "--codec", "av1"), "mjpeg, h264, hevc, ffv1"),
        (("clip", "-o", "a.mov", "--fps", "fast"), "23.976"),
        (("clip", "-o", "a.mov", "--codec", "h264", "--keep", "2bpp"), "--quality"),
        (("clip/A001_C001_000100.dng", "-o", "a.mov"), "folder"),
        (("clip/A001_C001_000100.dng", "-o", "a.jpg", "--codec", "h264"), "a movie"),
    ],
)
def test_what_cannot_be_is_said(arguments: tuple, said: str, tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 1)
    code, _, error = run("render", *arguments)
    assert code == 2 and said in error and not list(tmp_path.glob("a.*"))


def test_frames_must_be_alike(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 1)
    clip_folder(tmp_path / "other", 2, 64, 128)[1].rename(tmp_path / "clip" / "b.dng")
    code, _, error = run("render", tmp_path / "clip", "-o", "a.mov")
    assert code == 1 and "b.dng is 128 x 64" in error


def test_lossless_frames_and_a_searched_table(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2)
    assert run("render", tmp_path / "clip", "-o", "a.mov", "--keep", "lossless", "--quality", "75", "-q")[0] == 0
    for file, old in zip(recovered_frames(tmp_path / "a.mov").values(), pictures(tmp_path / "clip").values(), strict=True):
        assert np.array_equal(file.mosaic, old.mosaic)
    assert run("render", tmp_path / "clip", "-o", "b.mov", "--keep", "45dB", "-q")[0] == 0
    for file, old in zip(recovered_frames(tmp_path / "b.mov").values(), pictures(tmp_path / "clip").values(), strict=True):
        assert 44 < mosaic_db(file.mosaic, old.mosaic, old.recipe) < 46.5


def test_frames_without_a_rate_take_the_one_that_is_said(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2, rate=None)
    assert "see --fps" in run("render", tmp_path / "clip", "-o", "a.mov")[2]
    assert run("render", tmp_path / "clip", "-o", "b.mov", "--fps", "29.97", "-q")[0] == 0
    assert run("recover", "b.mov", "-q")[0] == 0
    told = [cinema_dng.read(path.read_bytes(), "") for path in sorted((tmp_path / "b").glob("*.dng"))]
    assert {t.rate for t in told} == {Fraction(30000, 1001)} and [t.time_code[0] for t in told] == [0, 1]


def test_the_time_of_a_broadcast_wav_is_that_of_frames_without_their_own(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2, rate=None)
    wav = tmp_path / "clip" / "a.wav"
    tone(wav, 0.1)
    data, samples = wav.read_bytes(), 48000 * (3600 + 2) + 24000
    said = bytes(338) + samples.to_bytes(8, "little") + (1).to_bytes(2, "little") + bytes(254)
    wav.write_bytes(data[:12] + b"bext" + len(said).to_bytes(4, "little") + said + data[12:])
    assert run("render", tmp_path / "clip", "-o", "a.mov", "--fps", "24", "-q")[0] == 0
    with movie.Movie(tmp_path / "a.mov") as made:
        assert made.time_code == "01:00:02:12"


def test_without_pyav_one_line_says_what_to_do(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch):
    clip_folder(tmp_path / "clip", 1)
    real = builtins.__import__

    def without(name: str, *rest):
        if name.split(".")[0] == "av":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    code, _, error = run("render", tmp_path / "clip", "-o", "a.mov", "-q")
    assert code == 1 and "python -m pip install av" in error and error.count("\n") == 1


def test_damaged_and_hostile_movies_are_refused(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2)
    run("render", tmp_path / "clip", "-o", "a.mov", "-q")
    whole = (tmp_path / "a.mov").read_bytes()
    for name, data in (("cut", whole[: len(whole) // 3]), ("head", whole[:40]), ("none", b"\0\0\0\x14ftypqt  " + bytes(200))):
        (tmp_path / f"{name}.mov").write_bytes(data)
        code, _, error = run("recover", f"{name}.mov", "-q")
        assert code == 1 and error.count("\n") == 1 and not list(tmp_path.glob(f"{name}/*"))


def test_info_tells_what_a_movie_is(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 2)
    run("render", tmp_path / "clip", "-o", "a.mov", "--codec", "h264", "-q")
    code, said, _ = run("info", "a.mov", "--json")
    facts = json.loads(said)
    assert code == 0 and (facts["kind"], facts["codec"], facts["frames"], facts["rate"]) == ("movie", "h264", 2, "24000/1001")
    assert facts["rendered_by_rawback"] and facts["recipe"]["White"] == "4095"


def test_a_pipe_takes_the_frames_as_a_tar(tmp_path: Path, command):
    clip_folder(tmp_path / "clip", 2)
    tone(tmp_path / "clip" / "a.wav", 0.1)
    assert command("render", "clip", "-o", "a.mov", "-q").returncode == 0
    with tarfile.open(fileobj=io.BytesIO(command("recover", "a.mov", "-o", "-", "-q").stdout)) as tar:
        names = tar.getnames()
        first = raw.read(tar.extractfile(names[0]).read(), names[0])
    assert names == ["A001_C001_000100.dng", "A001_C001_000101.dng", "a.wav"]
    old = pictures(tmp_path / "clip")["A001_C001_000100"]
    assert mosaic_db(first.mosaic, old.mosaic, old.recipe) > WORST["mjpeg"]
