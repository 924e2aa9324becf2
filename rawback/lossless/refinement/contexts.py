"""In which context a fine level stands: how large it is likely to be, as levels that are known already tell. In integers.

Levels are coded place by place along the zigzag scan, each for all blocks of a strip: first those of even blocks (row plus
column of the block), then those of odd ones, whose four neighbours are known by then. So a context knows of the levels
at lower places in its own block and in its neighbours, and all of the coarse picture.
"""

from __future__ import annotations

import numpy as np

from rawback.isp.dependent import NEXT
from rawback.isp.levels import ZIGZAG

PLACES = 64
LARGEST = 255
"""Magnitudes count as this at most."""
WINDOW = 8
"""Places before one that are looked at together."""
UNIT = 12 * 64
"""Of an expected magnitude: weights are in 64ths, and means are sums times 12 / n."""
PER_OCTAVE, CLASSES = 3, 40
"""Of expected magnitudes; the finest is a 64th of a level."""
COARSE_KINDS, COARSE_CLASSES = 3, 10
"""Coarse levels of 1, 2 and larger; and classes there, four in one."""
ZERO_CELLS = 2 * CLASSES
"""Cells of levels whose coarse level is 0: by class and quantiser."""
CELLS = ZERO_CELLS + 2 * COARSE_KINDS * COARSE_CLASSES
MEAN_CELLS = 9
"""Of means: by how much their neighbours' coarse levels are larger than their own in the mean, -4 to 4."""
ALONE = np.array([
    [6, 6, 1, 0, 1, 613], [3, 6, 5, 1, 1, 334], [4, 0, 8, 1, 1, 260], [5, 1, 13, 5, 5, 113], [5, 3, 15, 11, 13, 5],
    [6, 3, 15, 11, 15, 1], [5, 3, 12, 14, 20, 16], [6, 4, 14, 12, 19, 7], [7, 6, 14, 13, 15, 10], [6, 6, 13, 10, 22, 26],
])  # fmt: skip
"""Weights of even blocks, by u + v (horizontal and vertical frequency; 10 and more alike), from 1 on. In 64ths: of the mean
magnitude at `NEAR` places, at `FAR` ones, at `SIDE` ones of the neighbours, in the window, in the neighbours' windows; a
constant in 1024ths. Fitted to four photographs at 1.3 to 2.5 bits a photosite."""
AMONG = np.array([
    [6, 6, 0, 0, 0, 305, 12], [2, 6, 1, 1, 0, 243, 15], [3, 0, 6, 1, 1, 189, 13], [3, 0, 12, 7, 6, 0, 17],
    [4, 2, 11, 8, 7, 5, 16], [4, 3, 10, 10, 10, 4, 15], [5, 3, 7, 12, 13, 8, 16], [5, 4, 9, 10, 15, 2, 14],
    [7, 5, 10, 10, 12, 8, 12], [5, 6, 10, 9, 14, 17, 16],
])  # fmt: skip
"""Of odd blocks: the same, and of the mean magnitude of the neighbours at the very place."""


def _places(offsets: tuple[tuple[int, int], ...]) -> list[list[int]]:
    """Of each place those at offsets (u, v) from it that are coded before it."""
    of, found = {int(at): place for place, at in enumerate(ZIGZAG)}, []
    for place, at in enumerate(ZIGZAG):
        v, u = divmod(int(at), 8)
        inside = [(u + du, v + dv) for du, dv in offsets if 0 <= u + du < 8 and 0 <= v + dv < 8]
        found.append([of[8 * y + x] for x, y in inside if 0 < of[8 * y + x] < place])
    return found


