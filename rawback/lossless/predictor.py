"""The mosaic that a JPEG's coefficients foretell, in integers from end to end: the same on every processor.

What `inverse_pass.decode` does in float is done here in fixed point, by tables that travel with the lossless layer:
no float, no library function whose last digit could differ. Each result says how far the truth may lie from it, too.

Numbers: levels of a JPEG as they are; coefficients and samples in sixteenths, with luma 0..255 as in the JPEG;
photosites in sixteenths of a DN. Bounds are given where an int32 could overflow: they hold for any input.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.errors import RawbackError
from rawback.isp import full_colour
from rawback.isp.colour import YCC_TO_RGB, curve_of
from rawback.isp.mosaic import tile
from rawback.lossless import fixed_point
from rawback.picture import Coefficients
from rawback.recipe import Recipe

LOWEST, CODES = -256, 1024
"""The tables reach from code value LOWEST over CODES values (255 is white): beyond what a JPEG's luma and chroma sum to."""
LIGHT_BITS, WEIGHT_BITS = 20, 8
"""Of fractions in light, and in weights beyond those of a sixteenth of a DN."""
LIGHT_LIMIT, ENTRY_LIMIT = (1 << 30) - 1, 1 << 26
"""Of light, so that times a weight it fits into 63 bits; of an entry of `values`, so that sums of three fit into int32."""
OF_PIXELS = (1, 3)
"""The CFA's shape where each pixel has all three values: red, green, blue."""
SHAPES = ((2, 2), (4, 4), (6, 6), OF_PIXELS)
"""Of a CFA."""
HEADER, CHROMA = struct.Struct("<9q3iHBB"), struct.Struct("<6i")
"""Nine weights, three centroids and white, number of rows and columns of the CFA; and the chroma that a look mixes."""


