"""Trains what the flow is compared with, and prints what each reached; with --ablation, the flow without one thing at a time.

    python benchmarks/baselines.py PHOTOS -o DIR [--methods flow unet cycleisp gray paper] [--steps 6000]
    python benchmarks/baselines.py PHOTOS -o DIR --ablation --steps 1000 [--seeds 3]

PHOTOS is a folder of photographs; examples are made of them once and shared by all (DIR/examples). The weights go to DIR,
where `rawback evaluate --against upi,cycleisp,unet,gray,paper --baselines DIR` finds them. What is trained already is not
trained again. Figures: raw and linear dB of the recovered mosaic, and dB of the decoded JPEG against the noiseless
rendering, on crops of held-out photographs, JPEG quality 90 4:2:2 as in the paper, in float without clipping (as `recover`
reads a JPEG). The paper's size of the flow trains on single squares of 48 x 48, a third of the steps and at a third of the
learning rate, for it costs 150 times as much a pixel.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from rich.console import Console

from rawback.learn import baselines, data, train
from rawback.learn.baseline_nets import CONFIGS
from rawback.learn.baselines import BaselineTask
from rawback.learn.shards import SIDE

CROPS = 128, 24
PAPER_SIDE, PAPER_SHARE = 48, 1 / 3
"""The paper's size takes this share of the steps that the others take."""
QUALITY, SUBSAMPLING = 90, "4:2:2"
ABLATION: dict[str, dict[str, str]] = {
    "no simulator": {"rounding": "none"},
    "soft rounding (DSQ)": {"rounding": "dsq"},
    "straight-through rounding": {"rounding": "straight"},
    "Fourier rounding": {},
    "Fourier, trained on 4:2:0 only": {"subsampling": "4:2:0"},
    "Fourier, trained on 4:2:2 only": {"subsampling": "4:2:2"},
}


def measure(task: BaselineTask, net: torch.nn.Module | None, side: int) -> list[float]:
    """Mean raw, linear and rgb dB over the centres of the validation crops."""
    start = (SIDE - side) // 16 * 8
    cut = (..., slice(start, start + side), slice(start, start + side))
    rows = []
    with torch.inference_mode():
        for pick in range(task.shards[1].count):
            task.largest = SIDE
            *planes, conditions, _ = task.batch(task.shards[1], np.array([pick]), SIDE, np.random.default_rng(0))
            jpeg = torch.tensor([QUALITY, list(baselines.SUBSAMPLING).index(SUBSAMPLING)])
            rows.append(task.decibels(net, (*(plane[cut] for plane in planes), conditions, jpeg)))
    return torch.cat(rows).mean(0).tolist()


def trained(task: BaselineTask, folder: Path, options: train.TrainOptions, side: int) -> tuple[torch.nn.Module, dict]:
    """The net with its figures; kept in the folder, and not trained again if it lies there."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "figures.json"
    began = time.process_time()
    net = baselines.fit(task, folder, options)
    if not kept.exists():
        seconds = time.process_time() - began
        facts = {
            "steps": options.steps, "batch": options.batch, "side": options.side, "rate": options.rate, "seed": options.seed,
            "cpu_seconds": round(seconds), "parameters": sum(p.numel() for p in net.parameters()),
            "decibels": measure(task, net, side),
        }  # fmt: skip
        kept.write_text(json.dumps(facts))
    return net, json.loads(kept.read_text())


def table(args: argparse.Namespace) -> Iterator[str]:
    """Rows in Markdown: the methods."""
    yield "| method | parameters | steps x crops of | cpu-s | raw dB | lin dB | rgb dB |\n|---|---|---|---|---|---|---|"
    none = measure(BaselineTask(args.output / "examples", CROPS, 1, "flow"), None, 128)
    yield "| no net: the classical picture | 0 | | | {:.2f} | {:.2f} | {:.2f} |".format(*none)
    for method in args.methods:
        large = method == "paper"
        options = train.TrainOptions(
            steps=round(args.steps * PAPER_SHARE) if large else args.steps, batch=1 if large else args.batch,
            side=PAPER_SIDE if large else args.side, rate=args.rate / 3 if large else args.rate,
        )  # fmt: skip
        task = BaselineTask(args.output / "examples", CROPS, 1, method, largest=PAPER_SIDE if large else SIDE)
        net, facts = trained(task, args.output / f"{method}.training", options, 128)
        baselines.write(net, method, args.output, facts)
        effort = f"{facts['steps']} x {facts['batch']} of {facts['side']}² | {facts['cpu_seconds']}"
        figures = "{:.2f} | {:.2f} | {:.2f}".format(*facts["decibels"])
        yield f"| {method} | {facts['parameters']} | {effort} | {figures} |"


def ablation(args: argparse.Namespace) -> Iterator[str]:
    """Rows in Markdown: the flow without one thing at a time, mean and spread over seeds."""
    yield f"| flow, {args.steps} steps, {args.seeds} seeds | raw dB | lin dB | rgb dB | cpu-s |\n|---|---|---|---|---|"
    none = measure(BaselineTask(args.output / "examples", CROPS, 1, "flow"), None, 256)
    yield "| no flow | {:.2f} | {:.2f} | {:.2f} | |".format(*none)
    for title, how in ABLATION.items():
        rows = []
        for seed in range(1, args.seeds + 1):
            options = train.TrainOptions(steps=args.steps, batch=args.batch, side=args.side, rate=args.rate, seed=seed)
            task = BaselineTask(args.output / "examples", CROPS, 1, "flow", **how)  # type: ignore[arg-type]
            folder = args.output / "ablation.training" / f"{'-'.join(how.values()) or 'fourier'}-{seed}".replace(":", "")
            rows.append(trained(task, folder, options, 256)[1])
        decibels = np.array([row["decibels"] for row in rows])
        figures = " | ".join(f"{m:.2f} ± {s:.2f}" for m, s in zip(decibels.mean(0), decibels.std(0), strict=True))
        yield f"| {title} | {figures} | {round(np.mean([row['cpu_seconds'] for row in rows]))} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", choices=list(CONFIGS), default=list(CONFIGS))
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=2)
    parser.add_argument("--side", type=int, default=96)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    sources = data.find(args.photos)
    train.make_examples(BaselineTask(args.output / "examples", CROPS, 1, "flow"), sources, Console(stderr=True))
    data.write_manifest(sources, args.output / "examples" / "photographs.json")
    for line in (ablation if args.ablation else table)(args):
        print(line, flush=True)


if __name__ == "__main__":
    main()
