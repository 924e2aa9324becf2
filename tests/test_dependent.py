"""Dependent quantisation: two quantisers of luma that take turns by the parity of levels, in an ordinary JPEG."""

from __future__ import annotations

import hashlib
import io
import itertools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import CFAS, coded_alike, mosaic_db, raw_file, recovered

import rawback
from rawback import RenderOptions
from rawback.errors import RecipeError
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.isp import dependent, dependent_trellis, fixed_dct, inverse_pass, trellis
from rawback.isp.dct import to_coefficients
from rawback.isp.levels import LIMIT, ZIGZAG
from rawback.isp.quantisation_tables import coding, dependent_coding
from rawback.isp.quantisation_tables import dependent as with_two_quantisers
from rawback.isp.statistics import Statistics
from rawback.picture import Coefficients
from rawback.provenance import State
from rawback.recipe_text import from_fields, to_fields

FIXTURE = Path(__file__).parent / "data" / "format" / "dependent.jpg"
BEST = RenderOptions(quality=90, effort="best", look="libraw", exposure=0.0, thumbnail=False)
CENTROIDS = (0.05, -0.02, 0.1, 0.15, 0.2, -0.05)
VARIANTS = ["", "plain", "off"]


def by_the_page(scanned: list[int], centroids: tuple[float, ...]) -> list[float]:
    """docs/FORMAT.md: AC levels along the scan -> what they stand for, in steps."""
    state, values = 0, []
    for level in scanned:
        n, odd_state = abs(level), state % 2
        value = n + 0.25 - odd_state / 2 + centroids[3 * odd_state + min(n, 3) - 1] if n else 0
        values.append(value if level > 0 else -value)
        state = 2 * state % 8 + (level + bin(state).count("1")) % 2
    return values


def noise_levels(count: int, scale: float) -> np.ndarray:
    return np.rint(np.random.default_rng(5).laplace(0, scale, (count, 64))).astype(np.int16)


@pytest.mark.parametrize("variant", VARIANTS)
def test_levels_stand_for_what_the_page_says(core, variant: str):
    levels = noise_levels(30, 2)
    expected = np.zeros(levels.shape)
    expected[:, 0] = levels[:, 0]
    for block, values in zip(levels, expected, strict=True):
        values[ZIGZAG[1:]] = by_the_page(block[ZIGZAG[1:]].tolist(), CENTROIDS)
    table = np.arange(1, 65)
    core(variant)
    answers = dependent.answers(CENTROIDS)
    assert np.allclose(dependent.values(levels, answers), expected, atol=1e-6)
    samples = fixed_dct.inverse(levels[None], fixed_dct.from_steps(table), answers)  # (8, 240)
    assert np.allclose(to_coefficients(samples)[0], expected * table, atol=2e-3)


def test_a_tampered_level_is_taken_for_the_largest():
    levels = np.full((1, 64), 32767, np.int16)
    values = dependent.values(levels, dependent.answers(()))
    assert values[0, 0] == 32767 and values[0, 1:].max() == LIMIT + 0.25 and values[0, 1:].min() == LIMIT - 0.25


def cost(scanned: np.ndarray, levels: tuple[int, ...], places: list[int], bits: trellis.Bits, price: float) -> float:
    """Squared error in steps and bits of levels at some places (0..62 of the scan), all others 0."""
    block = [0] * 63
    for place, level in zip(places, levels, strict=True):
        block[place] = level
    spent, zeros = 0.0, 0
    for level in block:
        zeros = zeros + 1 if not level else 0
    spent += bits.end if zeros else 0
    run = 0
    for level in block:
        if level:
            spent += float(bits.level[abs(level).bit_length(), run])
        run = 0 if level else run + 1
    error = np.array(by_the_page(block, CENTROIDS)) - scanned
    return float(np.square(error).sum()) + price * spent


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("variant", ["", "off"])
def test_the_search_finds_the_cheapest_levels_of_a_block(core, variant: str, seed: int):
    """Against all levels that three coefficients can have, near enough to pay."""
    core(variant)
    random = np.random.default_rng(seed)
    bits = trellis.bits_of(random.integers(1, 400, (16, trellis.SIZES)))
    places = np.sort(random.choice(63, 3, replace=False)).tolist()
    scanned = np.zeros(63, np.float32)
    scanned[places] = random.choice([-1, 1], 3) * random.uniform(0.4, 3.2, 3)
    scaled = np.zeros((1, 64), np.float32)
    scaled[0, ZIGZAG[1:]] = scanned
    price = 0.05
    chosen = dependent_trellis.optimise(scaled, bits.priced(np.zeros(1, np.uint8), price), np.array(CENTROIDS))[0, ZIGZAG[1:]]
    signs = np.sign(scanned[places]).astype(int).tolist()
    ways = itertools.product(*([s * n for n in range(6)] for s in signs))
    least = min(cost(scanned, way, places, bits, price) for way in ways)
    assert set(np.flatnonzero(chosen)) <= set(places)
    assert cost(scanned, tuple(chosen[places].tolist()), places, bits, price) == pytest.approx(least, abs=1e-4)


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize(("cfa", "step", "tone"), [("RGGB", 1, ()), ("X-Trans", 3.4, (0.0, 0.4, 1.0))])
def test_pictures_and_mosaics_are_those_of_numpy(core, variant: str, cfa: str, step: float, tone: tuple):
    file = raw_file(40, 54, CFAS[cfa])
    recipe = replace(file.recipe, arithmetic=2, tone=tone)
    how = replace(dependent_coding(step, (2, 2)), thorough=True)
    assert coded_alike(core, variant, file.mosaic, recipe, how).dependent


