"""`recover --denoise temporal`: nearer to the scene, telling what noise is left, whoever recovers which frame when."""

from pathlib import Path

import numpy as np
import pytest
from movies import clip_folder, frame_metadata, need_av, pictures, recovered_frames
from scenes import X_TRANS, Run, mosaic_db

from rawback.files.video import cinema_dng

need_av()


def grained(folder: Path, count: int) -> np.ndarray:
    """A still scene, each frame with noise of its own; returns its clean mosaic."""
    files = clip_folder(folder, count)
    clean = pictures(folder)[files[0].stem]
    for number, file in enumerate(files):
        noise = np.random.default_rng(number).normal(0, 60, clean.mosaic.shape)
        noisy = np.clip(np.rint(clean.mosaic + noise), 0, 4095).astype(np.uint16)
        file.write_bytes(b"".join(cinema_dng.encode(noisy, clean.recipe, None, frame_metadata(number))))
    return clean.mosaic


@pytest.mark.parametrize("codec", ["mjpeg", "h264"])
def test_denoised_frames_are_nearer_to_the_scene_and_tell_what_is_left(codec: str, tmp_path: Path, run: Run):
    scene = grained(tmp_path / "clip", 4)
    assert run("render", tmp_path / "clip", "-o", "a.mkv", "--codec", codec, "--quality", "95", "-q")[0] == 0
    code, _, said = run("recover", "a.mkv", "-o", "less", "--denoise", "temporal", "-j", "2")
    assert code == 0 and "averaged with up to 2 on each side" in said
    before, after = recovered_frames(tmp_path / "a.mkv"), pictures(tmp_path / "less")
    assert before.keys() == after.keys()
    for plain, less in zip(before.values(), after.values(), strict=True):
        gain = mosaic_db(less.mosaic, scene, less.recipe) - mosaic_db(plain.mosaic, scene, plain.recipe)
        assert gain > 2.5 and 0.24 < sum(less.recipe.noise) / sum(plain.recipe.noise) < 0.6


def test_a_frame_comes_out_the_same_whoever_recovers_it_when(tmp_path: Path, run: Run):
    grained(tmp_path / "clip", 4)
    assert run("render", tmp_path / "clip", "-o", "a.mkv", "-q")[0] == 0
    line = ("recover", "a.mkv", "-o", "back", "--denoise", "temporal", "-q", "-j", "1")
    assert run(*line)[0] == 0
    whole = {file: file.read_bytes() for file in (tmp_path / "back").glob("*.dng")}
    for file in sorted(whole)[1:3]:
        file.unlink()
    assert run(*line, "--skip-existing")[0] == 0
    assert {file: file.read_bytes() for file in (tmp_path / "back").glob("*.dng")} == whole


def test_denoising_is_for_clips_of_bayer_mosaics(tmp_path: Path, run: Run):
    clip_folder(tmp_path / "clip", 1)
    (tmp_path / "jpegs").mkdir()
    assert run("render", tmp_path / "clip" / "A001_C001_000100.dng", "-o", "jpegs/a.jpg", "-q")[0] == 0
    for source in ("jpegs/a.jpg", "jpegs"):
        code, _, error = run("recover", source, "--denoise", "temporal")
        assert code == 2 and "--denoise is for clips" in error and error.count("\n") == 1
    assert run("render", tmp_path / "clip", "-o", "a.mov", "-q")[0] == 0
    code, _, error = run("recover", "a.mov", "--denoise", "spatial")
    assert code == 2 and "expected temporal" in error
    clip_folder(tmp_path / "xtrans", 1, cfa=X_TRANS, black=(256.0,) * 36)
    assert run("render", tmp_path / "xtrans", "-o", "x.mov", "-q")[0] == 0
    code, _, error = run("recover", "x.mov", "--denoise", "temporal")
    assert code == 2 and "Bayer" in error and not (tmp_path / "x").exists()
