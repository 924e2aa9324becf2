"""Lossless JPEG: another decoder gives back the very samples."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rawback.files import huffman_tables, ljpeg

imagecodecs = pytest.importorskip("imagecodecs")
RANDOM = np.random.default_rng(7)


def noisy(spread: int, shape: tuple[int, int, int] = (256, 128, 2)) -> np.ndarray:
    return (RANDOM.integers(-spread, spread + 1, shape) + 2000 + 40 * np.arange(shape[1])[:, None]).astype(np.uint16)


def cascade() -> np.ndarray:
    """Differences whose counts grow like Fibonacci numbers, so that plain Huffman codes would exceed 16 bits."""
    counts, steps = [1, 1], []
    while len(counts) < 17:
        counts.append(counts[-1] + counts[-2])
    for category, count in enumerate(reversed(counts)):
        steps += [(1 << category) >> 1] * count
    samples = np.cumsum(np.resize(np.array(steps, np.uint64), 256 * 64)).astype(np.uint16)
    return samples.reshape(256, 64, 1)


PICTURES = {
    "flat": np.full((256, 128, 2), 1234, np.uint16),
    "black": np.zeros((256, 128, 2), np.uint16),
    "quiet": noisy(3),
    "noisy": noisy(500),
    "any": RANDOM.integers(0, 65536, (256, 128, 2)).astype(np.uint16),
    "extremes": RANDOM.choice(np.array([0, 1, 32767, 32768, 65535], np.uint16), (256, 128, 2)),
    "half steps": np.tile(np.array([[[0, 7], [32768, 7]]], np.uint16), (16, 8, 1)),
    "two equal rows": np.tile(noisy(9, (1, 128, 2)), (2, 1, 1)),
    "cascade": cascade(),
}


@pytest.mark.parametrize("name", PICTURES)
def test_another_decoder_gives_the_samples_back(name: str):
    samples = PICTURES[name]
    decoded = imagecodecs.jpeg8_decode(ljpeg.encode(samples))
    assert np.array_equal(decoded.reshape(samples.shape), samples)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(0, 16), st.integers(0, 2**32))
def test_any_shape_and_depth(height: int, width: int, components: int, bits: int, seed: int):
    samples = np.random.default_rng(seed).integers(0, 1 << bits, (height, width, components)).astype(np.uint16)
    decoded = imagecodecs.jpeg8_decode(ljpeg.encode(samples))
    assert np.array_equal(decoded.reshape(samples.shape), samples)


@pytest.mark.parametrize("name", ["quiet", "noisy", "any"])
def test_as_small_as_libjpeg_with_optimal_tables(name: str):
    theirs = imagecodecs.jpeg8_encode(PICTURES[name], lossless=True, predictor=1, bitspersample=16)
    assert len(ljpeg.encode(PICTURES[name])) <= len(theirs)


def test_frame_is_what_dng_readers_expect():
    data = ljpeg.encode(PICTURES["noisy"])
    frame = data.index(b"\xff\xc3")
    assert data[frame + 4 : frame + 10] == bytes([16, 1, 0, 0, 128, 2])  # 16 bits, 256 rows, 128 columns, 2 components
    scan = data.index(b"\xff\xda")
    assert data[scan + 9 : scan + 12] == bytes([1, 0, 0])  # predictor 1, no point transform
    assert data.endswith(b"\xff\xd9")


def test_codes_are_short_and_none_is_all_ones():
    for weights in ([1], [5, 5], [2**i for i in range(17)], [1] * 17, [0, 0, 3, 1]):
        counts = np.array(weights + [0] * (17 - len(weights)))
        lengths, order = huffman_tables.best(counts)
        codes = huffman_tables.codes(lengths, order)
        assert set(order) == set(np.flatnonzero(counts)) and lengths.max() <= 16
        assert all(codes[s] < (1 << lengths[s]) - 1 for s in order)


def test_no_marker_hides_in_the_scan():
    data = ljpeg.encode(PICTURES["any"])
    scan = data[data.index(b"\xff\xda") + 12 : -2]
    assert all(scan[i + 1] == 0 for i in range(len(scan)) if scan[i] == 0xFF)
