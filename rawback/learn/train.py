"""`rawback train`: from a folder of photographs (or of RAW files) to weights."""

from __future__ import annotations

import json
import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rawback.errors import RawbackError
from rawback.learn import data, export, pairs
from rawback.learn.demosaic_task import DemosaicTask
from rawback.learn.export import Trained
from rawback.learn.flow_task import FlowTask
from rawback.learn.photo_task import PhotoTask
from rawback.learn.progress import Bar
from rawback.learn.tasks import RestoreOpenTask, RestoreTask, Task
from rawback.nets import run_torch, weights
from rawback.options.train import TrainOptions

TASKS: dict[str, type] = {task.name: task for task in (DemosaicTask, RestoreTask, RestoreOpenTask, FlowTask, PhotoTask)}
"""By the name of the part that they train."""
CONFIGS = {
    "restore": {"width": 48, "depth": 4},
    "restore_open": {"width": 48, "depth": 4},
    "demosaic": {"width": 32, "depth": 4},
    "restore_photo": {"width": 32, "depth": 4},
    "flow": {"cell": 2, "blocks": 3, "width": 16, "depth": 3, "dense": 0},
}
"""Arguments of each part's network."""
STEPS = {"restore": 4500, "restore_open": 4500, "demosaic": 2000, "flow": 4000, "restore_photo": 4500}
"""Of each part, unless others are asked for."""
MANIFEST, FACTS = "photographs.json", "training.json"
"""What a training leaves of itself: the photographs, and its options."""
CROPS = {
    "restore": (480, 24), "restore_open": (480, 24), "demosaic": (480, 24), "flow": (240, 24), "restore_photo": (265, 24),
}  # fmt: skip
"""For training and for validation."""


def train(photos: str | Path, out: str | Path, name: str, options: TrainOptions = TrainOptions()) -> Path:
    """Train the parts and export weights `name` into the folder `out`; an interrupted training goes on. Returns the card.

    Work in progress (examples, checkpoints, the list of photographs) lies in out/NAME.training, which may be deleted.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    sources = data.find(photos)
    work = Path(out) / f"{name}.training"
    work.mkdir(parents=True, exist_ok=True)
    data.write_manifest(sources, work / MANIFEST)
    (work / FACTS).write_text(json.dumps({"options": asdict(options), "photographs": len(sources)}, indent=1))
    console = Console(stderr=True)
    nets = _start(options.start) if options.start else {}
    for part in options.parts:
        task = TASKS[part](work, options.crops or _crops(part, options), options.seed, CONFIGS[part])
        if options.camera:
            task.sensor = pairs.sensor_of(options.camera)
        if isinstance(task, RestoreTask) and "demosaic" in nets:
            task.demosaic = nets["demosaic"]  # type: ignore[assignment]
        make_examples(task, sources, console)
        nets[part] = Training(task, work, options, nets.get(part)).run(console).net
    return export_training(work, Path(out), name)


def _crops(part: str, options: TrainOptions) -> tuple[int, int]:
    """How many crops to make: a short training sees few of them, and need not wait for more."""
    for_training, for_validation = CROPS[part]
    seen = (options.steps or STEPS[part]) * options.batch
    return min(for_training, max(seen // 2, 1)), min(for_validation, max(seen // 16, 1))


def _start(name_or_path: str) -> dict[str, nn.Module]:
    """The networks of weights, by part."""
    loaded = weights.load(name_or_path)
    path = loaded.folder / f"{loaded.name}.safetensors"
    weights.verified(path, loaded.card["safetensors_sha256"])
    listed = {part: entry["config"] for part, entry in loaded.card["parts"].items() if part in TASKS}
    return {part: run_torch.network(part, config, path) for part, config in listed.items()}


def export_training(work: Path, out: Path, name: str) -> Path:
    """Export the best that a training, finished or interrupted, has found so far. Returns the card.

    Raises RawbackError where the folder `work` holds no checkpoints.
    """
    checkpoints = {part: work / f"{part}.checkpoint.safetensors" for part in TASKS}
    checkpoints = {part: path for part, path in checkpoints.items() if path.exists()}
    if not checkpoints or not (work / FACTS).exists():
        raise RawbackError(f"{work}: no checkpoints; expected the NAME.training folder of `rawback train`")
    facts = json.loads((work / FACTS).read_text()) | {"manifest_sha256": export.sha256_of(work / MANIFEST)}
    best = {part: _best(part, path) for part, path in checkpoints.items()}
    return export.export(best, out, name, facts, facts["options"]["start"] and Path(facts["options"]["start"]).stem)


def _best(part: str, path: Path) -> Trained:
    with safe_open(path, "pt") as file:
        state = _State(**json.loads(file.metadata()["state"]))
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    net = run_torch.network(part, CONFIGS[part])
    net.load_state_dict(_under(tensors, "best."))
    best = max(state.history, key=lambda entry: sum(entry["gains"]))
    figures = {"validation dB gained": best["gains"], "steps": best["step"]}
    if state.history[0]["step"] == 0:
        figures["validation dB gained before"] = state.history[0]["gains"]
    return Trained(net.eval(), CONFIGS[part], figures)


def make_examples(task: Task, sources: list[data.Source], console: Console) -> None:
    """Fill the task's shards: crop i comes from photograph i, i + n, ... of its split."""
    for shards, wanted in zip(task.shards, (False, True), strict=True):
        split = [s for s in sources if s.validation == wanted] or sources
        with Bar(console, f"{task.name}: examples", shards.count) as (bar, at):
            for done in shards.fill(partial(_make, task, split)):
                bar.update(at, completed=done)


