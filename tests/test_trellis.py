"""Rate-distortion optimised quantisation by numbers: the scan, sizes, prices, and what statistics tell the decoder."""

from __future__ import annotations

import numpy as np
import pytest

from rawback.isp import trellis
from rawback.isp.levels import ZIGZAG
from rawback.isp.statistics import Statistics
from rawback.isp.trellis import Bits, bits_of, magnitude_bits, symbol_counts

NONE = np.zeros(3, np.float32)
"""No centroids: levels stand for themselves."""


def test_the_scan_goes_along_the_antidiagonals():
    """ITU T.81, figure A.6: to the upper right on even ones, to the lower left on odd ones."""
    places = sorted(np.ndindex(8, 8), key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    assert ZIGZAG.tolist() == [8 * row + column for row, column in places]


@pytest.mark.parametrize(("level", "bits"), [(0, 0), (1, 1), (-1, 1), (2, 2), (3, 2), (4, 3), (255, 8), (-256, 9), (1023, 10)])
def test_sizes_are_the_standards_categories(level: int, bits: int):
    """ITU T.81, table F.2."""
    assert magnitude_bits(np.array([level], np.int16))[0] == bits


def test_symbols_that_are_rare_cost_more_and_none_more_than_16_bits():
    counts = np.zeros((16, trellis.SIZES), int)
    counts[0, 1], counts[0, 0], counts[15, 0] = 1 << 20, 1 << 19, 1 << 10
    bits = bits_of(counts)
    assert bits.level.shape == (trellis.SIZES, 63) and bits.level.dtype == np.float32
    total = np.log2((1 << 20) + (1 << 19) + (1 << 10) + 0.3 * counts.size)
    assert bits.level[1, 0] == pytest.approx(total - 20 + 1, abs=1e-4)  # the symbol, and one bit of its own
    assert bits.end == pytest.approx(total - 19, abs=1e-4)
    assert bits.level[3, 5] == pytest.approx(16 + 3)  # never seen
    assert bits.level[1, 16] == pytest.approx(bits.level[1, 0] + total - 10, abs=1e-3)  # sixteen zeros: ZRL before it
    assert bits.level[1, 62] == pytest.approx(16 + 1 + 3 * (total - 10), abs=2e-3)


def block(steps_at: dict[int, float]) -> np.ndarray:
    """(1, 64) float32, natural order, from coefficients in steps by their places in the scan."""
    steps = np.zeros((1, 64), np.float32)
    for place, value in steps_at.items():
        steps[0, ZIGZAG[place]] = value
    return steps


def priced(level: float, end: float = 0.0) -> Bits:
    """All levels at so many bits, after any run."""
    return Bits(np.full((trellis.SIZES, 63), level, np.float32), end)


def optimise(steps: np.ndarray, bits: Bits, centroids: np.ndarray) -> np.ndarray:
    """At the usual price, all blocks alike."""
    return trellis.optimise(steps, bits.priced(np.zeros(len(steps), np.uint8)), centroids)


@pytest.mark.parametrize(("value", "expected"), [(0.4, 0), (0.6, 1), (1.4, 1), (1.6, 2), (-2.4, -2), (-2.6, -3)])
def test_where_bits_cost_nothing_levels_are_rounded(value: float, expected: int):
    assert optimise(block({5: value}), priced(0), NONE)[0, ZIGZAG[5]] == expected


def test_a_level_is_dropped_where_it_saves_less_than_it_costs():
    """1.0 saves a squared step: worth 1 / LAMBDA bits."""
    dear, cheap = priced(1 / trellis.LAMBDA + 0.1), priced(1 / trellis.LAMBDA - 0.1)
    assert not optimise(block({5: 1.0}), dear, NONE).any()
    assert optimise(block({5: 1.0}), cheap, NONE)[0, ZIGZAG[5]] == 1


def test_the_end_of_a_block_is_paid_but_for_one_that_ends_with_its_last_level():
    free_end, dear_end = priced(6.0), priced(6.0, end=100.0)
    assert optimise(block({5: 1.0}), dear_end, NONE)[0, ZIGZAG[5]] == 1, "an empty block has an end, too"
    assert optimise(block({63: 0.8}), free_end, NONE)[0, 63] == 0
    assert optimise(block({63: 0.8}), dear_end, NONE)[0, 63] == 1


def test_levels_are_judged_by_what_the_decoder_takes_them_for():
    """1.6 is nearer to 1 if 1 stands for 1.2 and 2 for 2.4."""
    assert optimise(block({5: 1.6}), priced(0), NONE)[0, ZIGZAG[5]] == 2
    assert optimise(block({5: 1.6}), priced(0), np.array([0.2, 0.4, 0.0]))[0, ZIGZAG[5]] == 1


def test_means_are_rounded_whatever_bits_cost():
    steps = block({0: -7.6})
    assert optimise(steps, priced(1000), NONE)[0, 0] == -8


def test_blocks_do_not_see_each_other():
    """Also across the parts that are worked on at a time."""
    rng = np.random.default_rng(2)
    steps = rng.laplace(0, 0.8, (trellis.CHUNK + 3, 64)).astype(np.float32)
    bits = bits_of(symbol_counts(np.rint(steps).astype(np.int16)))
    levels = optimise(steps, bits, NONE)
    for some in (slice(0, 2), slice(trellis.CHUNK - 1, trellis.CHUNK + 2)):
        assert np.array_equal(optimise(steps[some], bits, NONE), levels[some])


def test_statistics_are_the_means_of_what_is_left_over():
    levels, steps = np.zeros((1, 1, 64), np.int16), np.zeros((1, 1, 64), np.float32)
    levels[0, 0, 1:6], steps[0, 0, 1:6] = (1, -1, 2, 3, -7), (1.2, -1.4, 1.9, 3.3, -7.1)
    steps[0, 0, 0] = 99.5  # DC does not count
    measured = Statistics.of(levels, steps, symbols=True)
    assert np.allclose(measured.centroids(), (0.3, -0.1, 0.2)) and measured.number.tolist() == [2, 1, 2]
    both = Statistics.sum([measured, Statistics.of(np.zeros((1, 1, 64), np.int16), steps * 0, symbols=True)])
    assert np.allclose(both.centroids(), (0.3, -0.1, 0.2))
    assert both.symbols[0, 0] == 2, "two blocks end before their last place"
    assert not Statistics.of(levels * 0, steps, symbols=False).centroids().any()
