"""A picture laid upon the RAW it was made from, and samples of what it shows of which light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.cameras import fine_registration, registration
from rawback.cameras.look_fit import Samples
from rawback.cameras.regions import Region, block_means, means
from rawback.cameras.registration import Places
from rawback.picture import as_stored

COARSE_BLOCK = 16
"""Pixels of the picture, each way, that are looked at together while it is only laid roughly."""
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
        places, ways = Places(registration.grey(light)), [codes] if orientation == 1 else [codes, as_stored(codes, orientation)]
        greys = [registration.grey(way) / 3 for way in ways]
        rough = [places.roughly(grey) for grey in greys]
        which = max(range(len(ways)), key=lambda i: rough[i].likeness)
        return cls._refined(places, ways[which], greys[which], rough[which].region) or "does not show the same"

    @classmethod
    def _refined(cls, places: Places, codes: np.ndarray, grey: np.ndarray, region: Region) -> Laid | None:
        """Laid to a fraction of a pixel, from where it lies roughly; None where that is not of what it shows."""
        for side in (COARSE_BLOCK, BLOCK):
            blocks = _common(places.light.shape, grey.shape, region, side)
            if blocks is None:
                return None
            down, across = blocks
            common = grey[down, across]
            below = region.part(grey.shape, down.start, across.start, *common.shape)
            below = fine_registration.refine(places.light, block_means(common, side), below)
            region = below.part(common.shape, -down.start, -across.start, *grey.shape)
        if places.likeness(common, below) < registration.ALIKE:
            return None
        return cls(codes[down, across], below)

    def samples(self, light: np.ndarray) -> Samples:
        """What the picture shows of light (H, W, 3), as `look_fit` takes it: means over blocks of the two."""
        codes, weight = self._shown
        rows, columns = codes.shape[:2]
        below = np.stack([means(light[..., c], self.region, rows, columns) for c in range(3)], -1)  # (rows, columns, 3)
        y, x = (2 * (np.arange(side) + 0.5) / side - 1 for side in (rows, columns))
        radius2 = ((y * rows) ** 2)[:, None] + ((x * columns) ** 2)[None]
        flat = (below.astype(np.float64), codes, weight, radius2 / (rows**2 + columns**2))
        return Samples(*(values.reshape(-1, *values.shape[2:]) for values in flat))

    @cached_property
    def _shown(self) -> tuple[np.ndarray, np.ndarray]:
        """Codes (rows, columns, 3) float64, and what they count (rows, columns)."""
        codes, squares = (block_means(values, BLOCK).astype(np.float64) for values in (self.codes, self.codes**2))
        spread = np.sqrt(np.maximum(squares - codes**2, 0)).max(-1)
        return codes, 1 / (1 + (spread / FLAT) ** 2)


def _common(light: tuple[int, ...], picture: tuple[int, ...], region: Region, side: int) -> tuple[slice, slice] | None:
    """Rows and columns of a picture (h, w), multiples of `side`, that lie on the light (H, W) together with a margin."""
    parts = []
    for (start, stop), size, length in zip(region.sides, picture, light, strict=True):
        pixel = (stop - start) / size
        first = max(0, int(np.ceil(-start / pixel))) + MARGIN
        last = min(size, int((length - start) / pixel)) - MARGIN
        if (count := (last - first) // side) < 1:
            return None
        parts.append(slice(first, first + count * side))
    return parts[0], parts[1]


def _is_grey(rgb: np.ndarray, limit: float) -> bool:
    red, green, blue = (rgb[::4, ::4, c] for c in range(3))
    most, least = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    lit = most > 0.05 * max(float(most.max()), 1e-6)
    coloured = np.count_nonzero((most - least)[lit] >= limit * most[lit])
    return bool(lit.any() and coloured <= COLOURED * np.count_nonzero(lit))
