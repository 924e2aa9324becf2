"""Fine-tune the default weights for each camera of `learn/sensors.json`, and write the cards: prints a table in Markdown.

    python benchmarks/camera_weights.py PHOTOGRAPHS [-o weights] [--work DIR] [--cameras NAME ...] [--steps 300]

Photographs are turned into RAW of the camera's own sensor: matrix, levels, noise, white balances. What is trained is the
restoration of open loops, which the paper's system stands for; the rest is that of the weights it starts from. Where a
camera's weights are no better on its own held-out crops (raw and linear dB, the same JPEGs), its card holds no parts and
names the weights to use instead. X-Trans sensors are rendered and recovered without learned parts.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from pathlib import Path

from rawback.cameras import DEFAULT_WEIGHTS, NO_WEIGHTS
from rawback.learn import sensors
from rawback.learn.train import TrainOptions, train

WORTH = 0.02
"""dB that a camera's own weights must gain over the default in both figures: less is nothing that anybody sees."""
CROPS = 96, 16


def fine_tuned(name: str, photographs: Path, work: Path, steps: int) -> tuple[Path, dict]:
    """The card of a camera's fine-tuned weights, and what it says."""
    options = TrainOptions(
        parts=("restore_open",), steps=steps, crops=CROPS, rate=4e-4, every=steps // 2, threads=1, camera=name,
        start=DEFAULT_WEIGHTS,
    )  # fmt: skip
    path = train(photographs, work, name, options)
    return path, json.loads(path.read_text())


def card_of(name: str, parts: dict) -> dict:
    """What every camera's card says."""
    camera = sensors.known(name)
    full = camera["model"] if camera["model"].startswith(camera["make"].split()[0]) else f"{camera['make']} {camera['model']}"
    return {"name": name, "format": 1, "camera": full, "make": camera["make"], "model": camera["model"], "parts": parts}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("weights"))
    parser.add_argument("--work", type=Path, default=Path("camera_weights"))
    parser.add_argument("--cameras", nargs="+", default=sensors.names())
    parser.add_argument("--steps", type=int, default=300)
    args = parser.parse_args()
    print(
        f"| camera | {DEFAULT_WEIGHTS}: raw, lin dB gained | its own | used | CPU seconds |\n|---|---|---|---|---|", flush=True
    )
    for name in args.cameras:
        if len(sensors.cfa(name)) != 2:
            card = card_of(name, {}) | {"weights": NO_WEIGHTS, "reason": "X-Trans: the nets know Bayer patterns only"}
            (args.output / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")
            print(f"| {card['camera']} | X-Trans | | none | |", flush=True)
            continue
        started = time.process_time()
        path, trained = fine_tuned(name, args.photographs, args.work, args.steps)
        spent = time.process_time() - started
        figures = trained["parts"]["restore_open"]["figures"]
        before, after = figures["validation dB gained before"], figures["validation dB gained"]
        told = [f"{raw:+.2f} / {lin:+.2f}" for raw, lin in (before, after)]
        better = all(a - b >= WORTH for a, b in zip(after, before, strict=True))
        card = card_of(name, trained["parts"] if better else {})
        if better:
            card |= {key: trained[key] for key in ("base", "safetensors_sha256", "training")}
            for file in (f"{name}.restore_open.onnx", f"{name}.safetensors"):
                shutil.copy(path.with_name(file), args.output)
        else:
            card |= {"weights": DEFAULT_WEIGHTS, "reason": f"fine-tuned: {told[1]} dB, before: {told[0]} dB"}
        (args.output / f"{name}.json").write_text(json.dumps(card, indent=1) + "\n")
        print(
            f"| {card['camera']} | {told[0]} | {told[1]} | {'its own' if better else DEFAULT_WEIGHTS} | {spent:.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
