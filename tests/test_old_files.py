"""What release 0.1.0 wrote is recovered as it was recovered then, for ever; data/v0.1/make_fixtures.py says how it was made."""

import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
import rawpy
from movies import need_av
from scenes import BAYER, X_TRANS, Run

import rawback
from rawback.cameras import looks
from rawback.provenance import State

FOLDER = Path(__file__).parent / "data" / "v0.1"
FACTS = {name: (fact["of"], fact["sha256"]) for name, fact in json.loads((FOLDER / "recovered.json").read_text()).items()}
"""JPEG or FRAME OF A CLIP -> the RAW that it was made of, and the sha256 of the mosaic that 0.1.0 recovered."""
JPEGS = [name for name in FACTS if "/" not in name]
LOSSLESS = ("lossless", "xtrans_lossless")
DN = 1
"""What the processor's order of additions may change where floats are rounded to DN."""


def visible(data: bytes) -> np.ndarray:
    """The visible mosaic of a RAW file, by LibRaw alone."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        return np.array(raw.raw_image_visible)


def expected(name: str) -> np.ndarray:
    """The mosaic (H, W) that 0.1.0 recovered from a fixture, as its hash confirms."""
    source, sha256 = FACTS[name]
    with np.load(FOLDER / "errors.npz") as errors:
        mosaic = (visible((FOLDER / source).read_bytes()) + errors[name]).astype("<u2")
    assert hashlib.sha256(mosaic.tobytes()).hexdigest() == sha256
    return mosaic


def assert_as_then(mosaic: np.ndarray, name: str) -> None:
    """Within 1 DN, and nearly everywhere not even that."""
    off = np.abs(mosaic.astype(int) - expected(name))
    assert off.max() <= DN
    assert np.count_nonzero(off) <= 0.01 * off.size


@pytest.mark.parametrize("name", JPEGS)
def test_jpegs(name: str):
    recovered = rawback.recover(FOLDER / f"{name}.jpg")
    assert recovered.state is (State.RECOMPRESSED if name == "saved_again" else State.UNTOUCHED)
    assert recovered.exact == (name in LOSSLESS)
    assert_as_then(recovered.mosaic, name)
    assert_as_then(visible(b"".join(recovered.dng())), name)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_jpegs_hold_every_photosite(name: str):
    source = (FOLDER / FACTS[name][0]).read_bytes()
    recovered = b"".join(rawback.recover(FOLDER / f"{name}.jpg").dng())
    with rawpy.imread(io.BytesIO(recovered)) as new, rawpy.imread(io.BytesIO(source)) as old:
        assert np.array_equal(new.raw_image, old.raw_image)
        assert new.raw_image.shape == ((104, 138) if name == "lossless" else (66, 96))


def test_recipes_say_what_they_said():
    recipe = rawback.recover(FOLDER / "default.jpg").recipe
    assert (recipe.width, recipe.height, recipe.cfa) == (130, 98, BAYER["RGGB"])
    assert (recipe.black, recipe.white, recipe.orientation) == ((256, 250, 260, 248), 4095, 6)
    assert recipe.margins == (4, 6, 138, 104)
    assert np.allclose(recipe.neutral, (0.49, 1, 0.63), rtol=1e-6)
    assert np.allclose(recipe.matrix, ((1.66, -0.54, -0.12), (-0.2, 1.54, -0.34), (0.03, -0.45, 1.42)), rtol=1e-6)
    assert recipe.camera == "rawback Sample 1"
    xtrans = rawback.recover(FOLDER / "xtrans.jpg").recipe
    assert (xtrans.cfa, xtrans.black, xtrans.camera) == (X_TRANS, (256,) * 36, "Maker X")


def test_exif_and_place_are_there():
    exif = rawback.recover(FOLDER / "default.jpg").photo.exif
    assert exif.ifd0[271].data == b"rawback\0" and exif.ifd0[272].data == b"Sample 1\0"
    assert exif.exif[42036].data == b"Drawn 50mm F2\0"
    assert exif.gps[1].data == b"N\0" and np.frombuffer(exif.gps[4].data, "<u4").tolist() == [13, 1, 24, 1, 30, 1]


def test_cards_are_read():
    look = looks.load(str(FOLDER / "look.json"))
    assert (look.make, look.model, look.size) == ("rawback", "Sample 1", (1800, 1200))
    assert look.exposure == 1.057 and look.vignette == (0.3009, 0.0054, -0.0073, 0, 0)
    assert len(look.tone) == 33 and look.tone[0] == 0.000819 and look.tone[-1] == 1
    assert rawback.recover(FOLDER / "look.jpg").recipe.look == "look"


@pytest.mark.parametrize("clip", ["clip.mov", "clip.mp4", "clip.mkv"])
def test_clips(clip: str, run: Run, tmp_path: Path):
    need_av()
    assert run("recover", FOLDER / clip, "-o", tmp_path / "back", "--jobs", 1)[0] == 0
    frames = sorted((tmp_path / "back").glob("*.dng"))
    assert [f"{clip}/{frame.stem}" for frame in frames] == [name for name in FACTS if name.startswith(clip)]
    for frame in frames:
        assert_as_then(visible(frame.read_bytes()), f"{clip}/{frame.stem}")
