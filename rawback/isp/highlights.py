"""Light above a picture's white, as its unblown channels and what lies around tell it.

Where one or two channels are blown, the others go on, and the colour is most often that of the brightest surroundings: the
blown channel is the others' light times the ratio there. Where all are blown only the surroundings are left, and the light goes
over smoothly into theirs. All of that is in light, one channel of the picture at a time, as it was before the curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.isp.colour import YCC_TO_RGB, curve_of
from rawback.isp.colour_profile import Profile
from rawback.isp.dct import shrink
from rawback.picture import Coefficients, Pixels
from rawback.recipe import Recipe

BLOCK = 8
"""Pixels each way that share what is known of the surroundings."""
BLOWN = (0.965, 0.995)
"""Codes from which a channel begins to be taken for blown, and from which on it is."""
MOST_STOPS = 0.75
"""Above white: nothing is taken for brighter. More gained nothing on real RAW files, and is room that developers which pass by
BaselineExposure show as a darker picture (`benchmarks/editing.md`)."""
LEAST_SHARE = 2e-4
"""Of a picture's blocks that have to be bright for the rest to be worth a look."""
DARKEST = 0.02
"""Light that still tells a colour."""
SURROUNDINGS = 0.05
"""How much the light around counts beside that of a channel which is not blown at all."""
BRIGHT_FIRST = 12
"""Power of their light by which blocks count as surroundings: what is nearly blown is most like what is."""
BEYOND = (0.06, 0.18)
"""Stops by which what is blown, in part and as a whole, is brighter than white where nothing tells of more: blown light is
never darker, and what lies around is its darker side. Chosen on nine real RAW files (`benchmarks/editing.md`)."""
LEAST_STOPS = 0.02
"""Above white: less is not worth the room."""
NEARNESS = 1e-3
"""Weight that makes a block of the pyramid known by itself."""


@dataclass(frozen=True)
class Highlights:
    """What the blocks of a picture tell of the light of its blown parts; planes of blocks are (3, rows, columns) float32."""

    light: np.ndarray
    share: np.ndarray
    """How far blocks are blown, 0 to 1."""
    ratios: np.ndarray
    """log2 of each channel's light over their mean, of unblown bright blocks, and from there smooth."""
    around: np.ndarray
    """Light of the bright surroundings, at least white."""
    recipe: Recipe

    @cached_property
    def stops(self) -> float:
        """log2 of the brightest light of a block against white, at most MOST_STOPS: the headroom that is needed."""
        return float(np.clip(np.log2(restored_light(self.light, self.share, self.ratios, self.around).max()), 0, MOST_STOPS))

    @cached_property
    def _surroundings(self) -> np.ndarray:
        """Ratios and what is around (6, rows, columns), those of a block side by side in memory: so `_between` takes them."""
        both = np.concatenate([self.ratios, self.around])
        return np.moveaxis(np.ascontiguousarray(np.moveaxis(both, 0, -1)), -1, 0)

    def message(self) -> str:
        """What is done, in words."""
        return f"blown highlights guessed from what is left of them, up to {self.stops:.1f} stops above the picture's white"

    def restored(self, codes: np.ndarray, native: np.ndarray, top: int) -> np.ndarray:
        """A strip's codes (3, rows, width) from row `top` on, those of blown channels raised to where light is found.

        codes: as the recipe's curve has them; native: the picture's own, before its profile, which tell what is blown.
        """
        rows, columns = np.nonzero(native.max(0) > BLOWN[0])
        if not len(rows):
            return codes
        curve, at = curve_of(self.recipe), (rows + top, columns)
        some, share = codes[:, rows, columns], blown(native[:, rows, columns])  # (3, n)
        told = _between(self._surroundings, *at)  # (6, n)
        light = restored_light(curve.light(some), share, told[:3], told[3:])
        result = codes.copy()
        result[:, rows, columns] = np.maximum(curve.encode(light), some)
        return result


def restored_light(light: np.ndarray, share: np.ndarray, ratios: np.ndarray, around: np.ndarray) -> np.ndarray:
    """Light (3, ...) of which channels are blown by `share`, 0 to 1. Never less than it is; as it is where none is blown."""
    told = 1 - share
    others = (told * light * np.exp2(-ratios)).sum(0) / np.maximum(told.sum(0), 1e-6)  # mean light, by what is told
    known = np.minimum(told.sum(0), 1)
    expected = (known * others * np.exp2(ratios) + SURROUNDINGS * around) / (known + SURROUNDINGS)
    times = np.minimum(expected, 2**MOST_STOPS) / np.maximum(light, DARKEST)
    stops = np.hypot(np.log2(np.maximum(times, 1)), BEYOND[0] * known + BEYOND[1] * (1 - known))
    return np.where(share > 0, np.maximum(np.minimum(light * np.exp2(stops * share), 2**MOST_STOPS), light), light)


