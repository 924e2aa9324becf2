"""The compiled core against numpy and libjpeg: the same bits, with vector instructions and without; and without it at all."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scenes import CFAS, coded_alike, raw_file
from test_fast_parts import MIXED

import rawback
from rawback import provenance
from rawback.files import huffman, libjpeg, ljpeg
from rawback.files.jpeg_file import JpegFile
from rawback.isp import dct, intervals, inverse_pass, small_dct, trellis
from rawback.isp.deblocking import BUSY, Deblocking
from rawback.isp.native import library as native
from rawback.isp.quantisation_tables import coding
from rawback.picture import Coefficients

ROOT = Path(__file__).parents[1]
VARIANTS = ["", "plain"]
LIMIT = 1023


def levels_of(size: tuple[int, int], factors: tuple[int, int], scale: float) -> list[np.ndarray]:
    """Planes of a picture of noise, as JPEGs have them."""
    random, (width, height), (v, h) = np.random.default_rng(0), size, factors
    blocks = [(-(-height // 8), -(-width // 8)), *[(-(-height // (8 * v)), -(-width // (8 * h)))] * 2]
    return [np.clip(np.rint(random.laplace(0, scale, (*b, 64))), -LIMIT, LIMIT).astype(np.int16) for b in blocks]


def tables() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    luma, chroma = (random.integers(1, 256, 64).astype(np.uint16) for _ in range(2))
    return [luma, chroma, chroma]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("scale", [0, 0.3, 3, 300])
@pytest.mark.parametrize(("size", "factors"), [
    ((100, 70), (2, 2)), ((33, 17), (1, 2)), ((8, 8), (1, 1)), ((17, 16), (2, 2)), ((250, 300), (2, 2)),
])  # fmt: skip
def test_jpegs_are_those_of_libjpeg(core, variant: str, size, factors, scale: float):
    core(variant)
    picture = levels_of(size, factors, scale), tables(), size, factors
    expected = libjpeg.write(*picture)
    assert huffman.write(*picture) == expected
    decoded = huffman.read(JpegFile(expected))
    assert decoded is not None and (decoded.width, decoded.height, decoded.warning) == (*size, "")
    for ours, theirs in zip([*decoded.planes, *decoded.tables], [*picture[0], *picture[1]], strict=True):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)


def test_what_no_baseline_jpeg_holds_is_left_to_libjpeg(core):
    core("")
    planes = levels_of((16, 16), (1, 1), 1)
    planes[1][0, 0, 5] = 1024
    assert huffman.write(planes, tables(), (16, 16), (1, 1)) is None


def mutants(data: bytes, count: int) -> Iterator[bytes]:
    """Copies with some bytes changed, inserted, left out, or cut short; most within the headers of the scan and in it."""
    random = np.random.default_rng(2)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(random.integers(1, 4)):
            at, kind = int(random.integers(2, len(changed))), random.integers(0, 8)
            if kind == 0:
                del changed[at : at + int(random.integers(1, 9))]
            elif kind == 1:
                changed[at:at] = random.bytes(int(random.integers(1, 9)))
            elif kind == 2:
                del changed[max(at, 600) :]
            else:
                changed[at] = int(random.integers(0, 256)) if kind < 6 else 0xFF
        yield bytes(changed)


@pytest.mark.parametrize("variant", VARIANTS)
def test_damaged_jpegs_are_read_as_libjpeg_reads_them_or_not_at_all(core, variant: str):
    core(variant)
    data = libjpeg.write(levels_of((60, 40), (2, 2), 2), tables(), (60, 40), (2, 2))
    read = 0
    for mutant in mutants(data, 400):
        file = JpegFile(mutant)
        if file.frame is None or not (0 < file.frame.width <= 4096 and 0 < file.frame.height <= 4096):
            continue
        decoded = huffman.read(file)
        if decoded is None:
            continue
        theirs = libjpeg.read([mutant])
        assert [p.shape for p in decoded.planes] == [p.shape for p in theirs.planes]
        assert all(map(np.array_equal, decoded.planes, theirs.planes))
        assert all(map(np.array_equal, decoded.tables, theirs.tables)) and not theirs.warning
        read += 1
    assert 0 < read < 400


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("components", [1, 2, 3])
def test_lossless_jpegs_are_those_of_numpy(core, variant: str, components: int):
    random = np.random.default_rng(3)
    samples = random.integers(0, 65536, (40, 701, components)).astype(np.uint16)
    samples[::3] >>= 6
    samples[20:30, :, 0] = 7
    core("off")
    expected = ljpeg.encode(samples)
    core(variant)
    assert ljpeg.encode(samples) == expected


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("cfa", "width", "subsampling", "code_matrix", "optimise"), [
    ("RGGB", 276, "4:2:0", (), False), ("GRBG", 131, "4:2:0", (), True), ("GBRG", 700, "4:2:2", MIXED, False),
    ("BGGR", 33, "4:4:4", (), True), ("X-Trans", 130, "4:2:0", MIXED, True), ("RGGB", 16, "4:2:2", (), False),
])  # fmt: skip
def test_pictures_and_mosaics_are_those_of_numpy(core, variant, cfa, width, subsampling, code_matrix, optimise):
    file = raw_file(200, width, CFAS[cfa])
    recipe = replace(file.recipe, code_matrix=code_matrix, arithmetic=2, exposure=0.7 if optimise else 0.0)
    how = coding(85, subsampling, "raw", optimise)
    coded_alike(core, variant, file.mosaic, recipe, how)


@pytest.mark.parametrize("variant", VARIANTS)
def test_levels_that_cannot_be_decode_to_the_same(core, variant: str):
    """Of a tampered file: far outside of every table."""
    random, file = np.random.default_rng(4), raw_file(64, 64, CFAS["RGGB"])
    blocks = [(8, 8), (4, 4), (4, 4)]
    planes = [random.integers(-32768, 32768, (*size, 64)).astype(np.int16) for size in blocks]
    picture = Coefficients(64, 64, planes, [np.full(64, 255, np.uint16)] * 3, (2, 2), (0.1, -0.2, 0.05))
    recipe = replace(file.recipe, arithmetic=2)
    core("off")
    expected = inverse_pass.decode(picture, recipe)
    core(variant)
    assert np.array_equal(inverse_pass.decode(picture, recipe), expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("factors", [(1, 1), (2, 2), (1, 2)])
def test_small_pictures_are_those_of_numpy(core, variant: str, factors: tuple[int, int]):
    picture = Coefficients(100, 70, levels_of((100, 70), factors, 3), tables(), factors)
    shown = []
    for way in ("off", variant):
        core(way)
        shown.append(provenance.displayed(picture, 4))
    assert np.array_equal(*shown)


@pytest.mark.parametrize("variant", VARIANTS)
def test_symbols_and_bits_are_those_of_numpy(core, variant: str):
    levels = np.concatenate([plane.reshape(-1, 64) for plane in levels_of((64, 48), (1, 1), 1)])
    levels[:2], levels[2] = (0, *[0] * 63), (0, *[-1023] * 63)
    counted, taken = [], []
    for way in ("off", variant):
        core(way)
        counted.append(trellis.symbol_counts(levels))
        taken.append(trellis.bits_by_block(levels, trellis.bits_of(counted[-1])))
    assert np.array_equal(*counted) and np.array_equal(*taken)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("size", [(8, 8), (8, 48), (48, 16), (64, 4400)])
def test_what_photos_are_restored_by_is_that_of_numpy(core, variant: str, size: tuple[int, int]):
    random, table = np.random.default_rng(5), tables()[0]
    plane = random.normal(0.3, 0.1, size).astype(np.float32)
    plane[:, : size[1] // 2] = np.round(plane[:, : size[1] // 2] * 4) / 400  # some is flat
    steps = Deblocking(random.uniform(0, 1, (2, len(BUSY) + 1)).astype(np.float32))
    done: list[list[np.ndarray]] = []
    for way in ("off", variant):
        core(way)
        grown = [dct.grow(plane, factors) for factors in ((2, 2), (1, 2), (2, 1))]
        cells = [dct.laid_out(plane.reshape(n * n, -1, 4)) for n in (2, 4)]
        changes = [intervals.within(plane, table), steps.applied(plane), steps.applied(plane.T)]
        done.append([dct.shrink(plane, (2, 2)), dct.shrink(plane.T, (2, 2)), *grown, *cells, *changes])
    assert all(map(np.array_equal, *done))
    assert size == (8, 8) or not np.array_equal(done[0][-2], plane)


def test_halves_are_means_of_two_by_two(core):
    core("off")
    levels, table = levels_of((64, 48), (1, 1), 3)[0], tables()[0]
    means = dct.to_plane(levels * table.astype(np.float32)).reshape(24, 2, 32, 2).mean((1, 3))
    assert np.abs(small_dct.quarters(levels, table) - means).max() < 1e-2


@pytest.mark.parametrize("variant", ["off", *VARIANTS])
def test_old_files_are_recovered_as_ever(core, variant: str):
    """To the bit as without the core: their arithmetic is that of numpy."""
    folder = ROOT / "tests" / "data" / "v0.1"
    core("off")
    names = ("default", "444", "best", "look", "xtrans", "lossless", "standard", "no_refine")
    expected = {name: rawback.recover(folder / f"{name}.jpg").mosaic for name in names}
    core(variant)
    for name, mosaic in expected.items():
        recovered = rawback.recover(folder / f"{name}.jpg")
        assert recovered.recipe.arithmetic == 1 and np.array_equal(recovered.mosaic, mosaic), name


def test_the_command_says_whether_it_has_its_core(core):
    core("")
    line = [sys.executable, "-m", "rawback", "--version"]
    for variant, expected in (("", "with its compiled core"), ("off", "without its compiled core, as RAWBACK_CORE asks")):
        environment = os.environ | {"RAWBACK_CORE": variant, "PYTHONPATH": str(ROOT)}
        assert expected in subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout


def test_a_library_of_another_version_is_not_used(core, monkeypatch: pytest.MonkeyPatch):
    core("")
    monkeypatch.setattr(native, "ABI", -1)
    native.library.cache_clear()
    assert native.library() is None and "of another version" in native.describe()


@pytest.mark.parametrize("compiler", ["", "/bin/false"])
def test_wheels_are_built_without_a_compiler_and_with_one(compiler: str, tmp_path: Path):
    pytest.importorskip("hatchling")
    environment = os.environ | ({"CC": compiler, "RAWBACK_CORE": ""} if compiler else {})
    line = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(line, check=True, capture_output=True, cwd=ROOT, env=environment)
    (wheel,) = tmp_path.glob("*.whl")
    libraries = [
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith("rawback/isp/native/core") and ".c" not in name[-2:]
    ]
    assert bool([n for n in libraries if n.endswith((".so", ".dylib", ".dll"))]) == (not wheel.name.endswith("none-any.whl"))
    if compiler:
        assert wheel.name.endswith("py3-none-any.whl")
