"""Black and white levels as a DNG's tags say them: patterns of any size, rows and columns of their own (DNG 1.7.1, chapter 4).

LibRaw rounds levels, knows patterns of the CFA's size only, means the deltas, and moves an active area that begins at an
odd row or column by one: so levels are read here, from the active area on, and moved to where the visible mosaic begins.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from rawback.files import tiff
from rawback.files.tags import Tag
from rawback.files.tiff import Entries, Entry

MAX_REPEAT = 64
"""Rows and columns of a pattern; real ones have up to 8."""
QUAD = 4
"""Rows and columns of the filters of quad Bayer sensors."""
LARGEST = 65535.0
MAX_SIDE = 1 << 17


@dataclass(frozen=True)
class Levels:
    """What the directory of a mosaic says; empty where it is silent or talks nonsense."""

    pattern: tuple[tuple[float, ...], ...] = ()
    """BlackLevel in DN, row by row, repeated from the top left of the active area on."""
    delta_h: tuple[float, ...] = ()
    """BlackLevelDeltaH: what each column of the active area adds, in DN."""
    delta_v: tuple[float, ...] = ()
    """BlackLevelDeltaV: what each of its rows adds."""
    white: float | None = None
    """WhiteLevel in DN."""
    origin: tuple[int, int] = (0, 0)
    """Row and column of the active area in the frame."""

    def black(self, period: int, origin: tuple[int, int], size: tuple[int, int]) -> tuple[float, ...]:
        """Black level in DN of each position of a CFA of `period` rows and columns, the mean where it varies further.

        origin, size: row and column in the frame, height and width of the visible mosaic. Nothing if no tag says it.
        """
        if not (self.pattern or self.delta_h or self.delta_v):
            return ()
        top, left = (at - start for at, start in zip(origin, self.origin, strict=True))
        pattern = np.array(self.pattern or ((0.0,),))
        rows, columns = (math.lcm(n, period) for n in pattern.shape)
        laid = pattern[np.ix_((np.arange(rows) + top) % len(pattern), (np.arange(columns) + left) % pattern.shape[1])]
        by_row, by_column = self.delta_v[max(top, 0) :][: size[0]], self.delta_h[max(left, 0) :][: size[1]]
        return tuple(
            float(laid[y::period, x::period].mean()) + _mean(by_row[y::period]) + _mean(by_column[x::period])
            for y in range(period)
            for x in range(period)
        )


def _mean(values: tuple[float, ...]) -> float:
    return float(np.mean(values)) if values else 0.0


def read(entries: Entries) -> Levels:
    """The levels of a mosaic's directory."""
    repeat = _numbers(entries, Tag.BlackLevelRepeatDim, 2, 1, MAX_REPEAT) if Tag.BlackLevelRepeatDim in entries else (1, 1)
    rows, columns = map(int, repeat or (0, 0))
    black = _numbers(entries, Tag.BlackLevel, rows * columns, 0, LARGEST)
    active = _numbers(entries, Tag.ActiveArea, 4, 0, MAX_SIDE)
    white = _numbers(entries, Tag.WhiteLevel, None, 1, LARGEST)
    return Levels(
        tuple(black[row * columns : (row + 1) * columns] for row in range(rows)) if black else (),
        _numbers(entries, Tag.BlackLevelDeltaH, None, -LARGEST, LARGEST),
        _numbers(entries, Tag.BlackLevelDeltaV, None, -LARGEST, LARGEST),
        white[0] if white else None,
        (int(active[0]), int(active[1])) if active else (0, 0),
    )


def quad_bayer(entries: Entries, origin: tuple[int, int]) -> np.ndarray | None:
    """The CFA (4, 4) of 0 red, 1 green, 2 blue that a mosaic's directory says, from row and column `origin` of the frame on.

    None where it has another size, or other colours.
    """
    size, filters = (
        _numbers(entries, tag, count, 0, 255) for tag, count in ((Tag.CFARepeatPatternDim, 2), (Tag.CFAPattern, 16))
    )
    if size != (QUAD, QUAD) or set(filters) != {0, 1, 2}:
        return None
    top, left = (at - start for at, start in zip(origin, read(entries).origin, strict=True))
    return np.roll(np.array(filters, int).reshape(QUAD, QUAD), (-top, -left), (0, 1))


def _numbers(entries: Entries, tag: int, count: int | None, least: float, most: float) -> tuple[float, ...]:
    """Nothing if the tag is missing, has another count, or numbers that cannot be."""
    values = tiff.numbers(entries[tag]) if tag in entries else ()
    fits = count in (None, len(values)) and all(least <= value <= most for value in values)  # nan is neither
    return tuple(map(float, values)) if fits else ()


def moved(entries: Entries, origin: tuple[int, int], size: tuple[int, int]) -> Entries:
    """The level tags of a directory for a DNG that holds the visible mosaic alone: exact, deltas and patterns included.

    origin, size: as `Levels.black` takes them.
    """
    levels = read(entries)
    top, left = (at - start for at, start in zip(origin, levels.origin, strict=True))
    same: Entries = {tag: entries[tag] for tag in (Tag.BlackLevel, Tag.BlackLevelRepeatDim, Tag.WhiteLevel) if tag in entries}
    if levels.pattern and (top % len(levels.pattern) or left % len(levels.pattern[0])):
        shape = len(levels.pattern), len(levels.pattern[0])
        same[Tag.BlackLevel] = _rolled(entries[Tag.BlackLevel], shape, (top, left))
    for tag, start, count in ((Tag.BlackLevelDeltaV, top, size[0]), (Tag.BlackLevelDeltaH, left, size[1])):
        if tag in entries:
            same[tag] = _cut(entries[tag], start, count)
    return {tag: entry for tag, entry in same.items() if entry.count}


def _rolled(entry: Entry, shape: tuple[int, int], by: tuple[int, int]) -> Entry:
    """A pattern that begins so many rows and columns further on."""
    items = np.frombuffer(entry.data, np.uint8).reshape(*shape, -1)
    return Entry(entry.type, entry.count, np.roll(items, (-by[0], -by[1]), (0, 1)).tobytes())


def _cut(entry: Entry, start: int, count: int) -> Entry:
    """`count` items from `start` on."""
    size = len(entry.data) // max(entry.count, 1)
    data = entry.data[max(start, 0) * size : (max(start, 0) + count) * size]
    return Entry(entry.type, len(data) // max(size, 1), data)
