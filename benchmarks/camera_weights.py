"""Fine-tune weights for each camera of `learn/sensors.json`, and write the cards: prints a table in Markdown.

    python benchmarks/camera_weights.py PHOTOGRAPHS [-o weights] [--work DIR] [--cameras NAME ...] [--steps 300]

Photographs are turned into RAW of the camera's own sensor: matrix, levels, noise, white balances. Two things are trained: the
restoration of open loops, from the default weights, and the paper's flow, from `paper-1`. The former is judged by what it
gains on JPEGs of held-out crops, the latter as the whole system of the paper, on held-out RAW of the camera (quality 90,
4:2:2, the standard's tables, real files' bytes) against the default weights at equal bytes. What is no better stays out: the
card says so with the figures, and names the weights to use. X-Trans sensors go without learned parts.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from learned_parts import in_the_open_loop

from rawback.cameras import sensors as known_sensors
from rawback.cameras.cards import DEFAULT_WEIGHTS, NO_WEIGHTS
from rawback.isp.exposure import with_shoulder
from rawback.learn import data, pairs, sensors
from rawback.learn.shards import SIDE
from rawback.learn.train import TrainOptions, train
from rawback.nets import weights

WORTH = 0.02
"""dB that a camera's own weights must gain over the default in both figures: less is nothing that anybody sees."""
CROPS, FLOW_CROPS = (96, 16), (48, 8)
RESTORE = TrainOptions(parts=("restore_open",), crops=CROPS, rate=4e-4, threads=1, start=DEFAULT_WEIGHTS)
FLOW = replace(RESTORE, parts=("flow",), crops=FLOW_CROPS, batch=2, side=96, start="paper-1")
QUALITY, SUBSAMPLING = 90, "4:2:2"
HELD_OUT = 12
"""RAW files of a camera on which flow and default weights are compared."""


def fine_tuned(name: str, photographs: Path, work: Path, steps: int, options: TrainOptions, of: str) -> Path:
    """The card of a camera's fine-tuned weights."""
    return train(photographs, work, f"{name}{of}", replace(options, steps=steps, every=steps // 2, camera=name))


def gained(card: str, name: str, photographs: Path) -> tuple[float, float]:
    """Raw and linear dB over the classical open loop at equal bytes, on RAW of the camera made of held-out photographs."""
    loaded, sources = weights.load(card), [s for s in data.find(photographs) if s.validation]
    rows = []
    for number in range(HELD_OUT):
        rng = np.random.default_rng((3, number))
        photo = data.crop(data.read(sources[number % len(sources)].path), SIDE, rng)
        mosaic, recipe = pairs.draw_mosaic(photo, rng, pairs.sensor_of(name))
        rows.append(in_the_open_loop(mosaic, with_shoulder(recipe), QUALITY, SUBSAMPLING, loaded))
    before, after = np.mean(rows, 0)
    return tuple((after - before).tolist())


def better(ours: tuple[float, ...] | list[float], theirs: tuple[float, ...] | list[float]) -> bool:
    """Whether both figures are, visibly."""
    return all(a - b >= WORTH for a, b in zip(ours, theirs, strict=True))


def said(figures: tuple[float, ...] | list[float]) -> str:
    """Raw and linear dB."""
    return " / ".join(f"{value:+.2f}" for value in figures)


def card_of(name: str) -> dict:
    """What every camera's card says."""
    camera = known_sensors.known(name)
    full = camera["model"] if camera["model"].startswith(camera["make"].split()[0]) else f"{camera['make']} {camera['model']}"
    return {"name": name, "format": 1, "camera": full, "make": camera["make"], "model": camera["model"], "parts": {}}


def take(card: dict, trained: Path, output: Path) -> None:
    """Put fine-tuned weights into a camera's card, and their files beside it."""
    source = json.loads(trained.read_text())
    card |= {key: source[key] for key in ("parts", "base", "safetensors_sha256", "training")}
    for file in (*(f"{part}.onnx" for part in source["parts"]), "safetensors"):
        shutil.copy(trained.with_name(f"{trained.stem}.{file}"), output / f"{card['name']}.{file}")


def camera(name: str, args: argparse.Namespace) -> tuple[dict, str]:
    """A camera's card, its files being written, and its row of the table."""
    card = card_of(name)
    if len(sensors.cfa(name)) != 2:
        card |= {"weights": NO_WEIGHTS, "reason": "X-Trans: the nets know Bayer patterns only"}
        return card, f"| {card['camera']} | X-Trans | | | | none |"
    restoration = fine_tuned(name, args.photographs, args.work, args.steps, RESTORE, "")
    flow = fine_tuned(name, args.photographs, args.work, args.steps, FLOW, "-flow")
    figures = json.loads(restoration.read_text())["parts"]["restore_open"]["figures"]
    before, after = figures["validation dB gained before"], figures["validation dB gained"]
    flows, default = (gained(which, name, args.photographs) for which in (str(flow), DEFAULT_WEIGHTS))
    used = "its own"
    if better(flows, default):
        take(card, flow, args.output)
        used = "its flow"
    elif better(after, before):
        take(card, restoration, args.output)
    else:
        card |= {"weights": DEFAULT_WEIGHTS, "reason": f"fine-tuned: {said(after)} dB, before: {said(before)} dB"}
        used = DEFAULT_WEIGHTS
    card["note"] = f"the paper's system {said(flows)} dB at equal bytes, {DEFAULT_WEIGHTS} {said(default)}"
    return card, f"| {card['camera']} | {' | '.join(map(said, (before, after, default, flows)))} | {used} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("weights"))
    parser.add_argument("--work", type=Path, default=Path("camera_weights"))
    parser.add_argument("--cameras", nargs="+", default=known_sensors.names())
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    titles = f"restoration of {DEFAULT_WEIGHTS}", "its own", f"system of {DEFAULT_WEIGHTS}", "the paper's, its own flow", "used"
    print(f"| camera | {' | '.join(titles)} |\n|---|---|---|---|---|---|", flush=True)
    for name in args.cameras:
        card, row = camera(name, args)
        (args.output / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")
        print(row, flush=True)


if __name__ == "__main__":
    main()
