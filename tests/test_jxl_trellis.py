"""Levels weighed by what they cost in JPEG XL: contexts, prices, the search, and the files that come of it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scenes import CFAS, coded_alike, mosaic_db, raw_file

import rawback
from rawback import RenderOptions
from rawback.errors import UsageError
from rawback.files import jpeg, jxl
from rawback.isp import closed_loop, inverse_pass, jxl_contexts, jxl_trellis
from rawback.isp.jxl_contexts import Contexts
from rawback.isp.levels import LIMIT, ZIGZAG
from rawback.isp.quantisation_tables import JXL_PRICE, dependent, flat_coding

BEST = RenderOptions(quality=92, effort="best", look="libraw", exposure=0.0, thumbnail=False)


def noise(seed: int, scale: float, rows: int = 2, columns: int = 35) -> np.ndarray:
    """Coefficients in steps (rows, columns, 64) float32, smaller along the scan."""
    fall = np.exp(-np.arange(64) / 15)
    steps = np.zeros((rows, columns, 64), np.float32)
    steps[..., ZIGZAG] = np.random.default_rng(seed).laplace(0, scale * fall, steps.shape)
    return steps


def rounded(steps: np.ndarray) -> np.ndarray:
    return np.rint(np.clip(steps, -LIMIT, LIMIT)).astype(np.int16)


def symbols(block: list[int]) -> list[tuple[int, int]]:
    """ISO/IEC 18181-1: AC levels of a block in order -> context and magnitude of each that is coded."""
    left = sum(level != 0 for level in block)
    before, coded = int(left <= 4), []
    for place, level in enumerate(block, 1):
        if left:
            coded.append((2 * (int(jxl_contexts.BY_LEFT[left]) + int(jxl_contexts.BY_PLACE[place])) + before, abs(level)))
        before = int(level != 0)
        left -= before
    return coded


def cost(block: list[int], contexts: Contexts, kind: int) -> float:
    """Bits of the AC levels of a block, in order."""
    small = [1 if n else 0 for n in range(8)]
    bits = float(contexts.number_bits[kind, sum(level != 0 for level in block)])
    for context, magnitude in symbols(block):
        bits += float(contexts.bits[context, magnitude if magnitude < len(small) else 4 + magnitude.bit_length()])
    return bits


def test_contexts_are_those_of_the_standard():
    """A few of each, and how many there are at all."""
    assert jxl_contexts.BY_PLACE[[1, 2, 15, 16, 17, 18, 31, 32, 35, 36, 63]].tolist() == [
        0,
        1,
        14,
        15,
        15,
        16,
        22,
        23,
        23,
        24,
        30,
    ]
    assert jxl_contexts.BY_LEFT[[1, 2, 3, 4, 5, 8, 9, 12, 13, 20, 21, 32, 33, 63]].tolist() == [
        0, 31, 62, 62, 93, 93, 123, 123, 152, 152, 180, 180, 206, 206,
    ]  # fmt: skip
    assert jxl_contexts.CONTEXTS == 474


def test_numbers_are_foretold_by_neighbours_within_a_group():
    levels = np.zeros((34, 34, 64), np.int16)
    levels[0, 0, 1:21] = 1  # twenty
    levels[0, 1, 1:4] = 1  # three
    levels[1, 0, 1:6] = 1  # five
    of = Contexts.of(levels, dependent=False).of_blocks
    assert of[0, 0] == 4 + 32 // 2 and of[32, 32] == 4 + 32 // 2, "nothing is known there"
    assert of[0, 1] == 4 + 20 // 2 and of[1, 0] == 4 + 20 // 2 and of[1, 1] == (3 + 5 + 1) // 2
    assert of[32, 1] == of[31, 0] == 0


def test_bits_are_those_of_the_pictures_own_symbols():
    """All blocks alike but for some: what is usual costs little, and the sum is near what an ideal coder needs."""
    levels = np.zeros((32, 32, 64), np.int16)
    levels[..., ZIGZAG[1:4]] = 1, 0, -2
    levels[::7, ::5, ZIGZAG[2]] = 9
    contexts = Contexts.of(levels, dependent=True)
    usual, rare = ([*block[ZIGZAG[1:]].tolist()] for block in (levels[1, 1], levels[7, 5]))
    assert cost(usual, contexts, 2) < 3.5 and 8 < cost(rare, contexts, 2) < 30
    assert contexts.bits.max() <= 16 + jxl_contexts.OWN_BITS.max() and contexts.bits.min() >= 0


def test_the_order_is_by_how_often_places_are_zero():
    levels = np.zeros((8, 8, 64), np.int16)
    levels[..., [5, 40]] = 1
    levels[:4, :, 9] = 1
    assert Contexts.of(levels, dependent=False).order[:5].tolist() == [0, 5, 40, 9, 1]
    assert np.array_equal(Contexts.of(levels, dependent=True).order, ZIGZAG)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("variant", ["", "off"])
def test_the_search_finds_the_cheapest_levels_of_a_block(core, variant: str, seed: int):
    """Of one quantiser, against all levels that five coefficients can have, near enough to pay."""
    core(variant)
    random, worth, centroids = np.random.default_rng(seed), 9.0, np.array([0.05, -0.02, 0.1])
    contexts = Contexts.of(rounded(noise(seed, 1.5)), dependent=False)
    contexts = replace(contexts, of_blocks=contexts.of_blocks[:1, :1])
    places = np.sort(random.choice(np.arange(1, 30), 5, replace=False))
    scanned = np.zeros(64, np.float32)
    scanned[places] = random.choice([-1, 1], 5) * random.uniform(0.5, 3.0, 5)
    steps = np.zeros((1, 1, 64), np.float32)
    steps[0, 0, contexts.order] = scanned
    worths = np.full((1, 1), worth, np.float32)
    levels = jxl_trellis.optimise(steps, rounded(steps), contexts, slice(0, 1), worths, centroids)
    chosen = levels[0, 0, contexts.order]

    def total(magnitudes: tuple[int, ...]) -> float:
        block = np.zeros(64, int)
        block[places] = magnitudes
        stand_for = block + np.where(block > 0, centroids[np.clip(block, 1, 3) - 1], 0)
        return worth * float(np.square(np.abs(scanned) - stand_for).sum()) + cost(
            block[1:].tolist(), contexts, int(contexts.of_blocks[0, 0])
        )

    ways = itertools.product(*({0, int(m), int(m) + 1} for m in np.abs(scanned[places])))
    assert (np.sign(chosen) * np.sign(scanned) >= 0).all()
    assert total(tuple(np.abs(chosen[places]).tolist())) == pytest.approx(min(map(total, ways)), abs=1e-2)


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize("scale", [0.7, 400])
@pytest.mark.parametrize("quantisers", [1, 2])
def test_levels_are_those_of_numpy(core, variant: str, scale: float, quantisers: int):
    steps = noise(3, scale)
    contexts = Contexts.of(rounded(steps), quantisers == 2)
    worth = np.random.default_rng(1).uniform(3, 30, steps.shape[:2]).astype(np.float32)
    search = steps, rounded(steps), contexts, slice(0, 2), worth, np.array([0.05, -0.02, 0.1] * quantisers)
    core("off")
    expected = jxl_trellis.optimise(*search)
    core(variant)
    assert np.array_equal(jxl_trellis.optimise(*search), expected)


@pytest.mark.parametrize(("cfa", "step", "tone"), [("RGGB", 8, ()), ("X-Trans", 3, (0.0, 0.4, 1.0))])
def test_pictures_and_mosaics_are_those_of_numpy(core, cfa: str, step: int, tone: tuple):
    file = raw_file(40, 54, CFAS[cfa])
    how = dependent(replace(flat_coding(step, (2, 2), True), thorough=True, for_jxl=True, price=JXL_PRICE))
    picture = coded_alike(core, "", file.mosaic, replace(file.recipe, arithmetic=2, tone=tone), how)
    assert picture.dependent == (step <= 4)


def test_the_same_raw_takes_fewer_bytes_of_jpeg_xl_though_more_of_a_jpeg():
    pytest.importorskip("imagecodecs")
    file = raw_file(160, 200)
    recipe, how = replace(file.recipe, arithmetic=2), replace(flat_coding(12, (2, 2), True), thorough=True, price=JXL_PRICE)
    pictures = [closed_loop.encode(file.mosaic, recipe, replace(how, for_jxl=for_jxl)) for for_jxl in (False, True)]
    before, after = (mosaic_db(inverse_pass.decode(picture, recipe), file.mosaic, recipe) for picture in pictures)
    jpegs = [jpeg.coded_picture(picture) for picture in pictures]
    coated = [len(jxl.transcoded(coded, "x")) for coded in jpegs]
    assert after > before - 0.02 and coated[1] < 0.995 * coated[0] and len(jpegs[1]) > len(jpegs[0])


def test_best_makes_a_jxl_of_its_own_the_same_on_any_number_of_threads(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("imagecodecs")
    file, files = raw_file(70, 90), []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        files.append(rawback.render(file, BEST, kind=".jxl"))
    made = files[0]
    assert files[1].data == made.data
    assert made.kind == ".jxl" and made.to_pil().size == (90, 70)
    assert jxl.jpeg_inside(made.data, "x") != rawback.render(file, BEST).data
    back = rawback.recover(made.data)
    assert back.recipe.dependent and mosaic_db(back.mosaic, file.mosaic, file.recipe) > 50
    assert len(rawback.render(file, replace(BEST, keep="8bpp"), kind=".jxl").data) < file.mosaic.size


def test_other_efforts_are_the_jpeg_itself_and_parity_is_refused():
    pytest.importorskip("imagecodecs")
    file = raw_file(48, 64)
    normal = replace(BEST, effort="normal")
    assert jxl.jpeg_inside(rawback.render(file, normal, kind=".jxl").data, "x") == rawback.render(file, normal).data
    with pytest.raises(UsageError, match="sectors"):
        rawback.render(file, replace(normal, parity=5), kind=".jxl")


def test_along_another_scan_bits_are_the_mean_of_what_is_coded_there():
    """Two quantisers go along the zigzag scan. Levels at two places, always together, far apart in it, next to each other as
    they are coded: the second is as cheap as it is there, though zeros come between."""
    levels = np.zeros((32, 32, 64), np.int16)
    random = np.random.default_rng(8)
    levels[..., ZIGZAG[[3, 20]]] = random.integers(0, 2, (32, 32, 1))
    levels[..., ZIGZAG[5]] = random.random((32, 32)) < 0.1
    coded, along = (Contexts.of(levels, dependent) for dependent in (False, True))
    assert coded.order[1:4].tolist() == ZIGZAG[[3, 20, 5]].tolist()
    one_left_after_one = 2 * (int(jxl_contexts.BY_LEFT[1]) + int(jxl_contexts.BY_PLACE[2])) + 1
    one_left_after_zero = 2 * (int(jxl_contexts.BY_LEFT[1]) + int(jxl_contexts.BY_PLACE[20]))
    assert along.bits[one_left_after_zero, 1] == pytest.approx(coded.bits[one_left_after_one, 1], abs=0.5)
