"""Chroma of colours beyond white, which viewers must not see: chosen beside the picture where that saves bits of luma.

Viewers clamp Y, Cb and Cr before they convert to RGB, so the picture has blown colours white, and luma would have to make up
for all colour that its chroma lacks there. Where that is dear, levels are put aside (`Coefficients.wide`) which the decoder
adds to those of Cb and Cr. Block by block both ways of coding luma are compared by their bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rawback.isp import dct, fixed_dct, trellis
from rawback.isp.chroma import BayerChroma, has_bayer_cells
from rawback.isp.coding import Coding
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.inverse_pass import sample_line
from rawback.isp.strip_picture import StripPicture, widened
from rawback.picture import Coefficients
from rawback.recipe import Recipe

Strip = tuple[int, int]
"""First row and row after the last."""
Luma = Callable[[Strip, Coefficients], tuple[np.ndarray, np.ndarray]]
"""A strip, and a picture -> levels (m, n, 64) of luma that are needed under the picture's chroma, and the luma, 1 = white."""
LEAST_SHARE = 0.002
"""Of cells with a colour beyond white: where there are fewer, nothing is tried (measured: they save less than 0.002 bit)."""
APART = 4
"""Every so many cells one is looked at, in both directions."""
BRIGHT, COLOURED = 1.1, 0.8
"""A cell is beyond white, and coloured, whose brightest sample lies above the one, and the darkest below the other."""
ROUNDING = 1.0
"""Steps by which levels may differ from coefficients without being wrong."""
PRICE = 0.5
"""What a bit is worth here in squared steps, against luma's."""
SEEN, UNSEEN = 1.5, 1e-4
"""By how much the square of the error that viewers see in luma may be larger: so many times as large, and 2.5 code values."""
BLOCK_BITS = 6
"""That a block costs beside its AC levels: its place and its mean."""
LEAST_GAIN, HEADERS = 0.005, 8 * 600
"""Bits per photosite that all must save beyond what the box itself takes: else the recipe stays one that others know longer."""


