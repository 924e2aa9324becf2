"""What each part is trained on: its examples, its batches, its loss, its figure of merit."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from rawback.isp.coding import Coding
from rawback.learn import data, losses, pairs
from rawback.learn.shards import RESTORE, SIDE, Shards
from rawback.nets.demosaic import Demosaic
from rawback.nets.features import GAINS
from rawback.nets.parts import Demosaicer
from rawback.nets.restore import Restore
from rawback.nets.run_torch import TorchPart
from rawback.recipe import Recipe

Examples = tuple[Tensor, ...]
"""A batch, in the order that `loss` takes it apart."""


class Task(Protocol):
    """One part to be trained."""

    name: str
    config: dict[str, int]
    shards: tuple[Shards, Shards]
    """For training and for validation."""
    sensor: pairs.Draw
    """The sensor that photographs are turned into RAW of."""

    def network(self) -> nn.Module: ...
    def make(self, source: data.Source, rng: np.random.Generator) -> dict[str, np.ndarray]: ...
    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples: ...
    def loss(self, net: nn.Module, examples: Examples) -> Tensor: ...
    def gains(self, net: nn.Module, examples: Examples) -> Tensor: ...


def codes(array: np.ndarray) -> Tensor:
    """Packed codes -> float32."""
    return torch.from_numpy(array.astype(np.float32)) / pairs.CODE_SCALE - pairs.CODE_OFFSET


def corner(side: int, rng: np.random.Generator) -> tuple[int, int]:
    """Where a square of `side` may begin inside a crop, on the grid of a JPEG's blocks."""
    return tuple(int(n) * 8 for n in rng.integers((SIDE - side) // 8 + 1, size=2))  # type: ignore[return-value]


class RestoreTask:
    """Recovered mosaics of JPEGs that another program saved again; the loss is in decibels."""

    name = "restore"
    draw = staticmethod(pairs.draw_resaved)

    def __init__(self, folder: Path, counts: tuple[int, int], seed: int, config: dict[str, int]) -> None:
        self.config = config
        self.shards = tuple(
            Shards(folder / f"{self.name}{suffix}", RESTORE, count, seed + i)
            for i, (suffix, count) in enumerate(zip(("", "-val"), counts, strict=True))
        )
        self.sensor: pairs.Draw = pairs.any_sensor
        self.demosaic: Demosaic | None = None
        """Trained before it in the same run: the open loop's."""

    def network(self) -> nn.Module:
        return Restore(**self.config)

    def make(self, source: data.Source, rng: np.random.Generator) -> dict[str, np.ndarray]:
        mosaic, recipe = pairs.draw_source(source, SIDE, rng, self.sensor)
        drawn = self.draw(mosaic, recipe, rng, self._demosaicer)
        stacked = {name: np.stack([getattr(p, name) for p in drawn]) for name in ("code", "chroma", "conditions")}
        return stacked | {"target": pairs.pack(pairs.target_of(mosaic, recipe))}

    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples:
        rows = []
        for pick in picks:
            crop, which = divmod(int(pick), 4)
            y, x = corner(side, rng)
            conditions = np.array(shards["conditions"][crop, which])
            code, target = (
                shards["code"][crop, which, y : y + side, x : x + side],
                shards["target"][crop, y : y + side, x : x + side],
            )
            chroma = shards["chroma"][crop, which, :, y // 2 : (y + side) // 2, x // 2 : (x + side) // 2]
            if conditions[7] == conditions[8] and rng.random() < 0.5:  # transposed, RGGB stays RGGB; 4:2:2 would not stay 4:2:2
                code, target, chroma = code.T, target.T, chroma.swapaxes(1, 2)
            rows.append(
                (
                    codes(code)[None],
                    torch.from_numpy(chroma.astype(np.float32)) / pairs.CHROMA_SCALE,
                    torch.from_numpy(conditions),
                    codes(target)[None],
                )
            )
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))

    def loss(self, net: nn.Module, examples: Examples) -> Tensor:
        code, chroma, conditions, target = examples
        return losses.decibel_loss(net(code, chroma, conditions), target, 2 ** conditions[:, GAINS])

    def gains(self, net: nn.Module, examples: Examples) -> Tensor:
        """dB gained, (N, 2): raw, linear."""
        code, chroma, conditions, target = examples
        scale = 2 ** conditions[:, GAINS]
        return losses.decibels(net(code, chroma, conditions), target, scale) - losses.decibels(code, target, scale)

    def _demosaicer(self, recipe: Recipe, tables: Coding) -> Demosaicer | None:
        if self.demosaic is None:
            return None
        return Demosaicer(TorchPart(self.demosaic, "cpu"), recipe, tables, self.demosaic.net.depth)


class RestoreOpenTask(RestoreTask):
    """The same of JPEGs of the open loop."""

    name = "restore_open"
    draw = staticmethod(pairs.draw_open)
