"""Pictures taken too dark, for `night.py`: made of RAW files, and looked at brightened."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import rawpy

from rawback.files import dng, raw
from rawback.files.raw import RawFile
from rawback.isp.mosaic import level
from rawback.metrics import displayed

BLACK, WHITE = 512.0, 16383.0
PUSH = 4
"""EV by which two RAWs are brightened before they are compared."""
LAMP, GRID = 32, 16
"""Side of a lamp, and what its place is a multiple of; in photosites."""
SHINES = 4.0
"""Light of a lamp over that of the picture before it was made dark."""


@dataclass(frozen=True)
class Sensor:
    """Whose noise is added."""

    electrons: float
    """With which a photosite is full at ISO 100."""
    read_noise: float
    """In electrons."""
    base: int = 0
    """ISO speed whose noise pictures at no other speed get; 0: none, what the file has is darkened with it."""


FULL_FRAME = Sensor(90000, 3.0)
SMALLER = Sensor(45000, 1.5, 100)


@dataclass(frozen=True)
class Case:
    """A picture taken too dark."""

    name: str
    file: str
    stops: int
    """EV by which it is darkened."""
    iso: int = 0
    """Whose noise is added; 0: the sensor's base."""
    lamps: float = 0.0
    """Share of the picture that shines."""


S40, DC50, FUSION = "canon_powershot_s40_0101.CRW", "kodak_dc50.KDC", "gopro_fusion_front.dng"
CASES = (
    Case("S40 -5 EV", S40, -5),
    Case("S40 -6 EV", S40, -6),
    Case("DC50 -5 EV", DC50, -5),
    Case("Fusion -5 EV", FUSION, -5),
    Case("S40 -5 EV, ISO 800", S40, -5, 800),
    Case("S40 -2 EV, ISO 3200", S40, -2, 3200),
)
LAMPS = (
    Case("S40 -5 EV, lamps", S40, -5, lamps=0.03),
    Case("Fusion -3 EV, lamps", FUSION, -3, lamps=0.03),
    Case("Fusion -5 EV, lamps", FUSION, -5, lamps=0.03),
    Case("S40 -5 EV, ISO 800, lamps", S40, -5, 800, lamps=0.03),
)


def darkened(folder: Path, case: Case, side: int, sensor: Sensor = FULL_FRAME) -> RawFile:
    """The centre of a case's file, dark, as rawback reads it from the DNG that it is written to."""
    file = raw.read((folder / case.file).read_bytes(), case.file)
    period = len(file.recipe.cfa)
    height, width = (min(side, n // period * period) for n in file.mosaic.shape)
    top, left = ((n - cut) // (2 * period) * period for n, cut in zip(file.mosaic.shape, (height, width), strict=True))
    daylight = level(file.mosaic[top : top + height, left : left + width], file.recipe)
    light = np.where(_lamps(daylight.shape, case.lamps), SHINES * daylight, 2.0**case.stops * daylight)
    iso = case.iso or sensor.base
    if iso:
        gain = iso / 100 / sensor.electrons
        sigma = np.sqrt(gain * np.maximum(light, 0) + (sensor.read_noise * gain) ** 2)
        light = light + sigma * np.random.default_rng(iso).standard_normal(light.shape)
    mosaic = np.clip(np.rint(light * (WHITE - BLACK) + BLACK), 0, WHITE).astype(np.uint16)
    recipe = replace(
        file.recipe, height=height, width=width, black=(BLACK,) * period**2, white=WHITE, noise=(), crop=None,
        margins=(0, 0, 0, 0), orientation=1, scale=(1.0, 1.0),
    )  # fmt: skip
    return raw.read(b"".join(dng.encode(mosaic, recipe, file.exif, None)), case.name)


def _lamps(shape: tuple[int, ...], share: float) -> np.ndarray:
    """Where lamps are, squares at random: (H, W) bool."""
    places, random = np.zeros(shape, bool), np.random.default_rng(0)
    for _ in range(round(share * places.size / LAMP**2)):
        y, x = (int(random.integers((n - LAMP) // GRID)) * GRID for n in shape)
        places[y : y + LAMP, x : x + LAMP] = True
    return places


def by_libraw(file: RawFile, mosaic: np.ndarray) -> np.ndarray:
    """LibRaw's rendering of a mosaic as that of a file, brightened by PUSH, in 0..1."""
    data = b"".join(dng.encode(mosaic, file.recipe, None, None, compress=False))
    with rawpy.imread(io.BytesIO(data)) as opened:
        return opened.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, bright=2.0**PUSH) / 255


def as_raw(file: RawFile, mosaic: np.ndarray) -> np.ndarray:
    """A mosaic as the InvISP paper compares RAW, brightened by PUSH: what is white is 2^PUSH darker. In 0..1."""
    black = float(np.mean(file.recipe.black))
    return displayed(mosaic, replace(file.recipe, white=black + (file.recipe.white - black) / 2**PUSH))
