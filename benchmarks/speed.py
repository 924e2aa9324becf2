"""Prints time and memory of whole processes against LibRaw's own rendering, a profile by stage, and what start-up takes.

    python benchmarks/speed.py [--megapixels 12 24 50 100] [--runs 3]

The RAW files are the sample's mosaic, tiled. Each row is the median of the runs, taken in turn with LibRaw's; the
ratios hold where the seconds drift. With torch installed, the paper-size network is timed in the same run, on one tile.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

SAMPLE = Path(__file__).parents[1] / "tests" / "data" / "sample.dng"
PROFILED, TILE, PAPER_RUNS = 24, 256, 7
"""Megapixels of the profile; side of the tile that the paper-size network is given, and how often: it varies threefold."""
LIBRAW = """
import sys, rawpy
from PIL import Image
with rawpy.imread(sys.argv[1]) as raw:
    picture = raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0)
Image.fromarray(picture).save(sys.argv[2], quality=90)
"""
STARTS = (
    ("rawback --version", ["-m", "rawback", "--version"]),
    ("until render reads its RAW", ["-c", "import rawback.cli, rawback.files.ahead"]),
    ("until recover reads its JPEG", ["-c", "import rawback.cli.main, rawback.batch.jobs, rawback.recovering"]),
    ("(Python and numpy alone)", ["-c", "import numpy"]),
)


def enlarged(megapixels: float, target: Path) -> None:
    """A RAW file of that size: the sample, mirrored and tiled so that the CFA stays in phase."""
    from rawback.files import dng, raw

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


def timed(command: list) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak megabytes of a whole process."""
    started = time.monotonic()
    process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return time.monotonic() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def compare(megapixels: float, folder: Path, runs: int) -> tuple[float, float]:
    """Print a row of the table; returns the seconds of render and recover."""
    source, photo, back = folder / "a.dng", folder / "a.jpg", folder / "b.dng"
    enlarged(megapixels, source)
    commands = (
        [sys.executable, "-c", LIBRAW, source, folder / "l.jpg"],
        [sys.executable, "-m", "rawback", "render", "-q", "-f", source, "-o", photo],
        [sys.executable, "-m", "rawback", "recover", "-q", "-f", photo, "-o", back],
    )
    measured = np.array([[timed(command) for command in commands] for _ in range(runs)])
    seconds, cpu, memory = np.moveaxis(np.median(measured, 0), -1, 0)
    slower = np.median(measured[:, 1:, :2] / measured[:, :1, :2], 0)  # run by run
    cells = [f"{megapixels:g}", f"{seconds[0]:.1f} s"]
    for verb in (1, 2):
        wall_ratio, cpu_ratio = slower[verb - 1]
        cells += [
            f"{seconds[verb]:.1f} s",
            f"{wall_ratio:.2f}",
            f"{cpu[verb]:.1f} s",
            f"{cpu_ratio:.2f}",
            f"{memory[verb]:.0f} MB",
        ]
    print(f"| {' | '.join(cells)} |", flush=True)
    return seconds[1], seconds[2]


