"""What the learned restoration gains on real RAW files, JPEG by JPEG: prints a table in Markdown.

    python benchmarks/learned_parts.py RAW... [--weights generic-1] [--crop 0] [--cases "resaved 85 90 4:2:0" ...]

A case is "resaved QUALITY AGAIN SUBSAMPLING" (the closed loop at QUALITY, saved again by Pillow), or
"open QUALITY SUBSAMPLING" (no closed loop, standard tables). Figures are `rawback.metrics`' raw and linear dB
without weights, and what the weights add: in the mean, and for the file that gains least.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from rawback.coefficients import Coefficients
from rawback.files import jpeg, raw
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.exposure import with_shoulder
from rawback.isp.tables import coding
from rawback.metrics import mosaic_psnr, paper_psnr
from rawback.nets import weights
from rawback.recipe import Recipe

CASES = [
    *(f"resaved 85 {again}" for again in ("90 4:4:4", "90 4:2:0", "80 4:2:0")),
    *(f"open {how}" for how in ("80 4:4:4", "90 4:4:4", "90 4:2:2", "90 4:2:0", "95 4:4:4")),
]


def coded(mosaic: np.ndarray, recipe: Recipe, case: str) -> tuple[Coefficients, Recipe]:
    """The JPEG of a case as `recover` reads it, and the recipe inside."""
    kind, quality, *rest = case.split()
    if kind == "open":
        plain = replace(recipe, refined=False)
        return closed_loop.encode(mosaic, plain, coding(int(quality), rest[0], "standard")), plain
    ours = jpeg.write(closed_loop.encode(mosaic, recipe, coding(int(quality), "4:2:0", "raw")), recipe, b"")
    again = io.BytesIO()
    with Image.open(io.BytesIO(ours)) as picture:
        picture.convert("RGB").save(again, "JPEG", quality=int(rest[0]), subsampling=rest[1])
    read = jpeg.read(again.getvalue(), case).coefficients
    if read is None:
        raise SystemExit(f"{case}: Pillow wrote no JPEG")
    return read, recipe


def measure(path: Path, case: str, loaded: weights.Weights, crop: int) -> np.ndarray:
    """[[raw dB, linear dB] without, [raw dB, linear dB] with weights] of one file."""
    file = raw.read(path.read_bytes(), str(path))
    mosaic, recipe = file.mosaic, with_shoulder(file.recipe)
    if crop:
        top, left = (max(n - crop, 0) // 32 * 16 for n in mosaic.shape)
        mosaic = np.ascontiguousarray(mosaic[top : top + crop, left : left + crop])
        recipe = replace(recipe, height=mosaic.shape[0], width=mosaic.shape[1], crop=None)
    picture, recipe = coded(mosaic, recipe, case)
    rows = []
    for restorer in (None, loaded.restorer(recipe, picture, untouched=not recipe.refined)):
        found = inverse_pass.decode(picture, recipe, restore=restorer, halo=restorer.halo if restorer else 0)
        rows.append([paper_psnr(mosaic, found, recipe), mosaic_psnr(mosaic, found, recipe)])
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--weights", default="generic-1")
    parser.add_argument("--crop", type=int, default=0, help="side of a centred crop; 0: the whole frame")
    parser.add_argument("--cases", nargs="+", default=CASES)
    args = parser.parse_args()
    loaded = weights.load(args.weights)
    print("| JPEG | without: raw, lin dB | gained: raw, lin dB | least gained |\n|---|---|---|---|", flush=True)
    for case in args.cases:
        figures = np.array([measure(path, case, loaded, args.crop) for path in args.raw])
        before, gained = figures[:, 0].mean(0), figures[:, 1] - figures[:, 0]
        mean = gained.mean(0)
        print(f"| {case} | {before[0]:.2f} {before[1]:.2f} | {mean[0]:+.2f} {mean[1]:+.2f} | {gained.min():+.2f} |", flush=True)


if __name__ == "__main__":
    main()