def share(mosaic: np.ndarray, recipe: Recipe, white_at: float) -> float:
    """About which share of the cells of a mosaic (H, W) uint16 has a colour beyond white, `white_at` of the sensor's range."""
    period = len(recipe.cfa)
    rows, columns = (size // period for size in mosaic.shape)
    if not rows or not columns:
        return 0.0
    scale, bias = sample_line(recipe)  # (period, period) each
    some = mosaic[: rows * period, : columns * period]
    samples = (some[y :: period * APART, x :: period * APART] * scale[y, x] + bias[y, x] for y, x in np.ndindex(scale.shape))
    brightest = darkest = next(samples)
    for other in samples:
        brightest, darkest = np.maximum(brightest, other), np.minimum(darkest, other)
    return float(((brightest > BRIGHT * white_at) & (darkest < COLOURED * white_at)).mean())


class WideChroma:
    """Of one frame whose chroma is coded: in two passes over its strips, and a decision at the end."""

    def __init__(
        self, shown: StripPicture, coding: Coding, picture: Coefficients, white_at: float, luma: Luma
    ) -> None:  # fmt: skip
        """luma: what a strip needs under the chroma of a picture."""
        self.shown, self.picture, self.coding, self.white_at, self.luma = shown, picture, coding, white_at, luma
        self.bayer: BayerChroma | None = None
        if has_bayer_cells(shown.recipe):
            frame = shown.mosaic, shown.recipe, coding.factors
            self.bayer, self.cut = BayerChroma(*frame, np.inf), BayerChroma(*frame, white_at, RGB_TO_YCC[[0, 0]])
        self.proposed = tuple(np.zeros_like(plane) for plane in picture.planes[1:])
        self.costs: dict[Strip, np.ndarray] = {}
        """Bits that the proposed levels take, by strip and block of chroma (m, n); 0 where none are."""
        self.gains: dict[Strip, np.ndarray] = {}
        """Bits that luma saves by them; 0 where viewers would see it."""

    @classmethod
    def where_it_may_pay(
        cls, shown: StripPicture, coding: Coding, picture: Coefficients, white_at: float, luma: Luma
    ) -> WideChroma | None:  # fmt: skip
        """None where it is not wanted, or hardly a colour is beyond white."""
        recipe = shown.recipe
        may = coding.wide and coding.optimise and recipe.refined and not recipe.monochrome
        if not may or share(shown.mosaic, recipe, white_at) < LEAST_SHARE:
            return None
        return cls(shown, coding, picture, white_at, luma)

    def propose(self, strip: Strip) -> None:
        """Levels that chroma lacks in a strip, each weighed against its bits."""
        if not share(self.shown.mosaic[slice(*strip)], self.shown.recipe, self.white_at):
            return
        planes = self.bayer.strip(*strip) if self.bayer else self.shown.subsampled(self.shown.ycc(strip, None)[1:])
        factors, at = fixed_dct.to_steps(self.coding.chroma, 255), self._rows(strip)
        cost = np.zeros(self.picture.planes[1][at].shape[:2])
        for plane, levels, proposed in zip(planes, self.picture.planes[1:], self.proposed, strict=True):
            lacking = fixed_dct.forward(plane, factors) - levels[at]
            lacks = (np.abs(lacking) > ROUNDING).any(-1)  # (m, n)
            blocks = np.ascontiguousarray(lacking[lacks])
            coded = dct.quantise(blocks[None], self.coding.dead_zone)[0]
            bits = trellis.bits_of(trellis.symbol_counts(coded))
            prices = bits.priced(np.zeros(len(blocks), np.uint8), PRICE * self.coding.price)
            coded = trellis.optimise(blocks, prices, np.zeros(3))
            proposed[at][lacks] = coded
            cost[lacks] += np.where(coded.any(-1), trellis.bits_by_block(coded, bits) + BLOCK_BITS, 0)
        if cost.any():
            self.costs[strip] = cost

    def weigh(self, strip: Strip) -> None:
        """What luma takes in a strip with and without them, and where viewers would see it."""
        if strip not in self.costs:
            return
        v, h = self.coding.factors
        wanted, ways, errors = self._cut_luma(strip), [], []
        for picture in (self.picture, replace(self.picture, wide=self.proposed)):
            levels, plane = self.luma(strip, picture)  # (m v, n h, 64), (8 m v, 8 n h)
            ways.append(levels.reshape(len(levels) // v, v, -1, h, 64))
            seen = np.square(np.clip(plane, 0, 1) - wanted)
            errors.append(seen.reshape(len(levels) // v, 8 * v, -1, 8 * h).mean((1, 3)))  # (m, n)
        bits = trellis.bits_of(trellis.symbol_counts(ways[0].reshape(-1, 64)))
        present, by_these = (
            trellis.bits_by_block(way.reshape(-1, 64), bits).reshape(way.shape[:-1]).sum((1, 3)) for way in ways
        )
        is_unseen = errors[1] <= SEEN * errors[0] + UNSEEN
        self.gains[strip] = np.where(is_unseen, present - by_these, 0)

    def decide(self) -> None:
        """Keep what pays, block by block; nothing where all of it together hardly does."""
        total = 0.0
        for strip in self.costs:
            net = self.gains[strip] - self.costs[strip]
            pays = (self.costs[strip] > 0) & (net > 0)
            total += float(net[pays].sum())
            for proposed in self.proposed:
                proposed[self._rows(strip)][~pays] = 0
        if total - HEADERS > LEAST_GAIN * self.picture.width * self.picture.height:
            self.picture.wide = self.proposed

    def _cut_luma(self, strip: Strip) -> np.ndarray:
        """Luma of the picture with blown photosites white, (rows, width), 1 = white."""
        h = self.coding.factors[1]
        if self.bayer:
            return dct.grow(self.cut.strip(*strip)[0], self.coding.factors)
        return widened(self.shown.ycc(strip, self.white_at)[0], 8 * h)

    def _rows(self, strip: Strip) -> slice:
        v = 8 * self.coding.factors[0]
        return slice(strip[0] // v, strip[1] // v)
