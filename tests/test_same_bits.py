"""What an array comes out as does not hang on strips, threads or, but for the last digit, on the processor."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scenes import BAYER, CFAS, raw_file
from test_fast_parts import MIXED

import rawback
from rawback import RenderOptions
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass, parallel
from rawback.isp.matmul import COLUMNS, mix, times
from rawback.isp.quantisation_tables import coding
from rawback.isp.video import signal
from rawback.recipe import Recipe

WIDTHS = [16, 120, 131, 276]  # of one block, of groups with a rest, of no whole block, of more than one group
STRIPS = [16, 32, 48, 80, 112]
KERNELS = ["Prescott", "Nehalem", "Sandybridge", "Haswell", "Zen", "SkylakeX", "Cooperlake"]  # of OpenBLAS for x86
RECOVER = """
import sys, numpy, rawback
from pathlib import Path
for name in sys.argv[1:]:
    numpy.save(name + ".npy", rawback.recover(Path(name)).mosaic)
"""


def picture_of(width: int, cfa: str, subsampling: str, code_matrix: tuple = ()) -> tuple[closed_loop.Coefficients, Recipe]:
    file = raw_file(200, width, CFAS[cfa])
    recipe = dataclasses.replace(file.recipe, code_matrix=code_matrix)
    return closed_loop.encode(file.mosaic, recipe, coding(85, subsampling, "raw")), recipe


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(("cfa", "subsampling", "code_matrix"), [
    ("RGGB", "4:2:0", ()), ("GBRG", "4:4:4", MIXED), ("X-Trans", "4:2:2", ()),
])  # fmt: skip
def test_strips_of_any_height_decode_to_the_same(
    width: int, cfa: str, subsampling: str, code_matrix: tuple, monkeypatch: pytest.MonkeyPatch
):
    picture, recipe = picture_of(width, cfa, subsampling, code_matrix)
    expected = inverse_pass.decode(picture, recipe)
    for rows in STRIPS:
        monkeypatch.setattr(parallel, "STRIP_PIXELS", rows * width)
        assert np.array_equal(inverse_pass.decode(picture, recipe), expected), rows


def test_any_rows_of_the_planes_are_those_of_the_frame():
    """Exactly, before anything is rounded to DN."""
    picture, _ = picture_of(276, "RGGB", "4:2:0")
    frame = np.stack(inverse_pass.decoded_planes(picture, 0, 200))
    for start, stop in ((0, 16), (16, 200), (40, 41), (77, 131)):
        assert np.array_equal(np.stack(inverse_pass.decoded_planes(picture, start, stop)), frame[:, start:stop])


@pytest.mark.parametrize("cfa", ["RGGB", "X-Trans"])
def test_video_in_strips_of_any_height_is_the_same(cfa: str, monkeypatch: pytest.MonkeyPatch):
    file = raw_file(200, 131, CFAS[cfa])
    to_ycc = np.array([[0.2126, 0.7152, 0.0722], [-0.1146, -0.3854, 0.5], [0.5, -0.4542, -0.0458]])

    def everything() -> list[np.ndarray]:
        planes = signal.picture(file.mosaic, file.recipe, to_ycc)
        luma = signal.luma_under(planes[1:], file.mosaic, file.recipe, np.linalg.inv(to_ycc))
        return [planes, luma, signal.mosaic_of(mix(np.linalg.inv(to_ycc).astype(np.float32), planes), file.recipe)]

    expected = everything()
    for rows in STRIPS:
        monkeypatch.setattr(parallel, "STRIP_PIXELS", rows * 131)
        assert all(np.array_equal(a, b) for a, b in zip(everything(), expected, strict=True)), rows


@pytest.mark.parametrize("count", ["1", "2", "7"])
def test_any_number_of_threads_codes_and_decodes_the_same(count: str, monkeypatch: pytest.MonkeyPatch):
    file = raw_file(200, 120)
    monkeypatch.setattr(parallel, "STRIP_PIXELS", 120 * 16)  # many strips, whose threads race
    picture = closed_loop.encode(file.mosaic, file.recipe, coding(85, "4:2:0", "raw"))
    monkeypatch.setenv("OMP_NUM_THREADS", count)
    again = closed_loop.encode(file.mosaic, file.recipe, coding(85, "4:2:0", "raw"))
    assert again.sha256() == picture.sha256() and again.centroids == picture.centroids
    decoded = inverse_pass.decode(picture, file.recipe)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert np.array_equal(inverse_pass.decode(picture, file.recipe), decoded)


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RawFile]:
    """A folder with lossy.jpg, look.jpg and lossless.jpg, and the RAW they are of."""
    folder, file = tmp_path_factory.mktemp("kernels"), raw_file(200, 276, BAYER["GRBG"])
    mixed = dataclasses.replace(file, recipe=dataclasses.replace(file.recipe, code_matrix=MIXED))
    for name, raw, options in (("lossy", file, {}), ("look", mixed, {}), ("lossless", file, {"lossless": True})):
        (folder / f"{name}.jpg").write_bytes(rawback.render(raw, RenderOptions(**options)).data)
    return folder, file


def recovered(folder: Path, **environment: str) -> list[np.ndarray]:
    """The mosaics of the fixture's files as another process makes them of them."""
    names = [str(folder / f"{name}.jpg") for name in ("lossy", "look", "lossless")]
    where = os.environ | {"PYTHONPATH": str(Path(rawback.__file__).parents[1])} | environment
    done = subprocess.run([sys.executable, "-c", RECOVER, *names], env=where, capture_output=True, timeout=120)
    if done.returncode < 0 and environment.get("OPENBLAS_CORETYPE"):
        pytest.skip("this processor does not know that kernel's instructions")
    assert not done.returncode, done.stderr.decode()
    return [np.load(name + ".npy") for name in names]


