"""Chroma of colours beyond white, where it saves bits of luma: in the picture, or where viewers must not see it, beside it.

Viewers clamp Y, Cb and Cr before they convert to RGB, so the picture has blown colours white, and luma would have to make up
for all colour that its chroma lacks there. Where that is dear, chroma gets what it lacks; if that would look worse, in levels
put aside (`Coefficients.wide`), which the decoder adds to those of Cb and Cr. Block by block the ways are compared by their
bits, and by what viewers see.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rawback.isp import dct, fixed_dct, fixed_pass, trellis
from rawback.isp.chroma import BayerChroma, has_bayer_cells
from rawback.isp.coding import Coding
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.inverse_pass import chroma_offsets, extended_srgb, sample_line
from rawback.isp.levels import LIMIT
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
"""By how much the square of the error that viewers see may be larger: so many times as large, and 2.5 code values."""
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
            self.bayer, self.white = BayerChroma(*frame, np.inf), BayerChroma(*frame, white_at)
            self.white_luma = BayerChroma(*frame, white_at, RGB_TO_YCC[[0, 0]])
        self.proposed = tuple(np.zeros_like(plane) for plane in picture.planes[1:])
        self.inside: dict[Strip, np.ndarray] = {}
        """Bits that the proposed levels save, by strip and block of chroma (m, n), if they are the picture's own; 0 where none
        are, or viewers would see it."""
        self.beside: dict[Strip, np.ndarray] = {}
        """The same if they stand beside it."""
        self.is_weighed = False

    @classmethod
    def where_it_may_pay(
        cls, shown: StripPicture, coding: Coding, picture: Coefficients, white_at: float, luma: Luma
    ) -> WideChroma | None:  # fmt: skip
        """None where it is not wanted, or hardly a colour is beyond white."""
        recipe = shown.recipe
        may = coding.beyond_white and coding.optimise and recipe.refined and not recipe.monochrome
        if not may or share(shown.mosaic, recipe, white_at) < LEAST_SHARE:
            return None
        return cls(shown, coding, picture, white_at, luma)

    def propose(self, strip: Strip) -> None:
        """Levels that chroma lacks in a strip, each weighed against its bits."""
        if not share(self.shown.mosaic[slice(*strip)], self.shown.recipe, self.white_at):
            return
        planes = self.bayer.strip(*strip) if self.bayer else self.shown.subsampled(self.shown.ycc(strip, None)[1:])
        factors, at = fixed_dct.to_steps(self.coding.chroma, 255), self._rows(strip)
        inside, beside = (np.zeros(self.picture.planes[1][at].shape[:2]) for _ in range(2))
        for plane, levels, proposed in zip(planes, self.picture.planes[1:], self.proposed, strict=True):
            present = levels[at]
            lacking = fixed_dct.forward(plane, factors) - present
            lacks = (np.abs(lacking) > ROUNDING).any(-1)  # (m, n)
            blocks = np.ascontiguousarray(lacking[lacks])
            bits = trellis.bits_of(trellis.symbol_counts(dct.quantise(blocks[None], self.coding.dead_zone)[0]))
            prices = bits.priced(np.zeros(len(blocks), np.uint8), PRICE * self.coding.price)
            coded = trellis.optimise(blocks, prices, np.zeros(3))
            coded = np.clip(coded + present[lacks], -LIMIT, LIMIT) - present[lacks]
            proposed[at][lacks] = coded
            beside[lacks] -= np.where(coded.any(-1), trellis.bits_by_block(coded, bits) + BLOCK_BITS, 0)
            own = trellis.bits_of(trellis.symbol_counts(present.reshape(-1, 64)))
            inside[lacks] -= trellis.bits_by_block(coded + present[lacks], own) - trellis.bits_by_block(present[lacks], own)
        if beside.any():
            self.inside[strip], self.beside[strip] = inside, beside

    def weigh(self, strip: Strip) -> None:
        """What luma saves in a strip by them, and where viewers would see it."""
        self.is_weighed = True
        if strip not in self.beside:
            return
        v, h = self.coding.factors
        lacks = np.flatnonzero(self.beside[strip].any(1))
        rows = slice(int(lacks[0]), int(lacks[-1]) + 1)  # of blocks of chroma; what lies above and below is as it was
        part = strip[0] + 8 * v * rows.start, strip[0] + 8 * v * rows.stop
        wide = replace(self.picture, wide=self.proposed)
        (levels, present), (fewer, smooth) = (self.luma(part, picture) for picture in (self.picture, wide))
        bits = trellis.bits_of(trellis.symbol_counts(levels.reshape(-1, 64)))
        before, after = (trellis.bits_by_block(some.reshape(-1, 64), bits) for some in (levels, fewer))
        saved = (before - after).reshape(len(levels) // v, v, -1, h).sum((1, 3))  # (m, n) of chroma
        wanted, own, others = self._wanted(part), self._chroma(self.picture, part), self._chroma(wide, part)
        error, *ways = (self._error(wanted, *seen) for seen in ((present, own), (smooth, others), (smooth, own)))
        for kept, way in zip((self.inside, self.beside), ways, strict=True):
            may = (self.beside[strip][rows] != 0) & (way <= SEEN * error + UNSEEN)
            kept[strip][rows] = np.where(may, kept[strip][rows] + saved, 0)

    def decide(self) -> None:
        """Keep what pays, block by block: nothing beside the picture where all of that together hardly does."""
        total = sum(float(self.beside[strip][self._is_beside(strip)].sum()) for strip in self.beside)
        may = self.coding.wide and total - HEADERS > LEAST_GAIN * self.picture.width * self.picture.height
        for strip, inside in self.inside.items():
            at, is_beside = self._rows(strip), self._is_beside(strip) & may
            is_inside = ~is_beside & (inside > 0)
            for plane, proposed in zip(self.picture.planes[1:], self.proposed, strict=True):
                plane[at][is_inside] += proposed[at][is_inside]
                proposed[at][~is_beside] = 0
        if may:
            self.picture.wide = self.proposed

    def _is_beside(self, strip: Strip) -> np.ndarray:
        return (self.beside[strip] > 0) & (self.beside[strip] > self.inside[strip])

    def _wanted(self, strip: Strip) -> np.ndarray:
        """The picture with blown photosites white: R, G, B (3, rows, width)."""
        if self.bayer:
            luma, cb, cr = self.white_luma.strip(*strip)[0], *self.white.strip(*strip)
            luma, cb, cr = (dct.grow(plane, self.coding.factors)[:, : self.picture.width] for plane in (luma, cb, cr))
        else:
            luma, cb, cr = self.shown.ycc(strip, self.white_at)
        return np.clip(extended_srgb(luma, cb, cr), 0, 1)

    def _chroma(self, picture: Coefficients, strip: Strip) -> np.ndarray:
        """Of rows of a picture, as viewers clamp it: what it adds to luma in R, G, B, (3, rows, width)."""
        planes = (fixed_pass.grown(picture, fixed_pass.chroma(picture, c, *strip, 1 / 255), *strip) for c in (1, 2))
        return chroma_offsets(*(np.clip(plane, -0.5, 0.5) for plane in planes))

    def _error(self, wanted: np.ndarray, luma: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        """Mean square by block of chroma, (m, n)."""
        v, h = self.coding.factors
        errors = np.square(np.clip(np.clip(luma[:, : self.picture.width], 0, 1) + offsets, 0, 1) - wanted).mean(0)
        return widened(errors, 8 * h).reshape(len(errors) // (8 * v), 8 * v, -1, 8 * h).mean((1, 3))

    def _rows(self, strip: Strip) -> slice:
        v = 8 * self.coding.factors[0]
        return slice(strip[0] // v, strip[1] // v)
