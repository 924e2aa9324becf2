"""The encoder of the refinement layer: which fine levels the mosaic needs beside a coarse picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from rawback.cores import Progress
from rawback.isp import bit_prices, closed_loop, fixed_dct, luma
from rawback.isp.coding import Coding
from rawback.isp.needed_luma import NeededLuma
from rawback.isp.parallel import in_threads
from rawback.isp.statistics import Statistics
from rawback.isp.strip_picture import widened
from rawback.lossless.refinement import layer, trellis
from rawback.lossless.refinement.contexts import ZERO_CELLS, all_cells
from rawback.lossless.refinement.layer import Layer
from rawback.lossless.refinement.picture import UNIT, Layered, coarse_strip, fine_steps, in_natural_order, scanned, strips
from rawback.lossless.refinement.strip_coder import Split
from rawback.lossless.refinement.tables import CellTables
from rawback.picture import Coefficients
from rawback.recipe import Recipe

PASSES = 2
"""Over a sample, before all is coded: what symbols cost, and where levels lie."""
SAMPLE_BLOCKS, SAMPLE_STRIPS = 1 << 13, 4
"""Of luma in a strip of the sample, and how many there are."""
NEAREST = np.float32(0.5)
"""A level is guessed by rounding, for the contexts that its neighbours see until it is chosen."""


def encode(mosaic: np.ndarray, recipe: Recipe, coding: Coding, progress: Progress = lambda share: None) -> Coefficients:
    """As `closed_loop.encode`; with `coding.fine` a picture in two, whose layer keeps luma by that step."""
    coarse = closed_loop.encode(mosaic, recipe, coding, lambda share: progress(share / 2))
    if not coding.fine:
        return coarse
    step = round(UNIT * coding.fine)
    mean = min(max(step // 2, 1), UNIT * int(coarse.tables[0][0]))
    needed = partial(NeededLuma(mosaic, recipe).plane, picture=coarse)
    job = _Job(coarse, fine_steps(step, mean), needed, coding.fine_price, recipe)
    return job.run(lambda share: progress((1 + share) / 2))


@dataclass
class _Strip:
    """What is known of a strip before its levels are chosen."""

    steps: np.ndarray
    """(64, rows, columns) float32, place by place: the coefficients in fine steps."""
    coarse: np.ndarray
    foretold: np.ndarray
    guess: np.ndarray
    """int16."""


class _Job:
    """One picture."""

    def __init__(
        self, coarse: Coefficients, steps: np.ndarray, needed: Callable[[tuple[int, int]], np.ndarray], price: float,
        recipe: Recipe,
    ) -> None:  # fmt: skip
        self.coarse, self.steps, self.needed, self.price = coarse, steps, needed, price
        self.rows = strips(*coarse.planes[0].shape[:2])
        self.centroids = np.zeros(6)
        self.prices = np.zeros(0, np.float32)
        codes = bit_prices.codes(coarse.planes[0][..., 0].ravel(), float(coarse.tables[0][0]))
        self.kinds = bit_prices.by_code(recipe, np.bincount(codes, minlength=bit_prices.CODES))

    def run(self, progress: Progress) -> Layered:
        """Choose all levels, and code them."""
        rows, columns = self.coarse.planes[0].shape[:2]
        small = strips(rows, columns, SAMPLE_BLOCKS)
        sample = in_threads(self._strip, small[len(small) // SAMPLE_STRIPS // 2 :: -(-len(small) // SAMPLE_STRIPS)])
        levels = [strip.guess for strip in sample]
        for _ in range(PASSES):
            self._learn(sample, levels)
            levels = in_threads(self._levels, sample)
        self._learn(sample, levels)
        del sample, levels
        fine = np.empty_like(self.coarse.planes[0])

        def chosen(rows: tuple[int, int]) -> tuple[Split, Statistics]:
            strip = self._strip(rows)
            levels = self._levels(strip)
            fine[slice(*rows)] = in_natural_order(levels)
            return Split.of(levels, strip.coarse, strip.foretold), self._statistics(levels, strip.steps)

        found = in_threads(chosen, self.rows, progress)
        by = CellTables.of(np.sum([split.counts() for split, _ in found], 0))
        centroids = Statistics.sum(statistics for _, statistics in found).centroids()
        codes = in_threads(lambda one: one[0].coded(by), found)
        coarse = self.coarse
        made = Layer(
            coarse.sha256(), coarse.planes[0].shape[:2], self.steps, tuple(centroids.tolist()), by, dict(enumerate(codes))
        )
        seen = layer.refined(coarse, fine, made)
        return Layered(**vars(seen), coarse=coarse, boxes=layer.to_boxes(made))

    def _strip(self, rows: tuple[int, int]) -> _Strip:
        start, stop = rows
        columns = self.coarse.planes[0].shape[1]
        plane = widened(self.needed((8 * start, 8 * stop)), 8)
        steps = fixed_dct.forward(plane, fixed_dct.to_steps(self.steps / UNIT, 255 / luma.FINE))[:, :columns]
        steps[..., 0] -= np.float32(8 * 128 * UNIT / self.steps[0])
        steps = scanned(steps)
        guess = np.copysign(np.floor(np.abs(steps) + NEAREST), steps).astype(np.int16)
        guess[0] = np.rint(steps[0])
        return _Strip(steps, *coarse_strip(self.coarse, rows, self.steps), guess)

    def _levels(self, strip: _Strip) -> np.ndarray:
        """The levels that are worth their bits, (64, rows, columns) int16."""
        cells = all_cells(strip.guess, strip.coarse)
        near = strip.foretold.astype(np.int16)
        steps, near, cells = (array.reshape(len(array), -1) for array in (strip.steps, near, cells))
        weights = self._weights(strip.steps[0].ravel())
        levels = trellis.optimise(steps, near, cells, self.prices, weights, self.centroids).reshape(strip.steps.shape)
        levels[0] = strip.guess[0]
        return levels

    def _weights(self, means: np.ndarray) -> np.ndarray:
        """What bits are worth in blocks by their means (N,), against the mean block: (N,) float32."""
        if self.kinds is None:
            return np.ones(len(means), np.float32)
        kinds = self.kinds[bit_prices.codes(means, float(self.steps[0]) / UNIT)]
        return np.array(bit_prices.WEIGHTS, np.float32)[kinds]

    def _learn(self, sample: list[_Strip], levels: list[np.ndarray]) -> None:
        """What symbols cost with these levels, and where these lie."""
        splits = [Split.of(of, strip.coarse, strip.foretold) for of, strip in zip(levels, sample, strict=True)]
        bits = CellTables.of(np.sum([split.counts() for split in splits], 0)).bits()
        bits[:ZERO_CELLS, 1:] += 1  # signs
        self.prices = (bits * np.float32(self.price)).astype(np.float32)
        if levels[0] is not sample[0].guess:
            parts = (self._statistics(of, strip.steps) for of, strip in zip(levels, sample, strict=True))
            self.centroids = Statistics.sum(parts).centroids()

    @staticmethod
    def _statistics(levels: np.ndarray, steps: np.ndarray) -> Statistics:
        return Statistics.of(in_natural_order(levels), in_natural_order(steps), symbols=False, is_dependent=True)
