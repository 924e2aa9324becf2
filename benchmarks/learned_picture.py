"""How near the decoded JPEG is to the true rendering with one demosaicing or another: prints a table in Markdown.

    python benchmarks/learned_picture.py PHOTOGRAPHS [--quality 85] [--count 24]

Held-out photographs are unprocessed to RAW (ISO 100 to 1600), so the truth is known. The chain, the closed loop, is the
same for all: only the stage that demosaics, and so chroma, differs. "truth" takes chroma from the noiseless picture: no
demosaicing can do better. "at equal bytes": against LibRaw's AHD, its dB taken between two qualities.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image

from rawback.files import dng, jpeg
from rawback.isp import closed_loop, stages
from rawback.isp.colour import curve_of
from rawback.isp.matmul import mix
from rawback.isp.mosaic import RGGB
from rawback.isp.quantisation_tables import SUBSAMPLING, coding
from rawback.learn import data, pairs, sensors
from rawback.learn.unprocess import expose, measure
from rawback.recipe import Recipe

SIDE = 512


class Planes:
    """Planes that are known beforehand in the place of the demosaicing stage, of which strips are cut."""

    def __init__(self, planes: np.ndarray) -> None:
        self.planes = np.pad(planes, [(0, 0), (64, 64), (0, 0)], mode="reflect")

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return self.planes[:, top + 64 : top + 64 + x.shape[0]].copy()


def ahd(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """LibRaw's AHD of a mosaic: balanced planes (3, H, W) float32."""
    file = b"".join(chunk for chunk in dng.encode(mosaic, recipe, None, None, compress=False))
    red, green, blue = (float(gain) for gain in recipe.gains)
    with rawpy.imread(io.BytesIO(file)) as raw:
        planes = raw.postprocess(
            demosaic_algorithm=rawpy.DemosaicAlgorithm.AHD, output_color=rawpy.ColorSpace.raw, gamma=(1, 1), user_flip=0,
            user_wb=[red, green, blue, green], no_auto_bright=True, adjust_maximum_thr=0.0, output_bps=16,
        )  # fmt: skip
    return planes.transpose(2, 0, 1).astype(np.float32) / 65535


def draw(photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, Recipe, np.ndarray, np.ndarray]:
    """Mosaic, recipe, true rendering (SIDE, SIDE, 3) 0..1 and true balanced planes (3, SIDE, SIDE) of a photograph."""
    sensor = sensors.draw_any(rng, RGGB, (100, 1600))
    balanced = expose(pairs.draw_light(data.crop(photo, SIDE, rng), rng), sensor)
    mosaic = measure(balanced, sensor, rng)
    recipe = pairs.recipe_of(sensor, mosaic.shape)
    planes = np.minimum(balanced, 1).transpose(2, 0, 1)
    light = mix(np.array(recipe.matrix, np.float32), planes)
    return mosaic, recipe, np.clip(curve_of(recipe).encode(light), 0, 1).transpose(1, 2, 0), planes


def picture(
    mosaic: np.ndarray, recipe: Recipe, truth: np.ndarray, quality: int, subsampling: str, stage: stages.Stage
) -> tuple[float, float]:
    """dB of the picture that viewers show to the true rendering, and bits per photosite."""
    stages.STAGES[2] = stage
    coded = closed_loop.encode(mosaic, recipe, coding(quality, subsampling, "raw"))
    file = jpeg.write(coded, None, b"")
    picture = np.asarray(Image.open(io.BytesIO(file)).convert("RGB")) / 255
    return -10 * np.log10(np.mean((picture - truth) ** 2)), len(file) * 8 / mosaic.size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", type=Path)
    parser.add_argument("--quality", type=int, default=85)
    parser.add_argument("--count", type=int, default=24)
    args = parser.parse_args()
    sources = [source for source in data.find(args.photographs) if source.validation][: args.count]
    print("| chroma from | subsampling | dB to the truth | bits per photosite | dB over AHD at equal bytes |")
    print("|---|---|---|---|---|")
    for subsampling in (s for s in SUBSAMPLING if s != "4:2:2"):
        rows: dict[str, list] = {"LibRaw's AHD": [], "classical": [], "truth": [], "AHD, finer": []}
        for number, source in enumerate(sources):
            mosaic, recipe, truth, planes = draw(data.read(source.path), np.random.default_rng(number))
            theirs = Planes(ahd(mosaic, recipe))
            for name, stage in (("LibRaw's AHD", theirs), ("classical", stages.Demosaic()), ("truth", Planes(planes))):
                rows[name].append(picture(mosaic, recipe, truth, args.quality, subsampling, stage))
            rows["AHD, finer"].append(picture(mosaic, recipe, truth, args.quality + 3, subsampling, theirs))
        means = {name: np.mean(row, 0) for name, row in rows.items()}
        (level, bits), (finer_level, finer_bits) = means["LibRaw's AHD"], means.pop("AHD, finer")
        for name, (decibel, spent) in means.items():
            equal = level + (spent - bits) * (finer_level - level) / (finer_bits - bits)
            print(f"| {name} | {subsampling} | {decibel:.2f} | {spent:.3f} | {decibel - equal:+.2f} |", flush=True)


if __name__ == "__main__":
    main()
