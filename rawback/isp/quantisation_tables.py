"""Quantisation tables by quality."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from rawback.isp.coding import Coding
from rawback.isp.levels import ZIGZAG

LUMA_ENTRY = 16  # the standard's first luma entry: `quality` scales the flat table as libjpeg scales this one
CHROMA_RATIO, CHROMA_FINEST, CHROMA_DIM = 1.5, 9, 4
"""First chroma entry over luma step, and its least value: the eye wants no finer, and luma makes good what is lost. In a dim
picture, which is there to be brightened, the eye will."""
CHROMA_MEAN, CHROMA_MEAN_FINEST, CHROMA_MEAN_DIM = 0.5, 2, 1
"""The entry of the mean of a block over luma step, and its least value: even colours are right, and so is luma beside them."""
PRICE, PRICE_RANGE, MIXED = 0.115, 2.4, 3
"""Of a bit half-way between two steps, in squared steps, and the logarithm of how far it rises from step 1 to 2 (less above):
from MIXED on, step n takes as many bits at its highest price as n + 1 at its lowest (measured on eight photographs)."""
NORMAL_PRICE = 0.1
"""At a stated quality: the RAW is as good as without weighing, and the file smaller. More (`trellis.LAMBDA`) gains as much."""
JXL_PRICE = 0.11
"""As `trellis.LAMBDA`, of what will be JPEG XL, whose bits are fewer: flat optimum from 0.09 to 0.14, at all rates;
so at the same step the file is finer than a JPEG."""
DEPENDENT_UP_TO = 6
"""The coarsest step at which two quantisers (`isp.dependent`) gain: from about a bit per photosite on; below, nothing."""
DEPENDENT_UP_TO_JXL = 4
"""The same where the file will be JPEG XL, in whose bits weighing levels of one quantiser gains more."""
DEPENDENT_PRICES = {1: (0.1, 0.65), 2: (0.006, 0.165), 3: (0.045, 0.148), 4: (0.07, 0.135), 5: (0.08, 0.14), 6: (0.085, 0.13)}
"""Of a bit by step, between which the next step is reached, in squared steps (measured on ten photographs)."""
COARSEST_OF, COARSE, COARSE_CHROMA = 2.5, 16, 0.5
"""Luma step of the picture beside a refinement layer: in steps of the layer, and at least; and in such steps, that which its
chroma goes by."""
LAYERED_UP_TO, LAYERED_PRICE = 11, 0.1
"""The coarsest step of a refinement layer: above it, the picture alone is coarse enough. And what a bit is worth in it, in its
squared steps: flat over 0.08 to 0.12 (measured on five photographs)."""
LUMA = np.array([
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
])  # fmt: skip
"""ITU T.81, table K.1, natural order."""
CHROMA = np.array([
    17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, *[99] * 38,
])  # fmt: skip
"""ITU T.81, table K.2, natural order."""
SUBSAMPLING = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
"""By the name that is usual: rows and columns of luma for one chroma sample."""


def coding(quality: int, subsampling: str, tables: str, optimise: bool = False, dim: bool = False) -> Coding:
    """Tables for a quality 1..100, one of SUBSAMPLING, and "raw" or "standard" tables. dim: see `flat_coding`."""
    factors = SUBSAMPLING[subsampling]
    if tables == "standard":
        return Coding(_scaled(LUMA, quality), _scaled(CHROMA, quality), factors, optimise=optimise)
    return flat_coding(float(_scaled(np.array([LUMA_ENTRY]), quality)[0]), factors, optimise, dim)


def flat_coding(step: float, factors: tuple[int, int], optimise: bool = False, dim: bool = False) -> Coding:
    """Flat luma at any step from 1 on, chroma as fine as the eye wants; finer where the picture is dark and left so (`dim`).

    Table entries are whole numbers: a step of 4.3 is 5 for the highest three tenths of the frequencies and 4 for the rest.
    """
    lower = np.floor(step)
    finer = round((lower + 1 - step) * 64)
    luma = np.full(64, lower + 1)
    luma[ZIGZAG[:finer]] = lower
    first = max(step * CHROMA_RATIO, CHROMA_DIM if dim else CHROMA_FINEST)
    chroma = np.rint(first * np.sqrt(CHROMA / CHROMA[0]))
    chroma[0] = max(round(step * CHROMA_MEAN), CHROMA_MEAN_DIM if dim else CHROMA_MEAN_FINEST)
    return Coding(_entries(luma), _entries(chroma), factors, optimise=optimise)


def standard_tables() -> list[np.ndarray]:
    """The standard's luma table (64,), natural order, at every quality from 1 to 100."""
    return [_scaled(LUMA, quality) for quality in range(1, 101)]


