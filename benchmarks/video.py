"""Prints how well clips come back: decibels per frame at equal bytes by codec, steadiness, frames a second, memory.

    python benchmarks/video.py PICTURE... [--frames 16] [--size 640x384] [--bits 0.5 1 2 3] [--noise none low high]

A clip is a pan over a picture. Over a RAW file it moves by whole cells of the colour filter; over a photograph by half
pixels (1.5 to the right, 0.5 down), in linear light at half size, seen by a camera of 14 bits. Noise is fresh in each
frame: low is variance 2e-4 x + 1e-6, high ten times that, as fractions of white. Each codec is run at several settings,
and its decibels interpolated to the same bits per photosite; all bytes of the movie count. "JPEG" is the open loop,
frame by frame: the better of standard and flat tables, 4:4:4. `--denoise` prints what averaging along the motion
does, at one setting of each codec: decibels from the clean scene, and from the noisy RAW. Steadiness: how much more
the recovered mosaics differ from frame to frame, along the known motion, than the original ones do (root mean square,
1.00: no more); and the spread of the frames' decibels. Needs PyAV.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from pans import LAG, NOISE, Film, film_of

from rawback import rendering
from rawback.clips import coding
from rawback.clips.denoise import REACH
from rawback.files import jpeg
from rawback.files.video import frame_fields, movie
from rawback.files.video.writer import Form, Writer
from rawback.isp import closed_loop, inverse_pass, quantisation_tables
from rawback.isp.coding import Coding
from rawback.isp.video import signal, temporal
from rawback.metrics import mosaic_psnr, paper_psnr
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

RATE = Fraction(24)
STILL = 0.5
"""DN by which an original must differ along its motion for the steadiness to mean anything."""


@dataclass
class Result:
    """A clip that came back."""

    size: int
    mosaics: list[np.ndarray]


def by_stills(film: Film, recipe: Recipe, coding: Coding) -> Result:
    """MJPEG: each frame coded by itself, the recipe with it."""
    mosaics, size = [], 0
    for file in film.frames:
        picture = closed_loop.encode(file.mosaic, recipe, coding)
        sent = replace(recipe, picture_sha256="0" * 64, thumbnail=bytes(384), centroids=picture.centroids)
        size += len(frame_fields.into_jpeg(jpeg.write(picture, sent, b""), {"FrameName": "A001_C001_000000"}))
        mosaics.append(inverse_pass.decode(picture, sent))
    return Result(size, mosaics)


def mjpeg(film: Film, step: float) -> Result:
    """rawback's default."""
    return by_stills(film, _decided(film), quantisation_tables.flat_coding(step, (2, 2)))


def open_jpeg(film: Film, quality: float, name: str = "raw") -> Result:
    """The open loop, 4:4:4."""
    return by_stills(film, replace(_decided(film), refined=False), quantisation_tables.coding(round(quality), "4:4:4", name))


def by_codec(film: Film, codec: str, crf: int, passes: int = 2) -> Result:
    """A video codec, through a real file."""
    recipe, coded = _fitted(film), None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mkv")
        form = Form(codec, ".mkv", recipe.width, recipe.height, RATE, coarseness=crf)
        for _ in range(passes):
            pairs = zip(film.frames, coded or [None] * len(film.frames), strict=True)
            frames = [coding.codes_of(still.mosaic, recipe, before) for still, before in pairs]
            with path.open("w+b") as file, Writer(file, form, to_fields(recipe)) as writer:
                for codes in frames:
                    writer.add_codes(codes, to_fields(recipe), {"FrameName": "A001_C001_000000"})
            with movie.Movie(path) as made:
                coded = list(made.decoded())
        with movie.Movie(path) as made:
            mosaics = [signal.mosaic_of(made.planes(frame.pts), recipe) for frame in made.listing().frames]
        return Result(path.stat().st_size, mosaics)


