"""What dark pictures keep of their RAW: prints the table of the README's "Dark pictures" in Markdown.

    python benchmarks/night.py FOLDER [--crop 768] [--rate 2] [--chosen]

FOLDER holds the RAW files that CASES names. Each is made dark: the linear signal is scaled down and quantised to 14
bits again; at an ISO speed, noise of a full-frame sensor is added first. Then it is rendered and recovered with many
settings, and LibRaw renders the true and the recovered RAW alike, brightened by 4 EV. Figures are the PSNR between the
two at equal bytes (`--rate` bits per photosite, between the two qualities beside it; at the finest quality where that
needs fewer). The open loops take the better of the flat and the standard tables, at 4:4:4; "8 bits" is the one that any
program could do: pixels rounded and cut to 0..255, here and there. `--chosen` leaves out what `render` does not choose.
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
import rawpy
from PIL import Image

import rawback
from rawback.files import dng, raw
from rawback.files.raw import RawFile
from rawback.isp import exposure, noise, pipeline
from rawback.isp.mosaic import level
from rawback.isp.tables import coding
from rawback.metrics import black_bias, mosaic_psnr, noise_kept, paper_psnr, psnr
from rawback.recipe import Recipe
from rawback.rendering import RenderOptions, decide, develop

BLACK, WHITE = 512.0, 16383.0
ELECTRONS, READ_NOISE = 90000 * 100, 3.0
"""At ISO 1 a photosite of a full-frame sensor is full at so many electrons; and its read noise in electrons."""
PUSH = 4
QUALITIES = (30, 40, 50, 60, 70, 75, 80, 85, 87, 90, 93, 95, 97, 98, 99, 100)


@dataclass(frozen=True)
class Case:
    """A picture taken too dark."""

    name: str
    file: str
    stops: int
    """EV by which it is darkened."""
    iso: int = 0
    """Whose noise is added; 0: none, what the file has is darkened with it."""


CASES = (
    Case("S40 -5 EV", "canon_powershot_s40_0101.CRW", -5),
    Case("S40 -6 EV", "canon_powershot_s40_0101.CRW", -6),
    Case("DC50 -5 EV", "kodak_dc50.KDC", -5),
    Case("Fusion -5 EV", "gopro_fusion_front.dng", -5),
    Case("S40 -5 EV, ISO 800", "canon_powershot_s40_0101.CRW", -5, 800),
    Case("S40 -2 EV, ISO 3200", "canon_powershot_s40_0101.CRW", -2, 3200),
)


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
        plain = decide(file, RenderOptions(exposure=0.0, refine=self.refine))
        ev = self.share * exposure.auto_exposure(file.mosaic, plain)
        pedestal = self.sigmas * float(np.sqrt(noise.estimate(file.mosaic, plain)[1]))
        return exposure.with_shoulder(replace(plain, exposure=ev, curve=self.curve, pedestal=pedestal))


REFERENCE = Setting("open loop, exposure 0, sRGB", refine=False, curve="srgb")
SETTINGS = (
    Setting("open loop of 8 bits, exposure 0, BT.709", refine=False, pixels=True),
    Setting("open loop of 8 bits, exposure 0, sRGB", refine=False, curve="srgb", pixels=True),
    Setting("open loop of 8 bits, brightened", refine=False, share=1, pixels=True),
    Setting("open loop, exposure 0, BT.709", refine=False),
    REFERENCE,
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
    """dB brightened by PUSH, raw dB, lin dB, black bias (mean over colours) in DN, noise variance kept in shadows."""


def darkened(folder: Path, case: Case, side: int) -> RawFile:
    """The centre of a case's file, dark, as rawback reads it from the DNG that it is written to."""
    file = raw.read((folder / case.file).read_bytes(), case.file)
    period = len(file.recipe.cfa)
    height, width = (min(side, n // period * period) for n in file.mosaic.shape)
    top, left = ((n - cut) // (2 * period) * period for n, cut in zip(file.mosaic.shape, (height, width), strict=True))
    light = level(file.mosaic[top : top + height, left : left + width], file.recipe) * 2.0**case.stops
    if case.iso:
        gain = case.iso / ELECTRONS
        sigma = np.sqrt(gain * np.maximum(light, 0) + (READ_NOISE * gain) ** 2)
        light = light + sigma * np.random.default_rng(case.iso).standard_normal(light.shape)
    mosaic = np.clip(np.rint(light * (WHITE - BLACK) + BLACK), 0, WHITE).astype(np.uint16)
    recipe = replace(
        file.recipe, height=height, width=width, black=(BLACK,) * period**2, white=WHITE, noise=(), crop=None,
        margins=(0, 0, 0, 0), orientation=1, scale=(1.0, 1.0),
    )  # fmt: skip
    return raw.read(b"".join(dng.encode(mosaic, recipe, file.exif, None)), case.name)


def pushed(file: RawFile, mosaic: np.ndarray) -> np.ndarray:
    """LibRaw's rendering of a mosaic as that of a file, brightened by PUSH, in 0..1."""
    data = b"".join(dng.encode(mosaic, file.recipe, None, None, compress=False))
    with rawpy.imread(io.BytesIO(data)) as opened:
        return opened.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, bright=2.0**PUSH) / 255


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
    shown = np.clip(pipeline.forward(file.mosaic, recipe), 0, 1)
    stream = io.BytesIO()
    used = [tables.luma.tolist(), tables.luma.tolist() if options.tables == "raw" else tables.chroma.tolist()]
    picture = Image.fromarray(np.rint(np.moveaxis(shown, 0, -1) * 255).astype(np.uint8))
    picture.save(stream, "JPEG", qtables=used, subsampling=0, optimize=True)
    with Image.open(stream) as read:
        planes = np.moveaxis(np.asarray(read, np.float32), -1, 0) / 255
    return stream.getvalue(), pipeline.inverse(np.ascontiguousarray(planes), recipe)


def figures(file: RawFile, trip: tuple[bytes, np.ndarray], target: np.ndarray) -> Figures:
    """What a round trip keeps of a file that looks like `target`."""
    data, found = trip
    pair = file.mosaic, found, file.recipe
    seen = psnr(target, pushed(file, found)), paper_psnr(*pair), mosaic_psnr(*pair)
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


def best(file: RawFile, recipe: Recipe, rate: float, target: np.ndarray, pixels: bool = False) -> np.ndarray:
    """The values at a rate; in the open loop those of the better tables, 4:4:4, which serves that best."""
    found, trip = [], by_pixels if pixels else by_coefficients
    for tables in ("raw",) if recipe.refined else ("raw", "standard"):
        subsampling = "4:2:0" if recipe.refined else "4:4:4"
        options = RenderOptions(subsampling=subsampling, tables=tables, refine=recipe.refined, weights="none")
        measure = cache(lambda q, o=options: figures(file, trip(file, recipe, replace(o, quality=q)), target))
        found.append(at_rate(measure, rate))
    return max(found, key=lambda values: float(values[0]))


def row(name: str, values: list[np.ndarray], reference: list[np.ndarray]) -> str:
    """Brightened dB by case; what is gained over the reference in the mean and at least; the mean gains of raw and lin dB."""
    table, gains = np.array(values), np.array(values) - np.array(reference)
    cells = [f"{v:.1f}" for v in table[:, 0]] + [f"{gains[:, 0].mean():+.1f}", f"{gains[:, 0].min():+.1f}"]
    return f"| {name} | " + " | ".join([*cells, *(f"{g:+.1f}" for g in gains[:, 1:3].mean(0))]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--crop", type=int, default=768)
    parser.add_argument("--rate", type=float, default=2.0)
    parser.add_argument("--chosen", action="store_true", help="only the reference and what `render` chooses")
    args = parser.parse_args()
    files = [darkened(args.folder, case, args.crop) for case in CASES]
    targets = [pushed(file, file.mosaic) for file in files]
    reference = [best(f, REFERENCE.recipe(f), args.rate, t) for f, t in zip(files, targets, strict=True)]
    print("| | " + " | ".join(case.name for case in CASES) + " | mean gain | least | raw | lin |")
    print("|---" * (len(CASES) + 5) + "|")
    for setting in () if args.chosen else SETTINGS:
        values = [best(f, setting.recipe(f), args.rate, t, setting.pixels) for f, t in zip(files, targets, strict=True)]
        print(row(setting.name, values, reference), flush=True)
    for name, ev in (("`--exposure 0` chooses", 0.0), ("**`--exposure auto` chooses**", None)):
        recipes = [decide(file, RenderOptions(exposure=ev)) for file in files]
        values = [best(f, r, args.rate, t) for f, r, t in zip(files, recipes, targets, strict=True)]
        print(row(name, values, reference), flush=True)
        print("<!-- " + "; ".join(f"{r.exposure:.2f} EV {r.curve}, pedestal {r.pedestal:.2g}" for r in recipes) + " -->")
        print("<!-- bias in DN: " + ", ".join(f"{v[3]:.2f}" for v in values), end="; ")
        print("noise kept in shadows: " + ", ".join(f"{v[4]:.2f}" for v in values) + " -->", flush=True)


if __name__ == "__main__":
    main()
