"""Prints frames a second and peak memory of whole runs of `render` and `recover` over a clip, by codec.

    python benchmarks/video_speed.py PICTURE [--size 1920x1080] [--frames 48] [--codecs mjpeg h264 hevc ffv1]

Memory is that of all processes together (Linux). Needs PyAV.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from fractions import Fraction
from pathlib import Path

from pans import NOISE, Film, film_of

from rawback.files.video import cinema_dng

RATE = Fraction(24)


def speed(film: Film, codecs: list[str]) -> None:
    """Frames a second and peak memory of whole runs of the command line, all their processes together."""
    print("| codec | render fps | MB | recover fps | MB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip")
        clip.mkdir()
        for number, file in enumerate(film.frames):
            metadata = cinema_dng.FrameMetadata(f"A001_C001_{number:06}", b"", RATE)
            chunks = cinema_dng.encode(file.mosaic, file.recipe, None, metadata)
            (clip / f"{metadata.name}.dng").write_bytes(b"".join(chunks))
        for codec in codecs:
            made, back = Path(folder, f"{codec}.mkv"), Path(folder, codec)
            cells = [_timed([clip, "-o", made, "--codec", codec], "render"), _timed([made, "-o", back], "recover")]
            numbers = " | ".join(f"{len(film.frames) / seconds:.2f} | {megabytes:.0f}" for seconds, megabytes in cells)
            print(f"| {codec} | {numbers} |", flush=True)


def _timed(arguments: list, verb: str) -> tuple[float, float]:
    """Wall seconds and peak megabytes of a command with its workers."""
    command = [sys.executable, "-m", "rawback", verb, *map(str, arguments), "-q", "-f"]
    started, peak = time.monotonic(), 0.0
    process = subprocess.Popen(command)
    done = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.1):
            peak = max(peak, _resident(process.pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    done.set()
    watcher.join()
    if code:
        raise SystemExit(f"{command} failed")
    return time.monotonic() - started, peak / 1e6


def _resident(pid: int) -> float:
    """Bytes of a process and its children (Linux); memory that they share is counted once for each."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = [
            int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
        ]
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(map(_resident, children))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--noise", choices=NOISE, default="low")
    parser.add_argument("--codecs", nargs="+", default=["mjpeg", "h264", "hevc", "ffv1"])
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    speed(film_of(args.picture, args.frames, width, height, args.noise), args.codecs)


if __name__ == "__main__":
    main()
