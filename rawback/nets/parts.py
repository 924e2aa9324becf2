"""The learned parts as functions of numpy strips, whatever the engine: what `render` and `recover` call."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rawback.coefficients import Coefficients
from rawback.isp.blocks import shrink
from rawback.nets import features
from rawback.recipe import Recipe

Engine = Callable[..., np.ndarray]
MULTIPLE = 8  # the nets' cells are 4x4, a JPEG's blocks 8x8


def is_bayer(recipe: Recipe) -> bool:
    """Whether the CFA is 2x2: the nets know no other."""
    return len(recipe.cfa) == 2


def mirrors(recipe: Recipe) -> tuple[int, int]:
    """Steps (1 or -1) along rows and columns that turn a Bayer phase into RGGB; blocks of 8 stay blocks of 8."""
    row, column = np.argwhere(np.array(recipe.cfa) == 0)[0]
    return 1 - 2 * int(row), 1 - 2 * int(column)


def widen(plane: np.ndarray) -> np.ndarray:
    """Continue (H, W) to whole blocks by mirroring, which keeps the CFA."""
    missing = [(0, -n % MULTIPLE) for n in plane.shape]
    return np.pad(plane, missing, mode="reflect") if any(m for _, m in missing) else plane


class Restorer:
    """`restore` for one JPEG."""

    def __init__(self, engine: Engine, recipe: Recipe, picture: Coefficients, depth: int) -> None:
        self.engine, self.mirrors = engine, mirrors(recipe)
        self.told = features.conditions(recipe, picture.tables, picture.factors)
        self.halo = -(-4 * depth // 16) * 16
        """Rows of context above and below that a strip needs."""

    def __call__(self, balanced: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
        """Recovered balanced samples -> the likeliest ones, (H, W) float32, unclipped.

        The strip begins at a multiple of 16 and ends at one or with the frame; it spans the frame's width. `cb`, `cr`:
        decoded chroma (H, W), centred, in 0..1 units.
        """
        height, width = balanced.shape
        turn = (slice(None, None, self.mirrors[0]), slice(None, None, self.mirrors[1]))
        code = widen(features.encode(balanced))[turn]
        chroma = np.stack([shrink(widen(plane)[turn], (2, 2)) for plane in (cb, cr)])
        restored = self.engine(code[None, None], chroma[None], self.told[None])[0, 0]
        return features.decode(restored[turn][:height, :width])


class Demosaicer:
    """`demosaic` for one recipe."""

    def __init__(self, engine: Engine, recipe: Recipe, depth: int) -> None:
        self.engine = engine
        self.red = tuple(int(n) for n in np.argwhere(np.array(recipe.cfa) == 0)[0])
        self.halo = -(-(4 * depth + 4) // 16) * 16
        """Rows of context above and below that a strip needs."""

    def __call__(self, balanced: np.ndarray, top: int = 0) -> np.ndarray:
        """Balanced samples (H, W) float32, the first at row `top` of the frame -> planes (3, H, W); samples are kept."""
        height, width = balanced.shape
        before = ((self.red[0] - top) % 2, self.red[1])
        after = [-(n + b) % 4 for n, b in zip(balanced.shape, before, strict=True)]
        framed = np.pad(balanced, list(zip(before, after, strict=True)), mode="reflect")
        inside = slice(before[0], before[0] + height), slice(before[1], before[1] + width)
        planes = features.decode(self.engine(features.encode(framed)[None, None])[0])[:, *inside]
        for y, x in np.ndindex(2, 2):
            own = slice((y - before[0]) % 2, None, 2), slice((x - before[1]) % 2, None, 2)
            planes[y + x][own] = balanced[own]  # RGGB: red, green, green, blue
        return planes
