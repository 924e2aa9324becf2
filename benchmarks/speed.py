"""Prints time and memory of whole processes against LibRaw's own rendering, and time by stage.

    python benchmarks/speed.py [--megapixels 12 24 50 100] [--runs 3]

The RAW files are the sample's mosaic, tiled. Each row is the median of the runs, taken in turn with LibRaw's; the
ratios hold where the seconds drift. With torch installed the paper-size network is timed on one tile, too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from rawback.files import dng, jpeg, raw

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "sample.dng"
LIBRAW = """
import sys, rawpy
from PIL import Image
with rawpy.imread(sys.argv[1]) as raw:
    picture = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)
Image.fromarray(picture).save(sys.argv[2], quality=90)
"""
PAPER = """
import time, torch
from rawback.nets.flow import Flow, PAPER
torch.set_num_threads({threads})
net, tile = Flow(PAPER).eval(), torch.rand(1, 3, 256, 256)
with torch.no_grad():
    net(tile); started = time.monotonic(); net(tile)
print((time.monotonic() - started) / 0.065536)
"""


def enlarged(megapixels: float, target: Path) -> None:
    """A RAW file of that size: the sample, mirrored and tiled so that the CFA stays in phase."""
    file = raw.read(SAMPLE.read_bytes(), "sample")
    height = int((megapixels * 1e6 / 1.5) ** 0.5) // 16 * 16
    width = height * 3 // 2
    rows, columns = (_mirrored(n, size) for n, size in zip((height, width), file.mosaic.shape, strict=True))
    mosaic = np.ascontiguousarray(file.mosaic[np.ix_(rows, columns)])
    recipe = replace(file.recipe, height=height, width=width, crop=None, margins=(0, 0, 0, 0))
    target.write_bytes(b"".join(dng.encode(mosaic, recipe, file.exif, None)))


def _mirrored(n: int, size: int) -> np.ndarray:
    """Indices that run to and fro over `size` photosites, each with its neighbour of the same CFA phase."""
    period = 2 * (size - 2)
    at = np.arange(n) % period
    return np.where(at < size, at, period - at)


def timed(command: list) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a whole process."""
    started = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def stages(source: Path) -> None:
    """Time by stage of both directions, in one process."""
    from rawback import rendering
    from rawback.isp import closed_loop, inverse_pass
    from rawback.isp.tables import coding

    marks = [("", time.monotonic())]

    def mark(name: str) -> None:
        marks.append((name, time.monotonic()))

    file = raw.read(source.read_bytes(), source.name)
    mark("read RAW")
    recipe = rendering.decide(file, rendering.RenderOptions())
    mark("choose exposure")
    picture = closed_loop.encode(file.mosaic, recipe, coding(87, "4:2:0", "raw"))
    mark("closed loop")
    recipe = replace(recipe, picture_sha256=picture.sha256())
    data = jpeg.write(picture, recipe, b"")
    mark("write JPEG")
    photo = jpeg.read(data, "photo")
    mark("read JPEG")
    mosaic = inverse_pass.decode(photo.coefficients, recipe)
    mark("inverse pass")
    dng.encode(mosaic, recipe, file.exif, data)
    mark("write DNG")
    for (_, before), (name, after) in pairwise(marks):
        print(f"  {name:16} {after - before:6.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", nargs="+", type=float, default=[12, 24, 50, 100])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    rawback = [sys.executable, "-m", "rawback"]
    print("| megapixels | LibRaw + JPEG | render | ratio | MB | recover | ratio | MB |\n|---|---|---|---|---|---|---|---|")
    points = []
    with tempfile.TemporaryDirectory() as folder:
        source, photo, back = Path(folder, "a.dng"), Path(folder, "a.jpg"), Path(folder, "b.dng")
        for megapixels in args.megapixels:
            enlarged(megapixels, source)
            commands = (
                [sys.executable, "-c", LIBRAW, source, Path(folder, "l.jpg")],
                [*rawback, "render", "-q", "-f", source, "-o", photo],
                [*rawback, "recover", "-q", "-f", photo, "-o", back],
            )
            runs = np.array([[timed(command) for command in commands] for _ in range(args.runs)])
            (reference, _), (render, render_mb), (recover, recover_mb) = np.median(runs, 0)
            points.append((megapixels, render, recover))
            slower = np.median(runs[:, 1:, 0] / runs[:, :1, 0], 0)
            print(
                f"| {megapixels:g} | {reference:.1f} s | {render:.1f} s | {slower[0]:.2f} | {render_mb:.0f} "
                f"| {recover:.1f} s | {slower[1]:.2f} | {recover_mb:.0f} |",
                flush=True,
            )
        if len(points) > 1:
            size, render, recover = np.array(points).T
            for name, seconds in (("render", render), ("recover", recover)):
                slope, start = np.polyfit(size, seconds, 1)
                print(f"{name}: {start:.2f} s + {slope:.3f} s per megapixel")
        enlarged(24, source)
        print("by stage, 24 megapixels:")
        stages(source)
    paper = subprocess.run([sys.executable, "-c", PAPER.format(threads=os.cpu_count())], capture_output=True, text=True)
    if paper.returncode == 0:
        per_megapixel = float(paper.stdout)
        times = per_megapixel * points[-1][0] / points[-1][1]
        print(f"paper-size network: {per_megapixel:.0f} s per megapixel, {times:.0f} x render")


if __name__ == "__main__":
    main()
