"""The lossless layer: what is missing from a JPEG's RAW to its last bit, block by block.

The JPEG foretells every photosite in integers (`predictor`), and from the slope of its curve there how far off it may
be. The residual is coded with that as its context (`residuals`). Measured: neither the true neighbours nor anything
else decoded before adds half a percent, so nothing waits for anything: blocks are independent, and all photosites of
one are coded at once.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.mosaic import tile
from rawback.lossless import residuals
from rawback.lossless.predictor import OF_PIXELS, Predictor
from rawback.lossless.ranks import Ranks
from rawback.lossless.residuals import Model
from rawback.picture import Coefficients
from rawback.recipe import Recipe

BLOCK_PIXELS, STRIP_PIXELS = 1 << 20, 1 << 17
"""Photosites of a block, which is coded by itself, and of a strip of it, which stays in the cache."""
SLOPES = 1 << 16
"""Slopes that are told apart, and values of a photosite."""
BUSY = (1, 4, 10)
"""Coefficients other than 0 in a block of 8x8, from which it belongs to the next class."""
FINE = 64
"""Below this slope the fraction of the foretold value tells which way the truth is rounded."""
MAX_TABLES = 1 << 20
"""Bytes of the predictor's tables: they are 4 kB."""
CHECKS = struct.Struct("<II")
"""Before a block: crc32 of what was foretold, and of the photosites."""


def _slope_classes() -> np.ndarray:
    """(65536,) uint8: four classes to the octave, 0..63."""
    slope = np.arange(SLOPES)
    octave = np.repeat(np.arange(17), [1] + [1 << i for i in range(16)]) - 1  # of 0: -1
    quarter = np.where(octave >= 2, slope >> np.maximum(octave - 2, 0) & 3, 0)
    return np.maximum(4 * octave + quarter, 0).astype(np.uint8)


