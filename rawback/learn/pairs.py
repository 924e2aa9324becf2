"""Pairs for `restore`: what `recover` computes from a JPEG beside what the sensor had counted.

Nothing is simulated here: the closed loop of this package writes coefficients, Pillow decodes and saves them again.
Mosaics are RGGB throughout; other Bayer phases are mirrored into it (see `nets/restore.py`).
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from rawback.errors import RawbackError
from rawback.files import jpeg
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.coding import Coding
from rawback.isp.colour import curve_of
from rawback.isp.dct import shrink
from rawback.isp.exposure import with_shoulder
from rawback.isp.mosaic import RGGB, level, tile
from rawback.isp.quantisation_tables import SUBSAMPLING, coding
from rawback.isp.strip_picture import Demosaicer
from rawback.learn import data, sensors
from rawback.learn.unprocess import Sensor, expose, linear_light, measure, scene, soften
from rawback.nets import features
from rawback.picture import Coefficients
from rawback.recipe import Recipe

CODE_SCALE, CODE_OFFSET = 24576, 0.25
"""Codes are kept as uint16: (code + offset) * scale holds -0.25..2.41 to 4e-5."""
CHROMA_SCALE = 16384
"""Chroma is kept as int16: -2..2 to 6e-5."""
ISO = 50, 3200
"""That sensors are drawn at, from and to."""
LENSES = 0.0, 0.35, 0.5, 0.7, 1.0
"""Blurs of lenses to draw from, in pixels (standard deviation)."""


@dataclass
class Pair:
    """One JPEG of one mosaic, as the net will see it."""

    code: np.ndarray
    """(H, W) uint16: the recovered mosaic in the nets' domain."""
    chroma: np.ndarray
    """(2, H / 2, W / 2) int16: decoded Cb, Cr, mean over the Bayer cell."""
    conditions: np.ndarray


def pack(code: np.ndarray) -> np.ndarray:
    """Codes float32 -> uint16."""
    return np.clip((code + CODE_OFFSET) * CODE_SCALE, 0, 65535).round().astype(np.uint16)


def pack_chroma(planes: list[np.ndarray]) -> np.ndarray:
    """Chroma float32, 0..1 units -> int16, (planes, H, W)."""
    return np.clip(np.stack(planes) * CHROMA_SCALE, -32767, 32767).round().astype(np.int16)


Draw = Callable[[np.random.Generator], Sensor]
"""What draws a sensor, whose CFA is RGGB."""


def any_sensor(rng: np.random.Generator) -> Sensor:
    """A camera at random, up to ISO 3200."""
    return sensors.draw_any(rng, RGGB, ISO)


def sensor_of(camera: str) -> Draw:
    """Draws that camera of `learn/sensors.json`, as if its Bayer pattern were RGGB. Raises RawbackError for X-Trans."""
    if len(sensors.cfa(camera)) != 2:
        raise RawbackError(f"{camera} has no Bayer pattern: the nets know no other")
    return lambda rng: replace(sensors.draw(camera, rng, ISO), cfa=RGGB)


def draw_source(
    source: data.Source, side: int, rng: np.random.Generator, draw: Draw, lenses: tuple[float, ...] = LENSES
) -> tuple[np.ndarray, Recipe]:
    """A square of a photograph as a sensor counts it, or of a RAW file as it is: RGGB (side, side), its recipe."""
    if source.raw:
        mosaic, recipe = data.raw_crop(data.read_raw(source.path), side, rng)
    else:
        mosaic, recipe = draw_mosaic(data.crop(data.read(source.path), side, rng), rng, draw, lenses)
    exposure = 0.0 if rng.random() < 0.75 else round(float(rng.uniform(0, 2)), 2)
    return mosaic, with_shoulder(replace(recipe, exposure=exposure))


def draw_mosaic(
    photo: np.ndarray, rng: np.random.Generator, draw: Draw = any_sensor, lenses: tuple[float, ...] = LENSES
) -> tuple[np.ndarray, Recipe]:
    """A photograph (H, W, 3) -> RGGB mosaic (H, W) uint16 of a sensor, and its recipe."""
    sensor = draw(rng)
    return measure(expose(draw_light(photo, rng, lenses), sensor), sensor, rng), recipe_of(sensor, photo.shape)


