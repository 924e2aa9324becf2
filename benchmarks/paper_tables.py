"""Prints the tables of the InvISP paper, done again in its own protocol, with the closed loop beside; in Markdown.

    python benchmarks/paper_tables.py RAW... --baselines DIR [--methods rawback classical ...] [--quality 75 80 85 90 95]
        [--crop 512]

DIR is what `benchmarks/baselines.py` wrote. The protocol is that of the paper's code: RAW is bilinearly demosaiced,
white-balanced (largest gain 1), gamma 1/2.2, peak 1; the picture is compared with LibRaw's rendering, saved as a JPEG itself;
JPEGs are of quality 90 with 4:2:2 chroma; each picture is cut into 3 x 3 parts, and decibels are averaged over parts. SSIM has
a window of 7 x 7 and the target part's range, as skimage's default. Other than there, black levels are subtracted, all
cameras share one net, and JPEG coefficients are read in float. `rawback` keeps its own tables and subsampling. Needs scipy.
"""

from __future__ import annotations

import argparse
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps
from scipy.ndimage import uniform_filter

from rawback import metrics
from rawback.evaluate import evaluate, methods
from rawback.evaluate.evaluate import Case
from rawback.options.render import RenderOptions

PARTS, QUALITY = 3, 90
SENDS_THE_TARGET = (methods.UPI, "cycleisp")
"""Methods that know no way from RAW to the picture: they are given LibRaw's."""
PUBLISHED = """| published (Canon 5D; Nikon D700) | rgb dB | SSIM | raw dB |
|---|---|---|---|
| UPI | - | - | 26.31; 30.12 |
| CycleISP | - | - | 34.48; 30.19 |
| Invertible Grayscale | 28.22; 24.13 | 0.8714; 0.8258 | 38.00; 33.28 |
| U-net | 33.44; 36.48 | 0.8893; 0.9342 | 41.14; 41.17 |
| InvISP without JPEG simulation | 33.45; 37.44 | 0.8923; 0.9309 | 45.73; 44.19 |
| InvISP, soft rounding (DSQ) | 33.15; 37.44 | 0.8946; 0.9467 | 48.22; 45.25 |
| InvISP, Fourier rounding | 33.61; 37.47 | 0.9007; 0.9473 | 48.57; 45.23 |"""
"""Xing, Qian and Chen, CVPR 2021: the main table, on other data (MIT-Adobe FiveK: 127 and 73 photographs)."""


def parts(picture: np.ndarray) -> Iterator[np.ndarray]:
    """3 x 3 parts of (H, W, C)."""
    for rows in np.array_split(picture, PARTS):
        yield from np.array_split(rows, PARTS, axis=1)


def ssim(target: np.ndarray, picture: np.ndarray) -> float:
    """Structural similarity of (H, W, 3) in 0..1 (Wang et al. 2004): 7 x 7 means, sample covariances, mean over channels."""
    span, unbiased = float(target.max() - target.min()), 49 / 48
    if span == 0:
        return float("nan")

    def blur(x: np.ndarray) -> np.ndarray:
        return uniform_filter(x, (7, 7, 1))

    a, b = target.astype(np.float64), picture.astype(np.float64)
    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = (unbiased * (blur(x * x) - m * m) for x, m in ((a, mean_a), (b, mean_b)))
    both = unbiased * (blur(a * b) - mean_a * mean_b)
    c1, c2 = (0.01 * span) ** 2, (0.03 * span) ** 2
    similar = (2 * mean_a * mean_b + c1) * (2 * both + c2) / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))
    return float(similar[3:-3, 3:-3].mean())


def measure(case: Case, trip: methods.Trip) -> list[float]:
    """rgb dB, SSIM, raw dB, bits per photosite."""
    planes = [metrics.displayed(m, case.file.recipe).transpose(1, 2, 0) for m in (case.file.mosaic, trip.mosaic)]
    raw = np.mean([metrics.psnr(a, b) for a, b in zip(*map(parts, planes), strict=True)])
    stream = io.BytesIO()
    Image.fromarray(case.target).save(stream, "JPEG", quality=QUALITY, subsampling="4:2:2")
    target, picture = (_decoded(data) for data in (stream.getvalue(), trip.jpeg))
    rgb = similar = float("nan")
    if target.shape == picture.shape:
        rgb = float(np.mean([metrics.psnr(a, b) for a, b in zip(parts(target), parts(picture), strict=True)]))
        similar = float(np.nanmean([ssim(a, b) for a, b in zip(parts(target), parts(picture), strict=True)]))
    return [rgb, similar, float(raw), len(trip.jpeg) * 8 / case.file.mosaic.size]


def _decoded(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")) / 255


def means(cases: list[Case], name: str, quality: int, baselines: Path | None) -> np.ndarray:
    """Mean figures of a method over the files."""
    method, options = methods.method(name, baselines), RenderOptions(look="libraw", exposure=0.0, quality=quality)
    rows = []
    for case in cases:
        try:
            rows.append(measure(case, method(case.file, case.data, options)))
        except methods.CannotCompare:
            rows.append([np.nan] * 4)
    return np.nanmean(np.array(rows), 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--baselines", type=Path)
    parser.add_argument("--methods", nargs="+", choices=list(methods.SAYS), default=list(methods.SAYS))
    parser.add_argument("--quality", nargs="+", type=int, default=[75, 80, 85, 90, 95])
    parser.add_argument("--crop", type=int, default=512, help="side of a centred square; 0: whole frames")
    args = parser.parse_args()
    cases = [evaluate.case(path, args.crop) for path in args.raw]
    print(
        PUBLISHED
        + f"\n\n| here ({len(cases)} RAW files) | rgb dB | SSIM | raw dB | bits per photosite |\n|---|---|---|---|---|"
    )
    for name in args.methods:
        description = methods.described(name, args.baselines)
        rgb, similar, raw, bits = means(cases, name, QUALITY, args.baselines)
        seen = "- | -" if name in SENDS_THE_TARGET else f"{rgb:.2f} | {similar:.4f}"
        print(f"| {name}: {description} | {seen} | {raw:.2f} | {bits:.2f} |", flush=True)
    print("\n| raw dB at bits, quality | " + " | ".join(map(str, args.quality)) + " |\n|---|" + "---|" * len(args.quality))
    for name in args.methods:
        measured = [means(cases, name, quality, args.baselines) for quality in args.quality]
        print(f"| {name} | " + " | ".join(f"{raw:.2f} at {bits:.2f}" for _, _, raw, bits in measured) + " |", flush=True)
    print("\nFiles, centres of {}:\n".format(f"{args.crop} x {args.crop}" if args.crop else "all"))
    for path in args.raw:
        print(f"    {hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}")


if __name__ == "__main__":
    main()
