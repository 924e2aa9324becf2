"""`--effort best`: smaller files for the same RAW, decoded by the same decoder; and the search that makes them so."""

from __future__ import annotations

import io
import itertools
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scenes import mosaic_db, psnr, raw_file, recovered

import rawback
from rawback import RenderOptions
from rawback.files.raw import RawFile
from rawback.isp import trellis
from rawback.isp.levels import ZIGZAG
from rawback.provenance import State

BEST, FAST = (RenderOptions(exposure=0.0, effort=effort, quality=quality) for effort, quality in (("best", 87), ("fast", 85)))
"""A finer step by best; it takes less than the coarser one by fast."""


@pytest.fixture(scope="module")
def best(part: RawFile) -> bytes:
    return rawback.render(part, BEST).data


def test_best_is_smaller_and_better(part: RawFile, best: bytes):
    fast = rawback.render(part, FAST).data
    assert len(best) < len(fast)
    reached = [mosaic_db(recovered(data).mosaic, part.mosaic, part.recipe) for data in (best, fast)]
    assert reached[0] > reached[1] + 0.2


def test_best_costs_little_at_the_same_step(part: RawFile, best: bytes):
    fast = rawback.render(part, replace(FAST, quality=87)).data
    assert len(best) < 0.9 * len(fast)
    assert recovered(best).state is State.UNTOUCHED
    with Image.open(io.BytesIO(best)) as one, Image.open(io.BytesIO(fast)) as other:
        assert [one.quantization[n][1:] for n in (0, 1)] == [other.quantization[n][1:] for n in (0, 1)]
        assert psnr(np.asarray(one), np.asarray(other), 255) > 38


def test_best_is_decoded_alike_by_any_number_of_threads(best: bytes, monkeypatch: pytest.MonkeyPatch):
    mosaics = []
    for threads in ("1", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        mosaics.append(recovered(best).mosaic)
    assert np.array_equal(*mosaics)


@pytest.mark.parametrize("tables", ["raw", "standard"])
def test_best_makes_equal_files_of_equal_inputs(tables: str, monkeypatch: pytest.MonkeyPatch):
    file, options = raw_file(100, 140), replace(BEST, tables=tables)
    files = []
    for threads in ("1", "2", "2"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        files.append(rawback.render(file, options).data)
    assert files[0] == files[1] == files[2]
    assert files[0] != rawback.render(file, replace(options, effort="fast")).data
    assert mosaic_db(recovered(files[0]).mosaic, file.mosaic, file.recipe) > 36


def test_symbols_are_counted_as_the_standard_codes_them():
    """ITU T.81, F.1.2.2: 1 at once; 18 zeros, then -3, which is ZRL and two zeros before two bits; end of block."""
    levels = np.zeros((2, 64), np.int16)
    levels[0, [0, 1, 40]] = 5, 1, -3  # 40 is the 20th of the zigzag scan
    levels[1, 63] = 1  # 62 zeros: three ZRL and 14 more; no end of block after the last
    counts = trellis.symbol_counts(levels)
    assert counts[0, 1] == 1 and counts[2, 2] == 1 and counts[14, 1] == 1
    assert counts[15, 0] == 4 and counts[0, 0] == 1
    assert counts.sum() == 8


def cost(levels: np.ndarray, scaled: np.ndarray, counts: np.ndarray, centroids: np.ndarray) -> float:
    """Squared error in steps, and bits at `LAMBDA` each, of the AC levels (63,) of a block in zigzag order."""
    lengths = -np.log2((counts + 0.3) / (counts + 0.3).sum())
    magnitude = np.abs(levels)
    decoded = magnitude + np.where(magnitude > 0, centroids[np.clip(magnitude, 1, 3) - 1], 0)
    bits, zeros = 0.0, 0
    for level in magnitude:
        if not level:
            zeros += 1
            continue
        size = int(level).bit_length()
        bits += zeros // 16 * lengths[15, 0] + lengths[zeros % 16, size] + size
        zeros = 0
    return float(np.square(np.abs(scaled) - decoded).sum() + trellis.LAMBDA * (bits + (lengths[0, 0] if zeros else 0)))


@pytest.mark.parametrize("seed", range(12))
def test_the_search_finds_the_cheapest_levels_of_a_block(seed: int):
    """Against all ways to take the nearest level, the one below it, or none, for seven coefficients."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(1, 400, (16, trellis.SIZES))
    centroids = np.array([0.03, 0.07, 0.1], np.float32)
    places = np.sort(rng.choice(63, 7, replace=False))
    if seed % 2:  # a level at the very end, which spares a dear end of block
        places[-1], counts[0, 0] = 62, 0
    scanned = rng.uniform(-0.45, 0.45, 63).astype(np.float32)
    scanned[places] = rng.choice([-1, 1], 7) * rng.uniform(0.5, 3.2, 7)
    scaled = np.zeros((1, 64), np.float32)
    scaled[0, ZIGZAG[1:]] = scanned
    prices = trellis.bits_of(counts).priced(np.zeros(1, np.uint8))
    chosen = trellis.optimise(scaled, prices, centroids)[0, ZIGZAG[1:]]
    nearest = np.floor(np.abs(scanned[places]) + 0.5).astype(int)
    assert (np.sign(chosen[chosen != 0]) == np.sign(scanned[chosen != 0])).all()

    def of(magnitudes: tuple[int, ...]) -> float:
        levels = np.zeros(63, int)
        levels[places] = magnitudes
        return cost(levels, scanned, counts, centroids)

    least = min(map(of, itertools.product(*({n, n - 1, 0} for n in nearest.tolist()))))
    assert cost(chosen.astype(int), scanned, counts, centroids) == pytest.approx(least, abs=1e-3)
