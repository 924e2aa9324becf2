"""Clips with known motion, for `video.py`: pans over RAW files and photographs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from rawback.files import file_type, raw
from rawback.files.raw import RawFile
from rawback.isp.colour import CURVES
from rawback.isp.video import motion
from rawback.recipe import Recipe

NOISE = {"none": (0.0, 0.0), "low": (2e-4, 1e-6), "high": (2e-3, 1e-5)}
LAG = 4
"""Frames after which a pan by half pixels has come to a whole cell of the colour filter."""
MATRIX = ((1.66, -0.54, -0.12), (-0.20, 1.54, -0.34), (0.03, -0.45, 1.42))


@dataclass
class Film:
    """A clip with known motion."""

    name: str
    frames: list[RawFile]
    motion: tuple[int, int]
    """Rows and columns by which the view has moved after LAG frames."""
    clean: list[np.ndarray]
    """The mosaics without the noise that is fresh in each frame."""


def film_of(path: Path, count: int, width: int, height: int, noise: str) -> Film:
    """A pan over a RAW file or a photograph."""
    data = path.read_bytes()
    still, step = (_still_raw(data, path.name), 2) if file_type.of(data) == "raw" else (None, 0)
    if still is not None:
        rows, columns = still.mosaic.shape
        step = min(step, (rows - height) // (2 * count) * 2, (columns - width) // (2 * count) * 2)
        top, left = ((n - m - step * count) // 4 * 2 for n, m in ((rows, height), (columns, width)))
        recipe = replace(still.recipe, width=width, height=height, crop=None, margins=(0, 0, 0, 0))
        scenes = [still.mosaic[top + step * n :, left + step * n :][:height, :width] for n in range(count)]
        samples = [_leveled(np.ascontiguousarray(scene), recipe) for scene in scenes]
        motion = LAG * step, LAG * step
    else:
        recipe = Recipe(
            width, height, ((0, 1), (1, 2)), (512.0,) * 4, 16383.0, (0.49, 1.0, 0.63), MATRIX, camera="Pan Camera"
        ).validate()
        light = _light(path, width, height, count)
        samples = [_seen(light, n, 3 * n, recipe) for n in range(count)]
        motion = LAG // 2, LAG * 3 // 2
    generator = np.random.default_rng(1)
    mosaics = [_exposed(x, recipe, NOISE[noise], generator) for x in samples]
    clean = [_exposed(x, recipe, NOISE["none"], generator) for x in samples]
    return Film(path.name, [RawFile(m, recipe, None) for m in mosaics], motion, clean)


def _still_raw(data: bytes, name: str) -> RawFile:
    return raw.read(data, name)


def _leveled(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    return (mosaic - np.mean(recipe.black)) / (recipe.white - np.mean(recipe.black))


def _light(path: Path, width: int, height: int, count: int) -> np.ndarray:
    """Linear sRGB (H, W, 3) of a photograph at twice the size of the view, enlarged so that the pan stays inside."""
    need = 2 * width + 4 * count + 16, 2 * height + 2 * count + 16
    with Image.open(path) as image:
        scale = max(1.0, *(n / m for n, m in zip(need, image.size, strict=True)))
        size = [max(round(n * scale), m) for n, m in zip(image.size, need, strict=True)]
        values = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS), np.float32) / 255
    return CURVES["srgb"].decode(values)[0]


def _seen(light: np.ndarray, down: int, right: int, recipe: Recipe) -> np.ndarray:
    """The mosaic (H, W), 0..1, of the view moved by so many halves of a photosite: all frames are equally sharp."""
    part = light[down : down + 2 * recipe.height, right : right + 2 * recipe.width]
    part = (part[::2, ::2] + part[1::2, ::2] + part[::2, 1::2] + part[1::2, 1::2]) / 4
    camera = part @ np.linalg.inv(recipe.matrix).T.astype(np.float32) * np.float32(recipe.neutral)
    colours = np.tile(recipe.cfa, (recipe.height // 2 + 1, recipe.width // 2 + 1))[: recipe.height, : recipe.width]
    return np.take_along_axis(camera, colours[..., None], 2)[..., 0]


def _exposed(samples: np.ndarray, recipe: Recipe, noise: tuple[float, float], generator) -> np.ndarray:
    scale, offset = noise
    noisy = samples + np.sqrt(scale * np.clip(samples, 0, 1) + offset) * generator.standard_normal(samples.shape)
    black = np.mean(recipe.black)
    return np.clip(np.rint(noisy * (recipe.white - black) + black), 0, recipe.white).astype(np.uint16)


def brought(code: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Bayer samples (H, W) of another frame as the current one would show them, by the vectors of `motion.field`."""
    planes = np.stack([code[y::2, x::2] for y, x in np.ndindex(2, 2)])  # (4, H / 2, W / 2)
    rows, columns = (size * motion.BLOCK for size in vectors.shape[:2])
    squares = motion.squares(motion.framed(planes), vectors)  # (4, blocks, blocks, BLOCK, BLOCK)
    moved = np.empty_like(code)
    for plane, (y, x) in zip(squares.swapaxes(2, 3).reshape(4, rows, columns), np.ndindex(2, 2), strict=True):
        moved[y::2, x::2] = plane[: planes.shape[1], : planes.shape[2]]
    return moved