class Profile:
    """Wall and CPU seconds of stages, one after the other."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.monotonic(), time.process_time()

    def stage(self, name: str, work: Callable):
        """Do the work, print what it took, and return its result."""
        self.wall, self.cpu = time.monotonic(), time.process_time()
        result = work()
        print(f"  {name:28} {time.monotonic() - self.wall:6.2f} s {time.process_time() - self.cpu:6.2f} s of CPU")
        return result


def stages(source: Path) -> None:
    """Time by stage of both directions, in one process; `render` codes the JPEG while it hashes and makes thumbnails."""
    from rawback import provenance, recovering, rendering
    from rawback.files import jpeg, photo, raw
    from rawback.foreign import plan as plans
    from rawback.isp import closed_loop, inverse_pass
    from rawback.isp.quantisation_tables import coding
    from rawback.options.render import RenderOptions

    stage, options = Profile().stage, RenderOptions(look="libraw")
    file = stage("read RAW (LibRaw)", lambda: raw.read(source.read_bytes(), source.name))
    recipe = stage("exposure and noise", lambda: rendering.decide(file, options))
    marks: list[tuple[float, float]] = []
    started = time.monotonic()
    picture = stage(
        "closed loop",
        lambda: closed_loop.encode(
            file.mosaic, recipe, coding(87, "4:2:0", "raw"), lambda share: marks.append((share, time.monotonic() - started))
        ),
    )
    half = max(seconds for share, seconds in marks if share <= 0.5)
    print(f"    of which chroma            {half:6.2f} s, luma {marks[-1][1] - half:.2f} s")
    coded = stage("code the JPEG (libjpeg)", lambda: jpeg.coded_picture(picture))
    recipe = stage("hash, cells for `recover`", lambda: replace(
        recipe, arithmetic=2, picture_sha256=picture.sha256(), thumbnail=provenance.thumbnail(picture),
        centroids=picture.centroids,
    ))  # fmt: skip
    data = stage("metadata", lambda: jpeg.with_metadata(coded, recipe, b""))
    opened = stage("read the JPEG (libjpeg)", lambda: photo.read(data, "photo"))
    planned = stage("compare with the hash", lambda: plans.plan(opened))
    mosaic = stage("inverse pass", lambda: inverse_pass.decode(planned.coefficients, planned.recipe))
    stage("code the DNG", lambda: recovering.Recovered(mosaic, planned.recipe, opened, planned.state, []).dng())


def starts(runs: int = 7) -> None:
    """What passes before the first useful work."""
    print("start-up, whole processes (target: 0.4 s):")
    for name, arguments in STARTS:
        seconds = np.median([timed([sys.executable, *arguments])[:2] for _ in range(runs)], 0)
        print(f"  {name:28} {seconds[0]:6.2f} s {seconds[1]:6.2f} s of CPU")


def paper(seconds_per_megapixel: float) -> None:
    """The paper-size network on one tile, against `render`."""
    if importlib.util.find_spec("torch") is None:
        print("paper-size network: not timed, as torch is not installed")
        return
    import torch

    from rawback.nets.flow import PAPER, Flow

    net, tile = Flow(**PAPER).eval(), torch.rand(1, 3, TILE, TILE)
    with torch.no_grad():
        net(tile)
        seconds = []
        for _ in range(PAPER_RUNS):
            started = time.monotonic()
            net(tile)
            seconds.append(time.monotonic() - started)
    taken = statistics.median(seconds) / (TILE * TILE / 1e6)
    print(f"paper-size network: {taken:.0f} s per megapixel on {torch.get_num_threads()} threads, ", end="")
    print(f"{taken / seconds_per_megapixel:.0f} x the {seconds_per_megapixel:.2f} s of render")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", nargs="+", type=float, default=[12, 24, 50, 100])
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    head = [
        "megapixels",
        "LibRaw + JPEG",
        *[name for verb in ("render", "recover") for name in (verb, "ratio", "CPU", "ratio", "memory")],
    ]
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        seconds = np.array([compare(megapixels, folder, args.runs) for megapixels in args.megapixels]).T
        for verb, taken in zip(("render", "recover"), seconds, strict=True):
            if len(taken) > 1:
                slope, start = np.polyfit(args.megapixels, taken, 1)
                off = np.abs(np.polyval([slope, start], args.megapixels) / taken - 1).max()
                print(f"{verb}: {start:.2f} s + {slope:.3f} s per megapixel, within {100 * off:.0f} %")
        print(f"by stage, {PROFILED} megapixels:")
        enlarged(PROFILED, folder / "a.dng")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        stages(folder / "a.dng")
    starts()
    paper(float(seconds[0, -1] / args.megapixels[-1]))


if __name__ == "__main__":
    main()
