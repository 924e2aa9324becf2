"""Products in small parts are the products."""

import numpy as np
import pytest

from rawback.isp.matmul import times


@pytest.mark.parametrize("shape", [(0, 64, 64), (1, 64, 64), (15, 64, 64), (16, 64, 64), (100, 64, 16), (7, 3000, 40)])
def test_parts_make_the_whole(shape: tuple[int, int, int]):
    random = np.random.default_rng(0)
    rows, matrix = random.random(shape[:2]).astype(np.float32), random.random(shape[1:]).astype(np.float32)
    out = np.empty((shape[0], shape[2]), np.float32)
    assert times(rows, matrix, out) is out
    assert np.allclose(out, rows.astype(float) @ matrix, rtol=1e-5)
    assert np.array_equal(times(rows, matrix), out)