@dataclass(frozen=True)
class Predictor:
    """The tables of one picture."""

    light: np.ndarray
    """(CODES + 1,) int32: linear light times 2^20 at code values LOWEST, LOWEST + 1, ..."""
    weights: np.ndarray
    """(3, 3) int64: what light in R, G, B adds to a red, green, blue photosite, in DN times 2^12."""
    centroids: tuple[int, int, int]
    """What is added to luma magnitudes 1, 2 and larger, in sixteenths of a step."""
    white: int
    cfa: np.ndarray
    """(rows, columns) uint8."""
    black: np.ndarray
    """int32 of the CFA's shape: the answer to darkness, in sixteenths of a DN."""
    chroma: tuple[tuple[int, ...], ...] = fixed_point.JFIF
    """What Cb and Cr add to the codes of R, G, B: not JFIF's where a camera's look mixes codes."""

    @classmethod
    def of(cls, recipe: Recipe, picture: Coefficients) -> Predictor:
        """The tables for a recipe. In float: what is stored, and thus what both sides use, is their rounding."""
        codes = np.arange(LOWEST, LOWEST + CODES + 1) / np.float32(255)
        with np.errstate(over="ignore"):
            light = curve_of(recipe).decode(codes.astype(np.float32))[0].astype(np.float64)
        cfa, black = _positions(recipe)
        span = recipe.white - np.array([black[cfa == c].mean() for c in range(3)])
        per_light = span / (recipe.gains.astype(np.float64) * 2**recipe.exposure)
        weights = np.linalg.inv(np.array(recipe.matrix)) * per_light[:, None]
        centroids = [round(16 * c) for c in picture.centroids or (0, 0, 0)]
        return cls(
            np.clip(np.rint(light * 2**LIGHT_BITS), -LIGHT_LIMIT, LIGHT_LIMIT).astype(np.int32),
            np.clip(np.rint(weights * 2 ** (4 + WEIGHT_BITS)), -(2**40), 2**40).astype(np.int64),
            (centroids[0], centroids[1], centroids[2]),
            int(recipe.white),
            cfa.astype(np.uint8),
            np.rint(16 * (black - (np.float32(recipe.pedestal) / recipe.gains)[cfa] * span[cfa])).astype(np.int32),
            _chroma_weights(recipe),
        )  # fmt: skip

    def to_bytes(self) -> bytes:
        """The tables as they travel; `from_bytes` is the inverse."""
        rows, columns = self.cfa.shape
        head = HEADER.pack(*self.weights.ravel().tolist(), *self.centroids, self.white, rows, columns)
        steps = np.diff(self.light.astype(np.int64), prepend=0).astype("<i4")  # wraps, and wraps back: small for zlib
        mixed = b"" if self.chroma == fixed_point.JFIF else CHROMA.pack(*sum(self.chroma, ()))
        return head + self.cfa.tobytes() + self.black.astype("<i4").tobytes() + steps.tobytes() + mixed

    @classmethod
    def from_bytes(cls, data: bytes) -> Predictor:
        """Raises RawbackError for tables that cannot be."""
        if len(data) < HEADER.size:
            raise RawbackError("the lossless layer's tables are cut short")
        *numbers, white, rows, columns = HEADER.unpack_from(data)
        n = rows * columns
        size = HEADER.size + 5 * n + 4 * (CODES + 1)
        if (rows, columns) not in SHAPES or len(data) not in (size, size + CHROMA.size):
            raise RawbackError("the lossless layer's tables have the wrong size")
        cfa = np.frombuffer(data, np.uint8, n, HEADER.size).reshape(rows, columns)
        black = np.frombuffer(data, "<i4", n, HEADER.size + n).astype(np.int32).reshape(rows, columns)
        light = np.cumsum(np.frombuffer(data, "<i4", CODES + 1, HEADER.size + 5 * n), dtype=np.int32)
        weights = np.array(numbers[:9], np.int64).reshape(3, 3)
        problem = cfa.max() > 2 or np.abs(black.astype(np.int64)).max() > 1 << 24 or np.abs(weights).max() > 1 << 40
        if problem or max(map(abs, numbers[9:])) > 16 or np.abs(light.astype(np.int64)).max() > LIGHT_LIMIT:
            raise RawbackError("the lossless layer's tables hold impossible numbers")
        mixed = CHROMA.unpack_from(data, size) if len(data) > size else sum(fixed_point.JFIF, ())
        if max(map(abs, mixed)) > fixed_point.WEIGHT_LIMIT:
            raise RawbackError("the lossless layer's tables hold impossible numbers")
        chroma = mixed[:2], mixed[2:4], mixed[4:]
        return cls(light, weights, (numbers[9], numbers[10], numbers[11]), white, cfa, black, chroma)

    def predict(self, picture: Coefficients, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows start..stop, whole MCUs: photosites, and how much they rise for a step of luma.

        Both (stop - start, width) int32 in sixteenths of a DN; photosites 0..16 * white, slopes 1 and larger.
        """
        codes = self.codes(picture, start, stop)
        size = codes[0].shape
        at, black = tile(self.cfa.astype(np.int32), *size, top=start), tile(self.black, *size, top=start)
        return self._sensed(codes, at, np.array(black), picture)

    def predict_colour(self, codes: list[np.ndarray], colour: int, picture: Coefficients) -> tuple[np.ndarray, np.ndarray]:
        """As `predict`, where each pixel has all three values: those of one colour, from the `codes` of the rows."""
        return self._sensed(codes, colour, np.full(codes[0].shape, self.black[0, colour], np.int32), picture)

    def codes(self, picture: Coefficients, start: int, stop: int) -> list[np.ndarray]:
        """Rows start..stop, whole MCUs: code values above LOWEST of R, G, B, (stop - start, width) int32 in sixteenths each."""
        luma, cb, cr = self._planes(picture, start, stop)
        return [np.clip(code, 0, 16 * CODES - 1, out=code) for code in fixed_point.rgb(luma, cb, cr, self.chroma)]

    def _sensed(
        self, codes: list[np.ndarray], colour: np.ndarray | int, value: np.ndarray, picture: Coefficients
    ) -> tuple[np.ndarray, np.ndarray]:
        """What `predict` gives, where each photosite has a colour; added to `value`, its answer to darkness."""
        slope = np.zeros(value.shape, np.int32)
        for channel, code in enumerate(codes):
            value += np.take(self.values[channel], colour * (16 * CODES) + code)
            slope += np.take(self.slopes[channel], colour * CODES + (code >> 4))
        np.clip(value, 0, 16 * self.white, out=value)
        slope *= self.step(picture)
        return value, np.maximum(slope, 1, out=slope)

    def step(self, picture: Coefficients) -> int:
        """The coarsest of luma's."""
        return min(int(picture.tables[0][1:].max()), 255)

    def _planes(self, picture: Coefficients, start: int, stop: int) -> list[np.ndarray]:
        """Luma in sixteenths above LOWEST, and upsampled chroma."""
        luma = fixed_point.plane(picture.planes[0][start // 8 : -(-stop // 8)], picture.tables[0], self.centroids)
        luma += 16 * (128 - LOWEST)
        chroma = [self._chroma(picture, component, start, stop) for component in (1, 2)]
        return [luma[: stop - start, : picture.width], *chroma]

    def _chroma(self, picture: Coefficients, component: int, start: int, stop: int) -> np.ndarray:
        """Rows start..stop from their own blocks and one on either side."""
        v, h = picture.factors
        levels = picture.planes[component]
        first, last = max(start // (8 * v) - 1, 0), min(-(-stop // (8 * v)) + 1, levels.shape[0])
        small = fixed_point.plane(levels[first:last], picture.tables[component])
        np.clip(small, -fixed_point.CHROMA_LIMIT, fixed_point.CHROMA_LIMIT, out=small)
        offset = start - first * 8 * v
        return fixed_point.grow(small, (v, h))[offset : offset + stop - start, : picture.width]

    @cached_property
    def values(self) -> list[np.ndarray]:
        """By channel: sixteenths of a DN by colour of the photosite and sixteenths of a code value, (3 * 16 * CODES,) int32."""
        fraction = np.arange(16)
        light = self.light.astype(np.int64)
        fine = ((light[:-1, None] * (16 - fraction) + light[1:, None] * fraction) >> 4).ravel()
        return [self._weighted(fine, channel).ravel() for channel in range(3)]

    @cached_property
    def slopes(self) -> list[np.ndarray]:
        """By channel: sixteenths of a DN for one code value, (3 * CODES,) int32, at most 2^21 so that sums times a step fit."""
        rise = np.diff(self.light.astype(np.int64))
        return [np.clip(self._weighted(rise, channel), -(1 << 21), 1 << 21).ravel() for channel in range(3)]

    def _weighted(self, light: np.ndarray, channel: int) -> np.ndarray:
        """(3 colours, n) int32 from (n,) int64: 2^30 * 2^32 fits 63 bits once the weight is cut to 2^32."""
        weights = np.clip(self.weights[:, channel, None], -(1 << 32), 1 << 32)
        return np.clip((light * weights) >> (LIGHT_BITS + WEIGHT_BITS), -ENTRY_LIMIT, ENTRY_LIMIT).astype(np.int32)


def _positions(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """The CFA, and the black level in DN of each of its positions; of a linear RAW those of red, green and blue in a row."""
    if recipe.linear:
        return np.arange(3).reshape(OF_PIXELS), full_colour.levels(recipe)[0].astype(np.float64).reshape(OF_PIXELS)
    cfa = np.array(recipe.cfa)
    return cfa, np.array(recipe.black).reshape(cfa.shape)


def _chroma_weights(recipe: Recipe) -> tuple[tuple[int, ...], ...]:
    """JFIF's, or with what the recipe mixes, as near as the limit allows: a foretelling may be wrong."""
    if not recipe.code_matrix:
        return fixed_point.JFIF
    weights = np.rint((np.array(recipe.code_matrix) @ YCC_TO_RGB)[:, 1:] * 2**fixed_point.BITS)
    return tuple(map(tuple, np.clip(weights, -fixed_point.WEIGHT_LIMIT, fixed_point.WEIGHT_LIMIT).astype(int).tolist()))
