"""What restorations do to sensor noise: prints a table in Markdown.

    python benchmarks/smearing.py FOLDER [--crop 512] [--ordinary FILE...]

FOLDER holds the RAW files that `dark.CASES` names; those at an ISO speed are made dark and noisy, the files named by
`--ordinary` are taken as they are. Each is rendered and saved again by Pillow, or rendered in the open loop, and recovered
without weights, with the default ones, and with those trusted everywhere (see `nets/trust.py`). Figures are raw and lin dB, and
the noise variance kept in shadows, or in midtones where there are none. What weights add to the dB has a sign.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from dark import CASES, darkened
from learned_parts import opened, resaved

from rawback.cameras.cards import DEFAULT_WEIGHTS
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.quantisation_tables import coding
from rawback.metrics import mosaic_psnr, noise_kept, paper_psnr
from rawback.nets.parts import Restorer
from rawback.nets.weights import Weights, load
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.rendering import decide

JPEGS = [("saved again", q, s) for q, s in ((80, "4:2:0"), (85, "4:4:4"), (90, "4:4:4"), (95, "4:4:4"), (98, "4:4:4"))]
JPEGS += [("open loop", q, "4:2:0") for q in (80, 90, 95)]


def coded(file: RawFile, kind: str, quality: int, subsampling: str, loaded: Weights) -> tuple[Coefficients, Recipe]:
    """A JPEG of a file as `recover` reads it, and its recipe."""
    recipe = decide(file, RenderOptions(look="libraw", refine=kind != "open loop"))
    if not recipe.refined:
        tables = coding(quality, subsampling, "standard")
        return closed_loop.encode(file.mosaic, recipe, tables, demosaicer=loaded.demosaicer(recipe, tables)), recipe
    return resaved(file.mosaic, recipe, RenderOptions.quality, quality, subsampling), recipe


def figures(file: RawFile, picture: Coefficients, recipe: Recipe, restorer: Restorer | None) -> np.ndarray:
    """Raw dB, lin dB, noise variance kept."""
    recovered = inverse_pass.decode(picture, recipe, restore=restorer, halo=restorer.halo if restorer else 0)
    pair = file.mosaic, recovered, recipe
    kept = noise_kept(*pair)
    return np.array([paper_psnr(*pair), mosaic_psnr(*pair), kept["midtones" if np.isnan(kept["shadows"]) else "shadows"]])


def everywhere(balanced: np.ndarray) -> np.ndarray:
    """Trust without bounds."""
    return np.ones([side // 8 for side in balanced.shape], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ordinary", nargs="+", type=Path, default=[])
    parser.add_argument("--crop", type=int, default=512)
    args = parser.parse_args()
    loaded = load(DEFAULT_WEIGHTS)
    files = {case.name: darkened(args.folder, case, args.crop) for case in CASES if case.iso}
    files |= {path.name: RawFile(*opened(path, args.crop), None) for path in args.ordinary}
    print("| picture | JPEG | without: raw, lin dB | noise | by default | noise | everywhere | noise |")
    print("|---" * 8 + "|")
    for name, file in files.items():
        for kind, quality, subsampling in JPEGS:
            picture, recipe = coded(file, kind, quality, subsampling, loaded)
            restorers = [loaded.restorer(recipe, picture, untouched=not recipe.refined) for _ in range(2)]
            restorers[1].trust = everywhere  # type: ignore[union-attr, assignment]
            plain, *restored = (figures(file, picture, recipe, restorer) for restorer in (None, *restorers))
            cells = [f"{plain[0]:.2f} {plain[1]:.2f} | {plain[2]:.2f}"]
            cells += [f"{r[0] - plain[0]:+.2f} {r[1] - plain[1]:+.2f} | {r[2]:.2f}" for r in restored]
            print(f"| {name} | {kind}, {quality} {subsampling} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
