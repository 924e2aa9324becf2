"""What a learned part could give in the recovery of clips, by what the best linear filters give: prints a table in Markdown.

    python benchmarks/learned_video.py PHOTOGRAPH... [--noise none low] [--clips "h264 22" ...] [--frames 7] [--size 448x320]

A clip is a pan over a photograph at half size, 1.5 photosites to the right and 0.5 down in each frame, exposure 0, noise as
in `pans.py`: as `render` makes it (codec and quality, or rate factor), or encoded again by ffmpeg as 8 bits and 4:2:0. Of
frames that have one on either side, and without 16 photosites along the edges, it prints raw / lin dB gained against the true
RAW, noise and all (and the least that a frame gained), by

- siting: in clips that were encoded again chroma lies between the columns of luma, not on every other one; all that follows
  is on top of that;
- mean: the frame (1/2) and those beside it (1/4), brought to it by the known motion;
- one frame: the best linear filter from the 3x3 cells around a cell of 4x4 photosites to that cell, in the nets' domain;
- three frames: the same, which also sees that cell in the frames beside it, brought there by the known motion, or by that
  which `isp/motion.py` finds.

Filters are fitted on all the other clips: like something learned, they have not seen the scene. Needs PyAV and ffmpeg.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from pans import MATRIX, NOISE, brought

from rawback import rendering
from rawback.clips import coding
from rawback.files import jpeg
from rawback.files.raw import RawFile
from rawback.files.video import movie
from rawback.files.video.writer import Form, Writer
from rawback.isp import closed_loop, inverse_pass, quantisation_tables, stages
from rawback.isp.colour import curve_of
from rawback.isp.video import motion, signal
from rawback.learn import data, losses, pairs
from rawback.learn.unprocess import linear_light
from rawback.nets import features
from rawback.nets.cells import CELL, cosines
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

CLIPS = ("mjpeg 85, libx264 10", "mjpeg 85, libx264 18", "mjpeg 85, libx264 23", "mjpeg 85, libx264 28", "mjpeg 85, libx265 23",
         "h264 10, libx264 20", "h264 22", "h264 15", "h264 8", "hevc 22", "hevc 15", "hevc 8")  # fmt: skip
STEP = np.array([0.5, 1.5])
"""Photosites down and right from one frame to the next."""
EDGE = 16
BASIS = cosines(CELL).numpy()
BLOWN = 0.5  # cells that are further off, in code, were clipped: no filter is fitted on them
RIDGE = 1e-6
Three = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass
class Frame:
    """What is recovered of one frame, and what it should be, as codes of the nets' domain (H, W)."""

    true: np.ndarray
    beside_columns: np.ndarray
    """With chroma taken to lie on every other column."""
    known: Three
    """The frame and those before and after, brought to it by the known motion."""
    found: Three
    """The same by the motion that is found."""
    gains: np.ndarray