def blown(codes: np.ndarray) -> np.ndarray:
    """How far codes are blown, 0 to 1."""
    share = np.clip((codes - np.float32(BLOWN[0])) / np.float32(BLOWN[1] - BLOWN[0]), 0, 1)
    return share * share * (3 - 2 * share)


def of(picture: Coefficients | Pixels, recipe: Recipe, profile: Profile | None) -> Highlights | None:
    """What a picture tells; None where hardly anything is blown, or nothing needs room.

    recipe: with the curve that is to be undone; profile: by which the picture is brought to sRGB first.
    """
    native = block_means(picture)
    share = blown(native)
    if (share.max(0) > 0).mean() < LEAST_SHARE:
        return None
    codes = profile.to_srgb(np.clip(native, 0, 1)) if profile else native
    light = np.maximum(curve_of(recipe).light(codes), DARKEST)
    ratios = np.log2(light / light.mean(0))
    whole = (1 - share.max(0)) * light.mean(0) ** BRIGHT_FIRST * (light.min(0) > DARKEST)
    ratios = _spread(ratios, whole)
    partly = restored_light(light, share, ratios, np.ones_like(light))
    reach = share.max(0) * np.minimum((1 - share).sum(0), 1)  # of blocks that are blown in part
    around = np.maximum(_spread(partly, reach + NEARNESS * whole), 1)
    found = Highlights(light, share, ratios.astype(np.float32), around.astype(np.float32), recipe)
    return found if found.stops > LEAST_STOPS else None


def block_means(picture: Coefficients | Pixels) -> np.ndarray:
    """Codes (3, rows, columns) float32 of blocks of 8 x 8 pixels, in the mean."""
    if isinstance(picture, Pixels):
        return _pixel_means(picture)
    luma, *chroma = (
        plane[..., 0] * (np.float32(table[0]) / np.float32(8 * 255))
        for plane, table in zip(picture.planes, picture.tables, strict=True)
    )
    luma = luma + np.float32(128 / 255)
    if not chroma:
        return np.broadcast_to(luma, (3, *luma.shape))
    v, h = picture.factors
    cb, cr = (np.repeat(np.repeat(plane, v, 0), h, 1)[: luma.shape[0], : luma.shape[1]] for plane in chroma)
    return np.einsum("ij,jhw->ihw", YCC_TO_RGB, np.stack([luma, cb, cr]))


def _pixel_means(picture: Pixels) -> np.ndarray:
    rows = [picture.strip(top, min(top + BLOCK, picture.height)).mean(1) for top in range(0, picture.height, BLOCK)]
    across = np.stack(rows, 1)  # (3, rows, width)
    starts = np.arange(0, picture.width, BLOCK)
    sizes = np.diff(np.append(starts, picture.width))
    return (np.add.reduceat(across, starts, 2) / sizes).astype(np.float32)


def _spread(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Values (3, rows, columns) by their weights (rows, columns), spread smoothly to where there is none: pull and push.

    By pyramids of means (Gortler et al. 1996, The Lumigraph, section 3.4).
    """
    known = np.minimum(weight / NEARNESS, 1)
    if min(weight.shape) < 2:
        mean = (values * weight).sum((1, 2)) / max(float(weight.sum()), 1e-9)
        return known * values + (1 - known) * mean[:, None, None]
    smaller_weight = _halved(weight[None])[0]
    smaller = _spread(_halved(values * weight) / np.maximum(smaller_weight, 1e-12), smaller_weight)
    rows, columns = np.indices(weight.shape)
    larger = _between(smaller, rows.ravel(), columns.ravel(), 2).reshape(values.shape)
    return known * values + (1 - known) * larger


def _halved(planes: np.ndarray) -> np.ndarray:
    """Means of 2 x 2 (n, rows, columns), the last row and column repeated where a side is odd."""
    padded = np.pad(planes, [(0, 0), (0, planes.shape[1] % 2), (0, planes.shape[2] % 2)], mode="edge")
    return np.stack([shrink(plane, (2, 2)) for plane in padded])


def _between(planes: np.ndarray, rows: np.ndarray, columns: np.ndarray, block: int = BLOCK) -> np.ndarray:
    """Planes (c, h, w) of blocks at pixels (n,): (c, n), linear between the middles of blocks."""
    firsts, shares = [], []
    for at, side in ((rows, planes.shape[1]), (columns, planes.shape[2])):
        place = np.clip((at + 0.5) / block - 0.5, 0, side - 1)
        first = np.minimum(place.astype(np.int64), max(side - 2, 0))
        firsts.append((first, np.minimum(first + 1, side - 1)))
        shares.append((place - first).astype(np.float32))
    (y0, y1), (x0, x1) = firsts
    down, right = shares
    width = planes.shape[2]
    blocks = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).reshape(-1, len(planes))  # (h w, c)
    down, right = down[:, None], right[:, None]
    upper = blocks[y0 * width + x0] * (1 - right) + blocks[y0 * width + x1] * right  # (n, c)
    lower = blocks[y1 * width + x0] * (1 - right) + blocks[y1 * width + x1] * right
    return (upper * (1 - down) + lower * down).T
