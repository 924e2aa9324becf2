"""What the demosaicing of the open loop is trained on: decibels of the RAW behind a simulated JPEG, at equal bytes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from rawback.isp import inverse_pass, stages
from rawback.isp.colour import CURVES, RGB_TO_YCC, YCC_TO_RGB
from rawback.isp.dct import shrink as shrink_plane
from rawback.isp.luma import LUMA_RANGE
from rawback.isp.matmul import mix
from rawback.isp.mosaic import level, tile
from rawback.isp.quantisation_tables import SUBSAMPLING, coding
from rawback.learn import data, losses, pairs
from rawback.learn.jpeg_simulator import bits, from_steps, graded, grow, shrink, to_steps
from rawback.learn.shards import DEMOSAIC, SIDE, Shards
from rawback.learn.tasks import Examples, codes, corner
from rawback.nets import features
from rawback.nets.cells import matrix_of
from rawback.nets.demosaic import Demosaic
from rawback.nets.features import GAINS, TABLES

DECIBEL = 10 / math.log(10)
"""dB of a natural logarithm."""
NEWTON_STEPS = 3
"""That `luma_for` goes before the one that is differentiated."""
QUALITIES = 75, 97
"""Of the JPEGs that are drawn: from, and up to but not including."""


class DemosaicTask:
    """Mosaics and their classical chroma at half size; the JPEG is drawn anew for every batch."""

    name = "demosaic"

    def __init__(self, folder: Path, counts: tuple[int, int], seed: int, config: dict[str, int]) -> None:
        self.config = config
        self.sensor: pairs.Draw = pairs.any_sensor
        self.shards = (
            Shards(folder / "demosaic", DEMOSAIC, counts[0], seed),
            Shards(folder / "demosaic-val", DEMOSAIC, counts[1], seed + 1),
        )

    def network(self) -> nn.Module:
        return Demosaic(**self.config)

    def make(self, source: data.Source, rng: np.random.Generator) -> dict[str, np.ndarray]:
        mosaic, recipe = pairs.draw_source(source, SIDE, rng, self.sensor)
        recipe = replace(recipe, exposure=0.0, refined=False, shoulder=CURVES["bt709"].shoulder)
        balanced = level(mosaic, recipe) * tile(inverse_pass.sample_gains(recipe), *mosaic.shape)
        chroma = mix(RGB_TO_YCC, stages.forward(mosaic, recipe))[1:]
        return {
            "mosaic": pairs.pack(features.encode(balanced)),
            "chroma": pairs.pack_chroma([shrink_plane(plane, (2, 2)) for plane in chroma]),
            "conditions": features.conditions(recipe, [np.ones(64)], (1, 1)),
        }

    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples:
        rows = []
        for pick in picks:
            y, x = corner(side, rng)
            code = codes(shards["mosaic"][pick, y : y + side, x : x + side])
            half = shards["chroma"][pick, :, y // 2 : (y + side) // 2, x // 2 : (x + side) // 2]
            chroma = torch.from_numpy(half.astype(np.float32)) / pairs.CHROMA_SCALE
            if rng.random() < 0.5:
                code, chroma = code.T, chroma.mT
            rows.append((code[None], chroma, torch.from_numpy(np.array(shards["conditions"][pick]))))
        jpeg = torch.tensor([rng.integers(*QUALITIES), rng.integers(len(SUBSAMPLING))])
        return *(torch.stack(column) for column in zip(*rows, strict=True)), jpeg

    def loss(self, net: nn.Module, examples: Examples) -> Tensor:
        code, chroma, conditions, jpeg = examples
        loop = OpenLoop(jpeg, code, conditions)
        recovered, size = loop(net(code, chroma, loop.conditions))
        raw_error, linear_error = losses.light_errors(recovered, losses.linear(code), 2 ** conditions[:, GAINS])
        decibels = DECIBEL * (torch.log(raw_error + losses.FLOOR) + torch.log(linear_error + losses.FLOOR)) / 2
        return (decibels + loop.worth * size).mean()

    def gains(self, net: nn.Module, examples: Examples) -> Tensor:
        """dB gained over classical chroma at equal (estimated) bytes, (N, 2): raw, linear."""
        code, chroma, conditions, jpeg = examples
        loop = OpenLoop(jpeg, code, conditions)
        figures = []
        for drawn in (net(code, chroma, loop.conditions), chroma):
            recovered, size = loop(drawn)
            errors = losses.light_errors(recovered, losses.linear(code), 2 ** conditions[:, GAINS])
            figures.append(torch.stack([-10 * torch.log10(e + 1e-9) - loop.worth * size for e in errors], 1))
        return figures[0] - figures[1]


class OpenLoop:
    """`render` and `recover` at one quality and subsampling, for mosaics (N, 1, H, W) of code."""

    def __init__(self, jpeg: Tensor, code: Tensor, conditions: Tensor) -> None:
        """jpeg: (2,) quality and index of the subsampling; conditions (N, CONDITIONS) lacks the tables."""
        quality, subsampling = int(jpeg[0]), list(SUBSAMPLING)[int(jpeg[1])]
        tables = coding(quality, subsampling, "standard")
        self.factors = tables.factors
        self.tables = [torch.from_numpy(t.astype(np.float32)) for t in (tables.luma, tables.chroma)]
        self.conditions = conditions.clone()
        self.conditions[:, TABLES] = torch.from_numpy(features.of_tables(tables.luma, tables.chroma, tables.factors))
        self.target = losses.extended(F.pixel_unshuffle(code, 2))[0]
        self.rows = torch.linalg.inv(matrix_of(conditions))[:, [0, 1, 1, 2]]  # (N, 4 positions, 3)
        self.worth = float(np.interp(quality, (75, 85, 90, 95), (3.4, 2.8, 2.3, 1.8)))
        """dB that a bit per photosite buys on real RAW at that quality."""

    def __call__(self, half: Tensor) -> tuple[Tensor, Tensor]:
        """Chroma (N, 2, H / 2, W / 2) -> balanced samples behind the JPEG (N, 1, H, W), bits per photosite (N,)."""
        wide = grow(half, (2, 2))
        small = shrink(wide, self.factors)
        small = small + shrink(wide - grow(small, self.factors), self.factors)
        luma = self.luma_for(grow(small, self.factors))
        steps = [to_steps(plane, table) for plane, table in zip((luma * 255 - 128, small * 255), self.tables, strict=True)]
        size = (bits(steps[0]) + bits(steps[1]).view(-1, 2).sum(1)) / luma[0].numel()
        coded = [from_steps(graded(s), t, p.shape) for s, t, p in zip(steps, self.tables, (luma, small), strict=True)]
        luma, chroma = (coded[0] + 128) / 255, grow(coded[1] / 255, self.factors)
        samples, _ = self._answer(F.pixel_unshuffle(luma, 2), self._offsets(chroma))
        return F.pixel_shuffle(samples, 2), size

    def luma_for(self, chroma: Tensor) -> Tensor:
        """The luma (N, 1, H, W) with which every photosite answers what was measured: Newton's method.

        The last step alone is differentiated; it has the gradient of the solution.
        """
        offsets = self._offsets(chroma)
        with torch.no_grad():
            luma = losses.code(self.target)
            for _ in range(NEWTON_STEPS):
                answer, slope = self._answer(luma, offsets)
                luma = luma - ((answer - self.target) / slope.clamp(min=0.02)).clamp(-0.2, 0.2)
            slope = self._answer(luma, offsets)[1].clamp(min=0.02)
        luma = luma - ((self._answer(luma, offsets)[0] - self.target) / slope).clamp(-0.2, 0.2)
        return F.pixel_shuffle(luma.clamp(*LUMA_RANGE), 2)

    def _offsets(self, chroma: Tensor) -> list[Tensor]:
        """What chroma adds to luma in red, green and blue, each (N, 4, H / 2, W / 2)."""
        cb, cr = (F.pixel_unshuffle(plane, 2) for plane in chroma.split(1, 1))
        return [float(b) * cb + float(r) * cr for b, r in YCC_TO_RGB[:, 1:]]

    def _answer(self, luma: Tensor, offsets: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What the photosites answer to that picture, and how it grows with luma."""
        answer, slope = torch.zeros_like(luma), torch.zeros_like(luma)
        for channel, offset in enumerate(offsets):
            weight = self.rows[:, :, channel, None, None]
            light, rise = losses.extended(luma + offset)
            answer, slope = answer + weight * light, slope + weight * rise
        return answer, slope
