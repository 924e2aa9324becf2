"""The closed loop's equation: the luma with which the decoder gives back each photosite's sample.

Where R, G and B lie at luma Y plus offsets o_c, the photosite answers f(Y) = sum w_c D(Y + o_c), D being the transfer
curve's inverse and the w_c summing to 1. With m = sum w_c o_c and v = sum w_c o_c^2 - m^2, the second-order solution of
f(Y) = t is E(t) - m - v D''/2D' at E(t), E being the curve; Newton's method goes on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rawback.isp.colour import YCC_TO_RGB, curve_of
from rawback.isp.inverse_pass import camera_rows, sample_gains, sample_line
from rawback.isp.native.library import call, library
from rawback.isp.native.structures import LumaTables
from rawback.isp.parallel import parts
from rawback.isp.tone import Curve
from rawback.recipe import Recipe

LUMA_RANGE = (-0.25, 1.88)
"""Code values that luma may take: plain C decoders clamp samples through a table of limited range (480 / 255)."""
CODE_RANGE = (-2.0, 4.0)
"""Of luma plus an offset: what the table of the curve covers; beyond, its ends are taken."""
FINE = 4096
"""Entries of that table for one code value: the nearest is off by 0.03 / 255 at most, and does not matter."""
BLUE, RED = float(YCC_TO_RGB[2, 1]) * FINE, float(YCC_TO_RGB[0, 2]) * FINE
"""By what `Solver.luma` expects Cb and Cr to be multiplied: that is what the picture's B and R have more than luma."""
OFFSETS = np.array([[0, 1], [YCC_TO_RGB[1, 1] / YCC_TO_RGB[2, 1], YCC_TO_RGB[1, 2] / YCC_TO_RGB[0, 2]], [1, 0]])
"""What is then added in R, G and B."""
FAR_STEPS = 5
"""Steps of Newton's method after the first, for photosites whose first step was longer than `near`."""
LONGEST_STEP, LEAST_SLOPE, LARGEST = 0.2, 0.02, 1e6
"""Of one step in code values; of a slope D', so that none is divided by nothing; of light in the table, so that products
stay finite."""
NEAR = 0.005
"""After a first step no longer than this, in code values, 0.05 / 255 are missing at most."""
BLOWN = 0.9985
"""From this share of the white level on a photosite counts as saturated: anything brighter is as right."""


@dataclass(frozen=True)
class _Pattern:
    """What differs from photosite to photosite, by CFA row and over the width of the frame: (..., period, width) each."""

    first: np.ndarray
    """Where the tables of this CFA position begin, intp."""
    blown: np.ndarray
    """The least DN that counts as saturated, uint16."""
    target: np.ndarray
    """DN -> target: factor and summand, float32 as all below."""
    weights: np.ndarray
    """What R, G and B add to the answer."""
    mean: np.ndarray
    """m as a linear form of chroma."""
    spread: np.ndarray
    """v as a quadratic form of it: blue squared, blue times red, red squared."""

    def turned(self, phase: int, count: int) -> _Pattern:
        """From CFA row `phase` on, and `count` rows of it."""
        return _Pattern(*(np.roll(array, -phase, -2)[..., :count, :] for array in vars(self).values()))


