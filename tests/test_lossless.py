"""The lossless layer's parts: an entropy coder, an integer predictor, and blocks that come back bit by bit."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest

from rawback.errors import RawbackError
from rawback.isp import closed_loop, dct, inverse_pass
from rawback.isp.quantisation_tables import coding
from rawback.lossless import fixed_point, margins, rans, residuals
from rawback.lossless.coder import Coder, MosaicCoder, encode
from rawback.lossless.contexts import CELLS, Contexts, class_of_rank
from rawback.lossless.foretelling import CLASS_OF_SLOPE, Foreteller
from rawback.lossless.predictor import Predictor
from rawback.lossless.ranks import Ranks
from rawback.lossless.residuals import Model
from rawback.picture import Coefficients
from rawback.recipe import Recipe

MATRIX = ((1.6, -0.5, -0.1), (-0.2, 1.5, -0.3), (0.0, -0.6, 1.6))
XTRANS = tuple(tuple(row) for row in np.array(
    [[1, 2, 1, 1, 0, 1], [0, 1, 0, 2, 1, 2], [1, 2, 1, 1, 0, 1], [1, 0, 1, 1, 2, 1], [2, 1, 2, 0, 1, 0], [1, 0, 1, 1, 2, 1]]
).tolist())  # fmt: skip


def scene(width: int, height: int, white: int = 16383, black: int = 512, cfa=((0, 1), (1, 2))) -> tuple[np.ndarray, Recipe]:
    """Smooth noise with a blown corner, photon noise on top."""
    rng = np.random.default_rng(width * height + white)
    light = np.kron(rng.uniform(0.01, 0.7, (height // 16 + 1, width // 16 + 1)), np.ones((16, 16)))[:height, :width]
    light[: height // 6, : width // 6] = 1.5
    light += rng.normal(0, 0.01, light.shape) * np.sqrt(light)
    mosaic = np.clip(np.rint(black + light * (white - black)), 0, white).astype(np.uint16)
    recipe = Recipe(width, height, cfa, (float(black),) * sum(map(len, cfa)), float(white), (0.5, 1.0, 0.6), MATRIX)
    return mosaic, recipe


def rendered(mosaic: np.ndarray, recipe: Recipe, quality: int = 75, subsampling: str = "4:2:0") -> Coefficients:
    return closed_loop.encode(mosaic, recipe, coding(quality, subsampling, "raw"))


def restored(mosaic: np.ndarray, picture: Coefficients, recipe: Recipe) -> tuple[np.ndarray, int]:
    """The mosaic through bytes and back, by a coder that knows only bytes and the picture; and how many bytes."""
    coder, codes = encode(mosaic, picture, recipe)
    again = MosaicCoder.from_bytes(coder.to_bytes(), picture)
    found = [again.decode(code, start, stop) for code, (start, stop) in zip(codes, again.blocks(), strict=True)]
    return np.concatenate(found), sum(map(len, codes)) + len(coder.to_bytes())


@pytest.mark.parametrize("count", [0, 1, 255, 256, 5000, 300_000])
def test_entropy_code_comes_back_near_its_entropy(count):
    rng = np.random.default_rng(count)
    of = rng.integers(0, 3, count).astype(np.uint8)
    symbols = np.clip(np.rint(rng.normal(128, 4 * (1 + of))), 0, 255).astype(np.uint8)
    counts = np.bincount(of * np.int64(256) + symbols, minlength=768).reshape(3, 256)
    tables = rans.Tables.of(counts + (counts.sum(1, keepdims=True) == 0))
    tables = rans.Tables.from_bytes(tables.to_bytes(), 3)
    spare = rng.bytes(5000)
    code = rans.encode(symbols, of, tables, spare)
    found, carried = rans.decode(code, of, tables)
    assert np.array_equal(found, symbols)
    assert spare.startswith(carried)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    entropy = -(counts[counts > 0] * np.log2(share[counts > 0])).sum() / 8
    assert len(code) - len(carried) <= entropy * 1.005 + 2.1 * rans.OLD.lanes_for(count)


def test_the_format_of_the_entropy_code_does_not_change():
    values = (np.arange(40_000, dtype=np.uint64) * 2654435761 >> np.uint64(7)).astype(np.int64)
    of = (values >> 16 & 1).astype(np.uint8)
    symbols = (120 + (values & 15) * (1 + of) // 2).astype(np.uint8)
    tables = rans.Tables.of(np.bincount(of * np.int64(256) + symbols, minlength=512).reshape(2, 256))
    code = rans.encode(symbols, of, tables, bytes(range(256)))
    assert hashlib.sha256(code).hexdigest()[:16] == "6303aa0a73d32d29"


DAMAGES = [lambda c: c[:-2], lambda c: c + b"\0\0", lambda c: c[:10] + b"\xff\xff" + c[12:], lambda c: c[:3]]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_entropy_code_is_refused(damage):
    symbols = np.arange(4000).astype(np.uint8)
    of = np.zeros(4000, np.uint8)
    tables = rans.Tables.of(np.full((1, 256), 10))
    with pytest.raises(RawbackError):
        rans.decode(damage(rans.encode(symbols, of, tables)), of, tables)


def test_residuals_of_any_size_come_back():
    rng = np.random.default_rng(1)
    context = rng.integers(0, 512, 20_000).astype(np.uint16)
    low = (context % 8).astype(np.uint8)
    values = np.rint(rng.laplace(0, 3 * 2.0**low)).astype(np.int32)
    values[:4] = 65535, -65535, 0, -40_000
    found = residuals.unpack(residuals.pack(values, Model(context, low)), Model(context, low))
    assert np.array_equal(found & 0xFFFF, values & 0xFFFF)


def test_fixed_point_planes_are_those_of_the_float_decoder():
    rng = np.random.default_rng(2)
    levels = np.rint(rng.laplace(0, 2, (6, 9, 64))).astype(np.int16)
    table = np.full(64, 8, np.uint16)
    table[5] = 255
    exact = dct.dequantise(levels, table)
    assert np.abs(fixed_point.plane(levels, table) / 16 - exact).max() < 0.2  # columns are kept to 1/32
    grown = fixed_point.grow(fixed_point.plane(levels, table), (2, 2)) / (16 * 16)
    assert np.abs(grown - dct.grow(exact, (2, 2))).max() < 0.2


def test_fixed_point_never_wraps():
    for value in (32767, -32768):
        levels = np.full((2, 2, 64), value, np.int16)
        signs = np.where(np.arange(64) % 2, -1, 1).astype(np.int16)
        for picture in (levels, levels // 2 * signs):
            plane = fixed_point.plane(picture, np.full(64, 65535, np.uint16), (16, 16, 16))
            assert np.abs(plane).max() < 1 << 17
    chroma = np.array([[-16, 16]], np.int32) * fixed_point.CHROMA_LIMIT
    limit = fixed_point.WEIGHT_LIMIT
    for plane in fixed_point.rgb(
        np.zeros((1, 2), np.int32), chroma, chroma, ((limit, limit), (-limit, -limit), (limit, -limit))
    ):
        assert plane.tolist() in ([[-65532, 65532]], [[65532, -65532]], [[0, 0]])


def test_classes_of_slopes_are_quarters_of_octaves():
    assert CLASS_OF_SLOPE[[4, 5, 6, 7, 8, 16, 20]].tolist() == [8, 9, 10, 11, 12, 16, 17]
    assert (np.diff(CLASS_OF_SLOPE.astype(int)) >= 0).all()
    assert CLASS_OF_SLOPE.max() == 63


MIXED = ((1.15, -0.02, -0.13), (0.06, 1.02, -0.08), (0.15, -0.04, 0.89))


@pytest.mark.parametrize("mixed", [(), MIXED])
def test_the_predictor_foretells_what_recover_would_give(mixed):
    mosaic, recipe = scene(208, 160)
    recipe = replace(recipe, code_matrix=mixed)
    picture = rendered(mosaic, recipe)
    value, slope = Predictor.of(recipe, picture).predict(picture, 0, 160)
    plain = inverse_pass.decode(picture, recipe)
    assert np.abs(value / 16 - plain).max() < 0.05 * np.maximum(slope / 16, 40).max()
    assert np.sqrt(np.mean((value / 16 - plain) ** 2)) < 0.02 * (slope / 16).mean() + 0.3


def test_what_is_foretold_does_not_change():
    """Every release, on every processor: a layer is worth nothing where the prediction differs by one."""
    levels = ((np.arange(24 * 64, dtype=np.uint64) * 2654435761 >> np.uint64(9)).astype(np.int64) % 41 - 20) // 7
    planes = [levels.reshape(4, 6, 64).astype(np.int16), *(levels[i::4].reshape(2, 3, 64).astype(np.int16) for i in (0, 1))]
    picture = Coefficients(48, 32, planes, [np.full(64, step, np.uint16) for step in (8, 13, 13)], (2, 2))
    light = ((np.arange(1025) - 256) ** 2 * np.sign(np.arange(1025) - 256) * 16).astype(np.int32)
    weights = np.array([[40_000_000, 9_000_000, 0], [5_000_000, 60_000_000, -7_000_000], [0, -3_000_000, 50_000_000]])
    cfa, black = np.array([[0, 1], [1, 2]], np.uint8), np.full((2, 2), 8192, np.int32)
    predictor = Predictor(light, weights, (1, 0, -1), 16383, cfa, black)
    found = Predictor.from_bytes(predictor.to_bytes()).predict(picture, 0, 32)
    assert 8192 < found[0].mean() < 16 * 16383
    digest = hashlib.sha256(b"".join(part.astype("<i4").tobytes() for part in found)).hexdigest()
    assert digest[:16] == "8972767a192bc10d"


def test_strips_are_foretold_as_the_whole():
    mosaic, recipe = scene(100, 96)
    picture = rendered(mosaic, recipe)
    predictor = Predictor.from_bytes(Predictor.of(recipe, picture).to_bytes())
    whole = predictor.predict(picture, 0, 96)
    for part, full in zip(predictor.predict(picture, 32, 64), whole, strict=True):
        assert np.array_equal(part, full[32:64])


@pytest.mark.parametrize(("width", "height"), [(8, 8), (17, 33), (250, 131)])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_every_size_and_subsampling_is_bit_exact(width, height, subsampling):
    mosaic, recipe = scene(width, height)
    assert np.array_equal(restored(mosaic, rendered(mosaic, recipe, subsampling=subsampling), recipe)[0], mosaic)


@pytest.mark.parametrize(("white", "black"), [(255, 12), (1023, 0), (65535, 1000)])
@pytest.mark.parametrize("quality", [60, 96])
def test_every_depth_is_bit_exact(white, black, quality):
    mosaic, recipe = scene(176, 144, white, black)
    assert np.array_equal(restored(mosaic, rendered(mosaic, recipe, quality), recipe)[0], mosaic)


def test_x_trans_is_bit_exact():
    mosaic, recipe = scene(120, 126, cfa=XTRANS)
    assert np.array_equal(restored(mosaic, rendered(mosaic, recipe), recipe)[0], mosaic)


def test_values_above_the_white_level_are_bit_exact():
    mosaic, recipe = scene(96, 96)
    bright = mosaic.copy()
    bright[5:9] = 65535
    assert np.array_equal(restored(bright, rendered(mosaic, recipe), recipe)[0], bright)


def test_a_mosaic_that_has_nothing_to_do_with_the_picture_is_bit_exact():
    mosaic, recipe = scene(96, 96)
    noise = np.random.default_rng(3).integers(0, 65536, mosaic.shape).astype(np.uint16)
    found, size = restored(noise, rendered(mosaic, recipe), recipe)
    assert np.array_equal(found, noise)
    assert size < 2.6 * noise.size + 6000


def test_stretched_values_cost_no_more():
    mosaic, recipe = scene(256, 256, 4095, 0)
    stretched, wide = mosaic * np.uint16(4), replace(recipe, white=4 * 4095.0)
    sizes = [restored(m, rendered(m, r), r)[1] for m, r in ((mosaic, recipe), (stretched, wide))]
    assert sizes[1] < 1.03 * sizes[0]
    assert not Ranks.of(stretched, np.array(recipe.cfa)).plain


def test_a_layer_for_another_picture_is_refused():
    mosaic, recipe = scene(96, 96)
    coder, codes = encode(mosaic, rendered(mosaic, recipe), recipe)
    other = MosaicCoder.from_bytes(coder.to_bytes(), rendered(mosaic, recipe, 80))
    with pytest.raises(RawbackError, match="another picture"):
        other.decode(codes[0], 0, 96)


@pytest.mark.parametrize("area", [(0, 0, 40, 60), (4, 6, 40, 60), (3, 0, 40, 57), (0, 5, 33, 60), (39, 59, 40, 60)])
def test_margins_come_back(area):
    rng = np.random.default_rng(4)
    frame = np.clip(rng.normal(512, 6, (40, 60)), 0, 65535).astype(np.uint16)
    frame[:2] = rng.integers(0, 65536, (2, 60))
    top, left, bottom, right = area
    found = np.zeros_like(frame)
    found[top:bottom, left:right] = frame[top:bottom, left:right]
    margins.decode(margins.encode(frame, area), found, area)
    assert np.array_equal(found, frame)


def test_noise_of_masked_photosites_costs_its_entropy():
    frame = np.clip(np.random.default_rng(5).normal(512, 6, (400, 600)), 0, 65535).astype(np.uint16)
    size = len(margins.encode(frame, (0, 200, 400, 600)))
    assert size * 8 / (400 * 200) < np.log2(6 * np.sqrt(2 * np.pi * np.e)) + 0.15


@pytest.mark.parametrize("seed", range(60))
def test_tables_from_strangers_are_refused_or_used(seed):
    mosaic, recipe = scene(64, 64)
    recipe = replace(recipe, code_matrix=MIXED if seed % 2 else ())
    coder = Coder.of(mosaic, rendered(mosaic, recipe), recipe)
    rng = np.random.default_rng(seed)
    predictor = bytearray(coder.predictor.to_bytes())
    for _ in range(4):
        predictor[rng.integers(len(predictor))] = rng.integers(256)
    try:
        value, slope = Predictor.from_bytes(bytes(predictor)).predict(coder.picture, 0, 64)
    except RawbackError:
        return
    assert value.min() >= 0
    assert slope.min() >= 1


@pytest.mark.parametrize("seed", range(80))
def test_blocks_from_strangers_are_refused_or_used(seed):
    mosaic, recipe = scene(64, 64)
    coder, codes = encode(mosaic, rendered(mosaic, recipe), recipe)
    code = bytearray(codes[0])
    rng = np.random.default_rng(seed)
    for _ in range(rng.integers(1, 4)):
        code[rng.integers(8, len(code) if seed % 2 else 40)] = rng.integers(256)
    if seed % 5 == 0:
        del code[rng.integers(len(code)) :]
    with suppress(RawbackError):
        assert np.array_equal(coder.decode(bytes(code), 0, 64), mosaic)


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize(("cfa", "size", "subsampling"), [
    (((0, 1), (1, 2)), (250, 131), "4:2:0"), (XTRANS, (120, 126), "4:2:2"), (((2, 1), (1, 0)), (33, 17), "4:4:4"),
])  # fmt: skip
def test_layers_of_numpy_and_of_the_compiled_core_are_the_same(core, variant, cfa, size, subsampling):
    mosaic, recipe = scene(*size, cfa=cfa)
    recipe = replace(recipe, code_matrix=MIXED if size[0] == 250 else ())
    if size[0] == 120:
        mosaic = mosaic // 5 * 5  # by rank
    picture = rendered(mosaic, recipe, subsampling=subsampling)
    core("off")
    coder, codes = encode(mosaic, picture, recipe)
    core(variant)
    again, others = encode(mosaic, picture, recipe)
    assert (again.to_bytes(), others) == (coder.to_bytes(), codes)
    assert np.array_equal(MosaicCoder.from_bytes(again.to_bytes(), picture).decode(codes[0], 0, size[1]), mosaic)


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("classes", [None, class_of_rank(900)])
def test_levels_that_cannot_be_are_foretold_alike(core, variant, subsampling, classes):
    """Of a tampered file: far outside of every table."""
    random, (mosaic, recipe) = np.random.default_rng(6), scene(96, 64, 1023, 20)
    picture = rendered(mosaic, recipe, subsampling=subsampling)
    planes = [random.integers(-32768, 32768, plane.shape).astype(np.int16) for plane in picture.planes]
    picture = replace(picture, planes=planes, tables=[np.full(64, 65535, np.uint16)] * 3)
    foreteller = Foreteller(picture, Predictor.of(recipe, picture), Ranks.of(mosaic & 1020, np.array(recipe.cfa)), classes)
    core("off")
    expected = foreteller.foretell(16, 64)
    core(variant)
    found = replace(foreteller).foretell(16, 64)
    assert all(map(np.array_equal, vars(found).values(), vars(expected).values()))


@pytest.mark.parametrize("variant", ["off", "", "plain"])
@pytest.mark.parametrize("layout", [rans.OLD, rans.FINE])
def test_entropy_code_that_is_damaged_is_refused_or_decoded_alike(core, variant, layout):
    random = np.random.default_rng(7)
    symbols, of = random.integers(100, 140, 3000).astype(np.uint8), random.integers(0, 2, 3000).astype(np.uint8)
    tables = rans.Tables.of(np.bincount(of * np.int64(256) + symbols, minlength=512).reshape(2, 256), layout)
    core("off")
    code = bytearray(rans.encode(symbols, of, tables, b"spare bytes"))
    code[9] ^= 64
    expected = _outcome(code, of, tables)
    core(variant)
    assert _outcome(code, of, tables) == expected
    assert _outcome(code[:-2], of, tables) == "refused"


def _outcome(code: bytes, of: np.ndarray, tables: rans.Tables) -> str:
    try:
        symbols, spare = rans.decode(bytes(code), of, tables)
    except RawbackError:
        return "refused"
    return f"{symbols.tobytes().hex()} {spare.hex()}"


def test_contexts_from_strangers_are_refused():
    cells, symbols = np.arange(4000, dtype=np.uint16), np.arange(4000).astype(np.uint8)
    found = Contexts.of(700, [(cells, symbols)])
    again = Contexts.from_bytes(found.to_bytes())
    assert again.highest == 700
    assert len(again.table_of) == CELLS
    assert np.array_equal(again.tables.frequencies, found.tables.frequencies)
    forged = replace(found, table_of=np.full(CELLS, len(found.tables.frequencies), np.uint8)).to_bytes()
    for data in (forged, found.to_bytes()[:5], found.to_bytes()[:-9], found.to_bytes()[:7] + b"x" * 90):
        with pytest.raises(RawbackError):
            Contexts.from_bytes(data)
