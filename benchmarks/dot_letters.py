"""Text in letters of 5x7 dots."""

from __future__ import annotations

import numpy as np

FONT = {  # 5x7 dots, a row a number
    "R": (30, 17, 17, 30, 20, 18, 17), "A": (14, 17, 17, 31, 17, 17, 17), "W": (17, 17, 17, 21, 21, 27, 17),
    "B": (30, 17, 17, 30, 17, 17, 30), "C": (14, 17, 16, 16, 16, 17, 14), "K": (17, 18, 20, 24, 20, 18, 17),
    "J": (7, 2, 2, 2, 2, 18, 12), "P": (30, 17, 17, 30, 16, 16, 16), "E": (31, 16, 16, 30, 16, 16, 31),
    "G": (14, 17, 16, 23, 17, 17, 14), "T": (31, 4, 4, 4, 4, 4, 4), "O": (14, 17, 17, 17, 17, 17, 14), " ": (0,) * 7,
}  # fmt: skip
LINES = ("RAWBACK", "JPEG TO RAW", "RAW TO JPEG BACK", "ACE CAB GET BACK TO WORK", "PEAR GRAPE CARROT BEET ROOT CAKE")


def page() -> np.ndarray:
    """The text card, 0 ink and 1 paper: lines of letters, each smaller than the one above, in dots (rows, 208)."""
    rows = []
    for line in LINES:
        dots = np.array([[FONT[c][row] >> bit & 1 for c in line for bit in range(5, -1, -1)] for row in range(7)])
        size = max(1, 208 // dots.shape[1])
        dots = dots.repeat(size, 0).repeat(size, 1)
        left = (208 - dots.shape[1]) // 2
        rows += [np.pad(dots, ((3, 3), (left, 208 - left - dots.shape[1])))]
    return 1 - np.concatenate(rows)
