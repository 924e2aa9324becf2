"""The lossless layer: what is missing from a JPEG's RAW to its last bit, block by block.

The JPEG foretells every photosite in integers (`predictor`), and from the slope of its curve there how far off it may
be. The residual is coded with that as its context (`residuals`). Measured: neither the true neighbours nor anything
else decoded before adds half a percent, so nothing waits for anything: blocks are independent, and all photosites of
one are coded at once. What else the picture tells adds more (`contexts`): layers of version 3 go by it, and have one
set of tables for all blocks.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.parallel import in_threads
from rawback.lossless import contexts, rans, residuals
from rawback.lossless.contexts import LOW_OF_CELL, Contexts
from rawback.lossless.foretelling import LOW_OF_CLASS, SLOPES, Foreteller, rows_of
from rawback.lossless.predictor import OF_PIXELS, Predictor
from rawback.lossless.ranks import Ranks
from rawback.lossless.residuals import Model, Split
from rawback.picture import Coefficients
from rawback.recipe import Recipe

BLOCK_PIXELS = 1 << 20
"""Photosites of a block, which is coded by itself."""
MAX_TABLES = 1 << 20
"""Bytes of the predictor's tables: they are 4 kB."""
CHECKS = struct.Struct("<II")
"""Before a block: crc32 of what was foretold, and of the photosites."""
SIZES = struct.Struct("<II")
"""After them, from version 3 on: bytes of code, and number of escapes."""


@dataclass(frozen=True)
class Coder:
    """What decodes the blocks of one picture's visible mosaic in a layer of version 1."""

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
        return _sized(zlib.compress(self.predictor.to_bytes(), 9)) + self.ranks.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, picture: Coefficients) -> Self:
        """Raises RawbackError for tables that cannot be."""
        predictor, rest = cls._predictor(data, picture)
        return cls(picture, predictor, Ranks.from_bytes(rest))

    @classmethod
    def _predictor(cls, data: bytes, picture: Coefficients) -> tuple[Predictor, bytes]:
        """And what follows it."""
        if len(picture.planes) != 3:
            raise RawbackError("the lossless layer's tables are cut short")
        packed, rest = _first(data)
        try:
            predictor = Predictor.from_bytes(zlib.decompressobj().decompress(packed, MAX_TABLES))
        except zlib.error as error:
            raise RawbackError("the lossless layer's tables are damaged") from error
        if (predictor.cfa.shape == OF_PIXELS) != cls.of_pixels:
            raise RawbackError("the lossless layer's tables are those of another kind of RAW")
        return predictor, rest

    def blocks(self) -> list[tuple[int, int]]:
        """First row and the row after the last of each block: whole MCUs, about a megapixel."""
        rows = rows_of(BLOCK_PIXELS, self.picture)
        return [(start, min(start + rows, self.picture.height)) for start in range(0, self.picture.height, rows)]

    def decode(self, data: bytes, start: int, stop: int) -> np.ndarray:
        """Of a block: (stop - start, width) uint16. Raises RawbackError for a damaged one, or one of another picture."""
        if len(data) < CHECKS.size:
            raise RawbackError("a block of the lossless layer is cut short")
        checksum, expected = CHECKS.unpack_from(data)
        foretold = self._foreteller.foretell(start, stop)
        if foretold.checksum() != checksum:
            raise RawbackError("a block of the lossless layer belongs to another picture")
        rank = self._residuals(data[CHECKS.size :], foretold.context.ravel()).reshape(foretold.rank.shape)
        rank *= foretold.sign
        rank += foretold.rank
        rank &= SLOPES - 1
        rows = np.take(self.ranks.value_of, foretold.colour * SLOPES + rank)
        if zlib.crc32(rows.astype("<u2").data) != expected:
            raise RawbackError("a block of the lossless layer is damaged")
        return rows

    def _residuals(self, data: bytes, context: np.ndarray) -> np.ndarray:
        """(n,) int32."""
        return residuals.unpack(data, Model(context, np.take(LOW_OF_CLASS, context & 63)))

    @cached_property
    def _foreteller(self) -> Foreteller:
        return Foreteller(self.picture, self.predictor, self.ranks)


