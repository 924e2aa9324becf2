"""Light above a picture's white, as its unblown channels and what lies around tell it.

Where one or two channels are blown, the others go on, and the colour is most often that of bright surroundings: the blown
channel is the others' light times a ratio. Where all are blown only the surroundings are left. What ratio, and what light
around, a network guesses for blocks of 8 x 8 pixels (`nets.highlights`). All of that is in light, one channel of the picture at
a time, as it was before the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.isp.colour import curve_of
from rawback.isp.colour_profile import Profile
from rawback.isp.light import decoded
from rawback.isp.parallel import in_threads, strips
from rawback.picture import Coefficients, Pixels
from rawback.recipe import Recipe

BLOCK = 8
"""Pixels each way that share what is guessed of them; and every second of them, that tell it."""
BLOWN = (0.965, 0.995)
"""Codes from which a channel begins to be taken for blown, and from which on it is."""
MOST_STOPS = 2.0
"""Above white: nothing is taken for brighter."""
LEAST_SHARE = 2e-4
"""Of a picture's pixels that have to be blown for the rest to be worth the room."""
DARKEST = 0.02
"""Light that still tells a colour."""
SURROUNDINGS = 0.05
"""How much the light around counts beside that of a channel which is not blown at all."""


@dataclass(frozen=True)
class Blocks:
    """Means of a picture's blocks, (3, rows, columns) float32 each."""

    codes: np.ndarray
    blown: np.ndarray
    """Share of pixels that are blown, 0 to 1."""
    light: np.ndarray
    """Before the curve, 1 where the picture is white."""

    @property
    def matter(self) -> bool:
        """Whether enough is blown."""
        return float(self.blown.max(0).mean()) >= LEAST_SHARE


@dataclass(frozen=True)
class Highlights:
    """What is guessed of the light in a picture's blown parts."""

    blocks: Blocks
    ratios: np.ndarray
    """(3, rows, columns) log2 of each channel's light over their mean."""
    around: np.ndarray
    """(3, rows, columns) light of bright surroundings, at least white."""
    recipe: Recipe

    @cached_property
    def stops(self) -> float:
        """log2 of the brightest light of a block against white, at most MOST_STOPS."""
        light = restored_light(self.blocks.light, self.blocks.blown, self.ratios, self.around)
        return float(np.clip(np.log2(max(light.max(), self.around[self.blocks.blown > 0.5].max(initial=1.0))), 0, MOST_STOPS))

    def message(self) -> str:
        """What is done, in words."""
        return f"blown highlights guessed, up to {self.stops:.1f} stops above the picture's white"

    def restored(self, codes: np.ndarray, native: np.ndarray, top: int) -> np.ndarray:
        """A strip's codes (3, rows, width) from row `top` on, those of blown channels raised to where light is guessed.

        codes: as the recipe's curve has them; native: the picture's own, before its profile, which tell what is blown.
        """
        rows, columns = np.nonzero(native.max(0) > BLOWN[0])
        if not len(rows):
            return codes
        curve = curve_of(self.recipe)
        some = codes[:, rows, columns]  # (3, n)
        at = (rows + top, columns)
        share = blown(native[:, rows, columns])
        light = restored_light(curve.light(some), share, between(self.ratios, *at), between(self.around, *at))
        result = codes.copy()
        result[:, rows, columns] = np.maximum(curve.encode(light), some)
        return result


def restored_light(light: np.ndarray, share: np.ndarray, ratios: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Light (3, ...) of which channels are blown by `share`, 0 to 1; as it is where they are not. Never less than it is."""
    told = 1 - share
    others = (told * light * np.exp2(-ratios)).sum(0) / np.maximum(told.sum(0), 1e-6)  # mean light, by what is told
    known = np.minimum(told.sum(0), 1)
    expected = (known * others * np.exp2(ratios) + SURROUNDINGS * around) / (known + SURROUNDINGS)
    return light + share * np.maximum(np.minimum(expected, 2**MOST_STOPS) - light, 0)


def blown(codes: np.ndarray) -> np.ndarray:
    """How far codes are blown, 0 to 1."""
    share = np.clip((codes - np.float32(BLOWN[0])) / np.float32(BLOWN[1] - BLOWN[0]), 0, 1)
    return share * share * (3 - 2 * share)


def blocks_of(picture: Coefficients | Pixels, recipe: Recipe, profile: Profile | None) -> Blocks:
    """Means of a picture; recipe: with the curve that is to be undone; profile: by which it is brought to sRGB first."""
    height, width, curve = picture.height, picture.width, curve_of(recipe)
    means = np.empty((3, 3, -(-height // BLOCK), -(-width // BLOCK)), np.float32)

    def strip(rows: tuple[int, int]) -> None:
        native = decoded(picture, *rows)[:, ::2, ::2]
        codes = np.clip(profile.to_srgb(native) if profile else native, 0, 1)
        for mean, values in zip(means, (codes, blown(native), curve.light(codes)), strict=True):
            mean[:, rows[0] // BLOCK : -(-rows[1] // BLOCK)] = _means(values, BLOCK // 2)

    in_threads(strip, strips(height, width, 16), lambda share: None)
    return Blocks(*means)


def _means(planes: np.ndarray, side: int) -> np.ndarray:
    """Of squares of planes (3, rows, columns), cut off where they end."""
    for axis in (1, 2):
        starts = np.arange(0, planes.shape[axis], side)
        sizes = np.diff(np.append(starts, planes.shape[axis])).astype(np.float32)
        planes = np.add.reduceat(planes, starts, axis) / (sizes[:, None] if axis == 1 else sizes)
    return planes


def between(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Planes (3, h, w) of blocks at pixels (n,): linear between the middles of blocks."""
    firsts, shares = [], []
    for at, side in ((rows, planes.shape[1]), (columns, planes.shape[2])):
        place = np.clip((at + 0.5) / BLOCK - 0.5, 0, side - 1)
        first = np.minimum(place.astype(np.int64), max(side - 2, 0))
        firsts.append((first, np.minimum(first + 1, side - 1)))
        shares.append((place - first).astype(np.float32))
    (y0, y1), (x0, x1) = firsts
    down, right = shares
    upper = planes[:, y0, x0] * (1 - right) + planes[:, y0, x1] * right
    lower = planes[:, y1, x0] * (1 - right) + planes[:, y1, x1] * right
    return upper * (1 - down) + lower * down
