"""What learned parts gain on real RAW files, JPEG by JPEG: prints a table in Markdown.

    python benchmarks/learned_parts.py RAW... [--weights generic-2] [--crop 0] [--cases "resaved 85 90 4:2:0" ...]

A case is "resaved QUALITY AGAIN SUBSAMPLING" (the closed loop at QUALITY, saved again by Pillow), or
"open QUALITY SUBSAMPLING" (no closed loop, standard tables). Figures are `rawback.metrics`' raw and linear dB
without weights, and what the weights add at equal bytes: in the mean, and for the file that gains least. In the open
loop the learned demosaicing changes the bytes: dB without weights are then taken between two qualities.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from rawback.files import jpeg, raw
from rawback.isp import closed_loop, inverse_pass, noise
from rawback.isp.exposure import with_shoulder
from rawback.isp.quantisation_tables import coding
from rawback.metrics import mosaic_psnr, paper_psnr
from rawback.nets import weights
from rawback.picture import Coefficients
from rawback.recipe import Recipe

CASES = [
    *(f"resaved 85 {again}" for again in ("90 4:4:4", "90 4:2:0", "80 4:2:0")),
    *(f"open {quality} {subsampling}" for subsampling in ("4:2:0", "4:2:2", "4:4:4") for quality in (80, 85, 90, 95)),
]
COARSER = 5
"""Qualities below: where the second point of the line without weights is."""


def resaved(mosaic: np.ndarray, recipe: Recipe, quality: int, again: int, subsampling: str) -> Coefficients:
    """The closed loop's JPEG as `recover` reads it after another program has saved it again."""
    ours = jpeg.write(closed_loop.encode(mosaic, recipe, coding(quality, "4:2:0", "raw")), recipe, b"")
    saved = io.BytesIO()
    with Image.open(io.BytesIO(ours)) as picture:
        picture.convert("RGB").save(saved, "JPEG", quality=again, subsampling=subsampling)
    read = jpeg.read(saved.getvalue(), "saved again").coefficients
    if read is None:
        raise SystemExit("Pillow wrote no JPEG")
    return read


def figures(mosaic: np.ndarray, picture: Coefficients, recipe: Recipe, loaded: weights.Weights | None) -> np.ndarray:
    """Raw dB, linear dB, bits per photosite; brought back through the flow of the weights, or restored by them, if any."""
    if recipe.flow and loaded:
        picture, restorer = replace(picture, undo=loaded.flow_inverse(recipe)), None
    else:
        restorer = loaded and loaded.restorer(recipe, picture, untouched=not recipe.refined)
    recovered = inverse_pass.decode(picture, recipe, restore=restorer, halo=restorer.halo if restorer else 0)
    bits = len(jpeg.coded_picture(picture)) * 8 / mosaic.size
    return np.array([paper_psnr(mosaic, recovered, recipe), mosaic_psnr(mosaic, recovered, recipe), bits])


def opened(path: Path, crop: int) -> tuple[np.ndarray, Recipe]:
    """The mosaic of a RAW file, or the square of that side at its centre, and its recipe."""
    file = raw.read(path.read_bytes(), str(path))
    noise_model = file.recipe.noise or noise.estimate(file.mosaic, file.recipe)
    mosaic, recipe = file.mosaic, with_shoulder(replace(file.recipe, noise=noise_model))
    if not crop:
        return mosaic, recipe
    top, left = (max(n - crop, 0) // 32 * 16 for n in mosaic.shape)
    mosaic = np.ascontiguousarray(mosaic[top : top + crop, left : left + crop])
    return mosaic, replace(recipe, height=mosaic.shape[0], width=mosaic.shape[1], crop=None)


def in_the_open_loop(mosaic: np.ndarray, recipe: Recipe, quality: int, subsampling: str, loaded: weights.Weights) -> np.ndarray:
    """[[raw dB, linear dB] without, the same with weights] at equal bytes."""
    plain = replace(recipe, refined=False)
    tables = [coding(quality - coarser, subsampling, "standard") for coarser in (0, COARSER)]
    fine, coarse = (figures(mosaic, closed_loop.encode(mosaic, plain, t), plain, None) for t in tables)
    flow = loaded.flow(plain)
    demosaicer = None if flow else loaded.demosaicer(plain, tables[0])
    drawn = closed_loop.encode(mosaic, plain, tables[0], demosaicer=demosaicer, flow=flow)
    learned = figures(mosaic, drawn, replace(plain, flow=flow is not None), loaded)
    equal = fine + (learned[2] - fine[2]) * (fine - coarse) / (fine[2] - coarse[2])
    return np.array([equal[:2], learned[:2]])


def measure(path: Path, case: str, loaded: weights.Weights, crop: int) -> np.ndarray:
    """[[raw dB, linear dB] without, [raw dB, linear dB] with weights] of one file, at equal bytes."""
    mosaic, recipe = opened(path, crop)
    kind, quality, *rest = case.split()
    if kind == "open":
        return in_the_open_loop(mosaic, recipe, int(quality), rest[0], loaded)
    picture = resaved(mosaic, recipe, int(quality), int(rest[0]), rest[1])
    return np.array([figures(mosaic, picture, recipe, net)[:2] for net in (None, loaded)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--weights", default="generic-2")
    parser.add_argument("--crop", type=int, default=0, help="side of a centred crop; 0: the whole frame")
    parser.add_argument("--cases", nargs="+", default=CASES)
    args = parser.parse_args()
    loaded = weights.load(args.weights)
    print("| JPEG | without: raw, lin dB | gained: raw, lin dB | least gained |\n|---|---|---|---|", flush=True)
    for case in args.cases:
        rows = np.array([measure(path, case, loaded, args.crop) for path in args.raw])
        before, gained = rows[:, 0].mean(0), rows[:, 1] - rows[:, 0]
        mean = gained.mean(0)
        print(f"| {case} | {before[0]:.2f} {before[1]:.2f} | {mean[0]:+.2f} {mean[1]:+.2f} | {gained.min():+.2f} |", flush=True)


if __name__ == "__main__":
    main()
