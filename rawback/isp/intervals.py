"""What a JPEG says for certain: each coefficient lay within half a quantiser's step of the level that was written."""

from __future__ import annotations

import numpy as np

from rawback.isp import fixed_dct

HALF = 0.55
"""Of a step, a little more than rounding leaves: a coder may choose the cheaper of two levels, and a decoder's samples are
rounded before they are coded again."""


def within(change: np.ndarray, table: np.ndarray) -> np.ndarray:
    """A change of a decoded plane (8m, 8n) float32, 0..1, that keeps every coefficient in its quantiser's interval.

    table: (64,) quantisation table in natural order.
    """
    return fixed_dct.limited(change, table, HALF)