@pytest.mark.parametrize("core", ["", "off"])
@pytest.mark.parametrize("kernel", KERNELS)
def test_other_processors_recover_the_same(rendered: tuple[Path, RawFile], kernel: str, core: str):
    """By OpenBLAS' kernels for them, with the compiled core and without; a lossless layer gives the original."""
    folder, file = rendered
    here = [rawback.recover(folder / f"{name}.jpg").mosaic for name in ("lossy", "look")]
    *lossy, lossless = recovered(folder, OPENBLAS_CORETYPE=kernel, RAWBACK_CORE=core)
    assert np.array_equal(lossless, file.mosaic)
    assert all(map(np.array_equal, lossy, here))


def test_threads_of_blas_change_nothing(rendered: tuple[Path, RawFile]):
    folder, _ = rendered
    for a, b in zip(*(recovered(folder, OMP_NUM_THREADS=n, OPENBLAS_NUM_THREADS=n) for n in ("1", "4")), strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize("shape", [(0, 64, 64), (1, 64, 64), (15, 64, 64), (16, 64, 64), (100, 64, 16), (7, 3000, 40)])
def test_parts_make_the_product(shape: tuple[int, int, int]):
    random = np.random.default_rng(0)
    rows, matrix = random.random(shape[:2]).astype(np.float32), random.random(shape[1:]).astype(np.float32)
    out = np.empty((shape[0], shape[2]), np.float32)
    assert times(rows, matrix, out) is out
    assert np.allclose(out, rows.astype(float) @ matrix, rtol=1e-5)
    assert np.array_equal(times(rows, matrix), out)
    assert np.array_equal(times(np.stack([rows[::-1], rows]), matrix)[1], out)


@pytest.mark.parametrize("width", [1, 2, 5, COLUMNS, COLUMNS + 3])
def test_mixing_is_the_product_row_by_row(width: int):
    random = np.random.default_rng(0)
    planes, matrix = random.random((3, 4, width)).astype(np.float32), random.random((2, 3)).astype(np.float32)
    mixed = mix(matrix, planes)
    assert mixed.shape == (2, 4, width) and mixed.dtype == np.float32
    assert np.allclose(mixed, np.einsum("ij,jhw->ihw", matrix.astype(float), planes), rtol=1e-5)
    assert np.array_equal(mix(matrix, planes[:, 1:3]), mixed[:, 1:3])
