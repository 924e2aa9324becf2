"""The paper's system: the flow trained through a simulated JPEG, loss = L1(sRGB) + lambda * L1(RAW)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rawback.isp import stages
from rawback.isp.colour import CURVES
from rawback.isp.matmul import mix
from rawback.isp.quantisation_tables import SUBSAMPLING, coding
from rawback.learn import data, losses, pairs
from rawback.learn.jpeg_simulator import JpegSimulator
from rawback.learn.shards import FLOW, SIDE, Shards
from rawback.learn.tasks import Examples, codes, corner
from rawback.learn.unprocess import expose, measure
from rawback.nets import features
from rawback.nets.cells import matrix_of
from rawback.nets.features import GAINS
from rawback.nets.flow import Flow

RAW_WEIGHT = 1.0
"""Lambda of the paper's code."""


class FlowTask:
    """Classical pictures to noiseless ones and, through the JPEG, back to the mosaic."""

    name = "flow"

    def __init__(
        self, folder: Path, counts: tuple[int, int], seed: int, config: dict[str, int], rounding: str = "fourier"
    ) -> None:
        self.config, self.rounding = config, rounding
        self.sensor: pairs.Draw = pairs.any_sensor
        self.shards = Shards(folder / "flow", FLOW, counts[0], seed), Shards(folder / "flow-val", FLOW, counts[1], seed + 1)

    def network(self) -> nn.Module:
        return Flow(**self.config)

    def make(self, source: data.Source, rng: np.random.Generator) -> dict[str, np.ndarray]:
        sensor = self.sensor(rng)
        if source.raw:
            balanced = data.cells_crop(data.read_raw(source.path), SIDE, rng)
        else:
            balanced = expose(pairs.draw_light(data.crop(data.read(source.path), SIDE, rng), rng), sensor)
        mosaic = measure(balanced, sensor, rng)
        recipe = replace(pairs.recipe_of(sensor, mosaic.shape), shoulder=CURVES["bt709"].shoulder, refined=False)
        truth = mix(np.array(recipe.matrix, np.float32), np.minimum(balanced, 1).transpose(2, 0, 1))
        return {
            "picture": pairs.pack(stages.forward(mosaic, recipe)),
            "look": pairs.pack(features.encode(truth)),
            "mosaic": pairs.pack(pairs.target_of(mosaic, recipe)),
            "conditions": features.conditions(recipe, [np.ones(64)], (1, 1)),
        }

    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples:
        rows = []
        for pick in picks:
            y, x = corner(side, rng)
            cut = (..., slice(y, y + side), slice(x, x + side))
            planes = [codes(shards[name][pick][cut]) for name in ("picture", "look")]
            rows.append(
                (*planes, codes(shards["mosaic"][pick][cut])[None], torch.from_numpy(np.array(shards["conditions"][pick])))
            )
        jpeg = torch.tensor([rng.integers(75, 97), rng.integers(len(SUBSAMPLING))])
        return *(torch.stack(column) for column in zip(*rows, strict=True)), jpeg

    def loss(self, net: nn.Module, examples: Examples) -> Tensor:
        assert isinstance(net, Flow)
        picture, look, mosaic, conditions, jpeg = examples
        rendered = net(picture)
        recovered = mosaic_of(net.inverse(self._coded(rendered, jpeg, self.rounding)), conditions)
        return (rendered.clamp(0, 1) - look.clamp(0, 1)).abs().mean() + RAW_WEIGHT * (recovered - mosaic).abs().mean()

    def gains(self, net: nn.Module, examples: Examples) -> Tensor:
        """dB gained by the flow in the open loop, (N, 2): raw, linear."""
        assert isinstance(net, Flow)
        picture, _, mosaic, conditions, jpeg = examples
        decoded = net.inverse(self._coded(net(picture), jpeg, "true")), self._coded(picture, jpeg, "true")
        after, before = (losses.decibels(mosaic_of(p, conditions), mosaic, 2 ** conditions[:, GAINS]) for p in decoded)
        return after - before

    def _coded(self, picture: Tensor, jpeg: Tensor, rounding: str) -> Tensor:
        subsampling = list(SUBSAMPLING)[int(jpeg[1])]
        tables = coding(int(jpeg[0]), subsampling, "standard")
        luma, chroma = (torch.from_numpy(t.astype(np.float32)) for t in (tables.luma, tables.chroma))
        return JpegSimulator(luma, chroma, tables.factors, rounding)(picture)


def mosaic_of(picture: Tensor, conditions: Tensor) -> Tensor:
    """Extended sRGB (N, 3, H, W) -> mosaic code (N, 1, H, W) RGGB: the inverse of the classical stages."""
    to_camera = torch.linalg.inv(matrix_of(conditions))
    light = torch.einsum("nij,njhw->nihw", to_camera, losses.linear(picture))
    mosaic = light[:, 1:2].clone()
    mosaic[:, 0, 0::2, 0::2], mosaic[:, 0, 1::2, 1::2] = light[:, 0, 0::2, 0::2], light[:, 2, 1::2, 1::2]
    return losses.code(mosaic)
