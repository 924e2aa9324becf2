"""What dark pictures keep of their RAW: prints the tables of docs/quality.md, "Dark pictures", in Markdown.

    python benchmarks/night.py FOLDER [--crop 768] [--rate 2] [--raw | --lamps] [--chosen]

FOLDER holds the RAW files that `dark.CASES` names. Each is made dark: the linear signal is scaled down and quantised to 14
bits again; at an ISO speed, noise of a full-frame sensor is added first. Then it is rendered and recovered with many
settings, and LibRaw renders the true and the recovered RAW alike, brightened by 4 EV. Figures are the PSNR between the
two at equal bytes (`--rate` bits per photosite, between the two qualities beside it; at the finest quality where that
needs fewer). The open loops take the better of the flat and the standard tables, at 4:4:4; "8 bits" is the one that any
program could do: pixels rounded and cut to 0..255, here and there. Gains are over that of REFERENCE.

`--raw` compares the RAWs themselves instead, brightened by 4 EV and else as the InvISP paper compares them; and the pictures at
no ISO speed get noise, too, of a sensor half as large at ISO 100. `--lamps`: dark pictures in which 3 % shine. `--chosen`
leaves out what `render` does not choose.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from dark import CASES, FULL_FRAME, LAMPS, SMALLER, as_raw, by_libraw, darkened
from PIL import Image, ImageFile

import rawback
from rawback.files.raw import RawFile
from rawback.isp import exposure, noise, stages
from rawback.isp.quantisation_tables import coding
from rawback.metrics import black_bias, mosaic_psnr, noise_kept, paper_psnr, psnr
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.rendering import decide, develop

ImageFile.MAXBLOCK = 1 << 24  # what noise at the finest quality needs: Pillow foresees less
QUALITIES = (30, 40, 50, 60, 70, 75, 80, 85, 87, 90, 93, 95, 97, 98, 99, 100)
See = Callable[[RawFile, np.ndarray], np.ndarray]
"""A mosaic as that of a file, brightened, as it is compared."""


@dataclass(frozen=True)
class Setting:
    """A way to render."""

    name: str
    refine: bool = True
    share: float = 0.0
    """Of automatic brightness, in EV."""
    curve: str = "bt709"
    sigmas: float = 0.0
    """Of read noise, that the pedestal is."""
    pixels: bool = False
    """Whether the picture goes through pixels of 8 bits instead of a JPEG's coefficients."""

    def recipe(self, file: RawFile) -> Recipe:
        """The file's recipe with this setting's exposure, curve and pedestal."""
        plain = decide(file, RenderOptions(look="libraw", exposure=0.0, refine=self.refine))
        ev = self.share * exposure.expose(file.mosaic, plain, None).exposure
        pedestal = self.sigmas * float(np.sqrt(noise.estimate(file.mosaic, plain)[1]))
        return exposure.with_shoulder(replace(plain, exposure=ev, curve=self.curve, pedestal=pedestal))


REFERENCE = Setting("open loop of 8 bits, exposure 0, sRGB", refine=False, curve="srgb", pixels=True)
SETTINGS = (
    Setting("open loop of 8 bits, exposure 0, BT.709", refine=False, pixels=True),
    REFERENCE,
    Setting("open loop of 8 bits, brightened", refine=False, share=1, pixels=True),
    Setting("open loop of 8 bits, three quarters, pedestal 4 sigma", refine=False, share=0.75, sigmas=4, pixels=True),
    Setting("open loop, exposure 0, BT.709", refine=False),
    Setting("open loop, exposure 0, sRGB", refine=False, curve="srgb"),
    Setting("open loop, brightened, BT.709", refine=False, share=1),
    Setting("exposure 0, BT.709"),
    Setting("exposure 0, sRGB", curve="srgb"),
    Setting("half brightened", share=0.5),
    Setting("three quarters", share=0.75),
    Setting("three quarters, pedestal 4 sigma", share=0.75, sigmas=4),
    Setting("brightened", share=1),
    Setting("brightened, sRGB", share=1, curve="srgb"),
    *(Setting(f"brightened, pedestal {sigmas} sigma", share=1, sigmas=sigmas) for sigmas in (1, 2, 4, 6)),
)


@dataclass(frozen=True)
class Figures:
    """What a round trip keeps."""

    bits: float
    values: np.ndarray
    """dB brightened, raw dB, lin dB, black bias (mean over colours) in DN, noise variance kept in shadows."""


def by_coefficients(file: RawFile, recipe: Recipe, options: RenderOptions) -> tuple[bytes, np.ndarray]:
    """rawback's JPEG, and the mosaic recovered from it."""
    data = develop(file, recipe, options).data
    with tempfile.TemporaryDirectory() as folder:
        jpeg = Path(folder, "a.jpg")
        jpeg.write_bytes(data)
        return data, rawback.recover(jpeg, weights="none").mosaic


