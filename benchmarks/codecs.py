"""Prints rawback's JPEGs side by side with codecs that store nothing but the RAW, at the same bits per photosite.

    python benchmarks/codecs.py RAW... [--bits 0.75 1.35 2.2] [--crop 1024]

JPEG 2000, lossy JPEG XL and HEVC code the four CFA planes (see `rawback.evaluate.raw_codecs`). Each column is interpolated, per
file, to the same bits. Of rawback's files all counts but metadata: APP and COM segments, in JPEG XL the box of what a JPEG has
beside its coefficients (--metadata 3000 adds about what files of the command line have). Needs imagecodecs; HEVC where PyAV has
x265.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from rawback.evaluate import raw_codecs
from rawback.files import boxes, jpeg, jxl, raw, wide_chroma
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.quantisation_tables import JXL_PRICE, NORMAL_PRICE, dependent, flat_coding, layered_coding
from rawback.lossless.refinement import encoder
from rawback.lossless.refinement.picture import boxes_of, coarse_of
from rawback.metrics import mosaic_psnr, paper_psnr
from rawback.options.render import RenderOptions
from rawback.rendering import decide

EFFORTS = {"fast": (False, False), "normal": (True, False), "best --compatible": (True, True), "best": (True, True)}


def layered(file: RawFile, step: float, as_jxl: bool = False) -> tuple[int, np.ndarray]:
    """As `render --layered` writes it. as_jxl: its picture coated in JPEG XL."""
    recipe = replace(file.recipe, arithmetic=2)
    picture = encoder.encode(file.mosaic, recipe, replace(layered_coding(step, (2, 2)), thorough=True, wide=True))
    beside = [*boxes_of(picture), *wide_chroma.to_boxes(picture, "")]
    coded = jpeg.coded_picture(coarse_of(picture))
    size = (jxl_size(coded) if as_jxl else len(coded)) + sum(len(box.content) for box in beside)
    return size, inverse_pass.decode(picture, recipe)


def by_rawback(file: RawFile, step: int, effort: str, as_jxl: bool = False) -> tuple[int, np.ndarray]:
    """Bytes, and the mosaic that comes back. as_jxl: as `-o x.jxl` writes it."""
    optimise, thorough = EFFORTS[effort]
    how = replace(flat_coding(step, (2, 2), optimise), thorough=thorough, wide=optimise)
    how = replace(how, price=NORMAL_PRICE) if effort == "normal" else how
    how = replace(how, price=JXL_PRICE, for_jxl=True) if as_jxl else how
    how = dependent(how) if effort == "best" else how
    recipe = replace(file.recipe, arithmetic=2)
    picture = closed_loop.encode(file.mosaic, recipe, how)
    coded = jpeg.coded_picture(picture)
    beside = sum(len(box.content) for box in wide_chroma.to_boxes(picture, ""))
    return beside + (jxl_size(coded) if as_jxl else len(coded)), inverse_pass.decode(picture, recipe)


def jxl_size(picture: bytes) -> int:
    """Bytes of a JPEG's picture coated in JPEG XL."""
    coded = jxl.transcoded(picture, "x")
    return len(coded) - len(boxes.first(memoryview(coded), jxl.RECONSTRUCTION))


STEPS = (24, 18, 13, 11, 9, 8, 7, 6, 5, 4, 3, 2, 1)
LAYERED_STEPS = (14, 11, 9, 7.5, 6, 5, 4, 3.5, 3, 2.5, 2, 1.5, 1)
METHODS: dict[str, tuple[tuple, Callable]] = {
    **{
        f"rawback --effort {effort}": (STEPS, lambda file, step, effort=effort: by_rawback(file, step, effort))
        for effort in EFFORTS
    },
    "rawback --layered": (LAYERED_STEPS, layered),
    "rawback --layered -o x.jxl": (LAYERED_STEPS, lambda file, step: layered(file, step, as_jxl=True)),
    "rawback --effort best -o x.jxl": (STEPS, lambda file, step: by_rawback(file, step, "best", as_jxl=True)),
    **{
        name: (raw_codecs.SETTINGS[name], lambda file, setting, name=name: raw_codecs.code(file, name, setting))
        for name in raw_codecs.available()
    },
}  # fmt: skip


def load(path: Path, side: int) -> RawFile:
    """The centre of a file, ready to be coded at exposure 0."""
    file = raw.read(path.read_bytes(), path.name)
    height, width = (min(side, size) // 16 * 16 for size in file.mosaic.shape)
    top, left = ((size - cut) // 4 * 2 for size, cut in zip(file.mosaic.shape, (height, width), strict=True))
    mosaic = np.ascontiguousarray(file.mosaic[top : top + height, left : left + width])
    file = replace(file, mosaic=mosaic, recipe=replace(file.recipe, height=height, width=width, crop=None))
    return replace(file, recipe=decide(file, RenderOptions(look="libraw", exposure=0.0)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--bits", nargs="+", type=float, default=[0.75, 1.35, 2.2, 3.0])
    parser.add_argument("--crop", type=int, default=1024)
    parser.add_argument("--metadata", type=int, default=0, help="bytes to add to each of rawback's files")
    parser.add_argument("--only", nargs="+", help="rows whose name contains any of these")
    args = parser.parse_args()
    files = [load(path, args.crop) for path in args.raw]
    print("| raw / lin dB at | " + " | ".join(f"{bits} bits" for bits in args.bits) + " |\n|---|" + "---|" * len(args.bits))
    for name, (settings, code) in METHODS.items():
        if args.only and not any(wanted in name for wanted in args.only):
            continue
        interpolated = []
        for file in files:
            more = args.metadata if name.startswith("rawback") else 0
            points = [((size + more) * 8 / file.mosaic.size, back) for size, back in (code(file, s) for s in settings)]
            points.sort(key=lambda point: point[0])
            rates = [rate for rate, _ in points]
            for measure in (paper_psnr, mosaic_psnr):
                quality = [measure(file.mosaic, back, file.recipe) for _, back in points]
                interpolated.append(np.interp(args.bits, rates, quality))
        raw_db, lin_db = (np.mean(interpolated[start::2], 0) for start in (0, 1))
        print(f"| {name} | " + " | ".join(f"{a:.2f} / {b:.2f}" for a, b in zip(raw_db, lin_db, strict=True)) + " |", flush=True)


if __name__ == "__main__":
    main()
