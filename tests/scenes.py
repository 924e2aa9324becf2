"""Mosaics with a known answer, and what tests measure on them."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

import rawback
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.coding import Coding
from rawback.picture import Coefficients
from rawback.recipe import Recipe

HERE = Path(__file__).parent
SAMPLE = HERE / "data" / "sample.dng"
SHARED = HERE.parent.parent / "shared" / "data"
"""Real photographs, beside the project and not in it: tests that want them skip where they are missing."""

BAYER = {"RGGB": ((0, 1), (1, 2)), "GRBG": ((1, 0), (2, 1)), "GBRG": ((1, 2), (0, 1)), "BGGR": ((2, 1), (1, 0))}
X_TRANS = tuple(tuple(map(int, row)) for row in ("110112", "112110", "201021", "112110", "110112", "021201"))
CFAS = BAYER | {"X-Trans": X_TRANS}
Run = Callable[..., tuple[int, str, str]]
"""The fixture `run`: arguments -> exit code, standard output, standard error."""
MATRIX = ((1.66, -0.54, -0.12), (-0.20, 1.54, -0.34), (0.03, -0.45, 1.42))
NEUTRAL = (0.49, 1.0, 0.63)


def recipe_of(height: int, width: int, cfa=BAYER["RGGB"], **values) -> Recipe:
    """A 12-bit camera with black level 256."""
    defaults = {"black": (256.0,) * len(cfa) ** 2, "white": 4095.0, "neutral": NEUTRAL, "matrix": MATRIX, "camera": "Maker One"}
    return Recipe(width, height, cfa, **(defaults | values)).validate()


def photograph(srgb: np.ndarray, recipe: Recipe, noise: float = 2.0) -> np.ndarray:
    """Linear sRGB (H, W, 3) -> mosaic (H, W) uint16 of the recipe's camera, with read noise in DN."""
    camera = srgb @ np.linalg.inv(recipe.matrix).T * recipe.neutral
    height, width = srgb.shape[:2]
    rows, columns = np.arange(height)[:, None] % len(recipe.cfa), np.arange(width)[None] % len(recipe.cfa)
    colours = np.array(recipe.cfa)[rows, columns]
    black = np.array(recipe.black).reshape(len(recipe.cfa), -1)[rows, columns]
    samples = np.take_along_axis(camera, colours[..., None], 2)[..., 0] * (recipe.white - black) + black
    samples += noise * np.random.default_rng(7).standard_normal(samples.shape)
    return np.clip(np.rint(samples), 0, recipe.white).astype(np.uint16)


def garden(height: int, width: int, recipe: Recipe, light: float = 1.0) -> np.ndarray:
    """Mosaic of smooth and busy parts in all colours, with a blown spot and deep shadows."""
    y, x = np.mgrid[:height, :width] / np.array([max(height, 64), max(width, 64)])[:, None, None]
    hue = np.stack([0.5 + 0.5 * np.sin(6 * x + 5 * y + shift) for shift in (0, 2, 4)], -1)
    busy = 1 + 0.4 * np.sin(300 * x * y + 90 * x)
    spot = 3 * np.exp(-((x - 0.7) ** 2 + (y - 0.3) ** 2) * 200)
    scene = (0.02 + 0.6 * hue * y[..., None]) * busy[..., None] + spot[..., None]
    return photograph(light * scene, recipe)


SALMON, RED = (1.0, 0.5, 0.5), (1.0, 0.12, 0.15)


def flower(height: int, width: int, cfa=BAYER["RGGB"], colour: tuple[float, ...] = SALMON) -> RawFile:
    """Petals in a colour that the sensor holds and white does not: up to 1.9 times as bright."""
    recipe = recipe_of(height, width, cfa)
    y, x = np.mgrid[:height, :width] / 64
    petals = 1.4 + 0.5 * np.sin(9 * x + 4 * np.sin(7 * y))
    camera = petals[..., None] * np.array(colour)
    return RawFile(photograph(camera @ np.array(recipe.matrix).T, recipe), recipe, None)


def raw_file(height: int, width: int, cfa=BAYER["RGGB"], light: float = 1.0, **values) -> RawFile:
    """The garden as `rawback.render` takes it."""
    recipe = recipe_of(height, width, cfa, **values)
    return RawFile(garden(height, width, recipe, light), replace(recipe), None)


def psnr(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    """Peak signal to noise ratio in dB."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(peak**2 / max(error, 1e-12)))


def mosaic_db(found: np.ndarray, mosaic: np.ndarray, recipe: Recipe) -> float:
    """PSNR of a recovered mosaic, white level over mean black being the peak."""
    return psnr(found, mosaic, recipe.white - float(np.mean(recipe.black)))


def recovered(data: bytes) -> rawback.Recovered:
    """What `rawback.recover` makes of the bytes of a JPEG."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "photo.jpg")
        path.write_bytes(data)
        return rawback.recover(path)


def all_files(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with the hash of its content."""
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def coded_alike(core: Callable[[str], None], variant: str, mosaic: np.ndarray, recipe: Recipe, how: Coding) -> Coefficients:
    """The picture of a variant of the compiled core, which is numpy's, and recovered to the same mosaic."""
    core("off")
    expected = closed_loop.encode(mosaic, recipe, how)
    recovered = inverse_pass.decode(expected, recipe)
    core(variant)
    picture = closed_loop.encode(mosaic, recipe, how)
    assert all(map(np.array_equal, picture.planes, expected.planes)) and picture.centroids == expected.centroids
    assert len(picture.wide or ()) == len(expected.wide or ())
    assert all(map(np.array_equal, picture.wide or (), expected.wide or ()))
    assert np.array_equal(inverse_pass.decode(expected, recipe), recovered)
    return picture
