"""What the flow is compared with: nets of other papers in its place, trained on the same crops for the same steps."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rawback.cameras.cards import FORMAT
from rawback.isp.quantisation_tables import SUBSAMPLING
from rawback.learn import export, losses
from rawback.learn.baseline_nets import CONFIGS, FlowPair, InCells, Pair, network
from rawback.learn.flow_task import RAW_WEIGHT, FlowTask, mosaic_of
from rawback.learn.shards import Shards
from rawback.learn.tasks import Examples
from rawback.learn.train import Training, TrainOptions
from rawback.nets.features import GAINS
from rawback.nets.flow import FrozenInverse


class BaselineTask(FlowTask):
    """A pair trained as its paper trains it, on the flow's crops.

    flow, paper, gray: both directions together through the simulated JPEG. unet: each direction for itself, the way back
    on true JPEGs of what the way there renders. cycleisp: the way back alone, on true JPEGs of the noiseless rendering.
    """

    def __init__(
        self, folder: Path, counts: tuple[int, int], seed: int, method: str, rounding: str = "fourier",
        subsampling: str | None = None, largest: int = 512,
    ) -> None:  # fmt: skip
        """subsampling: the only one to train with; None draws one. largest: side of a crop at most."""
        super().__init__(folder, counts, seed, CONFIGS[method], rounding)
        self.method, self.subsampling, self.largest = method, subsampling, largest
        self.name = method

    def network(self) -> nn.Module:
        return network(self.method, self.config)

    def batch(self, shards: Shards, picks: np.ndarray, side: int, rng: np.random.Generator) -> Examples:
        *planes, jpeg = super().batch(shards, picks, min(side, self.largest), rng)
        if self.subsampling:
            jpeg[1] = list(SUBSAMPLING).index(self.subsampling)
        return *planes, jpeg

    def loss(self, net: nn.Module, examples: Examples) -> Tensor:
        assert isinstance(net, Pair | FlowPair)
        picture, look, mosaic, conditions, jpeg = examples
        if self.method == "cycleisp":
            recovered = mosaic_of(net.recover(self._coded(look.clamp(0, 1), jpeg, "true")), conditions)
            return (recovered - mosaic).abs().mean()
        rendered = net.render(picture)
        if self.method == "unet":
            sent = self._coded(rendered.detach(), jpeg, "true")
        else:
            sent = self._coded(rendered, jpeg, self.rounding)
        recovered = mosaic_of(net.recover(sent), conditions)
        return (rendered.clamp(0, 1) - look.clamp(0, 1)).abs().mean() + RAW_WEIGHT * (recovered - mosaic).abs().mean()

    def gains(self, net: nn.Module, examples: Examples) -> Tensor:
        """dB of the recovered mosaic over those of the classical picture's JPEG, (N, 2): raw, linear."""
        after, before = self.decibels(net, examples)[:, :2], self.decibels(None, examples)[:, :2]
        return after - before

    def decibels(self, net: nn.Module | None, examples: Examples) -> Tensor:
        """(N, 3): raw, linear, and of the decoded JPEG against the noiseless rendering; None: without a net."""
        assert net is None or isinstance(net, Pair | FlowPair)
        picture, look, mosaic, conditions, jpeg = examples
        look = look.clamp(0, 1)
        sent = look if self.method == "cycleisp" else net.render(picture) if net else picture
        decoded = self._coded(sent, jpeg, "true")
        recovered = mosaic_of(net.recover(decoded) if net else decoded, conditions)
        raw = losses.decibels(recovered, mosaic, 2 ** conditions[:, GAINS])
        error = (decoded.clamp(0, 1) - look).square().mean((1, 2, 3))
        return torch.cat([raw, -10 * torch.log10(error + 1e-9)[:, None]], 1)


def fit(task: BaselineTask, folder: Path, options: TrainOptions) -> nn.Module:
    """Train a pair to the last step; where the folder has its checkpoint, what was trained is taken up."""
    job = Training(task, folder, options)
    if job.state.step < job.steps:
        while job.state.step < job.steps:
            job._step()
        job._validate()  # writes the checkpoint
    job.net.load_state_dict(job.best_average)
    return job.net.cpu().eval()


class Direction(nn.Module):
    """One direction of a pair, as an ONNX graph holds it."""

    def __init__(self, pair: Pair, back: bool) -> None:
        super().__init__()
        self.pair, self.back = pair, back

    def forward(self, planes: Tensor) -> Tensor:
        return self.pair.recover(planes) if self.back else self.pair.render(planes)


def write(net: nn.Module, method: str, folder: Path, facts: dict) -> Path:
    """Write folder/METHOD.json and the graphs of its directions beside it. Returns the card's path."""
    folder.mkdir(parents=True, exist_ok=True)
    flow = net.flow if isinstance(net, FlowPair) else None
    graphs: dict[str, nn.Module] = {"flow_inverse": FrozenInverse(flow) if flow else Direction(net, True)}  # type: ignore[arg-type]
    if flow or net.there is not None:
        graphs["flow"] = flow or Direction(net, False)  # type: ignore[arg-type]
    parts = {}
    for part, graph in graphs.items():
        data = export.to_onnx(graph, part)
        (folder / f"{method}.{part}.onnx").write_bytes(data)
        parts[part] = {
            "config": CONFIGS[method] | {"halo": flow.halo if flow else InCells.halo},
            "sha256": hashlib.sha256(data).hexdigest(),
            "parameters": sum(p.numel() for p in graph.parameters()),
        }
    path = folder / f"{method}.json"
    path.write_text(json.dumps({"name": method, "format": FORMAT, "parts": parts, "training": facts}, indent=1) + "\n")
    return path
