"""What a batch costs: throughput of --jobs against a loop of single runs, and whether memory stays flat.

python benchmarks/batch.py            200 files of 12 MP (made up; about a quarter of an hour)
python benchmarks/batch.py -n 20 --raw IMG.CR2
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

RAWBACK = [sys.executable, "-m", "rawback"]
PAGE = os.sysconf("SC_PAGE_SIZE")


def synthetic_raw(path: Path, width: int = 4000, height: int = 3000) -> None:
    """A DNG of a cloudy scene with shot noise: 14 bits, RGGB."""
    from rawback.files import dng
    from rawback.recipe import Recipe

    rng = np.random.default_rng(7)
    coarse = rng.uniform(0.02, 1.0, (height // 100 + 2, width // 100 + 2)) ** 2
    rows, columns = (np.linspace(0, n - 1.001, size) for n, size in zip(coarse.shape, (height, width), strict=True))
    across = np.stack([np.interp(columns, np.arange(coarse.shape[1]), row) for row in coarse])
    scene = np.stack([np.interp(rows, np.arange(len(across)), column) for column in across.T], 1)
    scene = scene * np.where((np.arange(height)[:, None] + np.arange(width)) % 97 < 40, 1.0, 0.6)
    photons = rng.poisson(scene * 4000) / 4000
    mosaic = np.clip(512 + photons * 15871, 0, 16383).astype(np.uint16)
    recipe = Recipe(
        width, height, ((0, 1), (1, 2)), (512.0,) * 4, 16383.0, (0.5, 1.0, 0.6),
        ((1.6, -0.5, -0.1), (-0.2, 1.5, -0.3), (0.0, -0.6, 1.6)), camera="Synthetic 12 MP",
    )  # fmt: skip
    path.write_bytes(b"".join(dng.encode(mosaic, recipe, None, None)))


class Memory:
    """Resident memory of a process and all its descendants, sampled while it runs (Linux)."""

    def __init__(self, root: int) -> None:
        self.root, self.samples, self.running = root, [], True
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()

    def _watch(self) -> None:
        while self.running:
            self.samples.append((time.monotonic(), sum(map(resident, family(self.root)))))
            time.sleep(0.1)

    def stop(self) -> list[int]:
        """The highest total in each quarter of the run, in MiB."""
        self.running = False
        self.thread.join()
        totals = [size for _, size in self.samples]
        quarter = max(len(totals) // 4, 1)
        return [max(totals[i : i + quarter], default=0) >> 20 for i in range(0, 4 * quarter, quarter)]


def family(root: int) -> list[int]:
    """A process and its descendants."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
    members = [root]
    for member in members:
        members += [child for child, parent in parents.items() if parent == member]
    return members


def resident(pid: int) -> int:
    """Bytes of a process in memory."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def measure(name: str, commands: list[list[str]], files: int, megapixels: float) -> float:
    """Run commands one after the other, print what they took, return the seconds."""
    began, cpu = time.monotonic(), sum(os.times()[2:4])
    peaks = []
    for command in commands:
        process = subprocess.Popen(command)
        memory = Memory(process.pid)
        code = process.wait()
        peaks.append(memory.stop())
        if code:
            raise SystemExit(f"{' '.join(command)} ended with {code}")
    seconds, cpu = time.monotonic() - began, sum(os.times()[2:4]) - cpu
    quarters = "/".join(str(max(peak[i] for peak in peaks)) for i in range(4))
    rate, cpu = files * megapixels / seconds, cpu / files
    print(f"{name:22} {files:4} files {seconds:7.1f} s  {rate:6.2f} MP/s  {cpu:5.2f} cpu-s a file  MiB {quarters}", flush=True)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=200, help="files in a batch")
    parser.add_argument("--singles", type=int, default=20, help="single runs, to compare with")
    parser.add_argument("--jobs", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--raw", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        shoot, first = Path(folder, "shoot"), Path(folder, "first.dng")
        shoot.mkdir()
        if chosen.raw:
            shutil.copyfile(chosen.raw, first)
        else:
            synthetic_raw(first)
        for i in range(chosen.n):
            os.link(first, shoot / f"{i:04}.dng")
        from rawback.files import raw

        recipe = raw.read(first.read_bytes(), "first").recipe
        megapixels = recipe.width * recipe.height / 1e6
        singles = min(chosen.singles, chosen.n)
        alone = measure("a loop of single runs", [
            [*RAWBACK, "render", "-q", str(shoot / f"{i:04}.dng"), "-o", f"{folder}/{i}.jpg"] for i in range(singles)
        ], singles, megapixels) / singles  # fmt: skip
        for jobs in chosen.jobs:
            command = [*RAWBACK, "render", "-q", "-r", str(shoot), "-o", f"{folder}/out{jobs}", "-j", str(jobs)]
            together = measure(f"--jobs {jobs}", [command], chosen.n, megapixels) / chosen.n
            print(f"{'':22} {alone / together:.2f} times the loop")


if __name__ == "__main__":
    main()
