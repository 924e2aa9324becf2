"""`render --layered`: a coarse picture for viewers, and beside it a layer by which the RAW is fine."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import CFAS, Run, mosaic_db, raw_file, recovered
from small import jpeg_bytes, mutants

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError, RecipeError, UsageError
from rawback.files import jpeg, jumbf, jxl
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.isp import dependent, inverse_pass
from rawback.isp.quantisation_tables import layered_coding
from rawback.lossless.refinement import encoder, layer, restore, strip_coder, trellis
from rawback.lossless.refinement.contexts import CELLS, Scan, all_cells, around, foretold
from rawback.lossless.refinement.picture import Layered, fine_steps, scanned, strips
from rawback.lossless.refinement.strip_coder import Split
from rawback.lossless.refinement.tables import ALL_CELLS, CellTables
from rawback.provenance import State
from rawback.recipe_text import from_fields, to_fields

VARIANTS = ["", "plain"]
LAYERED = RenderOptions(quality=90, layered=True, look="libraw", exposure=0.0, thumbnail=False)


def levels_of(seed: int, rows: int = 6, columns: int = 9, reach: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fine levels (64, rows, columns), coarse ones and what these let expect, at steps of 4 and 16; some far off."""
    random = np.random.default_rng(seed)
    scale = reach / (1 + np.arange(64) / 4)[:, None, None] * random.uniform(0.2, 2, (rows, columns))
    levels = np.rint(random.laplace(0, scale, (64, rows, columns))).astype(np.int16)
    levels[0] = random.integers(-400, 400, (rows, columns))
    levels[random.integers(0, 64, 5), 0, 0] = random.integers(-32768, 32768, 5)
    coarse = np.rint(np.clip(levels, -1000, 1000) / 4 + random.normal(0, 0.1, levels.shape)).astype(np.int16)
    return levels, coarse, foretold(coarse, np.full(64, 16), fine_steps(4 * 64, 4 * 64))


@pytest.fixture(scope="module")
def part() -> RawFile:
    return raw_file(128, 160)


@pytest.fixture(scope="module")
def data(part: RawFile) -> bytes:
    return rawback.render(part, LAYERED).data


def fine_db(part: RawFile, data: bytes) -> float:
    """How nearly the mosaic comes back."""
    return mosaic_db(recovered(data).mosaic, part.mosaic, part.recipe)


@pytest.mark.parametrize("size", [(6, 9), (1, 1), (2, 1), (1, 5)])
def test_levels_come_back(size: tuple[int, int]):
    levels, coarse, near = levels_of(1, *size)
    split = Split.of(levels, coarse, near)
    by = CellTables.of(split.counts())
    assert np.array_equal(strip_coder.decode(split.coded(by), coarse, near, CellTables.from_bytes(by.to_bytes())), levels)


def test_levels_are_decoded_alike_without_the_core(core):
    levels, coarse, near = levels_of(2, 12, 20)
    split = Split.of(levels, coarse, near)
    by = CellTables.of(split.counts())
    core("off")
    coded = split.coded(by)
    assert np.array_equal(strip_coder.decode(coded, coarse, near, by), levels)
    core("")
    assert split.coded(by) == coded and np.array_equal(strip_coder.decode(coded, coarse, near, by), levels)


def test_contexts_know_nothing_of_what_comes_later():
    levels, coarse, _ = levels_of(3)
    cells = all_cells(levels, coarse)
    other = levels.copy()
    other[20, 1::2, ::2] += 3  # odd blocks at a place
    other[21:] = 0
    assert np.array_equal(all_cells(other, coarse)[:20], cells[:20])
    even = np.add.outer(np.arange(6), np.arange(9)) % 2 == 0
    assert np.array_equal(all_cells(other, coarse)[20][even], cells[20][even])
    other[20, 0, 1] = 90
    other[20, 0, 0] += 40  # even, and so seen by its odd neighbours at the same place
    assert (all_cells(other, coarse)[20] != cells[20]).any()


