"""How near the decoded JPEG is to the true rendering with one demosaicing or another: prints a table in Markdown.

    python benchmarks/learned_picture.py PHOTOGRAPHS [--weights generic-1] [--quality 85] [--count 24]

Held-out photographs are unprocessed to RAW (ISO 100 to 1600), so the truth is known. The chain is the same for all:
only what chroma is taken from differs. "at equal bytes": against LibRaw's AHD, its dB taken between two qualities.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image

from rawback.files import dng, jpeg
from rawback.isp import closed_loop, pipeline
from rawback.isp.colour import curve_of
from rawback.isp.tables import SUBSAMPLING, coding
from rawback.learn import data, pairs
from rawback.learn.unprocess import BAYER, draw_sensor, expose, measure
from rawback.nets import weights
from rawback.recipe import Recipe

SIDE = 512


class Ahd:
    """LibRaw's AHD in the place of a learned demosaicing: of the whole mosaic once, of which strips are cut."""

    halo = 16

    def __init__(self, mosaic: np.ndarray, recipe: Recipe) -> None:
        file = b"".join(chunk for chunk in dng.encode(mosaic, recipe, None, None, compress=False))
        red, green, blue = (float(gain) for gain in recipe.gains)
        with rawpy.imread(io.BytesIO(file)) as raw:
            planes = raw.postprocess(
                demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD, output_color=rawpy.ColorSpace.raw, gamma=(1, 1), user_flip=0,
                user_wb=[red, green, blue, green], no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16,
            )  # fmt: skip
        self.planes = np.pad(planes.transpose(2, 0, 1).astype(np.float32) / 65535, [(0, 0), (64, 64), (0, 0)], mode="reflect")

    def __call__(self, balanced: np.ndarray, top: int) -> np.ndarray:
        return self.planes[:, top + 64 : top + 64 + balanced.shape[0]].copy()


def draw(photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Recipe, np.ndarray]:
    """Mosaic, recipe and true rendering (SIDE, SIDE, 3) 0..1 of a photograph."""
    sensor = draw_sensor(rng, BAYER[0], (100, 1600))
    balanced = expose(pairs.draw_light(data.crop(photo, SIDE, rng), rng), sensor)
    mosaic = measure(balanced, sensor, rng)
    recipe = pairs.recipe_of(sensor, mosaic.shape)
    light = pipeline.mix(np.array(recipe.matrix, np.float32), np.minimum(balanced, 1).transpose(2, 0, 1))
    return mosaic, recipe, np.clip(curve_of(recipe).encode(light), 0, 1).transpose(1, 2, 0)


def picture(
    mosaic: np.ndarray, recipe: Recipe, truth: np.ndarray, quality: int, subsampling: str, demosaicer
) -> tuple[float, float]:
    """dB of the picture that viewers show to the true rendering, and bits per photosite."""
    coded = closed_loop.encode(mosaic, recipe, coding(quality, subsampling, "raw"), demosaicer=demosaicer)
    file = jpeg.write(coded, None, b"")
    shown = np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) / 255
    return -10 * np.log10(np.mean((shown - truth) ** 2)), len(file) * 8 / mosaic.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--weights", default="generic-1")
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--count", type=int, default=24)
    args = parser.parse_args()
    loaded = weights.load(args.weights)
    sources = [source for source in data.find(args.photographs) if source.validation][: args.count]
    print("| chroma from | subsampling | dB to the truth | bits per photosite | dB over AHD at equal bytes |")
    print("|---|---|---|---|---|")
    for subsampling in (s for s in SUBSAMPLING if s != "4:2:2"):
        rows: dict[str, list] = {"LibRaw's AHD": [], "classical": [], "learned": [], "AHD, finer": []}
        for number, source in enumerate(sources):
            mosaic, recipe, truth = draw(data.read(source.path), np.random.default_rng(number))
            ahd = Ahd(mosaic, recipe)
            for name, demosaicer in (("LibRaw's AHD", ahd), ("classical", None), ("learned", loaded.demosaicer(recipe))):
                rows[name].append(picture(mosaic, recipe, truth, args.quality, subsampling, demosaicer))
            rows["AHD, finer"].append(picture(mosaic, recipe, truth, args.quality + 3, subsampling, ahd))
        means = {name: np.mean(row, 0) for name, row in rows.items()}
        (level, bits), (finer_level, finer_bits) = means["LibRaw's AHD"], means.pop("AHD, finer")
        for name, (found, spent) in means.items():
            equal = level + (spent - bits) * (finer_level - level) / (finer_bits - bits)
            print(f"| {name} | {subsampling} | {found:.2f} | {spent:.3f} | {found - equal:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
