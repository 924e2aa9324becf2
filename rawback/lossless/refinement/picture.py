"""A picture in two: a coarse one for viewers, and the fine luma that its layer makes of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rawback.files.jumbf import Box
from rawback.isp.levels import ZIGZAG
from rawback.lossless.refinement.contexts import foretold
from rawback.picture import Coefficients

STRIP_BLOCKS = 1 << 15
"""Of luma in a strip, about: two megapixels."""
UNIT = 64
"""Fine steps are whole numbers of 64ths."""


@dataclass
class Layered(Coefficients):
    """What the RAW is decoded from: fine luma, and chroma of the coarse picture."""

    coarse: Coefficients | None = None
    """As it is coded and seen."""
    boxes: list[Box] = field(default_factory=list)
    """The layer."""


def coarse_of(picture: Coefficients) -> Coefficients:
    """The picture that is seen."""
    return picture.coarse if isinstance(picture, Layered) and picture.coarse else picture


def boxes_of(picture: Coefficients) -> list[Box]:
    """Its refinement layer; nothing of a picture that has none."""
    return picture.boxes if isinstance(picture, Layered) else []


def strips(rows: int, columns: int, blocks: int = STRIP_BLOCKS) -> list[tuple[int, int]]:
    """First row of blocks and the one after the last, of each strip: an even number of rows but in the last."""
    each = max(blocks // columns // 2, 1) * 2
    return [(start, min(start + each, rows)) for start in range(0, rows, each)]


def scanned(blocks: np.ndarray) -> np.ndarray:
    """(rows, columns, 64) in natural order -> (64, rows, columns) in that of the scan."""
    return np.ascontiguousarray(np.moveaxis(blocks, 2, 0)[ZIGZAG])


def in_natural_order(planes: np.ndarray) -> np.ndarray:
    """The inverse of `scanned`."""
    blocks = np.empty((*planes.shape[1:], 64), planes.dtype)
    blocks[..., ZIGZAG] = np.moveaxis(planes, 0, 2)
    return blocks


def fine_steps(step: int, mean: int) -> np.ndarray:
    """(64,) int64, natural order, in UNITths of a code value: `mean` for means (DC), `step` for all else."""
    steps = np.full(64, step, np.int64)
    steps[0] = mean
    return steps


def coarse_strip(picture: Coefficients, rows: tuple[int, int], steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coarse luma of some rows of blocks (64, rows, columns) int16, and what it lets expect of fine levels (int32)."""
    coarse = scanned(picture.planes[0][slice(*rows)])
    return coarse, foretold(coarse, picture.tables[0][ZIGZAG], steps[ZIGZAG])
