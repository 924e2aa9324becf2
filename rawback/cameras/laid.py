"""A picture laid upon the RAW it was made from, and samples of what it shows of which light."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.cameras import fine_registration, registration
from rawback.cameras.fine_registration import Plane, Region
from rawback.cameras.look_fit import Samples
from rawback.cameras.registration import Placement
from rawback.picture import as_stored

BLOCK, MARGIN = 4, 4
"""Pixels of the picture that a sample is the mean of, each way: noise and sharpening are averaged out; and what is left out
along its border."""
FLAT = 0.06
"""Spread of codes within a sample at which it counts half: on edges, sharpening and a misplacement of half a pixel matter."""
GREY, COLOURFUL = 0.02, 0.08
"""Saturation (share of the brightest channel) under which all but COLOURED of a picture is where it is monochrome."""
COLOURED = 0.01


@dataclass(frozen=True)
class Laid:
    """A picture laid upon its RAW."""

    codes: np.ndarray
    """(rows * BLOCK, columns * BLOCK, 3) of the picture as the RAW lies: what lies on it, without bars and border."""
    region: Region
    """Of the RAW as reduced: what lies under it."""

    @classmethod
    def upon(cls, light: np.ndarray, codes: np.ndarray, orientation: int) -> Laid | str:
        """Find where a picture (h, w, 3) lies on light (H, W, 3); or say why that cannot be.

        orientation: the RAW's; most pictures inside lie as it does, some are upright.
        """
        codes = registration.without_bars(codes)
        if _is_grey(codes, GREY) and not _is_grey(light, COLOURFUL):
            return "is monochrome"
        grey, ways = registration.grey(light), [codes] if orientation == 1 else [codes, as_stored(codes, orientation)]
        lying, rough = max(
            ((way, registration.roughly(grey, registration.grey(way) ** 2.2)) for way in ways),
            key=lambda laid: laid[1].likeness,
        )
        place = registration.place(grey, registration.grey(lying) ** 2.2, rough)
        return cls._refined(grey, lying, place) if place.likeness >= registration.ALIKE else "does not show the same"

    @classmethod
    def _refined(cls, grey: np.ndarray, codes: np.ndarray, place: Placement) -> Laid | str:
        rows, columns = ((part.stop - part.start - 2 * MARGIN) // BLOCK for part in place.overlap(codes.shape)[1])
        if min(rows, columns) < 1:
            return "does not show the same"
        top, left = (part.start + MARGIN for part in place.overlap(codes.shape)[1])
        codes = codes[top : top + rows * BLOCK, left : left + columns * BLOCK]
        down, across = grey.shape[0] / place.height, grey.shape[1] / place.width
        middle = (place.top + top + rows * BLOCK / 2) * down, (place.left + left + columns * BLOCK / 2) * across
        region = Region(*middle, rows * BLOCK * down, columns * BLOCK * across)
        few = registration.resized(registration.grey(codes) / 3, columns, rows)
        return cls(codes, fine_registration.refine(Plane(grey), few, region, across))

    def samples(self, light: np.ndarray) -> Samples:
        """What the picture shows of light (H, W, 3), as `look_fit` takes it: means over blocks of the two."""
        rows, columns = (side // BLOCK for side in self.codes.shape[:2])
        means = [registration.resized(x, columns, rows).reshape(-1, 3) for x in (self.codes, self.codes**2)]
        codes, squares = (mean.astype(np.float64) for mean in means)
        below = np.stack([Plane(light[..., c]).means(self.region, rows, columns) for c in range(3)], -1).reshape(-1, 3)
        spread = np.sqrt(np.maximum(squares - codes**2, 0)).max(-1)
        y, x = (2 * (np.arange(side) + 0.5) / side - 1 for side in (rows, columns))
        radius2 = ((y * rows) ** 2)[:, None] + ((x * columns) ** 2)[None]
        return Samples(below, codes, 1 / (1 + (spread / FLAT) ** 2), radius2.ravel() / (rows**2 + columns**2))


def _is_grey(rgb: np.ndarray, limit: float) -> bool:
    few = rgb[::4, ::4].reshape(-1, 3)
    most = few.max(1)
    lit = most > 0.05 * max(float(most.max()), 1e-6)
    coloured = np.count_nonzero((most - few.min(1))[lit] >= limit * most[lit])
    return bool(lit.any() and coloured <= COLOURED * np.count_nonzero(lit))
