"""The closed loop: the JPEG's coefficients are chosen so that the mosaic comes back.

`inverse_pass.decode` is what `recover` computes from a JPEG; `encode` knows it, codes chroma first, and then finds at
every photosite the luma with which that gives back the value measured there. All error of chroma coding is absorbed;
what is left is the quantisation of luma. Frames are worked through in strips on all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import numpy as np

from rawback.cores import Progress
from rawback.isp import (
    bit_prices,
    blown,
    dct,
    dependent_trellis,
    fixed_dct,
    full_colour,
    grey,
    jxl_trellis,
    luma,
    parallel,
    trellis,
)
from rawback.isp.chroma import BayerChroma, has_bayer_cells
from rawback.isp.coding import Coding
from rawback.isp.jxl_contexts import Contexts
from rawback.isp.needed_luma import NeededLuma, in_steps
from rawback.isp.statistics import Statistics
from rawback.isp.strip_picture import Demosaicer, StripPicture
from rawback.isp.wide_chroma import WideChroma
from rawback.picture import Bijection, Coefficients
from rawback.recipe import Recipe

ENOUGH = 1 << 17
"""Levels of a strip from which on every fourth block stands for all."""
SAMPLE_STRIPS = 4
"""Strips that tell what symbols cost, where not all are asked."""
DEPENDENT_PASSES = 2
"""Over the sample, before all of luma is quantised dependently: what symbols cost then, and where levels lie."""
JXL_PASSES = 3
"""Over all of luma, by what levels cost in JPEG XL, once they are weighed by what they cost in a JPEG."""
CHROMA_PRICE = 0.5
"""What a bit is worth in chroma's squared steps, against luma's. More loses: errors of chroma come back as bits of luma."""


def encode(
    mosaic: np.ndarray, recipe: Recipe, coding: Coding, progress: Progress = lambda share: None,
    demosaicer: Demosaicer | None = None, flow: Bijection | None = None,
) -> Coefficients:  # fmt: skip
    """Mosaic (H, W) uint16 -> coefficients; by the closed loop if `recipe.refined`, else the plain extended picture.

    Of a linear RAW (H, W, 3) all three values are coded (`full_colour`).

    For the open loop, demosaicer: None is the classical one; flow: what the classical picture is sent through.
    """
    if recipe.linear:
        return full_colour.encode(mosaic, recipe, coding.luma, progress)
    height, width = mosaic.shape
    if recipe.monochrome:
        coding = replace(coding, chroma=grey.TABLE, factors=grey.FACTORS)
    coding = replace(coding, luma=blown.with_room_for_mean(coding.luma, blown.brightest_luma(mosaic, recipe)))
    v, h = coding.factors
    mcu_rows, mcu_columns = -(-height // (8 * v)), -(-width // (8 * h))
    y = np.zeros((mcu_rows * v, mcu_columns * h, 64), np.int16)
    cb, cr = (np.zeros((mcu_rows, mcu_columns, 64), np.int16) for _ in range(2))
    picture = Coefficients(width, height, [y, cb, cr], [coding.luma, coding.chroma, coding.chroma], coding.factors)
    job = _Encoding(mosaic, recipe, coding, picture, demosaicer, flow)
    passes = job.passes()
    for number, (work, strips) in enumerate(passes):
        parallel.in_threads(work, strips, lambda share, number=number: progress((number + share) / len(passes)))  # type: ignore[misc]
        job.learn_statistics()
    picture.planes[0] = y[: -(-height // 8), : -(-width // 8)]
    if recipe.refined:
        picture.centroids = tuple(job.centroids.tolist())
        picture.dependent = job.dependent
    return picture


class _Encoding:
    """One frame being coded, strip by strip; strips write to disjoint rows of the coefficient planes."""

    def __init__(
        self, mosaic: np.ndarray, recipe: Recipe, coding: Coding, picture: Coefficients, demosaicer: Demosaicer | None,
        flow: Bijection | None,
    ) -> None:  # fmt: skip
        self.demosaicer, self.flow = demosaicer, flow
        self.mosaic, self.recipe, self.coding, self.picture = mosaic, recipe, coding, picture
        self.white_at = min(1.0, 2.0**recipe.exposure)
        self.needed = NeededLuma(mosaic, recipe)
        self.shown = StripPicture(mosaic, recipe, coding.factors, self.needed.solver)
        self.bayer = BayerChroma(mosaic, recipe, coding.factors, self.white_at) if has_bayer_cells(recipe) else None
        needed = partial(self.needed.levels, dead_zone=coding.dead_zone)
        self.wide = WideChroma.where_it_may_pay(self.shown, coding, picture, self.white_at, needed)
        self.dependent = False
        self.means: dict[tuple[int, int], np.ndarray] = {}
        self.kinds: np.ndarray | None = None
        self.statistics: dict[tuple[int, int], Statistics] = {}
        self.chroma_statistics: dict[tuple[int, int], Statistics] = {}

    def strips(self) -> list[tuple[int, int]]:
        v = 8 * self.coding.factors[0]
        return parallel.strips(-(-self.mosaic.shape[0] // v) * v, self.mosaic.shape[1], v)

    def passes(self) -> list[tuple[Callable[[tuple[int, int]], None], list[tuple[int, int]]]]:
        """What is to be done, one after the other, and on which strips."""
        strips = self.strips()
        if not self.recipe.refined:
            return [(self.open_loop, strips)]
        if not self.coding.optimise:
            return [(self.chroma, strips), (self.luma, strips)]
        some = strips[len(strips) // SAMPLE_STRIPS // 2 :: max(len(strips) // SAMPLE_STRIPS, 1)]
        weighed = [(self.optimised_chroma, strips)] * self.coding.thorough
        if self.coding.dependent:
            luma = [(self.luma, some), *[(self.dependent_luma, some)] * DEPENDENT_PASSES, (self.dependent_luma, strips)]
        else:
            luma = [(self.luma, strips if self.coding.thorough else some), (self.optimised_luma, strips)]
        if self.coding.for_jxl and self.coding.thorough and self.coding.price:
            luma += [(self.learn_contexts, [(0, 0)]), (self.jxl_luma, strips)] * JXL_PASSES
        wide = [(self.wide.propose, strips), (self.wide.weigh, strips)] if self.wide else []
        return [(self.chroma, strips), *weighed, *wide, *luma]

    def chroma(self, strip: tuple[int, int]) -> None:
        """Chroma of the picture with blown photosites white: viewers clamp Y, Cb and Cr before they convert to RGB."""
        self._code_chroma(self._chroma_planes(strip), strip)

    def optimised_chroma(self, strip: tuple[int, int]) -> None:
        """Quantise it again, each level weighed against its bits."""
        bits = trellis.bits_of(Statistics.sum(self.chroma_statistics.values()).symbols)
        for levels, steps in self._chroma_steps(self._chroma_planes(strip), strip):
            blocks = steps.reshape(-1, 64)
            prices = bits.priced(np.zeros(len(blocks), np.uint8), CHROMA_PRICE * self.coding.price)
            levels[:] = trellis.optimise(blocks, prices, np.zeros(3)).reshape(steps.shape)

    def _chroma_planes(self, strip: tuple[int, int]) -> np.ndarray:
        if self.recipe.monochrome:
            return grey.chroma(strip, self.mosaic.shape[1])
        return self.bayer.strip(*strip) if self.bayer else self.shown.subsampled(self.shown.ycc(strip, self.white_at)[1:])

    def open_loop(self, strip: tuple[int, int]) -> None:
        """The picture as it is, nothing compensated: the paper's way, without its clipping."""
        if self.flow:
            ycc = self.shown.flowed_ycc(strip, self.flow)
        else:
            ycc = self.shown.ycc(strip, None) if self.demosaicer is None else self.shown.learned_ycc(strip, self.demosaicer)
        self._code_chroma(grey.chroma(strip, ycc.shape[2]) if self.recipe.monochrome else self.shown.subsampled(ycc[1:]), strip)
        self._quantise_luma(ycc[0], 1, strip)

    def luma(self, strip: tuple[int, int]) -> None:
        """Quantise the luma that the mosaic needs, with a dead zone."""
        self._quantise_luma(self.needed.plane(strip, self.picture), luma.FINE, strip, self.coding.optimise)
        means = self.picture.planes[0][strip[0] // 8 : strip[1] // 8, :, 0].ravel()
        self.means[strip] = np.bincount(bit_prices.codes(means, int(self.coding.luma[0])), minlength=bit_prices.CODES)

    def optimised_luma(self, strip: tuple[int, int], is_dependent: bool = False) -> None:
        """Quantise it again, each level weighed against its bits, now that the picture's statistics are known."""
        steps = in_steps(self.needed.plane(strip, self.picture), self.picture, luma.FINE)  # (m, n, 64)
        blocks = steps.reshape(-1, 64)
        centroids = np.resize(self.centroids, 6) if is_dependent else self.centroids
        search = dependent_trellis if is_dependent else trellis
        levels = search.optimise(blocks, self._prices(blocks), centroids)
        self._keep_luma(levels.reshape(steps.shape), steps, strip, is_dependent, is_dependent)

    def dependent_luma(self, strip: tuple[int, int]) -> None:
        """The same by two quantisers."""
        self.optimised_luma(strip, is_dependent=True)

    def learn_contexts(self, strip: tuple[int, int]) -> None:
        """What levels cost in JPEG XL, by all of the picture."""
        self.contexts = Contexts.of(self.picture.planes[0], self.dependent)

    def jxl_luma(self, strip: tuple[int, int]) -> None:
        """Quantise it once more, each level weighed by that."""
        steps = in_steps(self.needed.plane(strip, self.picture), self.picture, luma.FINE)  # (m, n, 64)
        kinds, weights = self._kinds(steps)
        worth = (1 / (self.coding.price * np.array(weights))).astype(np.float32)[kinds]  # (m, n)
        rows = slice(strip[0] // 8, strip[1] // 8)
        levels = jxl_trellis.optimise(steps, self.picture.planes[0][rows], self.contexts, rows, worth, self.centroids)
        self._keep_luma(levels, steps, strip, is_dependent=self.dependent)

    def _prices(self, blocks: np.ndarray) -> trellis.Prices:
        """By luma (N, 64) in steps."""
        kinds, weights = self._kinds(blocks)
        return self.bits.priced(kinds, self.coding.price, weights)

    def _kinds(self, steps: np.ndarray) -> tuple[np.ndarray, tuple[float, ...]]:
        """By luma (..., 64) in steps: the kind (...) of each block, and what the price of bits is multiplied with by kind."""
        if self.kinds is None:
            return np.zeros(steps.shape[:-1], np.uint8), bit_prices.EVEN
        return self.kinds[bit_prices.codes(steps[..., 0], int(self.coding.luma[0]))], bit_prices.WEIGHTS

    def learn_statistics(self) -> None:
        """Sum up what the strips so far have found of luma, and of chroma beside the picture."""
        if self.wide and self.wide.is_weighed:
            self.wide.decide()
            self.wide = None
        if self.statistics:
            total = Statistics.sum(self.statistics[strip] for strip in sorted(self.statistics))
            self.centroids, self.bits = total.centroids(), trellis.bits_of(total.symbols)
            self.dependent = len(self.centroids) == 6
            self.statistics.clear()
        if self.means:
            self.kinds = bit_prices.by_code(self.recipe, np.sum([self.means[strip] for strip in sorted(self.means)], 0))
            self.means.clear()

    def _quantise_luma(self, plane: np.ndarray, white: float, strip: tuple[int, int], symbols: bool = False) -> None:
        steps = in_steps(plane, self.picture, white)
        levels = dct.quantise(steps, self._dead_zone)
        if self.coding.least > 1 - self._dead_zone:
            dct.drop_small(levels, steps, self.coding.least)
        self._keep_luma(levels, steps, strip, symbols)

    def _chroma_steps(self, planes: np.ndarray, strip: tuple[int, int]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Where the levels of Cb and Cr go, and the coefficients in steps (m, n, 64)."""
        v = self.coding.factors[0]
        at = slice(strip[0] // (8 * v), strip[1] // (8 * v))
        for component, plane in enumerate(planes, 1):
            yield self.picture.planes[component][at], fixed_dct.forward(plane, fixed_dct.to_steps(self.coding.chroma, 255))

    def _code_chroma(self, planes: np.ndarray, strip: tuple[int, int]) -> None:
        found = []
        for levels, steps in self._chroma_steps(planes, strip):
            levels[:] = dct.quantise(steps, self._dead_zone)
            if self.coding.thorough:
                found.append(Statistics.of(levels, steps, symbols=True))
        if found:
            self.chroma_statistics[strip] = Statistics.sum(found)

    def _keep_luma(
        self, levels: np.ndarray, steps: np.ndarray, strip: tuple[int, int], symbols: bool = False, is_dependent: bool = False
    ) -> None:
        self.picture.planes[0][strip[0] // 8 : strip[1] // 8] = levels
        if self.recipe.refined:
            apart = 1 if symbols or self.coding.thorough or levels.size < ENOUGH else 4
            self.statistics[strip] = Statistics.of(levels, steps, symbols, apart, is_dependent)

    @property
    def _dead_zone(self) -> float:
        return self.coding.dead_zone if self.recipe.refined else 0.5