def film(path: Path, count: int, width: int, height: int, noise: str) -> list[RawFile]:
    """A pan over a photograph, four of whose pixels make one photosite's."""
    photo = linear_light(data.read(path))
    recipe = Recipe(width, height, ((0, 1), (1, 2)), (512.0,) * 4, 16383.0, (0.49, 1.0, 0.63), MATRIX).validate()
    generator, (scale, offset), frames = np.random.default_rng(1), NOISE[noise], []
    corner = np.maximum(photo.shape[:2] - 2 * np.array([height, width]) - 2 * STEP * count, 0).astype(int) // 2
    for number in range(count):
        top, left = corner + np.rint(2 * STEP * number).astype(int)
        part = photo[top : top + 2 * height, left : left + 2 * width]
        if part.shape != (2 * height, 2 * width, 3):
            raise SystemExit(f"{path} is too small for {count} frames of {width} x {height}")
        light = part.reshape(height, 2, width, 2, 3).mean((1, 3)) @ np.linalg.inv(MATRIX).T * recipe.neutral
        colours = np.tile(recipe.cfa, (height // 2, width // 2))[..., None]
        samples = np.take_along_axis(light, colours, 2)[..., 0].clip(0, 1)
        samples += np.sqrt(scale * samples + offset) * generator.standard_normal(samples.shape)
        counts = np.clip(np.rint(samples * (recipe.white - 512) + 512), 0, recipe.white).astype(np.uint16)
        frames.append(RawFile(counts, recipe, None))
    return frames


def coded(frames: list[RawFile], path: Path, codec: str, setting: int) -> Recipe:
    """Write the clip that `render` makes of them. Returns its recipe."""
    recipe = rendering.decide(frames[len(frames) // 2], RenderOptions(look="libraw", exposure=0.0))
    form = Form(codec, ".mkv", recipe.width, recipe.height, Fraction(24), coarseness=setting)
    if codec == "mjpeg":
        tables = quantisation_tables.coding(setting, "4:2:0", "raw")
        with path.open("w+b") as file, Writer(file, form, to_fields(recipe)) as writer:
            for frame in frames:
                writer.add_coded(jpeg.write(closed_loop.encode(frame.mosaic, recipe, tables), recipe, b""))
        return recipe
    recipe, known = signal.fitted(replace(recipe, refined=False), coding.TO_YCC[0]), [None] * len(frames)
    for _ in range(2):
        pictures = [coding.codes_of(frame.mosaic, recipe, it) for frame, it in zip(frames, known, strict=True)]
        with path.open("w+b") as file, Writer(file, form, to_fields(recipe)) as writer:
            for codes in pictures:
                writer.add_codes(codes, to_fields(recipe), {})
        with movie.Movie(path) as made:
            known = list(made.decoded())
    return recipe


def clip(frames: list[RawFile], how: str) -> tuple[list[Frame], float]:
    """The frames of a clip, but for the first and the last, and bits for each photosite."""
    (codec, setting), *again = (part.split() for part in how.split(", "))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mkv")
        recipe = coded(frames, path, codec, int(setting))
        for encoder, rate in again:
            line = [
                "-c:v",
                encoder,
                "-crf",
                rate,
                "-pix_fmt",
                "yuv420p",
                *(["-x265-params", "log-level=error"] * ("5" in encoder)),
            ]
            subprocess.run(["ffmpeg", "-v", "fatal", "-i", path, *line, Path(folder, "b.mkv")], check=True)
            path = Path(folder, "b.mkv")
        bits = path.stat().st_size * 8 / sum(frame.mosaic.size for frame in frames)
        with movie.Movie(path) as made:
            frames = made.listing().frames
            aside, centred = ([_balanced(made.planes(frame.pts, c), recipe) for frame in frames] for c in (False, bool(again)))
    return [_frame(frames, aside, centred, recipe, number) for number in range(1, len(frames) - 1)], bits


def _balanced(srgb: np.ndarray, recipe: Recipe) -> np.ndarray:
    codes = stages.CODE_MATRIX.inverse(srgb, recipe, 0)
    return inverse_pass.at_photosites(codes, inverse_pass.camera_rows(recipe), curve_of(recipe), 0)


def _frame(frames: list[RawFile], aside: list[np.ndarray], centred: list[np.ndarray], recipe: Recipe, number: int) -> Frame:
    here, guide = features.encode(centred[number]), motion.guide(centred[number])
    known, by_motion = [], []
    for other, sign in ((number - 1, 1), (number + 1, -1)):
        code = features.encode(centred[other])
        field = motion.field(motion.guide(centred[other]), guide)
        known.append(brought(code, np.broadcast_to((sign * STEP / 2).astype(np.float32), field.shape)))
        by_motion.append(brought(code, field))
    return Frame(
        pairs.target_of(frames[number].mosaic, recipe), features.encode(aside[number]), (here, *known), (here, *by_motion),
        recipe.gains * 2**recipe.exposure,
    )  # fmt: skip


def gained(frame: Frame, code: np.ndarray, over: np.ndarray) -> np.ndarray:
    """dB (2,): raw and linear."""
    inner = np.s_[EDGE:-EDGE, EDGE:-EDGE]
    after, before, true = (
        torch.from_numpy(np.ascontiguousarray(c[inner], np.float32))[None, None] for c in (code, over, frame.true)
    )
    gains = torch.tensor(frame.gains[None], dtype=torch.float32)
    return (losses.decibels(after, true, gains) - losses.decibels(before, true, gains))[0].numpy()


def cells(code: np.ndarray) -> np.ndarray:
    """(H, W) -> frequencies of its cells (H / 4, W / 4, 16)."""
    height, width = (side // CELL for side in code.shape)
    return code.reshape(height, CELL, width, CELL).swapaxes(1, 2).reshape(height, width, -1) @ BASIS.T


def seen(three: Three, neighbours: bool) -> np.ndarray:
    """What a filter sees of each cell: (H / 4, W / 4, inputs)."""
    here, *beside = (cells(code) for code in three)
    framed = np.pad(here, ((1, 1), (1, 1), (0, 0)), mode="edge")
    rows, columns, _ = here.shape
    around = [framed[y : y + rows, x : x + columns] for y, x in np.ndindex(3, 3)]
    more = [there - here for there in beside] if neighbours else []
    return np.concatenate([*around, *more, np.ones_like(here[..., :1])], -1)


def filtered(clips: list[list[Frame]], three: Callable[[Frame], Three], neighbours: bool) -> np.ndarray:
    """dB gained in every frame (frames, 2) by filters fitted on all the other clips."""
    sums = [_sums(frames, three, neighbours) for frames in clips]
    gains = []
    for number, frames in enumerate(clips):
        others = [s for n, s in enumerate(sums) if n != number]
        square, product = (np.sum([s[part] for s in others], 0) for part in (0, 1))
        matrix = np.linalg.solve(square + RIDGE * np.trace(square) / len(square) * np.eye(len(square)), product)
        for frame in frames:
            change = (seen(three(frame), neighbours) @ matrix @ BASIS).astype(np.float32)
            rows, columns, _ = change.shape
            code = three(frame)[0]
            change = change.reshape(rows, columns, CELL, CELL).swapaxes(1, 2).reshape(code.shape)
            gains.append(gained(frame, code + change, code))
    return np.array(gains)


def _sums(frames: list[Frame], three: Callable[[Frame], Three], neighbours: bool) -> tuple[np.ndarray, np.ndarray]:
    """Of the normal equations, a clip counting by the error that there is, as in decibels."""
    square, product, error = np.zeros(()), np.zeros(()), 0.0
    for frame in frames:
        x, y = seen(three(frame), neighbours), cells(frame.true) - cells(frame.known[0])
        x, y = (a[1:-1, 1:-1].reshape(-1, a.shape[-1]).astype(np.float64) for a in (x, y))
        near = np.abs(y).max(1) < BLOWN
        square, product = square + x[near].T @ x[near], product + x[near].T @ y[near]
        error += np.square(y[near]).sum()
    return square / error, product / error


def row(clips: list[list[Frame]], again: bool) -> list[np.ndarray]:
    """dB gained in every frame by each of the columns."""
    frames = [frame for one in clips for frame in one]
    means = [(2 * here + before + after) / 4 for here, before, after in (frame.known for frame in frames)]
    sited = [gained(f, f.known[0], f.beside_columns) for f in frames] if again else [np.zeros(2)]
    averaged = [gained(f, mean, f.known[0]) for f, mean in zip(frames, means, strict=True)]
    filters = [(lambda f: f.known, False), (lambda f: f.known, True), (lambda f: f.found, True)]
    return [np.array(sited), np.array(averaged), *(filtered(clips, three, beside) for three, beside in filters)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photographs", nargs="+", type=Path)
    parser.add_argument("--noise", nargs="+", choices=NOISE, default=["low", "none"])
    parser.add_argument("--clips", nargs="+", default=CLIPS)
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("--size", default="448x320")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    for noise in args.noise:
        films = [film(path, args.frames, width, height, noise) for path in args.photographs]
        print(f"\n{len(films)} pans, noise {noise}\n\n| clip | bits | siting | mean | one frame | three frames | found |")
        print("|---" * 7 + "|")
        for how in args.clips:
            clips, bits = zip(*(clip(frames, how) for frames in films), strict=True)
            columns = [f"{g.mean(0)[0]:+.2f} / {g.mean(0)[1]:+.2f} ({g.min():+.2f})" for g in row(list(clips), "," in how)]
            print(f"| {how} | {np.mean(bits):.2f} | " + " | ".join(columns) + " |", flush=True)


if __name__ == "__main__":
    main()
