"""What a picture foretells of its RAW, rows by rows: ranks, and in which context the residual of each stands."""

from __future__ import annotations

import ctypes
import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rawback.isp.mosaic import tile
from rawback.isp.native.library import call, library
from rawback.lossless import fixed_point, residuals
from rawback.lossless.predictor import LOWEST, Predictor
from rawback.lossless.ranks import Ranks
from rawback.picture import Coefficients

STRIP_PIXELS = 1 << 17
"""Photosites worked on at a time, which stay in the cache."""
SLOPES = 1 << 16
"""Slopes that are told apart, and values of a photosite."""
BUSY = (1, 4, 10)
"""Coefficients other than 0 in a block of 8x8, from which it belongs to the next class."""
FINE = 64
"""Below this slope the fraction of the foretold value tells which way the truth is rounded."""
KINDS = 64
"""Classes of slopes."""


def _slope_classes() -> np.ndarray:
    """(65536,) uint8: four classes to the octave, 0..63."""
    slope = np.arange(SLOPES)
    octave = np.repeat(np.arange(17), [1] + [1 << i for i in range(16)]) - 1  # of 0: -1
    quarter = np.where(octave >= 2, slope >> np.maximum(octave - 2, 0) & 3, 0)
    return np.maximum(4 * octave + quarter, 0).astype(np.uint8)