def _decided(film: Film) -> Recipe:
    return rendering.decide(film.frames[len(film.frames) // 2], RenderOptions(look="libraw", exposure=0.0))


def _fitted(film: Film) -> Recipe:
    return signal.fitted(replace(_decided(film), refined=False), coding.TO_YCC[0])


METHODS: dict[str, tuple[tuple, Callable[[Film, float], Result]]] = {
    "JPEG standard": ((5, 15, 40, 75, 88, 94, 97, 99), lambda film, q: open_jpeg(film, q, "standard")),
    "JPEG flat": ((5, 15, 30, 65, 80, 88, 93, 96), open_jpeg),
    "mjpeg": ((40, 24, 14, 9, 5.5, 3.5, 2.2, 1.4), mjpeg),
    "h264": ((28, 23, 19, 15, 11, 7, 4, 1), lambda film, crf: by_codec(film, "h264", int(crf))),
    "hevc": ((28, 23, 19, 15, 11, 7, 4, 1), lambda film, crf: by_codec(film, "hevc", int(crf))),
}


def figures(film: Film, result: Result) -> dict[str, float]:
    """Bits, decibels, their spread, and the steadiness along the motion."""
    recipe = film.frames[0].recipe
    raw_db = [paper_psnr(f.mosaic, m, recipe) for f, m in zip(film.frames, result.mosaics, strict=True)]
    lin_db = [mosaic_psnr(f.mosaic, m, recipe) for f, m in zip(film.frames, result.mosaics, strict=True)]
    before, after = [_moved(list(mosaics), film.motion) for mosaics in ([f.mosaic for f in film.frames], result.mosaics)]
    return {
        "bits": result.size * 8 / (len(film.frames) * film.frames[0].mosaic.size), "raw": float(np.mean(raw_db)),
        "lin": float(np.mean(lin_db)), "spread": float(np.ptp(lin_db)),
        "warp": after / before if before > STILL else np.nan,
    }  # fmt: skip


def _moved(mosaics: list[np.ndarray], motion: tuple[int, int]) -> float:
    """Root mean square of what differs between frames LAG apart once the motion is undone."""
    down, right = motion
    height, width = mosaics[0].shape
    pairs = zip(mosaics[:-LAG], mosaics[LAG:], strict=True)
    errors = [a[down:, right:].astype(np.float64) - b[: height - down, : width - right] for a, b in pairs]
    return float(np.sqrt(np.mean([np.mean(error**2) for error in errors])))


DENOISED = {"mjpeg": 3.5, "h264": 13, "hevc": 13}
"""Settings at which averaging is shown."""


def denoised(film: Film, method: str) -> dict[str, float]:
    """Decibels from the clean scene and from the noisy RAW, before and after averaging along the motion; frames in whole."""
    result = METHODS[method][1](film, DENOISED[method])
    recipe = replace(_decided(film), pedestal=0.0)
    averaged, left = [], []
    for number, mosaic in enumerate(result.mosaics):
        beside = range(max(number - REACH, 0), min(number + REACH + 1, len(result.mosaics)))
        merged, its = temporal.merged(mosaic, recipe, [(result.mosaics[n], recipe) for n in beside if n != number])
        averaged.append(merged)
        left.append(sum(its.noise) / sum(recipe.noise))
    figures = {"bits": result.size * 8 / sum(m.size for m in averaged), "left": float(np.mean(left))}
    for name, references in (("clean", film.clean), ("noisy", [f.mosaic for f in film.frames])):
        for when, mosaics in (("", result.mosaics), (" averaged", averaged)):
            pairs = zip(references, mosaics, strict=True)
            figures[name + when] = float(np.mean([mosaic_psnr(a, b, recipe) for a, b in pairs]))
    before, after = _moved([f.mosaic for f in film.frames], film.motion), _moved(averaged, film.motion)
    return figures | {"warp": after / before}


def show_denoised(films: list[Film], noise: str, methods: list[str]) -> None:
    """The mean over films, as Markdown."""
    print(f"\n{len(films)} pans, noise {noise}: averaged along the motion, lin dB\n")
    print("| | bits | from the clean scene | from the noisy RAW | variance left | steadiness |\n|---|---|---|---|---|---|")
    for method in (name for name in methods if name in DENOISED):
        rows = [denoised(film, method) for film in films]
        mean = {key: np.mean([row[key] for row in rows]) for key in rows[0]}
        line = (
            "{bits:.2f} | {clean:.2f} -> {clean averaged:.2f} | {noisy:.2f} -> {noisy averaged:.2f} | {left:.2f} | {warp:.2f}"
        )
        print(f"| {method} | {line.format(**mean)} |", flush=True)


def at_bits(rows: list[dict[str, float]], bits: float) -> dict[str, float]:
    """Figures interpolated to a rate; nan outside."""
    rows = sorted(rows, key=lambda row: row["bits"])
    rates = [row["bits"] for row in rows]
    return {name: float(np.interp(bits, rates, [r[name] for r in rows], np.nan, np.nan)) for name in rows[0]}


def compare(film: Film, bits: list[float], methods: list[str]) -> dict[str, list[dict[str, float]]]:
    """Figures of each method at each rate."""
    table = {}
    for name in methods:
        settings, code = METHODS[name]
        rows = [figures(film, code(film, setting)) for setting in settings]
        table[name] = [at_bits(rows, rate) for rate in bits]
    if {"JPEG standard", "JPEG flat"} <= table.keys():
        both = zip(table.pop("JPEG standard"), table.pop("JPEG flat"), strict=True)
        best = [max(pair, key=lambda row: np.nan_to_num(row["lin"])) for pair in both]
        table = {"JPEG": best} | table
    return table


def show(title: str, tables_: list[dict[str, list[dict[str, float]]]], bits: list[float]) -> None:
    """The mean over films, as Markdown."""
    print(f"\n{title}: raw / lin dB (spread dB, steadiness)\n")
    print("| | " + " | ".join(f"{rate:g} bits" for rate in bits) + " |\n|---|" + "---|" * len(bits))
    for name in tables_[0]:
        cells = []
        for number in range(len(bits)):
            rows = [t[name][number] for t in tables_]
            mean = {key: np.mean([row[key] for row in rows]) for key in rows[0]}
            steady = "" if np.isnan(mean["warp"]) else f", {mean['warp']:.2f}"
            cells.append("-" if np.isnan(mean["raw"]) else "{raw:.2f} / {lin:.2f} ({spread:.2f}".format(**mean) + steady + ")")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--size", default="640x384")
    parser.add_argument("--bits", nargs="+", type=float, default=[0.5, 1, 2, 3])
    parser.add_argument("--noise", nargs="+", choices=NOISE, default=["none", "low", "high"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--denoise", action="store_true", help="show what averaging along the motion does")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    for noise in args.noise:
        films = [film_of(path, args.frames, width, height, noise) for path in args.pictures]
        if args.denoise:
            show_denoised(films, noise, args.methods)
            continue
        show(f"{len(films)} pans, noise {noise}", [compare(film, args.bits, args.methods) for film in films], args.bits)


if __name__ == "__main__":
    main()
