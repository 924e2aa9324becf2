"""The learned parts as functions of numpy strips, whatever runs the nets: what `render` and `recover` call."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from rawback.isp.coding import Coding
from rawback.isp.dct import grow, shrink
from rawback.nets import features
from rawback.nets.noise_gate import NoiseGate, spread
from rawback.picture import Coefficients
from rawback.recipe import Recipe

Engine = Callable[..., np.ndarray]
"""A network: float32 arrays -> its output (`OnnxPart`, or `TorchPart` in training)."""
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
        self.conditions = features.conditions(recipe, picture.tables, picture.factors)
        self.gate = NoiseGate(recipe, picture, bool(self.conditions[features.REFINED]))
        self.halo = -(-4 * depth // 16) * 16
        """Rows of context above and below that a strip needs."""

    def __call__(self, balanced: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
        """Recovered balanced samples -> the likeliest ones, (H, W) float32, unclipped; as they are where noise rules.

        The strip begins at a multiple of 16 and ends at one or with the frame; it spans the frame's width. `cb`, `cr`:
        decoded chroma (H, W), centred, in 0..1 units.
        """
        height, width = balanced.shape
        share = self.gate(widen(balanced))
        if not share.any():
            return balanced
        turn = (slice(None, None, self.mirrors[0]), slice(None, None, self.mirrors[1]))
        code, chroma = seen(balanced, (cb, cr), turn)
        restored = self.engine(code, chroma, self.conditions[None])[0, 0]
        if share.min() < 1:
            restored = code[0, 0] + spread(share)[turn] * (restored - code[0, 0])
        return features.decode(restored[turn][:height, :width])


class Demosaicer:
    """`demosaic` for one recipe and one way of coding: chroma for the open loop (`isp.strip_picture.Demosaicer`)."""

    def __init__(self, engine: Engine, recipe: Recipe, coding: Coding, depth: int) -> None:
        self.engine, self.mirrors = engine, mirrors(recipe)
        self.conditions = features.conditions(recipe, [coding.luma, coding.chroma], coding.factors)
        self.halo = -(-(4 * depth + 2) // 8) * 8  # two for the upsampling
        """Rows of context above and below that a strip needs."""

    def __call__(self, balanced: np.ndarray, cb: np.ndarray, cr: np.ndarray) -> np.ndarray:
        """Balanced samples and classical chroma, centred, in 0..1 units, (H, W) float32 -> better chroma (2, H, W).

        The strip begins at a multiple of 8 and spans the frame's width.
        """
        height, width = balanced.shape
        turn = (slice(None, None, self.mirrors[0]), slice(None, None, self.mirrors[1]))
        code, chroma = seen(balanced, (cb, cr), turn)
        drawn = self.engine(code, chroma, self.conditions[None])[0]
        return np.stack([grow(plane[turn], (2, 2))[:height, :width] for plane in drawn])


class FlowPart:
    """`flow` or `flow_inverse` for one recipe (`coefficients.Bijection`)."""

    def __init__(self, engine: Engine, recipe: Recipe, config: dict[str, int]) -> None:
        """config: the card's, of the part."""
        self.engine, self.mirrors = engine, mirrors(recipe)
        self.halo = -(-2 * config["depth"] * config["blocks"] * config["cell"] // 16) * 16

    def __call__(self, srgb: np.ndarray) -> np.ndarray:
        """Extended sRGB planes (3, rows, width) float32 -> the other look's. The strip begins at an even row."""
        height, width = srgb.shape[1:]
        turn = (slice(None), slice(None, None, self.mirrors[0]), slice(None, None, self.mirrors[1]))
        cells = np.pad(srgb, [(0, 0), (0, height % 2), (0, width % 2)], mode="edge")  # cells of 2x2
        return self.engine(cells[turn][None])[0][turn][:, :height, :width]


def seen(balanced: np.ndarray, chroma: Sequence[np.ndarray], turn: tuple[slice, slice]) -> tuple[np.ndarray, np.ndarray]:
    """What the nets see of a strip, as RGGB in whole blocks: code (1, 1, H, W), chroma (1, 2, H / 2, W / 2)."""
    code = widen(features.encode(balanced))[turn]
    return code[None, None], np.stack([shrink(widen(plane)[turn], (2, 2)) for plane in chroma])[None]
