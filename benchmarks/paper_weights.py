"""The paper's system as weights: the flow that baselines.py has trained, measured on RAW files; writes card and parts.

    python benchmarks/baselines.py PHOTOS -o DIR --methods flow --steps 6000
    python benchmarks/paper_weights.py DIR RAW... [-o weights] [--name paper-1] [--crop 1024]

Prints a table in Markdown, file by file: the open loop as the paper codes (quality 90, 4:2:2, the standard's tables) without
learned parts, and what the flow and the default weights gain at equal bytes, raw / linear dB. The card has the means.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch
from baselines import CROPS, QUALITY, SUBSAMPLING
from baselines import measure as validate
from learned_parts import in_the_open_loop, opened
from safetensors.torch import load_file

from rawback.cameras.cards import DEFAULT_WEIGHTS
from rawback.learn import export
from rawback.learn.baseline_nets import CONFIGS
from rawback.learn.baselines import BaselineTask
from rawback.learn.export import Trained
from rawback.nets import weights
from rawback.nets.flow import Flow

CONFIG = CONFIGS["flow"]
BEST = "best.flow."


def exported(folder: Path, output: Path, name: str) -> Path:
    """The card of the flow that lies in the folder of baselines.py, with the dB that it gains on held-out photographs."""
    net = Flow(**CONFIG)
    tensors = load_file(folder / "flow.training" / "flow.checkpoint.safetensors")
    net.load_state_dict({key.removeprefix(BEST): value for key, value in tensors.items() if key.startswith(BEST)})
    training = json.loads((folder / "flow.training" / "figures.json").read_text())
    before = validate(BaselineTask(folder / "examples", CROPS, 1, "flow"), None, 128)
    gained = [after - without for after, without in zip(training["decibels"][:2], before[:2], strict=True)]
    manifest = folder / "examples" / "photographs.json"
    facts = {
        "options": {key: training[key] for key in ("steps", "batch", "side", "rate", "seed")} | {"crops": CROPS},
        "cpu_seconds": training["cpu_seconds"],
        "photographs": len(json.loads(manifest.read_text())),
        "manifest_sha256": export.sha256_of(manifest),
    }
    figures: dict[str, list[float] | int] = {"validation dB gained": gained, "steps": training["steps"]}
    return export.export({"flow": Trained(net.eval(), CONFIG, figures)}, output, name, facts)


def table(card: Path, files: list[Path], crop: int) -> np.ndarray:
    """Prints the rows; (files, 3, 2): without, gained by the flow, gained by the default weights; raw and linear dB."""
    both = weights.load(str(card)), weights.load(DEFAULT_WEIGHTS)
    rows = []
    print(f"| raw / lin dB | without | gained by `{card.stem}` | by `{DEFAULT_WEIGHTS}` |\n|---|---|---|---|", flush=True)
    for path in files:
        mosaic, recipe = opened(path, crop)
        measured = [in_the_open_loop(mosaic, recipe, QUALITY, SUBSAMPLING, loaded) for loaded in both]
        rows.append([measured[0][0], *(after - before for before, after in measured)])
        print(_row(path.name, np.array(rows[-1])), flush=True)
    print(_row("mean", np.mean(rows, 0)), flush=True)
    return np.array(rows)


def _row(name: str, row: np.ndarray) -> str:
    return f"| {name} | {row[0, 0]:.2f} / {row[0, 1]:.2f} | " + " | ".join(f"{a:+.2f} / {b:+.2f}" for a, b in row[1:]) + " |"


def noted(card: Path, rows: np.ndarray, crop: int) -> None:
    """Put into the card what it is and what it gained on the RAW files."""
    flow, default = rows[:, 1:].mean(0)
    content = json.loads(card.read_text())
    content["note"] = (
        f"the paper's system at rawback's size, for comparison; on {len(rows)} RAW files it gains "
        f"{flow[0]:+.2f} / {flow[1]:+.2f} dB at equal bytes, {rows[:, 1].min():+.2f} at the least, {DEFAULT_WEIGHTS} "
        f"{default[0]:+.2f} / {default[1]:+.2f}"
    )
    content["raw files"] = {
        "crop": crop, "quality": QUALITY, "subsampling": SUBSAMPLING,
        "dB gained": flow.tolist(), f"dB gained by {DEFAULT_WEIGHTS}": default.tolist(),
    }  # fmt: skip
    card.write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of baselines.py")
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("weights"))
    parser.add_argument("--name", default="paper-1")
    parser.add_argument("--crop", type=int, default=1024, help="side of a centred crop; 0: the whole frame")
    args = parser.parse_args()
    torch.set_num_threads(1)
    card = exported(args.folder, args.output, args.name)
    noted(card, table(card, args.raw, args.crop), args.crop)


if __name__ == "__main__":
    main()
