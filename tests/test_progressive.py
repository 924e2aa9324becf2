"""Progressive scans: the same coefficients in fewer bytes, where that is so and asked for."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scenes import Run, photograph, raw_file, recipe_of

import rawback
from rawback import RenderOptions
from rawback.errors import UsageError
from rawback.files import jpeg, progressive, progressive_events
from rawback.files.jpeg_file import SOF0, SOF2, JpegFile
from rawback.files.raw import RawFile
from rawback.picture import Coefficients
from rawback.provenance import State

PLAIN = RenderOptions(quality=80, look="libraw", exposure=0.0, thumbnail=False)
TABLES = [np.full(64, 7, np.uint16), np.full(64, 9, np.uint16), np.full(64, 9, np.uint16)]


@pytest.fixture(scope="module")
def part() -> RawFile:
    """Sky above a busy ground: many blocks have nothing but a mean."""
    recipe = recipe_of(150, 202)
    y, x = np.mgrid[:150, :202] / 64
    light = 0.3 + x[..., None] * np.array([0.006, 0.01, 0.016]) + 0.2 * np.sin(40 * x * y)[..., None] * (y[..., None] > 2)
    return RawFile(photograph(light, recipe, noise=1.0), recipe, None)


def levels(shape: tuple[int, int], scale: float, seed: int) -> np.ndarray:
    """Levels as pictures have them: fewer and smaller at high frequencies, some blocks empty, some full."""
    random = np.random.default_rng(seed)
    spread = scale / (1 + np.arange(64) % 8 + np.arange(64) // 8)
    blocks = np.rint(random.laplace(0, 1, (*shape, 64)) * spread * random.choice([0, 0.3, 1, 8], shape)[..., None])
    return np.clip(blocks, -1023, 1023).astype(np.int16)


def read(data: bytes) -> list[np.ndarray]:
    photo = jpeg.read(data, "a.jpg")
    assert photo.notes == [] and photo.coefficients is not None
    return photo.coefficients.planes


@pytest.mark.parametrize("way", progressive.WAYS, ids=lambda way: f"{len(way)} scans from bit {way[0].shift}")
@pytest.mark.parametrize(("size", "factors"), [((131, 90), (2, 2)), ((65, 24), (1, 2)), ((40, 40), (1, 1))])
def test_every_way_holds_the_same_levels(monkeypatch: pytest.MonkeyPatch, way, size, factors):
    monkeypatch.setattr(progressive, "WAYS", (way,))
    monkeypatch.setattr(progressive, "CHUNK", 37)
    width, height = size
    v, h = factors
    shapes = [(-(-height // 8), -(-width // 8)), *[(-(-height // (8 * v)), -(-width // (8 * h)))] * 2]
    for scale in (0.2, 2, 40, 800):
        planes = [levels(shape, scale, seed) for seed, shape in enumerate(shapes)]
        data = progressive.write(planes, TABLES, size, factors)
        assert JpegFile(data).frame.marker == SOF2
        assert all(map(np.array_equal, read(data), planes))


def test_runs_of_empty_blocks_are_cut_where_they_must_be(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(progressive, "CHUNK", 1 << 20)
    plane = np.zeros((9, 8000, 64), np.int16)
    plane[0, 0, 5] = plane[8, 7990, 63] = 3
    data = progressive.write([plane], TABLES[:1], (64000, 72), (1, 1))
    assert len(data) < 10_000 and np.array_equal(read(data)[0], plane)
    ends = progressive_events.first(plane.reshape(-1, 64)[:, 1:], 0)
    assert np.count_nonzero(ends.symbols == 0xE0) == 2 and ends.width.max() == 14  # two of 32767 blocks, and the rest


@pytest.mark.parametrize("effort", ["normal", "best"])
def test_the_raw_is_that_of_the_baseline_file(part: RawFile, effort: str):
    options = replace(PLAIN, effort=effort)
    plain, scans = (rawback.render(part, replace(options, progressive=p)) for p in (False, True))
    assert [JpegFile(r.data).frame.marker for r in (plain, scans)] == [SOF0, SOF2]
    assert len(scans.data) < len(plain.data) and scans.recipe.picture_sha256 == plain.recipe.picture_sha256
    ours, theirs = rawback.recover(scans.data), rawback.recover(plain.data)
    assert ours.state is State.UNTOUCHED and np.array_equal(ours.mosaic, theirs.mosaic)
    shown = [np.asarray(Image.open(io.BytesIO(r.data)).convert("YCbCr")) for r in (plain, scans)]
    assert np.array_equal(*shown)
    previews = [np.asarray(Image.open(io.BytesIO(bytes(r._preview().data))).convert("YCbCr")) for r in (ours, theirs)]
    assert np.array_equal(*previews)


def test_the_smaller_is_written_and_it_is_said_which():
    noisy = raw_file(64, 96)
    noisy = replace(noisy, mosaic=np.random.default_rng(2).integers(300, 4000, (64, 96)).astype(np.uint16))
    made = rawback.render(noisy, replace(PLAIN, quality=96, progressive=True))
    assert JpegFile(made.data).frame.marker == SOF0
    assert "baseline: progressive scans would not make it smaller" in made.notes


def test_a_size_holds_more_of_the_raw(part: RawFile):
    made = [rawback.render(part, replace(PLAIN, keep="5.6kB", progressive=p)) for p in (False, True)]
    assert all(5_100 < len(r.data) <= 5_600 for r in made)
    errors = [np.abs(rawback.recover(r.data).mosaic.astype(float) - part.mosaic).mean() for r in made]
    assert errors[1] < errors[0]


def test_a_monochrome_picture_has_scans(part: RawFile):
    recipe = replace(
        part.recipe, monochrome=True, neutral=(1.0, 1.0, 1.0), matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
    made = rawback.render(replace(part, recipe=recipe), replace(PLAIN, progressive=True))
    assert JpegFile(made.data).frame.marker == SOF2 and rawback.recover(made.data).state is State.UNTOUCHED


@pytest.mark.parametrize(("output", "more"), [("a.jxl", []), ("a.png", []), (".", ["--jxl"])])
def test_where_they_mean_nothing_they_are_refused(run: Run, tmp_path, monkeypatch, output: str, more: list[str]):
    monkeypatch.chdir(tmp_path)
    code, _, message = run("render", "--progressive", "sample.dng", "-o", output, *more)
    assert code == 2 and "--progressive" in message
    assert len(message.strip().splitlines()) == 1


def test_a_picture_without_a_raw_has_none(part: RawFile):
    with pytest.raises(UsageError, match="--progressive"):
        rawback.render(part, RenderOptions(progressive=True), kind=".png")


def test_coefficients_alone():
    planes = [levels((4, 6), 3, 1), levels((2, 3), 2, 2), levels((2, 3), 2, 3)]
    picture = Coefficients(48, 32, planes, TABLES, (2, 2))
    both = [jpeg.coded_picture(picture, in_scans) for in_scans in (False, True)]
    assert len(both[1]) <= len(both[0]) and all(map(np.array_equal, read(both[1]), planes))