def by_pixels(file: RawFile, recipe: Recipe, options: RenderOptions) -> tuple[bytes, np.ndarray]:
    """Pillow's JPEG of the picture in 8 bits, and the mosaic behind the pixels that Pillow reads."""
    tables = coding(options.quality, "4:4:4", options.tables)
    srgb = np.clip(stages.forward(file.mosaic, recipe), 0, 1)
    stream = io.BytesIO()
    used = [tables.luma.tolist(), tables.luma.tolist() if options.tables == "raw" else tables.chroma.tolist()]
    picture = Image.fromarray(np.rint(np.moveaxis(srgb, 0, -1) * 255).astype(np.uint8))
    picture.save(stream, "JPEG", qtables=used, subsampling=0, optimize=True)
    with Image.open(stream) as read:
        planes = np.moveaxis(np.asarray(read, np.float32), -1, 0) / 255
    return stream.getvalue(), stages.inverse(np.ascontiguousarray(planes), recipe)


def figures(file: RawFile, trip: tuple[bytes, np.ndarray], see: See, target: np.ndarray) -> Figures:
    """What a round trip keeps of a file that looks like `target`."""
    data, recovered = trip
    pair = file.mosaic, recovered, file.recipe
    seen = psnr(target, see(file, recovered)), paper_psnr(*pair), mosaic_psnr(*pair)
    kept = noise_kept(*pair)["shadows"]
    return Figures(8 * len(data) / file.mosaic.size, np.array([*seen, np.nanmean(black_bias(*pair)), kept]))


def at_rate(measure: Callable[[int], Figures], rate: float) -> np.ndarray:
    """The values at a rate, linear in bits between the two qualities beside it; those of the finest if that is too small."""
    low, high = 0, len(QUALITIES) - 1
    if measure(QUALITIES[high]).bits <= rate:
        return measure(QUALITIES[high]).values
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if measure(QUALITIES[middle]).bits > rate else (middle, high)
    below, above = measure(QUALITIES[low]), measure(QUALITIES[high])
    share = (rate - below.bits) / (above.bits - below.bits)
    return below.values + max(share, 0) * (above.values - below.values)


def best(file: RawFile, recipe: Recipe, rate: float, see: See, pixels: bool = False) -> np.ndarray:
    """The values at a rate; in the open loop those of the better tables, 4:4:4, which serves that best."""
    measured, trip, target = [], by_pixels if pixels else by_coefficients, see(file, file.mosaic)
    for tables in ("raw",) if recipe.refined else ("raw", "standard"):
        subsampling = "4:2:0" if recipe.refined else "4:4:4"
        options = RenderOptions(look="libraw", subsampling=subsampling, tables=tables, refine=recipe.refined, weights="none")
        measure = cache(lambda q, o=options: figures(file, trip(file, recipe, replace(o, quality=q)), see, target))
        measured.append(at_rate(measure, rate))
    return max(measured, key=lambda values: float(values[0]))


def row(name: str, values: list[np.ndarray], reference: list[np.ndarray]) -> str:
    """Brightened dB by case, mean; gained over the reference in the mean, at least; mean gains of raw and lin dB."""
    table, gains = np.array(values), np.array(values) - np.array(reference)
    cells = [f"{v:.1f}" for v in (*table[:, 0], table[:, 0].mean())] + [
        f"{gains[:, 0].mean():+.1f}",
        f"{gains[:, 0].min():+.1f}",
    ]
    return f"| {name} | " + " | ".join([*cells, *(f"{g:+.1f}" for g in gains[:, 1:3].mean(0))]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crop", type=int, default=768)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--raw", action="store_true", help="compare RAWs, with noise at base ISO, too")
    parser.add_argument("--lamps", action="store_true")
    parser.add_argument("--chosen", action="store_true", help="only the reference and what `render` chooses")
    args = parser.parse_args()
    see: See = as_raw if args.raw else by_libraw
    cases = LAMPS if args.lamps else CASES
    files = [darkened(args.folder, case, args.crop, SMALLER if args.raw else FULL_FRAME) for case in cases]
    reference = [best(file, REFERENCE.recipe(file), args.rate, see, REFERENCE.pixels) for file in files]
    print("| | " + " | ".join(case.name for case in cases) + " | mean | mean gain | least | raw | lin |")
    print("|---" * (len(cases) + 6) + "|")
    for setting in (REFERENCE,) if args.chosen else SETTINGS:
        values = [best(file, setting.recipe(file), args.rate, see, setting.pixels) for file in files]
        print(row(setting.name, values, reference), flush=True)
    for name, ev in (("`--exposure 0` chooses", 0.0), ("**`--exposure auto` chooses**", None)):
        recipes = [decide(file, RenderOptions(look="libraw", exposure=ev)) for file in files]
        values = [best(file, recipe, args.rate, see) for file, recipe in zip(files, recipes, strict=True)]
        print(row(name, values, reference), flush=True)
        print("<!-- " + "; ".join(f"{r.exposure:.2f} EV {r.curve}, pedestal {r.pedestal:.2g}" for r in recipes) + " -->")
        print("<!-- bias in DN: " + ", ".join(f"{v[3]:.2f}" for v in values), end="; ")
        print("noise kept in shadows: " + ", ".join(f"{v[4]:.2f}" for v in values) + " -->", flush=True)


if __name__ == "__main__":
    main()
