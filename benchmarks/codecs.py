"""Prints rawback's JPEGs side by side with codecs that store nothing but the RAW, at the same bits per photosite.

    python benchmarks/codecs.py RAW... [--bits 0.75 1.35 2.2] [--crop 1024]

JPEG 2000 and lossy JPEG XL code the four CFA planes (square root of the levelled values, mean of the greens, red and blue
less that mean, difference of the greens; 16 bits). Each column is interpolated, per file, to the same bits. rawback's
files count with all their metadata. Needs imagecodecs.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from imagecodecs import jpeg2k_decode, jpeg2k_encode, jpegxl_decode, jpegxl_encode

from rawback.files import jpeg, raw
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.mosaic import level, unlevel
from rawback.isp.tables import flat_coding
from rawback.metrics import mosaic_psnr, paper_psnr
from rawback.rendering import RenderOptions, decide

SCALE, MIDDLE = 30000, 32768
METADATA = 3000
"""Bytes of recipe, profile and EXIF in a JPEG of a crop, as in the files of the command line."""


def planes_of(mosaic: np.ndarray, file: RawFile) -> list[np.ndarray]:
    """Four decorrelated planes, uint16."""
    root = np.sqrt(np.clip(level(mosaic, file.recipe), 0, 1)) * SCALE
    colours = np.array(file.recipe.cfa)
    red, blue = (root[y::2, x::2] for y, x in (np.argwhere(colours == c)[0] for c in (0, 2)))
    first, second = (root[y::2, x::2] for y, x in np.argwhere(colours == 1))
    green = (first + second) / 2
    signed = [green, red - green + MIDDLE, blue - green + MIDDLE, first - second + MIDDLE]
    return [np.clip(np.rint(plane), 0, 65535).astype(np.uint16) for plane in signed]


def mosaic_of(planes: list[np.ndarray], file: RawFile) -> np.ndarray:
    """The way back."""
    green, red, blue, difference = (plane.astype(np.float32) for plane in planes)
    samples = np.empty((2 * green.shape[0], 2 * green.shape[1]), np.float32)
    colours = np.array(file.recipe.cfa)
    (y1, x1), (y2, x2) = np.argwhere(colours == 1)
    samples[y1::2, x1::2], samples[y2::2, x2::2] = (green + s * (difference - MIDDLE) / 2 for s in (1, -1))
    for colour, plane in ((0, red), (2, blue)):
        y, x = np.argwhere(colours == colour)[0]
        samples[y::2, x::2] = plane - MIDDLE + green
    return unlevel(np.square(np.clip(samples / SCALE, 0, 1)), file.recipe)


def by_codec(file: RawFile, encode: Callable, decode: Callable) -> tuple[int, np.ndarray]:
    """Bytes, and the mosaic that comes back."""
    coded = [encode(plane) for plane in planes_of(file.mosaic, file)]
    return sum(map(len, coded)), mosaic_of([decode(data) for data in coded], file)


def by_rawback(file: RawFile, step: float, optimise: bool) -> tuple[int, np.ndarray]:
    """Bytes, and the mosaic that comes back."""
    picture = closed_loop.encode(file.mosaic, file.recipe, flat_coding(step, (2, 2), optimise))
    return len(jpeg.coded_picture(picture)) + METADATA, inverse_pass.decode(picture, file.recipe)


METHODS: dict[str, tuple[tuple, Callable]] = {
    "rawback": ((13, 9, 6, 4.5, 3, 2), lambda file, step: by_rawback(file, step, False)),
    "rawback --effort best": ((11, 8, 5.5, 4, 2.7, 2), lambda file, step: by_rawback(file, step, True)),
    "JPEG 2000": (
        (36, 42, 47, 52, 57, 62, 67, 72),
        lambda file, db: by_codec(file, lambda p: jpeg2k_encode(p, level=db, reversible=False), jpeg2k_decode),
    ),
    "JPEG XL": (
        (4, 2.5, 1.6, 1, 0.5, 0.25, 0.12, 0.06),
        lambda file, distance: by_codec(file, lambda p: jpegxl_encode(p, distance=distance, effort=5), jpegxl_decode),
    ),
}  # fmt: skip


def load(path: Path, side: int) -> RawFile:
    """The centre of a file, ready to be coded at exposure 0."""
    file = raw.read(path.read_bytes(), path.name)
    height, width = (min(side, size) // 16 * 16 for size in file.mosaic.shape)
    top, left = ((size - cut) // 4 * 2 for size, cut in zip(file.mosaic.shape, (height, width), strict=True))
    mosaic = np.ascontiguousarray(file.mosaic[top : top + height, left : left + width])
    file = replace(file, mosaic=mosaic, recipe=replace(file.recipe, height=height, width=width, crop=None))
    return replace(file, recipe=decide(file, RenderOptions(exposure=0.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--bits", nargs="+", type=float, default=[0.75, 1.35, 2.2])
    parser.add_argument("--crop", type=int, default=1024)
    args = parser.parse_args()
    files = [load(path, args.crop) for path in args.raw]
    print("| raw / lin dB at | " + " | ".join(f"{bits} bits" for bits in args.bits) + " |\n|---|" + "---|" * len(args.bits))
    for name, (settings, code) in METHODS.items():
        found = []
        for file in files:
            points = [(len_ * 8 / file.mosaic.size, back) for len_, back in (code(file, s) for s in settings)]
            rates = [rate for rate, _ in points]
            for measure in (paper_psnr, mosaic_psnr):
                quality = [measure(file.mosaic, back, file.recipe) for _, back in points]
                found.append(np.interp(args.bits, rates, quality))
        raw_db, lin_db = (np.mean(found[start::2], 0) for start in (0, 1))
        print(f"| {name} | " + " | ".join(f"{a:.2f} / {b:.2f}" for a, b in zip(raw_db, lin_db, strict=True)) + " |", flush=True)


if __name__ == "__main__":
    main()