class Solver:
    """Of one frame, by tables: of E and D''/2D' over the sensor's own values, of D and D' over code values.

    Luma and what is added to it count in entries of the latter table, FINE to one code value. `offsets` (3, 2): what is
    added in R, G and B for `luma`'s blue and red. near: a first step no longer than this, in code values, is the last.
    """

    def __init__(
        self, recipe: Recipe, width: int, brightest: int, offsets: np.ndarray = OFFSETS, near: float = NEAR
    ) -> None:  # fmt: skip
        curve, self.period, self.near = curve_of(recipe), len(recipe.cfa), near
        self.light, self.slope = _decoding(curve)
        rows, (scale, bias) = camera_rows(recipe), sample_line(recipe)  # (period, period, 3), (period, period) each
        blown = np.ceil((BLOWN * sample_gains(recipe) - bias) / scale).clip(0, 65535).astype(np.uint16)
        total = rows.sum(-1)
        total = np.where(total > 0.1, total, 1)  # other than 1 with a look's matrix
        scale, bias = scale / total, bias / total
        targets = np.arange(brightest + 1, dtype=np.float32) * scale[..., None] + bias[..., None]  # (period, period, DN)
        codes = curve.encode(targets)
        bends, slopes = _bend(curve, codes)
        self.codes = (codes * np.float32(FINE)).astype(np.float32).ravel()
        self.bends = (bends * np.float32(0.5 / FINE)).astype(np.float32).ravel()
        self.per_slope = (np.float32(FINE) / np.maximum(slopes, LEAST_SLOPE)).astype(np.float32).ravel()
        first = np.arange(scale.size, dtype=np.intp).reshape(scale.shape) * (brightest + 1)
        self.offsets = (np.array(recipe.code_matrix or np.eye(3)) @ offsets).astype(np.float32)
        forms = [np.asarray(f, np.float32) for f in ([scale, bias], *_forms(rows / total[..., None], self.offsets))]
        columns = np.arange(width) % self.period
        self.pattern = _Pattern(*(np.ascontiguousarray(array[..., columns]) for array in (first, blown, *forms)))

    def luma(self, mosaic: np.ndarray, blue: np.ndarray, red: np.ndarray, top: int) -> np.ndarray:
        """The luma that rows of the mosaic need, (rows, width) float32; `top` is the first one's number.

        `mosaic` uint16 in DN; `blue`, `red` (rows, width) float32: chroma as the decoder will see it, times BLUE and RED.
        """
        needed = np.empty(mosaic.shape, np.float32)
        if library() is not None:
            self._compiled(mosaic, blue, red, top, needed)
            return needed
        cut = len(mosaic) // self.period * self.period
        pattern = self.pattern.turned(top % self.period, self.period)
        for part in parts(cut, mosaic.shape[1], self.period):
            shape = (-1, self.period, mosaic.shape[1])
            dn, b, r, luma = (array[part].reshape(shape) for array in (mosaic, blue, red, needed))
            self._solve(dn, b, r, luma, pattern)
        if cut < len(mosaic):
            rest = slice(cut, None)
            self._solve(mosaic[rest], blue[rest], red[rest], needed[rest], pattern.turned(0, len(mosaic) - cut))
        return needed

    def _compiled(self, mosaic: np.ndarray, blue: np.ndarray, red: np.ndarray, top: int, needed: np.ndarray) -> None:
        pattern = self.pattern.turned(top % self.period, self.period)
        parts = (pattern.target, pattern.weights, pattern.mean, pattern.spread)
        rows = [np.ascontiguousarray(array) for array in (mosaic, blue, red)]
        first = np.ascontiguousarray(pattern.first, np.int32)
        call("core_luma", self._tables, *rows, *mosaic.shape, self.period, first, np.concatenate(parts), needed)

    @cached_property
    def _tables(self) -> LumaTables:
        by_dn, by_entry = (self.codes, self.bends, self.per_slope), (self.light, self.slope)
        return LumaTables(
            *(table.ctypes.data for table in (*by_dn, *by_entry)), len(self.codes) - 1, len(self.light) - 1,
            CODE_RANGE[0] * FINE, tuple(self.offsets.ravel().tolist()), LONGEST_STEP * FINE, LUMA_RANGE[0] * FINE,
            LUMA_RANGE[1] * FINE, self.near * FINE, LEAST_SLOPE / FINE, FAR_STEPS,
        )  # fmt: skip

    def blown(self, mosaic: np.ndarray, top: int) -> np.ndarray:
        """Which photosites are saturated: (rows, width) bool."""
        saturated = np.empty(mosaic.shape, bool)
        for row, least in enumerate(np.roll(self.pattern.blown, -top, 0)):
            np.greater_equal(mosaic[row :: self.period], least, out=saturated[row :: self.period])
        return saturated

    def _solve(self, dn: np.ndarray, blue: np.ndarray, red: np.ndarray, luma: np.ndarray, pattern: _Pattern) -> None:
        """Find the luma, into `luma`."""
        step = self._start(dn, blue, red, luma, pattern)
        target = np.multiply(dn, pattern.target[0], dtype=np.float32)
        target += pattern.target[1]
        offsets = [_mixed(blue, red, by_blue, by_red) for by_blue, by_red in self.offsets]
        step *= self._missing(luma, target, offsets, [*pattern.weights])
        _go(luma, step)
        far = np.abs(step, out=step) > np.float32(self.near * FINE)
        if far.any():
            weights = [np.broadcast_to(weight, dn.shape)[far] for weight in pattern.weights]
            luma[far] = self._followed(luma[far], target[far], [offset[far] for offset in offsets], weights)

    def _followed(
        self, luma: np.ndarray, target: np.ndarray, offsets: list[np.ndarray], weights: list[np.ndarray]
    ) -> np.ndarray:  # fmt: skip
        """Further steps for luma (n,) that the first did not bring near, as long as one is far."""
        solved, left = luma, np.arange(len(luma))
        for _ in range(FAR_STEPS):
            slope = np.zeros_like(luma)
            step = self._missing(luma, target, offsets, weights, slope)
            step /= np.maximum(slope, np.float32(LEAST_SLOPE / FINE))
            luma = luma.copy()
            _go(luma, step)
            solved[left] = luma
            far = np.abs(step) > np.float32(self.near * FINE)
            if not far.any():
                break
            luma, target, left = luma[far], target[far], left[far]
            offsets, weights = ([values[far] for values in group] for group in (offsets, weights))
        return solved

    def _start(self, dn: np.ndarray, blue: np.ndarray, red: np.ndarray, luma: np.ndarray, pattern: _Pattern) -> np.ndarray:
        """The second-order solution into `luma`; returned is 1 / D' there."""
        index = np.add(dn, pattern.first, dtype=np.intp)
        self.codes.take(index, mode="clip", out=luma)
        spread, part = blue * pattern.spread[0], red * pattern.spread[1]
        spread += part
        spread *= blue
        np.multiply(red, pattern.spread[2], out=part)
        part *= red
        spread += part
        spread *= self.bends.take(index, mode="clip", out=part)
        np.clip(spread, -LONGEST_STEP * FINE, LONGEST_STEP * FINE, out=spread)
        luma -= spread
        for form, offset in zip(pattern.mean, (blue, red), strict=True):
            np.multiply(offset, form, out=part)
            luma -= part
        np.clip(luma, LUMA_RANGE[0] * FINE, LUMA_RANGE[1] * FINE, out=luma)
        return self.per_slope.take(index, mode="clip", out=part)

    def _missing(
        self, luma: np.ndarray, target: np.ndarray, offsets: Sequence[np.ndarray], weights: Sequence[np.ndarray],
        slope: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """What the answers at `luma` lack of the targets; their slope is added to `slope`."""
        missing, part = target.copy(), np.empty_like(target)
        index = np.empty(target.shape, np.intp)
        for offset, weight in zip(offsets, weights, strict=True):
            np.add(luma, offset, out=part)
            part -= np.float32(CODE_RANGE[0] * FINE)
            np.copyto(index, part, casting="unsafe")
            self.light.take(index, mode="clip", out=part)
            part *= weight
            missing -= part
            if slope is not None:
                self.slope.take(index, mode="clip", out=part)
                part *= weight
                slope += part
        return missing


def _go(luma: np.ndarray, step: np.ndarray) -> None:
    """A step of Newton's method, held within bounds."""
    np.clip(step, -LONGEST_STEP * FINE, LONGEST_STEP * FINE, out=step)
    luma += step
    np.clip(luma, LUMA_RANGE[0] * FINE, LUMA_RANGE[1] * FINE, out=luma)


def _mixed(blue: np.ndarray, red: np.ndarray, by_blue: np.float32, by_red: np.float32) -> np.ndarray:
    """A linear form of both; one of them itself where it is that."""
    if (by_blue, by_red) in ((1, 0), (0, 1)):
        return blue if by_blue else red
    mixed = blue * by_blue
    mixed += red * by_red
    return mixed


def _forms(rows: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray]]:
    """Weights (..., 3) and what chroma adds in R, G, B (3, 2) -> the weights (3, ...), m and v as forms of chroma."""
    blue, red = np.moveaxis(rows @ offsets, -1, 0)
    bb, br, rr = (rows @ (offsets[:, a] * offsets[:, b]) for a, b in ((0, 0), (0, 1), (1, 1)))
    return np.moveaxis(rows, -1, 0), [blue, red], [bb - blue**2, 2 * (br - blue * red), rr - red**2]


@lru_cache(maxsize=4)
def _decoding(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """D and D' in the middle of each entry of the table, the latter by entry."""
    low, high = CODE_RANGE
    codes = low + (np.arange(round((high - low) * FINE)) + 0.5) / FINE  # (24576,)
    with np.errstate(over="ignore"):
        light, slope = curve.decode(codes.astype(np.float32))
    return np.clip(light, -LARGEST, LARGEST).astype(np.float32), np.clip(slope / FINE, 0, LARGEST).astype(np.float32)


def _bend(curve: Curve, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """D''/D' and D' at codes, over the width of a code value or so: tables of tone curves have corners."""
    side = 1 / 256
    with np.errstate(over="ignore"):
        before, after = (np.clip(curve.decode((codes + s).astype(np.float32))[1], 0, LARGEST) for s in (-side, side))
    return np.clip((after - before) / (side * (after + before)), -1 / side, 1 / side), (before + after) / 2
