"""The inverse pass in a fixed order of additions: the same mosaic on every processor, by numpy and by the compiled core.

`inverse_pass.decode` takes it for what this version renders (`Recipe.arithmetic` 2). Light is read from a table of the
curve, between whose entries it is a straight line.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rawback.isp import dct, dependent, fixed_dct
from rawback.isp.colour import YCC_TO_RGB, curve_of
from rawback.isp.mosaic import black_pattern, level
from rawback.isp.native.library import call, library
from rawback.isp.parallel import parts
from rawback.isp.tone import Curve
from rawback.picture import Coefficients
from rawback.recipe import Recipe

CODE_RANGE = (-2.0, 4.0)
"""Of code values in the table: beyond, light goes on by the slope at the end."""
FINE = 4096
"""Entries of that table for one code value; a tone curve's pieces end at entries (`tone.PIECES`)."""
LARGEST = 1e6
"""Of light in the table, so that products stay finite."""
ZERO = np.float32((128 / 255 - CODE_RANGE[0]) * FINE)
"""The entry of a sample of 0."""
UNIT = FINE / 255
"""Entries for a step of 8 bits."""


class Decoder:
    """Of one picture: coefficients -> mosaic, in rows."""

    def __init__(self, picture: Coefficients, recipe: Recipe) -> None:
        self.picture, self.period, self.white = picture, len(recipe.cfa), int(recipe.white)
        self.light, self.rise = light_table(curve_of(recipe))
        self.forms = np.asarray(np.array(recipe.code_matrix or np.eye(3)) @ YCC_TO_RGB[:, 1:].astype(np.float64), np.float32)
        self.weights = _weights(recipe, picture.width)
        self.answers = _answers(picture)

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop of the mosaic, (stop - start, width) uint16; `start` begins a block."""
        picture = self.picture
        mosaic = np.empty((stop - start, picture.width), np.uint16)
        small = [chroma(picture, component, start, stop, UNIT) for component in (1, 2)]  # (rows and context, columns)
        levels = picture.planes[0][start // 8 : -(-stop // 8)]
        factors = fixed_dct.from_steps(picture.tables[0], UNIT)
        weights = np.ascontiguousarray(np.roll(self.weights, -(start % self.period), 1))
        if library() is not None:
            self._compiled(levels, factors, small, weights, start, mosaic)
            return mosaic
        luma = fixed_dct.inverse(levels, factors, self.answers)[: stop - start, : picture.width]
        luma += ZERO
        cb, cr = (grown(picture, plane, start, stop) for plane in small)
        for part in parts(*mosaic.shape, self.period):
            mosaic[part] = self._photosites(luma[part], cb[part], cr[part], weights)
        return mosaic

    def _photosites(self, luma: np.ndarray, cb: np.ndarray, cr: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Rows, the first of them with the first row of the weights: (rows, width) uint16."""
        red, green, blue, bias = (np.resize(w, luma.shape) for w in weights)
        dn = np.zeros_like(luma)
        for (by_cb, by_cr), weight in zip(self.forms, (red, green, blue), strict=True):
            at = cb * by_cb
            at += cr * by_cr
            at += luma
            entry = np.trunc(np.clip(at, 0, len(self.rise) - 1))
            index = entry.astype(np.intp)
            at -= entry
            at *= self.rise.take(index)
            at += self.light.take(index)
            at *= weight
            dn += at
        dn += bias
        np.clip(dn, 0, self.white, out=dn)
        return np.rint(dn, out=dn).astype(np.uint16)

    def _compiled(
        self, levels: np.ndarray, factors: np.ndarray, small: list[np.ndarray], weights: np.ndarray, start: int,
        mosaic: np.ndarray,
    ) -> None:  # fmt: skip
        picture, (v, h) = self.picture, self.picture.factors
        call(
            "core_inverse_pass", np.ascontiguousarray(levels), levels.shape[1], factors, *fixed_dct.answers_of(self.answers),
            float(ZERO), small[0], small[1], *small[0].shape, v, h, start - first_row(picture, start) * v, self.forms,
            self.light, self.rise, len(self.rise), weights, self.period, self.white, *mosaic.shape, mosaic,
        )  # fmt: skip