def _make(task: Task, split: list[data.Source], index: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    return task.make(split[index % len(split)], rng)


@dataclass
class _State:
    step: int = 0
    best: float = -math.inf
    stale: int = 0
    history: list[dict] = field(default_factory=list)


class Training:
    """One part: Adam, half a cosine, an average of the weights, checkpoints."""

    def __init__(self, task: Task, work: Path, options: TrainOptions, start: nn.Module | None = None) -> None:
        """start: a network of the same size to begin with."""
        self.task, self.options = task, options
        self.device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
        self.steps = options.steps or STEPS[task.name]
        torch.manual_seed(options.seed)
        self.net = (start or task.network()).to(self.device).train()
        self.average = {k: v.detach().clone() for k, v in self.net.state_dict().items()}
        self.best_average = self.average
        self.optimiser = torch.optim.Adam(self.net.parameters(), betas=(0.9, 0.99))
        self.path = work / f"{task.name}.checkpoint.safetensors"
        self.state = _State()
        if self.path.exists():
            self._resume()
        elif start:
            self._validate()

    def run(self, console: Console) -> Trained:
        """Train to the last step, or until validation has not improved for `patience` times."""
        with Bar(console, f"{self.task.name}: training", self.steps) as (bar, at):
            while self.state.step < self.steps and self.state.stale < self.options.patience:
                self._step()
                if self.state.step % self.options.every == 0 or self.state.step == self.steps:
                    gains = self._validate()
                    bar.update(at, description=f"{self.task.name}: {gains[0]:+.2f} / {gains[1]:+.2f} dB")
                bar.update(at, completed=self.state.step)
        return _best(self.task.name, self.path)

    def _step(self) -> None:
        state, options = self.state, self.options
        rng = np.random.default_rng((options.seed, state.step))  # a resumed training sees what it would have seen
        picks = rng.integers(len(self._examples()), size=options.batch)
        examples = self._to_device(self.task.batch(self.task.shards[0], picks, options.side, rng))
        warm = min(1.0, (state.step + 1) / 100)
        for group in self.optimiser.param_groups:
            group["lr"] = options.rate * warm * (1 + math.cos(math.pi * state.step / self.steps)) / 2
        mixed = torch.autocast("cuda", torch.bfloat16) if self.device == "cuda" else nullcontext()
        with mixed:
            loss = self.task.loss(self.net, examples)
        self.optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        state.step += 1
        keep = min(0.999, state.step / (state.step + 20))
        with torch.no_grad():
            for key, value in self.net.state_dict().items():
                self.average[key].lerp_(value, 1 - keep)

    def _examples(self) -> range:
        return _examples(self.task, 0)

    def _to_device(self, examples: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return tuple(e.to(self.device) for e in examples)

    @torch.no_grad()
    def _validate(self) -> list[float]:
        """Mean dB gained on the validation crops with the averaged weights; keeps the best, writes the checkpoint."""
        current = {k: v.clone() for k, v in self.net.state_dict().items()}
        self.net.load_state_dict(self.average)
        rng = np.random.default_rng(0)
        rows = []
        for pick in _examples(self.task, 1):
            examples = self._to_device(self.task.batch(self.task.shards[1], np.array([pick]), 384, rng))
            rows.append(self.task.gains(self.net, examples).cpu())
        self.net.load_state_dict(current)
        gains = torch.cat(rows).mean(0).tolist()
        state = self.state
        state.history.append({"step": state.step, "gains": gains})
        state.stale = 0 if sum(gains) > state.best else state.stale + 1
        if sum(gains) >= state.best:
            state.best, self.best_average = sum(gains), {k: v.clone() for k, v in self.average.items()}
        self._checkpoint()
        return gains

    def _checkpoint(self) -> None:
        tensors = {f"net.{k}": v for k, v in self.net.state_dict().items()}
        tensors |= {f"average.{k}": v for k, v in self.average.items()} | {f"best.{k}": v for k, v in self.best_average.items()}
        for i, moments in self.optimiser.state_dict()["state"].items():
            tensors |= {f"adam.{i}.{k}": v for k, v in moments.items()}
        partial = self.path.with_suffix(".part")
        save_file(
            {k: v.contiguous().cpu() for k, v in tensors.items()},
            partial,
            {"state": json.dumps(asdict(self.state)), "steps": str(self.steps)},
        )
        partial.replace(self.path)

    def _resume(self) -> None:
        with safe_open(self.path, "pt", self.device) as file:
            metadata = file.metadata()
            if int(metadata["steps"]) != self.steps:
                raise RawbackError(
                    f"{self.path} is of a training of {metadata['steps']} steps, not {self.steps}; delete it to begin anew"
                )
            part = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        self.state = _State(**json.loads(metadata["state"]))
        self.net.load_state_dict(_under(part, "net."))
        self.average, self.best_average = _under(part, "average."), _under(part, "best.")
        moments: dict[int, dict[str, Tensor]] = {}
        for key, value in _under(part, "adam.").items():
            index, name = key.split(".", 1)
            moments.setdefault(int(index), {})[name] = value
        self.optimiser.load_state_dict({"state": moments, "param_groups": self.optimiser.state_dict()["param_groups"]})


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {key[len(prefix) :]: value for key, value in tensors.items() if key.startswith(prefix)}


def _examples(task: Task, split: int) -> range:
    shards = task.shards[split]
    return range(shards.count * (shards["code"].shape[1] if "code" in shards.arrays else 1))