def test_neighbours_outside_are_the_nearest_inside():
    plane = np.arange(6, dtype=np.int32).reshape(2, 3)
    padded = np.pad(plane, 1, mode="edge")
    assert np.array_equal(around(plane), padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:])


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_encoder_chooses_as_numpy_does(core, variant: str):
    random, count = np.random.default_rng(4), 90
    steps = random.laplace(0, 1.5, (64, count)).astype(np.float32)
    steps[5, :4] = 2000, -2000, 1023.4, 0
    near = np.where(random.random((64, count)) < 0.8, 0, random.integers(-9, 10, (64, count))).astype(np.int16)
    cells = (2 * random.integers(0, CELLS // 2, (64, count))).astype(np.uint8)
    prices = random.uniform(0, 3, (ALL_CELLS, 256)).astype(np.float32)
    weights, shifts = random.uniform(0.3, 3, count).astype(np.float32), np.linspace(-0.1, 0.1, 6)
    core("off")
    expected = trellis.optimise(steps, near, cells, prices, weights, shifts)
    core(variant)
    assert np.array_equal(trellis.optimise(steps, near, cells, prices, weights, shifts), expected)


def test_the_encoder_finds_the_best_levels():
    random = np.random.default_rng(5)
    steps, near, cells = np.zeros((64, 1), np.float32), np.zeros((64, 1), np.int16), np.zeros((64, 1), np.uint8)
    steps[1:4, 0] = random.uniform(-2, 2, 3)
    prices = np.tile(0.08 * np.log2(2 + np.arange(256)), (ALL_CELLS, 1)).astype(np.float32)
    shifts = np.zeros(6)
    chosen = trellis.optimise(steps, near, cells, prices, np.ones(1, np.float32), shifts)

    def cost(levels: tuple[int, ...]) -> float:
        state, total = 0, 0.0
        for level, step in zip(levels, steps[1:4, 0], strict=True):
            value = np.sign(level) * (abs(level) + dependent.OFFSETS[state & 1])
            total += (step - value) ** 2 + prices[state & 1, abs(level)]
            state = dependent.NEXT[state, level & 1]
        return total + 60 * prices[0, 0]

    best = min(itertools.product(range(-4, 5), repeat=3), key=cost)
    assert cost(tuple(chosen[1:4, 0].tolist())) == pytest.approx(cost(best), abs=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("cfa", "step", "tone"), [("RGGB", 2, ()), ("X-Trans", 5.3, (0.0, 0.4, 1.0))])
def test_pictures_and_mosaics_are_those_of_numpy(core, variant: str, cfa: str, step: float, tone: tuple):
    file = raw_file(40, 54, CFAS[cfa])
    recipe, how = replace(file.recipe, arithmetic=2, tone=tone), layered_coding(step, (2, 2))
    core("off")
    expected = encoder.encode(file.mosaic, recipe, how)
    decoded = inverse_pass.decode(expected, recipe)
    core(variant)
    picture = encoder.encode(file.mosaic, recipe, how)
    assert isinstance(picture, Layered) and isinstance(expected, Layered)
    assert picture.boxes == expected.boxes and np.array_equal(picture.planes[0], expected.planes[0])
    assert np.array_equal(inverse_pass.decode(expected, recipe), decoded)


def test_the_raw_is_fine_and_the_picture_coarse(part: RawFile, data: bytes):
    back = recovered(data)
    ordinary = rawback.render(part, replace(LAYERED, layered=False, effort="best"))
    assert back.state is State.UNTOUCHED and back.recipe.layered and "within" in back.notes[-1]
    assert fine_db(part, data) > fine_db(part, ordinary.data) + 0.5
    assert len(data) < 1.1 * len(ordinary.data)  # tables are dear in a picture as small as this
    picture = jpeg.read(data, "a.jpg").coefficients
    assert picture is not None and picture.tables[0][1] == 16
    assert len(jpeg.coded_picture(picture)) < len(data) / 2


def test_older_rawback_refuses_it_by_name(data: bytes):
    recipe = recovered(data).recipe
    texts = to_fields(recipe)
    assert texts["Version"] == "3" and texts["Layered"] == "True" and from_fields(texts) == recipe
    with pytest.raises(RecipeError, match=r"version '4'.*update"):
        from_fields(texts | {"Version": "4"})
    assert to_fields(replace(recipe, layered=False))["Version"] == "1"


def test_what_another_program_saves_falls_back_to_the_picture(part: RawFile, data: bytes):
    again = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(again, "JPEG", quality=95, exif=image.info["exif"], xmp=image.info["xmp"])
    back = recovered(again.getvalue())
    assert back.state is State.RECOMPRESSED and restore.OUTDATED in back.notes[-1]
    assert 30 < fine_db(part, again.getvalue()) < fine_db(part, data) - 3


@pytest.mark.parametrize("label", [b"rawback.refinement\0", b"rawback.refinement.strip\0"])
def test_a_damaged_layer_leaves_the_picture_and_says_so(part: RawFile, data: bytes, label: bytes, tmp_path: Path, run: Run):
    at = data.index(label) + len(label) + 60
    damaged = data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :]
    back = recovered(damaged)
    assert "within" not in back.notes[-2] and "refinement layer is" in back.notes[-1] and "coarse picture" in back.notes[-1]
    assert 25 < fine_db(part, damaged) < fine_db(part, data) - 3
    (tmp_path / "a.jpg").write_bytes(damaged)
    code, out, _ = run("info", str(tmp_path / "a.jpg"))
    assert code == 0 and ("damaged" in out or "lost" in out)


def test_a_damaged_strip_is_as_coarse_as_the_picture(part: RawFile, data: bytes):
    """Its levels are those which the coarse ones foretell: the RAW is nearly that of the picture."""
    photo = jpeg.read(data, "a.jpg")
    stored = layer.read(jumbf.find(JpegFile(data)))
    assert stored is not None and photo.coefficients is not None and photo.recipe is not None
    stored.strips.clear()
    picture = replace(photo.coefficients, centroids=())
    fine, damaged = layer.applied(stored, picture, photo.recipe.picture_sha256)
    assert damaged == [(0, 128)]
    coarse = inverse_pass.decode(picture, photo.recipe)
    assert mosaic_db(inverse_pass.decode(fine, photo.recipe), coarse, part.recipe) > 40


def test_a_layer_of_another_picture_is_refused(data: bytes):
    photo, stored = jpeg.read(data, "a.jpg"), layer.read(jumbf.find(JpegFile(data)))
    assert stored is not None and photo.coefficients is not None
    with pytest.raises(RawbackError, match="another picture"):
        layer.applied(stored, photo.coefficients, "0" * 64)
    with pytest.raises(RawbackError, match="coarser"):
        layer.applied(replace(stored, steps=fine_steps(99 * 64, 64)), photo.coefficients, stored.picture_sha256)
    boxes = layer.to_boxes(stored)
    later = layer.with_crc(b"\2\0" + boxes[0].content[6:])
    with pytest.raises(RawbackError, match="later version"):
        layer.read([replace(boxes[0], content=later)])


def test_mutants_of_strips_and_tables_are_refused():
    levels, coarse, near = levels_of(6, 8, 8)
    split = Split.of(levels, coarse, near)
    by = CellTables.of(split.counts())
    coded, tables = split.coded(by), by.to_bytes()
    for mutant in (*mutants(coded, (0, len(coded)), 2, 60, seed=1), coded[:-40], coded[:10], b""):
        if mutant != coded:
            with pytest.raises(RawbackError):
                strip_coder.decode(mutant, coarse, near, by)
    for mutant in (*mutants(tables, (0, len(tables)), 1, 60, seed=2), tables[:20], b""):
        try:
            of_mutant = CellTables.from_bytes(mutant)
            assert np.array_equal(strip_coder.decode(coded, coarse, near, of_mutant), levels)  # nothing that mattered
        except RawbackError:
            pass


def test_rotated_files_come_back(part: RawFile, data: bytes):
    from rawback import provenance

    photo = jpeg.read(data, "a.jpg")
    assert photo.coefficients is not None and photo.recipe is not None
    turned = provenance.TURNS[5].blocks(photo.coefficients)
    state, picture = provenance.examine(turned, photo.recipe)
    fine = restore.restore(jumbf.find(JpegFile(data)), state, picture, photo.recipe)
    assert state is State.ROTATED and not fine.notes
    assert np.array_equal(inverse_pass.decode(fine.picture, photo.recipe), recovered(data).mosaic)


def test_jpeg_xl_carries_it(data: bytes):
    assert np.array_equal(rawback.recover(jxl.transcoded(data, "a")).mosaic, recovered(data).mosaic)


@pytest.mark.parametrize(("keep", "holds"), [
    ("6bpp", lambda size, db: size <= 6 * 128 * 160 / 8), ("46dB", lambda size, db: db >= 46),
])  # fmt: skip
def test_rate_control_reaches_its_goal(part: RawFile, keep: str, holds):
    rendered = rawback.render(part, replace(LAYERED, quality=87, keep=keep))
    assert rendered.recipe.layered
    assert holds(len(rendered.data), mosaic_db(recovered(rendered.data).mosaic, part.mosaic, part.recipe))


def test_where_the_picture_is_coarse_itself_there_is_no_layer(part: RawFile):
    rendered = rawback.render(part, replace(LAYERED, quality=50))
    assert not rendered.recipe.layered and "no refinement layer" in rendered.notes[-1]


@pytest.mark.parametrize(("cause", "options"), [
    ("keep lossless", {"keep": "lossless"}), ("keep original", {"keep": "original"}), ("--no-refine", {"refine": False}),
    ("--tables", {"tables": "standard"}), ("--effort", {"effort": "fast"}), ("--compatible", {"compatible": True}),
])  # fmt: skip
def test_options_without_sense_are_refused(cause: str, options: dict):
    with pytest.raises(UsageError, match=cause):
        RenderOptions(layered=True, **options)


def test_information_names_the_layer(data: bytes, tmp_path: Path, run: Run):
    (tmp_path / "a.jpg").write_bytes(data)
    code, out, _ = run("info", str(tmp_path / "a.jpg"))
    assert code == 0 and "a refinement layer of" in out and "luma steps of 16" in out


def test_strips_cover_all_blocks():
    for rows, columns in ((1, 1), (300, 500), (375, 504), (7, 70000)):
        places = strips(rows, columns)
        assert [start for start, _ in places[1:]] == [stop for _, stop in places[:-1]]
        assert places[0][0] == 0 and places[-1][1] == rows and all((stop - start) % 2 == 0 for start, stop in places[:-1])


def test_a_scan_goes_by_the_coarse_picture():
    coarse = np.zeros((64, 2, 2), np.int16)
    coarse[1, 0, 0] = 5
    scan = Scan(coarse)
    scan.look(1)
    cells = scan.cells(1, 0)
    assert cells[0] >= 80 > cells[1]
    assert scanned(np.zeros((2, 3, 64), np.int16)).shape == (64, 2, 3)


def test_small_files_are_kept(tmp_path: Path):
    assert recovered(jpeg_bytes(3, layered=True)).recipe.layered