def _answers(picture: Coefficients) -> np.ndarray | None:
    if picture.dependent:
        return dependent.answers(picture.centroids)
    return dct.answers(picture.centroids) if picture.centroids else None


def is_for(picture: Coefficients, recipe: Recipe) -> bool:
    """Whether the picture is decoded this way: what was rendered this way, and nothing else done to it."""
    as_rendered = len(picture.planes) == 3 and all(plane.dtype == np.int16 for plane in picture.planes)
    return recipe.arithmetic == 2 and as_rendered and picture.undo is None and set(picture.factors) <= {1, 2}


def planes(picture: Coefficients, start: int, stop: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows start..stop of Y, Cb, Cr, as `inverse_pass.decoded_planes` has them but for rounding; `start` begins a block.

    Of a picture with three planes and chroma at full or half size, no flow, that is told by its levels alone.
    """
    levels, factors = picture.planes[0][start // 8 : -(-stop // 8)], fixed_dct.from_steps(picture.tables[0], 1 / 255)
    luma = fixed_dct.inverse(levels, factors, _answers(picture))[: stop - start, : picture.width]
    luma += np.float32(128 / 255)
    cb, cr = (grown(picture, chroma(picture, k, start, stop, 1 / 255), start, stop) for k in (1, 2))
    return luma, cb, cr


def first_row(picture: Coefficients, start: int) -> int:
    """The first row of chroma that row `start` of luma needs: one of context comes before its own."""
    return max(start // picture.factors[0] - 1, 0)


def chroma(picture: Coefficients, component: int, start: int, stop: int, unit: float) -> np.ndarray:
    """Decoded chroma for rows start..stop of luma with a row of context on either side, as it is coded, times `unit`.

    (rows, columns) float32 from row `first_row` on.
    """
    v = picture.factors[0]
    first, last = first_row(picture, start), min(-(-stop // v) + 1, 8 * len(picture.planes[component]))
    factors = fixed_dct.from_steps(picture.tables[component], unit)
    blocks = fixed_dct.inverse(picture.chroma(component, slice(first // 8, -(-last // 8))), factors)
    return blocks[first % 8 : first % 8 + last - first]


def grown(picture: Coefficients, small: np.ndarray, start: int, stop: int) -> np.ndarray:
    """What `chroma` gave, upsampled: rows start..stop, (rows, width) float32."""
    offset = start - first_row(picture, start) * picture.factors[0]
    if library() is not None and set(picture.factors) <= {1, 2}:
        large = np.empty((stop - start, picture.width), np.float32)
        call("core_grow", small, *small.shape, *picture.factors, offset, *large.shape, large)
        return large
    return dct.grow(small, picture.factors)[offset : offset + stop - start, : picture.width]


def _weights(recipe: Recipe, width: int) -> np.ndarray:
    """(4, period, width) float32: what light in R, G and B adds to a photosite, and what is added to all, in DN."""
    cfa = np.array(recipe.cfa)
    rows = np.linalg.inv(np.array(recipe.matrix))[cfa]  # (period, period, 3)
    gains = (recipe.gains.astype(np.float64) * 2**recipe.exposure)[cfa]
    black = black_pattern(recipe).astype(np.float64)
    span = recipe.white - black
    darkness = level(np.zeros(cfa.shape, np.uint16), recipe).astype(np.float64)  # -black / span, plus the pedestal
    bias = -darkness * span
    weights = np.concatenate([np.moveaxis(rows * (span / gains)[..., None], -1, 0), bias[None]])
    return np.ascontiguousarray(weights[..., np.arange(width) % len(cfa)], np.float32)


@lru_cache(maxsize=4)
def light_table(curve: Curve) -> tuple[np.ndarray, np.ndarray]:
    """Light at the entries, and by how much the next has more: (n,) float32 each."""
    low, high = CODE_RANGE
    codes = low + np.arange(round((high - low) * FINE) + 1) / FINE  # (24577,) float64
    with np.errstate(over="ignore"):
        light = np.clip(curve.light(codes), -LARGEST, LARGEST).astype(np.float32)
    return light[:-1].copy(), np.diff(light)
