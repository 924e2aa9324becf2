"""Draw tests/data/sample.dng: a still life seen by a simulated 12-bit Bayer sensor, with shot and read noise.

    python benchmarks/make_sample.py [TARGET]

Everything in it is computed here, so the file is free of anybody's rights. Equal numpy and processor, equal bytes.
"""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import numpy as np
from still_life import scene

from rawback.files import dng, exif
from rawback.recipe import Recipe

TARGET = Path(__file__).parents[1] / "tests" / "data" / "sample.dng"
CFA = ((0, 1), (1, 2))
BLACK, WHITE = 256, 4095
NEUTRAL = (0.49, 1.0, 0.63)
MATRIX = ((1.66, -0.54, -0.12), (-0.20, 1.54, -0.34), (0.03, -0.45, 1.42))
"""White-balanced camera RGB -> linear sRGB."""
ELECTRONS_PER_DN, READ_NOISE = 8.0, 1.5
EXPOSURE = 0.78  # linear sRGB of the scene's 1.0


def sensor(picture: np.ndarray) -> np.ndarray:
    """Linear sRGB (H, W, 3) -> mosaic (H, W) uint16 in DN: camera colours, shot noise, read noise, 12 bits."""
    camera = picture @ np.linalg.inv(MATRIX).T * NEUTRAL * EXPOSURE
    colours = np.tile(CFA, (picture.shape[0] // 2, picture.shape[1] // 2))
    signal = np.maximum(np.take_along_axis(camera, colours[..., None], 2)[..., 0], 0) * (WHITE - BLACK)
    normal = np.random.RandomState(2).standard_normal(signal.shape)
    noisy = signal + normal * np.sqrt(signal / ELECTRONS_PER_DN + READ_NOISE**2)
    return np.clip(np.rint(noisy + BLACK), 0, WHITE).astype(np.uint16)


def recipe(mosaic: np.ndarray) -> Recipe:
    """What the simulated camera knows of itself."""
    span = WHITE - BLACK
    return Recipe(
        width=mosaic.shape[1],
        height=mosaic.shape[0],
        cfa=CFA,
        black=(float(BLACK),) * 4,
        white=float(WHITE),
        neutral=NEUTRAL,
        matrix=MATRIX,
        camera="rawback Sample 1",
        noise=(1 / (ELECTRONS_PER_DN * span), (READ_NOISE / span) ** 2),
    ).validate()


def main() -> None:
    """Draw, photograph, write."""
    mosaic = sensor(scene())
    taken = datetime(2026, 1, 1, 12)
    shot = exif.from_values("rawback", "Sample 1", taken, 1 / 60, f_number=8, iso=100, focal_length=50, lens="Drawn 50mm F2")
    chunks = dng.encode(mosaic, recipe(mosaic), shot, None, software="rawback make_sample")
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    target.write_bytes(b"".join(chunks))


if __name__ == "__main__":
    main()
