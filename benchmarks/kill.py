"""kill -9 at random moments of a batch: what is there is whole, a re-run makes the rest, the originals do not change.

python benchmarks/kill.py             100 moments of a batch of 50 (about a quarter of an hour)
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from small import ENVIRONMENT, RAWBACK, is_whole, leftovers, raw_folder  # noqa: E402


def batch(folder: Path) -> list[str]:
    """The command under test."""
    return [*RAWBACK, "render", "-q", "-r", str(folder / "in"), "-o", str(folder / "out"), "--skip-existing"]


def digest(files: list[Path]) -> str:
    """One hash over all originals."""
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def strike(command: list[str], outputs: Path, files: int) -> str:
    """Start a batch and kill it, or one of its workers, when a random number of files is done; returns what was killed."""
    process = subprocess.Popen(command, env=ENVIRONMENT)
    enough = random.randrange(files)
    while process.poll() is None and len(list(outputs.glob("*.jpg"))) < enough:
        time.sleep(0.002)
    time.sleep(random.uniform(0, 0.7 if enough == 0 else 0.1))
    tasks = Path(f"/proc/{process.pid}/task").glob("*/children")
    workers = [int(child) for task in tasks for child in task.read_text().split()]
    if workers and random.random() < 0.25:
        os.kill(random.choice(workers), signal.SIGKILL)
        process.wait()
        return "worker"
    process.kill()
    process.wait()
    return "batch"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100, help="moments")
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    faults, halves, killed = [], 0, {"batch": 0, "worker": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = raw_folder(folder / "in", chosen.files, width=192, height=192)
        before = digest(files)
        for i in range(chosen.n):
            shutil.rmtree(folder / "out", ignore_errors=True)
            killed[strike(batch(folder), folder / "out", chosen.files)] += 1
            halves += sum(1 for file in folder.glob("out/*.jpg"))
            faults += [f"{i}: {file.name} is not whole" for file in folder.glob("out/*.jpg") if not is_whole(file)]
            time.sleep(0.3)  # workers notice that they are alone
            subprocess.run(batch(folder), env=ENVIRONMENT, check=False)
            made = [file for file in sorted(folder.glob("out/*")) if is_whole(file)]
            if len(made) != chosen.files:
                faults.append(f"{i}: {len(made)} outputs")
            faults += [f"{i}: {file.name} was left" for file in leftovers(folder)]
            if digest(files) != before:
                faults.append(f"{i}: an original has changed")
    print("\n".join(faults))
    print(f"{chosen.n} kills {killed}, {halves / chosen.n:.0f} of {chosen.files} there on average")
    print(f"{len(faults)} faults after the re-runs")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
