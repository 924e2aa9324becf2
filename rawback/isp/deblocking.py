"""Steps at the borders of 8x8 blocks that are larger than those within: measured in the picture, and evened out by that much.

A step is what a border adds to the slopes on either side of it. Where those of borders have a larger variance than those in
the middle of blocks as busy, the excess is the quantiser's, and all are reduced until they are alike. The mean along a
border and what varies along it are told apart: the first is seen as a block, the second as a frayed edge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rawback.isp.native.library import call, library

BUSY = np.array([0.0006, 0.0012, 0.0024, 0.0048, 0.0096, 0.02], np.float32)
"""Borders between classes of busyness, the mean difference of neighbours within both blocks, in codes."""
FEWEST = 200
"""Borders of a class that tell its share."""
RAMPS = np.array([[0.5, 0.36, 0.22, 0.08], [0.5, 0.2, 0.0, 0.0]], np.float32)
"""By which share a step is taken back at each pixel from the border on: of the mean along it, and of what varies."""
FRAYED = 0.5
"""Share of what varies along borders that is evened out: all of it would cost texture a tenth of a dB."""
REACH = 4
"""Pixels on either side of a border."""


@dataclass(frozen=True)
class Deblocking:
    """By how much steps at borders are too large."""

    shares: np.ndarray
    """(2, classes) float32, 0..1: of the mean along a border and of what varies along it, by busyness."""

    @classmethod
    def measured(cls, bands: Sequence[np.ndarray]) -> Deblocking:
        """In luma, bands (8m, W) float32 that begin at a block."""
        at_borders, within = (_variances(bands, offset) for offset in (0, REACH))
        shares = np.clip(1 - np.sqrt(within / np.maximum(at_borders, 1e-12)), 0, 1)
        return cls((shares * [[1.0], [FRAYED]]).astype(np.float32))

    def applied(self, luma: np.ndarray) -> np.ndarray:
        """Luma (8m, 8n) float32 with its steps evened out, along rows and along columns."""
        if library() is not None:
            result = np.array(luma, order="C")
            call("core_deblock", result, result.shape[0] // 8, result.shape[1] // 8, self.shares, BUSY, RAMPS)
            return result
        return self._across(self._across(luma.T).T)

    def _across(self, luma: np.ndarray) -> np.ndarray:
        """The borders between columns."""
        rows, width = luma.shape
        if width < 16:
            return luma
        mean, rest, busy = _steps(luma, 0)  # (m, 1, k), (m, 8, k), (m, k)
        kinds = np.digitize(busy, BUSY)
        parts = [mean * self.shares[0][kinds][:, None], rest * self.shares[1][kinds][:, None]]
        result = np.array(luma, order="C")
        blocks = result.reshape(rows // 8, 8, width // 8, 8)
        for pixel in range(REACH):
            change = parts[0] * RAMPS[0, pixel] + parts[1] * RAMPS[1, pixel]
            blocks[:, :, 1:, pixel] -= change
            blocks[:, :, :-1, 7 - pixel] += change
        return result


def _steps(luma: np.ndarray, offset: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps between columns 8k + offset - 1 and 8k + offset: mean along 8 rows, the rest, and how busy both sides are."""
    rows, width = luma.shape
    count = (width - offset) // 8 - 1
    columns = luma[:, 8 + offset - REACH : 8 * count + 8 + offset - REACH].reshape(rows, count, 8)
    at = np.moveaxis(columns, -1, 0)  # (8, rows, count): from REACH before the step on
    left, right = at[REACH - 1] - at[REACH - 2], at[REACH + 1] - at[REACH]
    step = (at[REACH] - at[REACH - 1] - (left + right) / 2).reshape(rows // 8, 8, count)
    inner = sum(np.abs(at[k + 1] - at[k]) for k in (0, 1, 2, 4, 5, 6)) / 6
    mean = _means(step)
    return mean[:, None], step - mean[:, None], _means(inner.reshape(rows // 8, 8, count))


def _means(of: np.ndarray) -> np.ndarray:
    """Along 8 rows (m, 8, k) -> (m, k), added in their order, as the compiled core does."""
    return np.asarray(sum(of[:, row] for row in range(8))) / np.float32(8)


def _variances(bands: Sequence[np.ndarray], offset: int) -> np.ndarray:
    """Of steps so far from borders, mean and rest, by class: (2, classes); where a class has too few, none is too much."""
    sums, counts = np.zeros((2, len(BUSY) + 1)), np.zeros(len(BUSY) + 1)
    for band in bands:
        whole = band[: len(band) // 8 * 8, : band.shape[1] // 8 * 8]
        for luma in (whole, whole.T):
            if luma.shape[1] < 24:
                continue
            mean, rest, busy = _steps(luma, offset)
            kinds = np.digitize(busy, BUSY).ravel()
            counts += np.bincount(kinds, minlength=len(counts))
            for row, squared in enumerate((np.square(mean[:, 0]), np.square(rest).mean(1))):
                sums[row] += np.bincount(kinds, squared.ravel(), minlength=len(counts))
    variances = sums / np.maximum(counts, 1)
    variances[:, counts < FEWEST] = np.inf if offset else 1.0
    return variances