CLASS_OF_SLOPE = _slope_classes()
"""(65536,) uint8: see `_slope_classes`."""
LOW_OF_CLASS = np.clip(np.arange(KINDS) // 4 - 8, 0, residuals.MAX_LOW).astype(np.uint8)
"""(64,) uint8: bits of a residual that are noise, by the class of its slope."""


@dataclass(frozen=True)
class Foretold:
    """What the picture says of some rows, all (rows, width)."""

    rank: np.ndarray
    """int32."""
    sign: np.ndarray
    """int8: -1 where the foretold value was rounded up: residuals of both signs then look alike."""
    context: np.ndarray
    """uint16."""
    colours: np.ndarray
    """int8."""

    @property
    def colour(self) -> np.ndarray:
        return self.colours.astype(np.int32)

    def checksum(self) -> int:
        return zlib.crc32(self.context.astype("<u2").data, zlib.crc32(self.rank.astype("<i4").data))


@dataclass(frozen=True)
class Foreteller:
    """What foretells the rows of one picture."""

    picture: Coefficients
    predictor: Predictor
    ranks: Ranks
    class_of_rank: np.ndarray | None = None
    """(65536,) uint16: 3 x the class of a foretold rank; None: contexts are those of layers of version 1."""

    def foretell(self, start: int, stop: int) -> Foretold:
        """Rows start..stop, the first being that of a row of MCUs."""
        native = self._native
        if native is None:
            rows = rows_of(STRIP_PIXELS, self.picture)
            strips = [self._strip(top, min(top + rows, stop)) for top in range(start, stop, rows)]
            return Foretold(*(np.concatenate(part) for part in zip(*strips, strict=True)))
        size = stop - start, self.picture.width
        foretold = Foretold(*(np.empty(size, kind) for kind in (np.int32, np.int8, np.uint16, np.int8)))
        if call("core_foretell", native.structure, start, stop, *vars(foretold).values()):
            raise MemoryError
        return foretold

    def _strip(self, start: int, stop: int) -> tuple[np.ndarray, ...]:
        value, slope = self.predictor.predict(self.picture, start, stop)
        colour = tile(self.predictor.cfa.astype(np.int32), *value.shape, top=start)
        if not self.ranks.plain:
            value, slope = self.ranks.convert(value, slope, colour)
        rank, sign, context = contexts_of(value, slope, busy_of(self.picture, start, stop))
        if self.class_of_rank is not None:
            kind, rest = context & np.uint16(KINDS - 1), context >> np.uint16(6)
            context = np.take(self.class_of_rank, rank)
            context += colour.astype(np.uint16)
            context *= np.uint16(KINDS)
            context += kind
            context *= np.uint16(8)
            context += rest
        return rank, sign, context, colour.astype(np.int8)

    @cached_property
    def _native(self) -> _Native | None:
        """What the compiled core is given; None where there is none, or the picture is none that it takes."""
        return _Native(self) if library() is not None and _is_usual(self.picture) else None


def contexts_of(value: np.ndarray, slope: np.ndarray, busy: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Foretold ranks, signs and contexts of version 1, of values and slopes in sixteenths of a rank; all (rows, width)."""
    rank = (value + 8) >> 4
    rest = value - (rank << 4)
    sign = np.where(rest < 0, np.int8(-1), np.int8(1))
    side = (slope < FINE) & (np.abs(rest) > 3)
    kind = np.take(CLASS_OF_SLOPE, np.minimum(slope, SLOPES - 1))
    return rank, sign, (busy * np.uint16(128) + side * np.uint16(64)) + kind


def busy_of(picture: Coefficients, start: int, stop: int) -> np.ndarray:
    """(rows, width) uint16, 0..3: how much luma holds in the 8x8 block around each photosite."""
    levels = picture.planes[0][start // 8 : -(-stop // 8)]
    classes = np.searchsorted(BUSY, np.count_nonzero(levels[..., 1:], 2), side="right").astype(np.uint16)
    return np.repeat(np.repeat(classes, 8, 1)[:, : picture.width], 8, 0)[: stop - start]


def rows_of(pixels: int, picture: Coefficients) -> int:
    """Rows of MCUs, in rows of photosites, that hold about so many photosites."""
    multiple = 8 * picture.factors[0]
    return max(pixels // picture.width // multiple, 1) * multiple


def _is_usual(picture: Coefficients) -> bool:
    """Chroma is upsampled by 1 or 2, and the planes cover the picture."""
    (v, h), planes = picture.factors, picture.planes
    covered = all(
        8 * down * plane.shape[0] >= picture.height and 8 * across * plane.shape[1] >= picture.width
        for plane, down, across in zip(planes, (1, v, v), (1, h, h), strict=True)
    )
    alike = planes[1].shape == planes[2].shape and all(plane.shape[2:] == (64,) for plane in planes)
    return covered and alike and v in (1, 2) and h in (1, 2)


class _Plane(ctypes.Structure):
    """Plane of foretell.c."""

    _fields_ = (
        ("levels", ctypes.c_void_p), ("rows", ctypes.c_int64), ("columns", ctypes.c_int64), ("table", ctypes.c_void_p),
        ("centroids", ctypes.c_int32 * 3),
    )  # fmt: skip


class _Foretelling(ctypes.Structure):
    """Foretelling of foretell.c."""

    _fields_ = (
        ("luma", _Plane), ("cb", _Plane), ("cr", _Plane),
        ("v", ctypes.c_int64), ("h", ctypes.c_int64), ("width", ctypes.c_int64),
        ("cfa", ctypes.c_void_p), ("black", ctypes.c_void_p), ("cfa_rows", ctypes.c_int64), ("cfa_columns", ctypes.c_int64),
        ("values", ctypes.c_void_p), ("slopes", ctypes.c_void_p), ("forms", ctypes.c_int32 * 6),
        *((name, ctypes.c_int32) for name in ("luma_zero", "step", "white", "chroma_limit")),
        *((name, ctypes.c_void_p) for name in ("sixteenths", "density", "class_of_slope", "class_of_rank")),
    )  # fmt: skip


class _Native:
    """The structure of a foreteller, and the arrays that it points to."""

    def __init__(self, of: Foreteller) -> None:
        predictor, picture = of.predictor, of.picture
        self.arrays: list[np.ndarray] = []
        planes = [
            _Plane(self._at(plane, np.int16), *plane.shape[:2], self._at(np.minimum(table, 255), np.int32), centroids)
            for plane, table, centroids in zip(
                picture.planes, picture.tables, ((ctypes.c_int32 * 3)(*predictor.centroids), *[(ctypes.c_int32 * 3)()] * 2),
                strict=True,
            )
        ]  # fmt: skip
        plain = of.ranks.plain
        self.structure = _Foretelling(
            *planes, *picture.factors, picture.width,
            self._at(predictor.cfa, np.uint8), self._at(predictor.black, np.int32), *predictor.cfa.shape,
            self._at(np.concatenate(predictor.values), np.int32), self._at(np.concatenate(predictor.slopes), np.int32),
            (ctypes.c_int32 * 6)(*sum(predictor.chroma, ())),
            16 * (128 - LOWEST), predictor.step(picture), predictor.white, fixed_point.CHROMA_LIMIT,
            None if plain else self._at(of.ranks.sixteenths, np.int32), None if plain else self._at(of.ranks.density, np.int32),
            self._at(CLASS_OF_SLOPE, np.uint8), None if of.class_of_rank is None else self._at(of.class_of_rank, np.uint16),
        )  # fmt: skip

    def _at(self, array: np.ndarray, kind: type) -> int:
        """Where an array of that type lies; it is kept as long as the structure."""
        self.arrays.append(np.ascontiguousarray(array, kind))
        return self.arrays[-1].ctypes.data