def weighed_coding(step: float, factors: tuple[int, int], dim: bool = False) -> Coding:
    """As fine as `flat_coding` at any step, in between whole ones by what a bit is worth: tables of two numbers waste bits.

    Only below step MIXED the price does not reach from one whole step to the next; the second half of the way goes by both.
    """
    whole = math.floor(step)
    way, lowest, highest = step - whole, _price(whole, -0.5), _price(whole, 0.5)
    if whole >= MIXED:
        return replace(flat_coding(whole, factors, True, dim), price=lowest * (highest / lowest) ** way)
    if way < 0.5:
        finest = min(4 * way, 1) if whole == 1 else 1  # the finest there is weighs nothing
        return replace(flat_coding(whole, factors, True, dim), price=finest * lowest * (highest / lowest) ** (2 * way))
    rest = 2 * way - 1
    return replace(flat_coding(whole + rest, factors, True, dim), price=highest * (_price(whole + 1, -0.5) / highest) ** rest)


def dependent(coding: Coding) -> Coding:
    """The same with two quantisers, where they gain. Means, which have one, are as fine as both together."""
    step = int(coding.luma[-1])
    if step > _coarsest(coding.for_jxl) or step != coding.luma[1]:
        return coding
    luma = coding.luma.copy()
    luma[0] = -(-step // 2)
    return replace(coding, luma=luma, dependent=True)


def dependent_coding(step: float, factors: tuple[int, int], dim: bool = False, for_jxl: bool = False) -> Coding:
    """As `weighed_coding`, with two quantisers where they gain: there all of the way to the next step goes by the price."""
    whole = math.floor(step)
    if whole > _coarsest(for_jxl):
        return weighed_coding(step, factors, dim)
    way, (lowest, highest) = step - whole, DEPENDENT_PRICES[whole]
    finest = min(4 * way, 1) if whole == 1 else 1  # the finest there is weighs nothing
    price = finest * lowest * (highest / lowest) ** way
    return dependent(replace(flat_coding(whole, factors, True, dim), price=price, for_jxl=for_jxl))


def _coarsest(for_jxl: bool) -> int:
    return DEPENDENT_UP_TO_JXL if for_jxl else DEPENDENT_UP_TO


def layered(coding: Coding, dim: bool = False) -> Coding:
    """A coarse picture, beside which a layer keeps luma by the step of `coding`; or that coding, where it is coarse itself."""
    step = float(coding.luma[-1])
    return coding if step > LAYERED_UP_TO else layered_coding(step, coding.factors, dim)


def layered_coding(step: float, factors: tuple[int, int], dim: bool = False) -> Coding:
    """As `dependent_coding`, with a refinement layer where it gains: there all is in the layer's step."""
    if step > LAYERED_UP_TO:
        return dependent_coding(step, factors, dim)
    seen = max(round(COARSEST_OF * step), COARSE)
    chroma = flat_coding(COARSE_CHROMA * seen, factors, True, dim).chroma
    return replace(flat_coding(seen, factors, True), chroma=chroma, fine=step, fine_price=LAYERED_PRICE)


def _price(whole: int, way: float) -> float:
    """What a bit is worth at a whole step; way: from -0.5, as fine as it gets, to 0.5."""
    return PRICE * math.exp(way * PRICE_RANGE / whole)


def quality_of(table: np.ndarray) -> int:
    """The quality 1..100 whose standard luma table is nearest to a table (64,), natural order, in the mean of ratios."""
    ours = np.log2(np.maximum(table.reshape(64), 1))
    return 1 + int(np.argmin([np.abs(np.log2(standard) - ours).mean() for standard in standard_tables()]))


def _scaled(table: np.ndarray, quality: int) -> np.ndarray:
    """libjpeg's jpeg_quality_scaling."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return _entries((table * percent + 50) // 100)


def _entries(table: np.ndarray) -> np.ndarray:
    """As a baseline JPEG can hold them: 1 to 255."""
    return np.clip(table, 1, 255).astype(np.uint16)