@pytest.mark.parametrize("variant", ["", "plain"])
def test_levels_that_cannot_be_decode_to_the_same(core, variant: str):
    """Of a tampered file: far outside of every table."""
    random, file = np.random.default_rng(4), raw_file(32, 48)
    planes = [random.integers(-32768, 32768, (*size, 64)).astype(np.int16) for size in ((4, 6), (2, 3), (2, 3))]
    tables = [np.full(64, 255, np.uint16)] * 3
    picture = Coefficients(48, 32, planes, tables, (2, 2), CENTROIDS, dependent=True)
    recipe = replace(file.recipe, arithmetic=2)
    core("off")
    expected = inverse_pass.decode(picture, recipe)
    core(variant)
    assert np.array_equal(inverse_pass.decode(picture, recipe), expected)


@pytest.mark.parametrize("variant", ["", "off"])
def test_statistics_are_of_each_quantiser(core, variant: str):
    core(variant)
    levels, steps = np.zeros((1, 1, 64), np.int16), np.zeros((1, 1, 64), np.float32)
    levels[0, 0, ZIGZAG[1:4]] = 1, -1, 2  # states 0, 1, 2: only the second level is of the second quantiser
    steps[0, 0, ZIGZAG[1:4]] = 1.5, -1.0, 1.5
    measured = Statistics.of(levels, steps, symbols=False, is_dependent=True)
    assert measured.number.tolist() == [1, 1, 0, 1, 0, 0] and measured.excess.tolist() == [0.25, -0.75, 0, 0.25, 0, 0]


@pytest.fixture(scope="module")
def part() -> RawFile:
    return raw_file(128, 160)


@pytest.fixture(scope="module")
def best(part: RawFile) -> bytes:
    return rawback.render(part, BEST).data


def test_two_quantisers_keep_more_in_as_many_bytes(part: RawFile, best: bytes):
    plain = rawback.render(part, replace(BEST, compatible=True)).data
    ours, theirs = rawback.recover(best), rawback.recover(plain)
    assert (ours.recipe.dependent, theirs.recipe.dependent) == (True, False)
    assert (to_fields(ours.recipe)["Version"], to_fields(theirs.recipe)["Version"]) == ("2", "1")
    assert ours.state is State.UNTOUCHED and len(best) < 1.02 * len(plain)
    decibels = [mosaic_db(r.mosaic, part.mosaic, part.recipe) for r in (ours, theirs)]
    assert decibels[0] > decibels[1] + 0.3
    with Image.open(io.BytesIO(best)) as shown, Image.open(io.BytesIO(plain)) as other:
        assert np.square(np.asarray(shown, float) - np.asarray(other, float)).mean() < 20


def test_only_best_and_only_where_it_pays_uses_them(part: RawFile):
    for options in (replace(BEST, effort="normal"), replace(BEST, quality=75), replace(BEST, refine=False)):
        assert not recovered(rawback.render(part, options).data).recipe.dependent
    exact = rawback.recover(rawback.render(part, replace(BEST, lossless=True)).data)
    assert exact.exact and not exact.recipe.dependent
    assert with_two_quantisers(coding(75, "4:2:0", "standard")).dependent is False


def test_a_rate_is_kept_with_them(part: RawFile):
    data = rawback.render(part, replace(BEST, keep="6bpp")).data
    assert recovered(data).recipe.dependent and 5.4 < 8 * len(data) / part.mosaic.size <= 6


def test_a_monochrome_sensor_has_them(part: RawFile):
    recipe = replace(
        part.recipe, monochrome=True, neutral=(1.0, 1.0, 1.0), matrix=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    )
    file = replace(part, recipe=recipe)
    back = rawback.recover(rawback.render(file, BEST).data)
    assert back.recipe.dependent and mosaic_db(back.mosaic, file.mosaic, recipe) > 45


@pytest.mark.skipif(not shutil.which("jpegtran"), reason="jpegtran is not installed")
@pytest.mark.parametrize("turn", ["-transpose", "-rotate 90", "-flip horizontal"])
def test_a_turned_picture_gives_the_same_raw(best: bytes, turn: str):
    """Parity goes along the scan as it was rendered, not as the file has it now."""
    line = ["jpegtran", "-copy", "all", *turn.split()]
    turned = rawback.recover(subprocess.run(line, input=best, capture_output=True, check=True).stdout)
    assert turned.state is State.ROTATED and np.array_equal(turned.mosaic, rawback.recover(best).mosaic)


def test_a_picture_saved_again_is_what_viewers_saw(part: RawFile, best: bytes):
    stream = io.BytesIO()
    with Image.open(io.BytesIO(best)) as shown:
        xmp = next(s for s in JpegFile(best).segments if bytes(s.payload).startswith(b"http://ns.adobe.com/xap"))
        shown.save(stream, "JPEG", quality=95, subsampling=0, xmp=bytes(xmp.payload).split(b"\0", 1)[1])
    again = rawback.recover(stream.getvalue())
    assert again.state is State.RECOMPRESSED and mosaic_db(again.mosaic, part.mosaic, part.recipe) > 30


def test_what_cannot_be_is_refused(best: bytes):
    fields = to_fields(rawback.recover(best).recipe)
    assert from_fields(fields).dependent
    for wrong in ({"Centroids": "0 0 0"}, {"Arithmetic": "1"}, {"Refined": "False"}, {"Dependent": "yes"}):
        with pytest.raises(RecipeError):
            from_fields(fields | wrong)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_first_file_of_this_version_is_recovered_as_ever(core, variant: str):
    """The same bits, whatever computes them."""
    core(variant)
    back = rawback.recover(FIXTURE)
    digest = hashlib.sha256(back.mosaic.astype("<u2").tobytes()).hexdigest()
    assert back.recipe.dependent and digest == "a9263b193a48056699836223ce54233e3579a17c709eab324781c12cc7b029dd"
