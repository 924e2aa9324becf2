"""Clips to learn from, for `learned_clips.py`: pans over photographs, coded by the real codecs and encoded again."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from pans import brought

from rawback.files import jpeg
from rawback.files.video import movie, planes
from rawback.files.video.writer import Form, Writer
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.colour import RGB_TO_YCC, curve_of
from rawback.isp.dct import shrink
from rawback.isp.exposure import with_shoulder
from rawback.isp.quantisation_tables import coding
from rawback.isp.video import motion, signal
from rawback.learn import data, pairs
from rawback.learn.unprocess import expose, measure
from rawback.nets import features
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

FRAMES = 6
RATE = Fraction(24)
SPEEDS = (0.0, 0.3, 1.0, 3.0)
"""Photosites by which the view moves from frame to frame, in the mean."""
TURN = 0.003
"""By how much views turn and grow from frame to frame, where they do: radians, or shares."""
CLEAN = 0.25
"""Share of films without sensor noise: it is what other programs throw away first."""
TO_RGB = planes.to_rgb_matrix(planes.BT709)
TO_YCC = np.linalg.inv(TO_RGB)
ENCODERS = {"libx264": {}, "libx265": {"x265-params": "log-level=error"}}
PRESETS = ("veryfast", "fast", "medium")
FORMATS, SHARES = ("yuv420p", "yuv420p10le", "yuv444p"), (0.8, 0.1, 0.1)
"""What clips are encoded again as: nearly always as what every player shows."""


def draw(path: Path, side: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """One frame of each of four clips that are one film, encoded again four times: what a net sees, and what it should say.

    code, before, after (4, side, side) uint16: the frame and its neighbours, brought to it by the motion that is found; chroma
    (4, 2, side / 2, side / 2) int16; conditions (4, 20); target (side, side) uint16. All packed as in `learn/pairs.py`.
    """
    mosaics, recipe = film(path, side, rng)
    number, drawn = int(rng.integers(1, FRAMES - 1)), []
    with tempfile.TemporaryDirectory() as folder:
        first, again = Path(folder, "first.mkv"), Path(folder, "again.mkv")
        recipe = rendered(mosaics, recipe, rng, first)
        for _ in range(4):
            encoded_again(first, again, rng)
            drawn.append(_seen(again, number, recipe))
    stacked = {name: np.stack([one[name] for one in drawn]) for name in drawn[0]}
    return stacked | {"target": pairs.pack(pairs.target_of(mosaics[number], recipe))}


def _seen(path: Path, number: int, recipe: Recipe) -> dict[str, np.ndarray]:
    with movie.Movie(path) as source:
        frames = source.listing().frames
        views = [source.planes(frames[n].pts, centred=True) for n in (number - 1, number, number + 1)]
        form = source.stream.codec_context.format
    with movie.Movie(path) as source:
        sizes = {packet.pts: packet.size for packet in source.container.demux(source.stream) if packet.size}
    rows = inverse_pass.camera_rows(recipe)
    before, here, after = (inverse_pass.at_photosites(view, rows, curve_of(recipe), 0) for view in views)
    chroma = (RGB_TO_YCC[1:] @ views[1].reshape(3, -1)).reshape(2, *here.shape)
    bits, key_bits = (max(8 * sizes[frames[n].pts] / here.size, 1e-6) for n in (number, 0))
    return {
        "code": pairs.pack(features.encode(here)), "before": pairs.pack(by_motion(before, here)),
        "after": pairs.pack(by_motion(after, here)), "chroma": pairs.pack_chroma([shrink(plane, (2, 2)) for plane in chroma]),
        "conditions": conditions(recipe, bits, key_bits, (8 // form.chroma_height(8), 8 // form.chroma_width(8))),
    }  # fmt: skip


def conditions(recipe: Recipe, bits: float, key_bits: float, factors: tuple[int, int]) -> np.ndarray:
    """As `features.conditions`, of a frame whose steps are not known: what they may be, from what it and its key frame took."""
    step, own = np.clip(2.5 - np.log2(key_bits), 0, 6), np.clip(-np.log2(bits), 0, 8)
    conditions = features.conditions(replace(recipe, refined=False), [np.ones(64)], factors)
    conditions[features.TABLES] = [step, step, step, own, step, step, step, factors[0] - 1, factors[1] - 1]
    return conditions


def by_motion(other: np.ndarray, here: np.ndarray) -> np.ndarray:
    """Balanced samples (H, W) of another frame as codes, brought to this one by the motion that is found."""
    return brought(features.encode(other), motion.field(motion.guide(other), motion.guide(here)))


def film(path: Path, side: int, rng: np.random.Generator) -> tuple[list[np.ndarray], Recipe]:
    """A pan over a photograph as a sensor counts it: RGGB (side, side) uint16, and the recipe of all."""
    sensor = pairs.any_sensor(rng)
    if rng.random() < CLEAN:
        sensor = replace(sensor, noise=(1e-7, 1e-10))
    views = _pan(data.read(path), side, rng)
    mosaics, recipe = [measure(expose(v, sensor), sensor, rng) for v in views], pairs.recipe_of(sensor, (side, side))
    exposure = 0.0 if rng.random() < 0.6 else round(float(rng.uniform(0, 2)), 2)
    return mosaics, with_shoulder(replace(recipe, exposure=exposure))


def _velocity(rng: np.random.Generator) -> np.ndarray:
    """Rows and columns by which the view moves from frame to frame."""
    angle = rng.uniform(0, 2 * math.pi)
    return float(rng.choice(SPEEDS)) * rng.uniform(0.3, 1.5) * np.array([math.sin(angle), math.cos(angle)])


def _pan(photo: np.ndarray, side: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Views (side, side, 3) of scene-linear light, moved, turned and grown a little from one to the next (bicubic)."""
    velocity = _velocity(rng)
    travel = float(np.abs(velocity).max()) * FRAMES + 0.05 * side
    scale = min(rng.uniform(1, 1.6), min(photo.shape[:2]) / (side + travel))
    light = pairs.draw_light(data.crop(photo, math.floor(scale * (side + travel)), rng), rng)
    planes = torch.from_numpy(np.ascontiguousarray(light.transpose(2, 0, 1)))[None]
    turn, growth = rng.normal(0, TURN, 2) * (rng.random() < 0.4)
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    views = []
    for at in np.arange(FRAMES) - (FRAMES - 1) / 2:
        size, angle = scale * (1 + growth * at), turn * at
        down = size * (math.cos(angle) * rows - math.sin(angle) * columns) + scale * velocity[0] * at
        right = size * (math.sin(angle) * rows + math.cos(angle) * columns) + scale * velocity[1] * at
        grid = torch.from_numpy(np.stack([right, down], -1).astype(np.float32) * (2 / len(light)))[None]
        seen = F.grid_sample(planes, grid, "bicubic", "reflection", align_corners=False)[0]
        views.append(np.ascontiguousarray(seen.numpy().transpose(1, 2, 0)))
    return views


