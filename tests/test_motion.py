"""Motion between frames: known shifts come back, exactly where they are of whole cells, through noise, and by object."""

import numpy as np
import pytest

from rawback.isp.video import motion

HEIGHT, WIDTH = 192, 256
EDGE = 32


def scene(seed: int) -> np.ndarray:
    """Samples of things of all sizes, from the whole view to a cell."""
    rng = np.random.default_rng(seed)
    height, width = HEIGHT + 2 * EDGE, WIDTH + 2 * EDGE
    sizes = (2, 4, 8, 16, 32, 64)
    layers = [np.kron(rng.random((-(-height // n), -(-width // n))), np.ones((n, n)))[:height, :width] for n in sizes]
    return (np.mean(layers, 0) * 0.8).astype(np.float32)


def views(down: int, right: int, noise: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Samples of a frame, and of the next one, whose things lie so many photosites higher and further left."""
    first, second = (scene(1)[y : y + HEIGHT, x : x + WIDTH] for y, x in ((EDGE, EDGE), (EDGE + down, EDGE + right)))
    rng = np.random.default_rng(3)
    return noisy(first, noise, rng), noisy(second, noise, rng)


def noisy(view: np.ndarray, noise: float, rng: np.random.Generator) -> np.ndarray:
    return view + rng.normal(0, noise, view.shape).astype(np.float32)


def planes(samples: np.ndarray) -> np.ndarray:
    return np.stack([samples[y::2, x::2] for y, x in np.ndindex(2, 2)])


def warped(cells: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Planes (n, h, w) of the other frame as the current one would show them."""
    rows, columns = (size * motion.BLOCK for size in vectors.shape[:2])
    squares = motion.squares(motion.framed(cells), vectors)  # (n, rows, columns, BLOCK, BLOCK)
    return squares.swapaxes(2, 3).reshape(len(cells), rows, columns)[:, : cells.shape[1], : cells.shape[2]]


@pytest.mark.parametrize("shift", [(0, 0), (2, -6), (-14, 26)])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_a_shift_of_whole_cells_is_found(shift: tuple[int, int], noise: float):
    first, second = views(*shift, noise)
    found = motion.field(motion.guide(first), motion.guide(second))
    right = (np.abs(found - np.array(shift) / 2).max(-1) <= 0.25)[1:-1, 1:-1]
    assert found.dtype == np.float32 and found.shape == (12, 16, 2) and right.mean() > 0.9


def test_what_moved_by_whole_cells_comes_back_exactly():
    first, second = views(4, -10)
    vectors = np.broadcast_to(np.array([2, -5], np.float32), (12, 16, 2))
    back = warped(planes(first), vectors)
    assert np.array_equal(back[:, :-2, 5:], planes(second)[:, :-2, 5:])


def test_values_between_cells_are_those_of_a_smooth_scene():
    row = np.arange(75)[:, None] + 2 * np.arange(101)
    plane, moved = (np.sin((row + phase) / 9)[None].astype(np.float32) for phase in (0, 0.25 - 2 * 1.5))
    found = warped(plane, np.broadcast_to(np.array([0.25, -1.5], np.float32), (10, 13, 2)))
    assert np.abs(found - moved)[:, 3:-3, 3:-3].max() < 0.01


def test_an_object_moves_and_the_ground_does_not():
    rng = np.random.default_rng(4)
    ground, thing = (scene(seed)[:HEIGHT, :WIDTH] for seed in (1, 2))
    first, second = ground.copy(), ground.copy()
    first[48:144, 64:160] = second[48:144, 96:192] = thing[48:144, 64:160]
    first, second = noisy(first, 0.02, rng), noisy(second, 0.02, rng)
    there = motion.field(motion.guide(first), motion.guide(second))
    assert np.all(np.abs(there[4:8, 7:11] - (0, -16)) <= 0.25)
    assert not there[:2].any() and not there[-2:].any()


@pytest.mark.parametrize("size", [(2, 2), (6, 10), (34, 2), (33, 47)])
def test_frames_of_any_size_do(size: tuple[int, int]):
    samples = np.random.default_rng(1).random(size, np.float32)
    guide = motion.guide(samples)
    vectors = motion.field(guide, guide)
    cells = guide[None]
    assert not vectors.any() and np.array_equal(warped(cells, vectors), cells)