CLASS_OF_SLOPE = _slope_classes()
"""(65536,) uint8: see `_slope_classes`."""
LOW_OF_CLASS = np.clip(np.arange(64) // 4 - 8, 0, residuals.MAX_LOW).astype(np.uint8)
"""(64,) uint8: bits of a residual that are noise, by the class of its slope."""


@dataclass(frozen=True)
class Coder:
    """What codes and decodes the blocks of one picture's visible mosaic."""

    picture: Coefficients
    predictor: Predictor
    ranks: Ranks
    of_pixels: ClassVar[bool] = False
    """Whether each pixel has all three values."""

    @classmethod
    def of(cls, mosaic: np.ndarray, picture: Coefficients, recipe: Recipe) -> Self:
        """For the mosaic (H, W) uint16 that was rendered as `picture`. Raises RawbackError for a grey picture."""
        if len(picture.planes) != 3:
            raise RawbackError("a grey JPEG carries no lossless layer; expected YCbCr")
        predictor = Predictor.of(recipe, picture)
        return cls(picture, predictor, Ranks.of(mosaic, predictor.cfa))

    def to_bytes(self) -> bytes:
        """The tables as they travel; `from_bytes` is the inverse, given the picture."""
        predictor = zlib.compress(self.predictor.to_bytes(), 9)
        return struct.pack("<I", len(predictor)) + predictor + self.ranks.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, picture: Coefficients) -> Self:
        """Raises RawbackError for tables that cannot be."""
        if len(data) < 4 or len(picture.planes) != 3:
            raise RawbackError("the lossless layer's tables are cut short")
        (size,) = struct.unpack_from("<I", data)
        try:
            tables = zlib.decompressobj().decompress(data[4 : 4 + size], MAX_TABLES)
        except zlib.error as error:
            raise RawbackError("the lossless layer's tables are damaged") from error
        predictor = Predictor.from_bytes(tables)
        if (predictor.cfa.shape == OF_PIXELS) != cls.of_pixels:
            raise RawbackError("the lossless layer's tables are those of another kind of RAW")
        return cls(picture, predictor, Ranks.from_bytes(data[4 + size :]))

    def blocks(self) -> list[tuple[int, int]]:
        """First row and the row after the last of each block: whole MCUs, about a megapixel."""
        height, width = self.picture.height, self.picture.width
        rows = _rows(BLOCK_PIXELS, width, self._multiple)
        return [(start, min(start + rows, height)) for start in range(0, height, rows)]

    def encode(self, rows: np.ndarray, start: int) -> bytes:
        """Rows of the mosaic, one of `blocks` -> bytes."""
        foretold = self._foretell(start, start + len(rows))
        true = np.take(self.ranks.rank_of, foretold.colour * SLOPES + rows.astype(np.int32))
        code = residuals.pack(((true - foretold.rank) * foretold.sign).ravel(), foretold.model)
        return CHECKS.pack(foretold.checksum(), zlib.crc32(rows.astype("<u2").tobytes())) + code

    def decode(self, data: bytes, start: int, stop: int) -> np.ndarray:
        """The inverse: (stop - start, width) uint16. Raises RawbackError for a damaged block, or one of another picture."""
        if len(data) < CHECKS.size:
            raise RawbackError("a block of the lossless layer is cut short")
        checksum, expected = CHECKS.unpack_from(data)
        foretold = self._foretell(start, stop)
        if foretold.checksum() != checksum:
            raise RawbackError("a block of the lossless layer belongs to another picture")
        rank = residuals.unpack(data[CHECKS.size :], foretold.model).reshape(foretold.rank.shape)
        rank *= foretold.sign
        rank += foretold.rank
        rank &= SLOPES - 1
        rows = np.take(self.ranks.value_of, foretold.colour * SLOPES + rank)
        if zlib.crc32(rows.astype("<u2").tobytes()) != expected:
            raise RawbackError("a block of the lossless layer is damaged")
        return rows

    def _foretell(self, start: int, stop: int) -> Foretold:
        """Strip by strip, which stays in the cache."""
        rows = _rows(STRIP_PIXELS, self.picture.width, self._multiple)
        strips = [self._strip(top, min(top + rows, stop)) for top in range(start, stop, rows)]
        return Foretold(*(np.concatenate(part) for part in zip(*strips, strict=True)))

    def _strip(self, start: int, stop: int) -> tuple[np.ndarray, ...]:
        value, slope = self.predictor.predict(self.picture, start, stop)
        colour = tile(self.predictor.cfa.astype(np.int32), *value.shape, top=start)
        if not self.ranks.plain:
            value, slope = self.ranks.convert(value, slope, colour)
        rank, sign, context = self.contexts(value, slope, self.activity(start, stop))
        return rank, sign, context, colour.astype(np.int8)

    @staticmethod
    def contexts(value: np.ndarray, slope: np.ndarray, activity: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Foretold ranks, signs and contexts, of values and slopes in sixteenths of a rank; all (rows, width)."""
        rank = (value + 8) >> 4
        rest = value - (rank << 4)
        sign = np.where(rest < 0, np.int8(-1), np.int8(1))
        side = (slope < FINE) & (np.abs(rest) > 3)
        kind = np.take(CLASS_OF_SLOPE, np.minimum(slope, SLOPES - 1))
        return rank, sign, (activity * np.uint16(128) + side * np.uint16(64)) + kind

    def activity(self, start: int, stop: int) -> np.ndarray:
        """(rows, width) uint16, 0..3: how much luma holds in the 8x8 block around each photosite."""
        levels = self.picture.planes[0][start // 8 : -(-stop // 8)]
        classes = np.searchsorted(BUSY, np.count_nonzero(levels[..., 1:], 2), side="right").astype(np.uint16)
        return np.repeat(np.repeat(classes, 8, 1)[:, : self.picture.width], 8, 0)[: stop - start]

    @property
    def _multiple(self) -> int:
        return 8 * self.picture.factors[0]


@dataclass(frozen=True)
class Foretold:
    """What the picture says of a block, all (rows, width)."""

    rank: np.ndarray
    sign: np.ndarray
    """-1 where the foretold value was rounded up: residuals of both signs then look alike."""
    context: np.ndarray
    colours: np.ndarray

    @property
    def colour(self) -> np.ndarray:
        return self.colours.astype(np.int32)

    @cached_property
    def model(self) -> Model:
        context = self.context.ravel()
        return Model(context, np.take(LOW_OF_CLASS, context & 63))

    def checksum(self) -> int:
        return zlib.crc32(self.context.astype("<u2").tobytes(), zlib.crc32(self.rank.astype("<i4").tobytes()))


def _rows(pixels: int, width: int, multiple: int) -> int:
    return max(pixels // width // multiple, 1) * multiple
