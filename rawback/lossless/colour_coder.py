"""The lossless layer of RAW with three values a pixel: green by what the JPEG foretells, red and blue by green's residual, too.

What the quantiser took from luma is missing from all three alike, and demosaicing lends red and blue the detail of green.
How much of green's residual they share, and how much narrower that makes their own, each block says of itself.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from rawback.errors import RawbackError
from rawback.lossless import residuals
from rawback.lossless.coder import CHECKS, Coder
from rawback.lossless.foretelling import LOW_OF_CLASS, SLOPES, busy_of, contexts_of
from rawback.lossless.residuals import Model

RED, GREEN, BLUE = range(3)
LENT = (RED, BLUE)
"""Colours that green lends of its residual."""
SHARES = 16
"""A whole share of green's residual, in the proportion of the slopes."""
PART = struct.Struct("<IBB")
"""Before a colour of a block: bytes of its residuals, its share of green's, by how many classes of the slope it is narrower."""
MOST_NARROWER = 40
"""Classes: ten octaves."""
TOO_NARROW = 24
"""Classes of a slope, six octaves, below which no residual is taken to lie."""


@dataclass(frozen=True)
class ColourCoder(Coder):
    """What codes and decodes blocks of (rows, width, 3) uint16."""

    of_pixels: ClassVar[bool] = True

    def encode(self, rows: np.ndarray, start: int) -> bytes:
        """Rows of the RAW, one of `blocks` -> bytes."""
        block = _Block(self, start, start + len(rows))
        parts = []
        for colour in (GREEN, *LENT):
            true = np.take(self.ranks.rank_of, colour * SLOPES + rows[..., colour].astype(np.int32))
            share, narrower = (0, 0) if colour == GREEN else block.best(colour, true)
            rank, sign, model = block.foretold(colour, share, narrower)
            code = residuals.pack(((true - rank) * sign).ravel(), model)
            parts.append(PART.pack(len(code), share, narrower) + code)
            if colour == GREEN:
                block.off = (true << 4) - block.planes[GREEN][0]
        return CHECKS.pack(block.checksum, zlib.crc32(rows.astype("<u2").tobytes())) + b"".join(parts)

    def decode(self, data: bytes, start: int, stop: int) -> np.ndarray:
        """The inverse: (stop - start, width, 3) uint16. Raises RawbackError for a damaged block, or one of another picture."""
        if len(data) < CHECKS.size:
            raise RawbackError("a block of the lossless layer is cut short")
        checksum, expected = CHECKS.unpack_from(data)
        block, at = _Block(self, start, stop), CHECKS.size
        if block.checksum != checksum:
            raise RawbackError("a block of the lossless layer belongs to another picture")
        rows = np.empty((stop - start, self.picture.width, 3), np.uint16)
        for colour in (GREEN, *LENT):
            size, share, narrower = PART.unpack_from(data.ljust(at + PART.size, b"\0"), at)
            if share > SHARES or narrower > MOST_NARROWER:
                raise RawbackError("a block of the lossless layer is damaged")
            foretold, sign, model = block.foretold(colour, share, narrower)
            rank = residuals.unpack(data[at + PART.size : at + PART.size + size], model).reshape(foretold.shape)
            rank *= sign
            rank += foretold
            rank &= SLOPES - 1
            rows[..., colour] = np.take(self.ranks.value_of, colour * SLOPES + rank)
            if colour == GREEN:
                block.off = (rank << 4) - block.planes[GREEN][0]
            at += PART.size + size
        if zlib.crc32(rows.astype("<u2").tobytes()) != expected:
            raise RawbackError("a block of the lossless layer is damaged")
        return rows


class _Block:
    """What the picture says of some rows, colour by colour."""

    def __init__(self, coder: ColourCoder, start: int, stop: int) -> None:
        codes = coder.predictor.codes(coder.picture, start, stop)
        self.coder, self.busy = coder, busy_of(coder.picture, start, stop)
        self.planes = [self._converted(codes, colour) for colour in range(3)]
        self.off = np.zeros(self.busy.shape, np.int32)
        """By how much green was foretold too low, in sixteenths of a rank."""
        self.checksum = 0
        for value, slope in self.planes:
            for plane in (value, slope):
                self.checksum = zlib.crc32(plane.astype("<i4").tobytes(), self.checksum)

    def _converted(self, codes: list[np.ndarray], colour: int) -> tuple[np.ndarray, np.ndarray]:
        """Values and slopes of a colour in sixteenths of a rank."""
        value, slope = self.coder.predictor.predict_colour(codes, colour, self.coder.picture)
        if not self.coder.ranks.plain:
            value, slope = self.coder.ranks.convert(value, slope, colour)
        return value, np.minimum(slope, SLOPES - 1)

    def foretold(self, colour: int, share: int, narrower: int) -> tuple[np.ndarray, np.ndarray, Model]:
        """Ranks, signs (rows, width), and the model of the residuals, with so much of green's and so many classes narrower."""
        value, slope = self.planes[colour]
        value = np.clip(value + self.lent(colour, share), 0, (SLOPES << 4) - 1).astype(np.int32) if share else value
        rank, sign, context = contexts_of(value, slope, self.busy)
        kind = (context & 63).astype(np.int16)
        kind = np.where(kind > TOO_NARROW, np.maximum(kind - narrower, TOO_NARROW), kind).astype(np.uint16)
        model = Model((context & ~np.uint16(63) | kind).ravel(), np.take(LOW_OF_CLASS, kind).ravel())
        return rank, sign, model

    def lent(self, colour: int, share: int) -> np.ndarray:
        """int64: what green's residual adds to a colour, in sixteenths of a rank."""
        return (self.off.astype(np.int64) * self.planes[colour][1] * share) // (self.planes[GREEN][1].astype(np.int64) * SHARES)

    def best(self, colour: int, true: np.ndarray) -> tuple[int, int]:
        """The share that leaves least of every fourth row, and by how many classes that is narrower than without."""
        error = ((true << 4) - self.planes[colour][0])[::4].astype(np.float64)
        lent = self.lent(colour, SHARES)[::4].astype(np.float64)

        def left(share: int) -> float:
            return float(np.abs(error - lent * (share / SHARES)).mean()) + SHARES / 4  # a quarter of a rank is rounding's

        share = min(range(0, SHARES + 1, 2), key=left)
        return share, min(int(4 * np.log2(left(0) / left(share))), MOST_NARROWER)
