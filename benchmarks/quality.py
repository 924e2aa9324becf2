"""Prints the table of RAW quality per byte of docs/quality.md.

    python benchmarks/quality.py RAW... [--quality 75 85 87 90 95] [--options "--effort best"]

Each file is rendered and recovered by the command line in a temporary folder, and compared by `rawback.metrics`.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from rawback.files import raw
from rawback.metrics import mosaic_psnr, paper_psnr


def measure(path: Path, quality: int, options: list[str]) -> tuple[float, float, float]:
    """raw dB, lin dB and bits per photosite of one file."""
    with tempfile.TemporaryDirectory() as folder:
        jpeg, dng = Path(folder, "a.jpg"), Path(folder, "a.dng")
        command = [sys.executable, "-m", "rawback"]
        subprocess.run([*command, "render", "-q", path, "-o", jpeg, "--quality", str(quality), *options], check=True)
        subprocess.run([*command, "recover", "-q", jpeg, "-o", dng], check=True)
        before, after = raw.read(path.read_bytes(), str(path)), raw.read(dng.read_bytes(), str(dng))
        bits = jpeg.stat().st_size * 8 / before.mosaic.size
    pair = before.mosaic, after.mosaic
    return paper_psnr(*pair, before.recipe), mosaic_psnr(*pair, before.recipe), bits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--quality", nargs="+", type=int, default=[75, 85, 87, 90, 95])
    parser.add_argument("--options", default="--look libraw --exposure 0", help="further options of `render`")
    args = parser.parse_args()
    for quality in args.quality:
        rows = [measure(path, quality, shlex.split(args.options)) for path in args.raw]
        print("| `--quality {}` | {:.2f} | {:.2f} | {:.2f} |".format(quality, *np.mean(rows, 0)), flush=True)


if __name__ == "__main__":
    main()