@dataclass(frozen=True)
class MosaicCoder(Coder):
    """What decodes layers of version 3: one set of tables for all blocks, and contexts that tell more."""

    by: Contexts

    def to_bytes(self) -> bytes:
        parts = [zlib.compress(self.predictor.to_bytes(), 9), self.ranks.to_bytes()]
        return b"".join(map(_sized, parts)) + self.by.to_bytes()

    @classmethod
    def from_bytes(cls, data: bytes, picture: Coefficients) -> Self:
        """Raises RawbackError for tables that cannot be."""
        predictor, rest = cls._predictor(data, picture)
        ranks, rest = _first(rest)
        return cls(picture, predictor, Ranks.from_bytes(ranks), Contexts.from_bytes(rest))

    def _residuals(self, data: bytes, context: np.ndarray) -> np.ndarray:
        if len(data) < SIZES.size:
            raise RawbackError("a block of the lossless layer is cut short")
        size, escapes = SIZES.unpack_from(data)
        code, rest = data[SIZES.size : SIZES.size + size], data[SIZES.size + size :]
        symbols, spare = rans.decode(code, np.take(self.by.table_of, context), self.by.tables)
        return residuals.joined(Split(symbols, escapes, spare + rest), np.take(LOW_OF_CELL, context))

    @cached_property
    def _foreteller(self) -> Foreteller:
        return Foreteller(self.picture, self.predictor, self.ranks, contexts.class_of_rank(self.by.highest))


@dataclass(frozen=True)
class _Block:
    """A block before the tables are known."""

    cells: np.ndarray
    """(n,) uint16."""
    split: Split
    checks: bytes


def encode(mosaic: np.ndarray, picture: Coefficients, recipe: Recipe) -> tuple[MosaicCoder, list[bytes]]:
    """What decodes a mosaic (H, W) uint16 that was rendered as `picture`, and its blocks.

    Raises RawbackError for a grey picture.
    """
    coder = Coder.of(mosaic, picture, recipe)
    ranks = coder.ranks
    highest = int(ranks.rank_of.reshape(3, -1)[:, mosaic.max()].max())
    foreteller = Foreteller(picture, coder.predictor, ranks, contexts.class_of_rank(highest))

    def first(rows: tuple[int, int]) -> _Block:
        true = mosaic[rows[0] : rows[1]]
        foretold = foreteller.foretell(*rows)
        residual = np.take(ranks.rank_of, foretold.colour * SLOPES + true)
        residual -= foretold.rank
        residual *= foretold.sign
        cells = foretold.context.ravel()
        split = Split.of(residual.ravel(), np.take(LOW_OF_CELL, cells))
        return _Block(cells, split, CHECKS.pack(foretold.checksum(), zlib.crc32(true.astype("<u2").data)))

    blocks = in_threads(first, coder.blocks())
    by = Contexts.of(highest, [(block.cells, block.split.symbols) for block in blocks])
    return MosaicCoder(picture, coder.predictor, ranks, by), in_threads(lambda block: _coded(block, by), blocks)


def _coded(block: _Block, by: Contexts) -> bytes:
    split = block.split
    code = rans.encode(split.symbols, np.take(by.table_of, block.cells), by.tables, split.bits)
    rest = split.bits[2 * rans.FINE.lanes_for(len(split.symbols)) :]
    return b"".join([block.checks, SIZES.pack(len(code), split.escapes), code, rest])


def _sized(part: bytes) -> bytes:
    """After a u32 that says its size."""
    return struct.pack("<I", len(part)) + part


def _first(data: bytes) -> tuple[bytes, bytes]:
    """The inverse: the part, and what follows."""
    if len(data) < 4:
        raise RawbackError("the lossless layer's tables are cut short")
    stop = 4 + int.from_bytes(data[:4], "little")
    return data[4:stop], data[stop:]