NEAR = _places(((-1, 0), (0, -1), (-1, -1)))
FAR = _places(((-2, 0), (0, -2), (-1, -2), (-2, -1)))
SIDE = _places(((-1, 0), (0, -1), (1, -1), (-1, 1)))
GROUP = [min(int(at) // 8 + int(at) % 8, len(ALONE)) - 1 for at in ZIGZAG]


def _class_table() -> np.ndarray:
    """(1 << 14,) uint8: the class by expected magnitude in 256ths: how many of 2, 2 x 2^(1/3), 4 ... it reaches."""
    least = np.floor(2 * 2 ** (np.arange(CLASSES - 1) / PER_OCTAVE) + 0.5)
    return np.searchsorted(least, np.arange(1 << 14), side="right").astype(np.uint8)


CLASS_OF = _class_table()


class Scan:
    """A strip whose levels become known place by place."""

    def __init__(self, coarse: np.ndarray) -> None:
        """coarse: (64, rows, columns) int16 levels of the coarse picture, in the order of the scan."""
        self.rows, self.columns = coarse.shape[1:]
        self.coarse = coarse
        self.magnitudes = np.zeros(coarse.shape, np.int32)
        self.state = np.zeros(coarse.shape[1:], np.uint8)
        self.window = np.zeros(coarse.shape[1:], np.int32)
        parity = np.add.outer(np.arange(self.rows), np.arange(self.columns)).ravel() & 1
        self.halves = np.flatnonzero(parity == 0), np.flatnonzero(parity)
        """Flat places of even and odd blocks."""
        self._common: list[np.ndarray] = []

    def look(self, place: int) -> None:
        """Go to a place, those before it being known."""
        window = self.window * (UNIT // 64) // max(min(place - 1, WINDOW), 1)
        side = self._mean(SIDE[place])
        self._common = [self._mean(NEAR[place]), self._mean(FAR[place]), around(side) >> 2, window, around(window) >> 2]

    def cells(self, place: int, half: int) -> np.ndarray:
        """(n,) uint8: the cells of the blocks of a half at the place that is looked at."""
        weights = (AMONG if half else ALONE)[GROUP[place]].tolist()
        at = self.halves[half]
        expected = np.full(len(at), weights[5] * UNIT // 1024, np.int32)
        for weight, plane in zip(weights[:5], self._common, strict=True):
            if weight:
                expected += weight * plane.ravel().take(at)
        if half:
            expected += weights[6] * (UNIT // 64 // 4) * around(self.magnitudes[place]).ravel().take(at)
        classes = CLASS_OF.take(np.minimum(expected // (UNIT // 256), len(CLASS_OF) - 1))
        kind = np.minimum(np.abs(self.coarse[place].ravel().take(at)), COARSE_KINDS).astype(np.uint8)
        coarse = ZERO_CELLS // 2 + (kind - 1) * COARSE_CLASSES + (classes >> 2)
        return 2 * np.where(kind, coarse, classes).astype(np.uint8) + (self.state.ravel().take(at) & 1)

    def keep_half(self, place: int, levels: np.ndarray) -> None:
        """The levels (rows, columns) of even blocks at the place that is looked at are known."""
        even = self.halves[0]
        known = np.minimum(np.abs(levels.ravel().take(even).astype(np.int32)), LARGEST)
        self.magnitudes[place].ravel()[even] = known

    def keep(self, place: int, levels: np.ndarray) -> None:
        """The levels (rows, columns) at the place that was looked at are known."""
        self.magnitudes[place] = np.minimum(np.abs(levels.astype(np.int32)), LARGEST)
        self.state = AFTER.take(2 * self.state + (levels & 1))
        self.window += self.magnitudes[place]
        if place > WINDOW:
            self.window -= self.magnitudes[place - WINDOW]

    def _mean(self, places: list[int]) -> np.ndarray:
        """Of magnitudes at places of the block, in 12ths."""
        if not places:
            return np.zeros((self.rows, self.columns), np.int32)
        total = self.magnitudes[places[0]].copy()
        for place in places[1:]:
            total += self.magnitudes[place]
        total *= 12 // len(places)
        return total


def all_cells(levels: np.ndarray, coarse: np.ndarray) -> np.ndarray:
    """(64, rows, columns) uint8: the cells of the first quantiser, all levels being known; of means 0."""
    scan, cells = Scan(coarse), np.zeros(coarse.shape, np.uint8)
    for place in range(1, PLACES):
        scan.look(place)
        for half, at in enumerate(scan.halves):
            cells[place].reshape(-1)[at] = scan.cells(place, half) & 0xFE
            if not half:
                scan.keep_half(place, levels[place])
        scan.keep(place, levels[place])
    return cells


AFTER = NEXT.astype(np.uint8).ravel()
"""The state after a level, by twice the state before it plus whether it is odd."""


def around(plane: np.ndarray) -> np.ndarray:
    """The sum of each entry's four neighbours, those outside being the nearest entry: (rows, columns) int32."""
    total = np.empty_like(plane)
    total[1:-1] = plane[:-2] + plane[2:]
    total[0], total[-1] = plane[0] + plane[min(1, len(plane) - 1)], plane[-1] + plane[max(len(plane) - 2, 0)]
    total[:, 1:] += plane[:, :-1]
    total[:, 0] += plane[:, 0]
    total[:, :-1] += plane[:, 1:]
    total[:, -1] += plane[:, -1]
    return total


def foretold(coarse: np.ndarray, table: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """(64, rows, columns) int16 coarse levels by `table` (64,) -> the nearest fine ones by `steps` (64,), in 64ths: int32."""
    by, steps = (64 * table.astype(np.int64))[:, None, None], steps.astype(np.int64)[:, None, None]
    magnitude = (np.abs(coarse) * by + (steps >> 1)) // steps
    return (np.sign(coarse) * np.minimum(magnitude, 1 << 14)).astype(np.int32)
