"""A still life as each camera of rawback/learn/sensors.json would have taken it: DNG files, rendered and recovered.

    python benchmarks/simulated_cameras.py [NAME...] [--folder DNGS] [--rows 1200] [--iso ISO] [--rawback "rawback"]

Prints for each camera the dB of the mosaic that comes back through `render` and `recover`, both with `--camera NAME` (peak:
white level), and the bits per photosite: by the closed loop, and by the open one (`--no-refine`). Everything is computed here,
so the files are free of anybody's rights.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import tempfile
from datetime import datetime
from pathlib import Path

import numpy as np
from still_life import BAND, HEIGHT, scene

from rawback.cameras import sensors as known_sensors
from rawback.files import dng, exif, raw
from rawback.isp.colour import d65_tags
from rawback.learn import sensors
from rawback.learn.unprocess import expose, measure
from rawback.recipe import Recipe

EXPOSURE = 0.78
"""Linear sRGB of the scene's 1.0."""


def photograph(light: np.ndarray, name: str, iso: float | None = None) -> bytes:
    """Linear sRGB (H, W, 3) -> the DNG of the named camera in daylight, at its lowest ISO speed unless told."""
    camera, sensor = known_sensors.known(name), sensors.sensor(name, iso)
    mosaic = measure(expose((EXPOSURE * light).astype(np.float32), sensor), sensor, np.random.default_rng(2))
    matrix, neutral = sensor.matrix.tolist(), sensor.neutral.tolist()
    recipe = Recipe(
        width=mosaic.shape[1], height=mosaic.shape[0], cfa=sensor.cfa, black=(sensor.black,) * len(sensor.cfa) ** 2,
        white=sensor.white, neutral=tuple(neutral), matrix=tuple(map(tuple, matrix)), noise=sensor.noise,
        camera=f"{camera['make']} {camera['model']}",
        dng=d65_tags(known_sensors.xyz_to_camera(name)),
    )  # fmt: skip
    taken = exif.from_values(
        camera["make"], camera["model"], datetime(2026, 1, 1, 12), 1 / 60, f_number=8, iso=round(iso or camera["base_iso"]),
        focal_length=50, lens="Drawn 50mm F2",
    )  # fmt: skip
    return b"".join(dng.encode(mosaic, recipe.validate(), taken, None, software="rawback simulated_cameras"))


def round_trip(path: Path, folder: Path, rawback: str, *options: str) -> tuple[float, float]:
    """dB of the mosaic through `render` (with options more) and `recover`, and bits of the JPEG for each photosite."""
    picture, again = folder / f"{path.stem}.jpg", folder / f"{path.stem}.recovered.dng"
    for verb, source, target, *more in (("render", path, picture, *options), ("recover", picture, again)):
        line = [*shlex.split(rawback), verb, source, "-o", target, "-f", "--camera", path.stem, *more]
        subprocess.run(line, check=True, capture_output=True)
    before, after = (raw.read(file.read_bytes(), str(file)) for file in (path, again))
    scale = before.recipe.white - np.mean(before.recipe.black)
    error = np.mean(((before.mosaic.astype(float) - after.mosaic) / scale) ** 2)
    return float(-10 * np.log10(max(error, 1e-12))), 8 * picture.stat().st_size / before.mosaic.size


def main() -> None:
    """Draw once, photograph with each camera, there and back."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", default=known_sensors.names())
    parser.add_argument("--folder", type=Path, help="where to keep the files")
    parser.add_argument("--rows", type=int, default=HEIGHT, help=f"of the scene, from the top; a multiple of {BAND}")
    parser.add_argument("--iso", type=float)
    parser.add_argument("--rawback", default="rawback")
    args = parser.parse_args()
    light = scene(args.rows)
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for name in args.names:
            path = folder / f"{name}.dng"
            path.write_bytes(photograph(light, name, args.iso))
            ways = [round_trip(path, folder, args.rawback, *options) for options in ((), ("--no-refine",))]
            figures = "   ".join(f"{decibel:6.2f} dB at {size:4.2f} bits" for decibel, size in ways)
            print(f"{name:22} {figures}", flush=True)


if __name__ == "__main__":
    main()
