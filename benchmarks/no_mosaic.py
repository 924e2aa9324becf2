#!/usr/bin/env python3
"""RAW without a mosaic, linear and monochrome: what a rate keeps, and what it takes to keep every bit.

    python benchmarks/no_mosaic.py RAW...

A mosaic stands for both: demosaiced by LibRaw (AHD) into camera colours between its own levels, and by the green photosites
of each of its cells, which lie on a square grid half as wide, as a sensor without filters would see them. Printed are dB of the
values between black and white level at 2.5 bits a value, and the sizes of JPEG with lossless layer, of the same values
as lossless JPEG in a DNG, and as lossless JPEG XL, in bits a value.
"""

from __future__ import annotations

import io
import sys
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
import rawpy

from rawback import RenderOptions, recover, render
from rawback.files import ljpeg, raw
from rawback.files.raw import RawFile
from rawback.isp.mosaic import RGGB
from rawback.metrics import mosaic_psnr

RATE = "2.5bpp"
SIDE = 1536
"""Rows and columns from the middle, at most."""
GREY_MATRIX = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


def linear(file: RawFile, data: bytes) -> RawFile:
    """Demosaiced by LibRaw; a linear RAW as it is."""
    if file.recipe.linear:
        return file
    with rawpy.imread(io.BytesIO(data)) as opened:
        sixteen = opened.postprocess(
            output_color=rawpy.ColorSpace.raw, gamma=(1, 1), no_auto_bright=True, user_wb=[1, 1, 1, 1], output_bps=16,
            user_flip=0, adjust_maximum_thr=0.0,
        )  # fmt: skip
    black, white = float(np.mean(file.recipe.black)), file.recipe.white
    values = np.rint(black + sixteen[: file.recipe.height, : file.recipe.width] / 65535 * (white - black)).astype(np.uint16)
    return _cut(values, replace(file.recipe, linear=True, cfa=RGGB, black=(black,) * 4))


def monochrome(file: RawFile) -> RawFile | None:
    """One green of each cell; of what has no such cells None."""
    cells = np.array(file.recipe.cfa)
    if file.recipe.linear or cells.shape != (2, 2):
        return None
    y, x = np.argwhere(cells == 1)[0]
    black = (file.recipe.black[2 * y + x],) * 4
    fields = {"cfa": RGGB, "black": black, "neutral": (1.0, 1.0, 1.0), "matrix": GREY_MATRIX, "monochrome": True, "dng": {}}
    return _cut(file.mosaic[y::2, x::2].copy(), replace(file.recipe, **fields))


def _cut(values: np.ndarray, recipe: object) -> RawFile:
    top, left = (max(length - SIDE, 0) // 2 for length in values.shape[:2])
    values = np.ascontiguousarray(values[top : top + SIDE, left : left + min(SIDE, values.shape[1] // 2 * 2)])
    height, width = values.shape[:2]
    margins = (0, 0, width, height)
    return RawFile(values, replace(recipe, width=width, height=height, margins=margins, crop=None), None)  # type: ignore[type-var]


def measured(file: RawFile) -> tuple[float, float, float, float, float]:
    """dB and bits a value at the rate; bits of JPEG and layer, lossless JPEG, JPEG XL."""
    size = file.mosaic.size
    at_rate = render(file, RenderOptions(keep=RATE))
    kept = mosaic_psnr(file.mosaic, recover(at_rate.data).mosaic, file.recipe)
    exact = render(file, RenderOptions(keep="lossless")).data
    assert np.array_equal(recover(exact).mosaic, file.mosaic)
    pairs = file.mosaic if file.recipe.linear else file.mosaic.reshape(len(file.mosaic), -1, 2)  # as DNGs store mosaics
    others = len(ljpeg.encode(pairs)), len(imagecodecs.jpegxl_encode(file.mosaic, lossless=True, effort=5))
    return (kept, *(8 * count / size for count in (len(at_rate.data), len(exact), *others)))


def main(files: list[str]) -> None:
    """A line for each file and kind, and means."""
    print(f"{'':36} {'dB':>6} {'bits':>6} {'exact':>6} {'LJ92':>6} {'JXL':>6}")
    for kind in ("linear", "monochrome"):
        rows = []
        for name in files:
            data = Path(name).read_bytes()
            read = raw.read(data, name, linear=True)
            file = linear(read, data) if kind == "linear" else monochrome(read)
            if file is None:
                continue
            rows.append(measured(file))
            print(f"{kind:11}{Path(name).name[:25]:25} " + " ".join(f"{number:6.2f}" for number in rows[-1]), flush=True)
        print(f"{kind:11}{'mean':25} " + " ".join(f"{number:6.2f}" for number in np.mean(rows, 0)))


if __name__ == "__main__":
    main(sys.argv[1:])
