"""A photo back at the sensor: its mosaic, the noise in it, and a margin around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from rawback.foreign.camera import NOISE_PER_ISO, noise_at
from rawback.isp import inverse_pass, photo_noise, stages, vignetting
from rawback.isp.colour_profile import Profile
from rawback.isp.highlights import Highlights
from rawback.isp.light import Light, decoded
from rawback.isp.parallel import in_threads, parts, strips
from rawback.picture import Coefficients, Pixels
from rawback.recipe import Recipe

MARGIN, SMALLEST = 8, 32
"""Photosites mirrored around the photo, so that the DNG's default crop is exactly the photo; and what LibRaw needs a side."""
WIDEST = 64000
"""Rows or columns of a RAW that LibRaw opens, and with it most developers."""
ASSUMED_ISO = 100
"""Of a photo that tells none, where its sensor's noise is asked for."""
PART_ROWS, RESTORED_ROWS = 16, 320
"""Of what is worked on at a time, and of strips that are restored: their context above and below costs. Or multiples."""

Restored = Callable[[int, int], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""Rows of Y, Cb, Cr (rows, width) float32 of a photo, restored."""


def sensor(
    picture: Coefficients | Pixels, recipe: Recipe, profile: Profile | None, linear: bool,
    progress: Callable[[float], None], light: Light | None = None, restored: Restored | None = None,
    highlights: Highlights | None = None,
) -> np.ndarray:  # fmt: skip
    """The picture back at the sensor: a mosaic (H, W) uint16 in DN, or camera RGB (H, W, 3) uint16, white at 65535.

    light: what it tells of its scene, with the recipe made for that (`in_light`).
    """
    height, width = picture.height, picture.width
    result = np.empty((height, width, 3) if linear else (height, width), np.uint16)

    def strip(rows: tuple[int, int]) -> None:
        planes = restored(*rows) if restored else ()
        for part in parts(rows[1] - rows[0], width, PART_ROWS):
            start, stop = rows[0] + part.start, min(rows[0] + part.stop, rows[1])
            codes = inverse_pass.extended_srgb(*(plane[part] for plane in planes)) if planes else decoded(picture, start, stop)
            to_sensor(codes, start, stop)

    def to_sensor(codes: np.ndarray, start: int, stop: int) -> None:
        if light:
            balanced = stages.inverse(light.of_codes(codes, start), recipe, start, stages.FROM_LIGHT)
        else:
            srgb = profile.to_srgb(codes) if profile else codes
            srgb = highlights.restored(srgb, codes, start) if highlights else srgb
            balanced = stages.inverse(srgb, recipe, start, stages.COLOUR)
        if recipe.vignette:
            balanced = balanced / vignetting.gain(recipe.vignette, height, width, start, stop)
        if linear:
            balanced = balanced - np.float32(recipe.pedestal * 2**recipe.exposure)
            scale = (65535 / (recipe.gains * 2**recipe.exposure)).astype(np.float32)
            result[start:stop] = np.clip(np.rint(np.moveaxis(balanced, 0, -1) * scale), 0, 65535)
        else:
            result[start:stop] = stages.inverse(balanced, recipe, start, stages.SENSOR)

    in_threads(strip, strips(height, width, RESTORED_ROWS if restored else PART_ROWS), progress)
    return result


def with_noise(sensed: np.ndarray, recipe: Recipe, real: bool, seed: int) -> tuple[np.ndarray, Recipe, str]:
    """A photo at the sensor, its recipe with the noise that is measured in it, and what is to be said.

    real: with the noise added that its camera took away, as far as a middling sensor had more at that ISO speed.
    """
    left = photo_noise.measured(sensed, recipe)
    if not real:
        return sensed, replace(recipe, noise=left or recipe.noise), ""
    sensors = recipe.noise or noise_at(ASSUMED_ISO)
    iso = round(sensors[0] / NOISE_PER_ISO)
    assumed = "" if recipe.noise else ", as none is told"
    noisy = photo_noise.with_noise(sensed, recipe, left, sensors, seed)
    return noisy, replace(recipe, noise=sensors), f"noise of a middling sensor at ISO {iso}{assumed} added (seed {seed})"


def with_margin(sensed: np.ndarray, recipe: Recipe) -> tuple[np.ndarray, Recipe]:
    """The mosaic (or camera RGB) with a mirrored margin, and its recipe.

    The Bayer pattern goes on in phase, as the margin is even (no foreign photo becomes X-Trans). A side that would become
    wider than LibRaw opens has none.
    """
    height, width = sensed.shape[:2]
    margins = [max(MARGIN, 2 * -(-(SMALLEST - side) // 4)) if side + 2 * MARGIN <= WIDEST else 0 for side in (height, width)]
    framed = np.pad(sensed, [(margin, margin) for margin in margins] + [(0, 0)] * (sensed.ndim - 2), mode="reflect")
    crop = (float(margins[1]), float(margins[0]), float(width), float(height))
    return framed, replace(recipe, width=framed.shape[1], height=framed.shape[0], crop=crop)