def draw_light(photo: np.ndarray, rng: np.random.Generator, lenses: tuple[float, ...] = LENSES) -> np.ndarray:
    """A photograph -> scene linear light through a random lens."""
    return soften(scene(linear_light(photo), rng), float(rng.choice(lenses)))


def recipe_of(sensor: Sensor, shape: tuple[int, ...], exposure: float = 0.0) -> Recipe:
    """The recipe with which `render` would develop that sensor's mosaic (H, W)."""
    matrix = tuple(tuple(float(v) for v in row) for row in sensor.matrix)
    neutral = tuple(float(v) for v in sensor.neutral)
    return with_shoulder(
        Recipe(shape[1], shape[0], sensor.cfa, (sensor.black,) * 4, sensor.white, neutral, matrix, exposure=exposure)  # type: ignore[arg-type]
    )


def target_of(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """What the net should say: the mosaic in the nets' domain, (H, W) float32."""
    samples = np.clip(level(mosaic, recipe), 0, 1)
    return features.encode(samples * tile(inverse_pass.sample_gains(recipe), *mosaic.shape))


def pair_of(picture: Coefficients, recipe: Recipe) -> Pair:
    """A JPEG's coefficients -> the net's input."""
    luma, *colour = inverse_pass.decoded_planes(picture, 0, picture.height)
    srgb = inverse_pass.extended_srgb(luma, *colour)
    balanced = inverse_pass.at_photosites(srgb, inverse_pass.camera_rows(recipe), curve_of(recipe), 0)
    chroma = [shrink(plane, (2, 2)) for plane in colour]
    conditions = features.conditions(recipe, picture.tables, picture.factors)
    return Pair(pack(features.encode(balanced)), pack_chroma(chroma), conditions)


def resave(data: bytes, quality: int, subsampling: str) -> bytes:
    """What another program makes of a JPEG: decoded to 8 bits by Pillow and coded again."""
    with Image.open(io.BytesIO(data)) as picture:
        stream = io.BytesIO()
        picture.convert("RGB").save(stream, "JPEG", quality=quality, subsampling=subsampling)
    return stream.getvalue()


def _read(data: bytes) -> Coefficients:
    coefficients = jpeg.read(data, "pair").coefficients
    assert coefficients is not None  # just written
    return coefficients


Demosaicing = Callable[[Recipe, Coding], Demosaicer | None]
"""What makes the open loop's demosaicer for a recipe and a coding."""


def draw_resaved(mosaic: np.ndarray, recipe: Recipe, rng: np.random.Generator, demosaicing: Demosaicing) -> list[Pair]:
    """Four JPEGs of the closed loop, each saved again by another program."""
    pairs = []
    for _ in range(2):
        quality = int(rng.choice([70, 75, 80, 85, 85, 87, 87, 88, 90, 90, 92]))
        ours = _written(mosaic, recipe, coding(quality, "4:2:0" if rng.random() < 0.85 else "4:4:4", "raw"))
        for _ in range(2):
            again = int(rng.choice([90, 90, 80, 80, 85, 75, 95, int(rng.integers(70, 97))]))
            data = resave(ours, again, str(rng.choice(["4:4:4", "4:2:0", "4:2:0", "4:2:2"])))
            pairs.append(pair_of(_read(data), recipe))
    return pairs


def draw_open(mosaic: np.ndarray, recipe: Recipe, rng: np.random.Generator, demosaicing: Demosaicing) -> list[Pair]:
    """Four JPEGs of the open loop, one in four demosaiced classically, one in sixteen saved again."""
    plain, pairs = replace(recipe, refined=False), []
    for _ in range(4):
        tables = coding(int(rng.integers(75, 97)), str(rng.choice(list(SUBSAMPLING))), "standard")
        demosaicer = demosaicing(plain, tables) if rng.random() < 0.75 else None
        picture = closed_loop.encode(mosaic, plain, tables, demosaicer=demosaicer)
        if rng.random() < 1 / 16:
            data = resave(jpeg.write(picture, plain, b""), int(rng.integers(75, 96)), str(rng.choice(list(SUBSAMPLING))))
            picture = _read(data)
        pairs.append(pair_of(picture, plain))
    return pairs


def _written(mosaic: np.ndarray, recipe: Recipe, tables: Coding) -> bytes:
    return jpeg.write(closed_loop.encode(mosaic, recipe, tables), recipe, b"")