def rendered(mosaics: list[np.ndarray], recipe: Recipe, rng: np.random.Generator, path: Path) -> Recipe:
    """Write the clip that `render` makes of the frames, by one of its codecs. Returns the recipe it was made by."""
    quality, coarseness = int(rng.integers(75, 96)), int(rng.integers(8, 24))
    if rng.random() < 0.7:
        tables = coding(quality, "4:2:0", "raw")
        with path.open("w+b") as file, Writer(file, _form("mjpeg", recipe), to_fields(recipe)) as writer:
            for mosaic in mosaics:
                writer.add_coded(jpeg.write(closed_loop.encode(mosaic, recipe, tables), recipe, b""))
        return recipe
    recipe = signal.fitted(replace(recipe, refined=False), TO_YCC[0])
    with path.open("w+b") as file, Writer(file, _form("h264", recipe, coarseness), to_fields(recipe)) as writer:
        for mosaic in mosaics:
            codes = planes.codes_of(signal.picture(mosaic, recipe, TO_YCC))
            chroma = planes.ycc_of_codes(codes)[1:]
            codes[:1] = planes.codes_of(signal.luma_under(chroma, mosaic, recipe, TO_RGB)[None])
            writer.add_codes(codes, to_fields(recipe), {})
    return recipe


def _form(codec: str, recipe: Recipe, coarseness: int = 0) -> Form:
    return Form(codec, ".mkv", recipe.width, recipe.height, RATE, coarseness)


def encoded_again(source: Path, target: Path, rng: np.random.Generator) -> None:
    """What another program makes of a clip: another codec, nearly always 8 bits and 4:2:0."""
    library = movie.library()
    codec = str(rng.choice(list(ENCODERS), p=[0.85, 0.15]))
    options = ENCODERS[codec] | {"crf": str(rng.integers(14, 30)), "preset": str(rng.choice(PRESETS))}
    with library.open(str(source)) as before, library.open(str(target), "w") as after:
        stream = before.streams.video[0]
        coder = after.add_stream(codec, rate=RATE, options=options)
        coder.width, coder.height, coder.pix_fmt = stream.width, stream.height, str(rng.choice(FORMATS, p=SHARES))
        coder.codec_context.color_range, coder.codec_context.colorspace = 1, stream.codec_context.colorspace
        for number, frame in enumerate(before.decode(stream)):
            picture = frame.reformat(format=coder.pix_fmt, dst_color_range=1)
            picture.pts, picture.time_base, picture.pict_type = number, 1 / RATE, 0
            after.mux(coder.encode(picture))
        after.mux(coder.encode(None))
