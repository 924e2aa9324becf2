"""kill -9 at random moments of a batch: what is there is whole, a re-run makes the rest, and nothing is lost.

Nothing lost: the originals, unless their JPEGs are proved to restore them (--delete), and what must not be replaced: foreign
photos, edited pictures and archives of other RAWs, which lie in the places of outputs or come to lie there meanwhile.

python benchmarks/kill.py             100 moments of a batch of 50 (about a quarter of an hour)
python benchmarks/kill.py --delete    the same of `--keep lossless --delete-original`
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from small import ENVIRONMENT, RAWBACK, foreign_jpeg, is_whole, jpeg_bytes, leftovers, raw_bytes  # noqa: E402

from rawback.errors import RawbackError  # noqa: E402
from rawback.verify.verdict import compare  # noqa: E402
from rawback.version import __version__  # noqa: E402

SIDE = 192


def batch(folder: Path, *options: str) -> list[str]:
    """The command under test."""
    return [*RAWBACK, "render", "-q", "-r", str(folder / "in"), "-o", str(folder / "out"), *options]


def protected() -> dict[str, bytes]:
    """What must not be replaced, by the name of the output in whose place it lies."""
    edited = jpeg_bytes(0, SIDE, SIDE)
    return {
        "000.jpg": foreign_jpeg(), "001.jpg": edited[:2] + b"\xff\xfe\0\5abc" + edited[2:],
        "002.jpg": jpeg_bytes(999, lossless=True), "003.jpg": b"not even a photo",
    }  # fmt: skip


def strike(command: list[str], outputs: Path, enough: int) -> str:
    """Start a batch and kill it, or one of its workers, when so many files are done; returns what was killed."""
    process = subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
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


def intrude(outputs: Path, names: list[str], photo: bytes, running: threading.Event, put: list[Path]) -> None:
    """While a batch runs, foreign photos come to lie in places where nothing is yet."""
    for name in names:
        time.sleep(random.uniform(0, 0.3))
        if running.is_set() and outputs.is_dir():
            try:
                with (outputs / name).open("xb") as file:
                    file.write(photo)
                put.append(outputs / name)
            except FileExistsError:
                pass


def lost(originals: dict[Path, bytes], outputs: Path) -> list[str]:
    """The originals that are gone or changed, and are restored by no JPEG."""
    names = []
    for path, data in originals.items():
        if path.exists() and path.read_bytes() == data:
            continue
        photo = outputs / f"{path.stem}.jpg"
        try:
            verdict = compare(photo.read_bytes(), photo.name, data, path.name)
            whole = verdict.exact and verdict.complete and not path.exists()
        except (OSError, RawbackError):
            whole = False
        names += [] if whole else [path.name]
    return names


def moment(folder: Path, options: list[str], originals: dict[Path, bytes], counts: dict[str, int]) -> list[str]:
    """One kill and the re-run after it; returns what went wrong."""
    outputs, kept = folder / "out", protected()
    shutil.rmtree(outputs, ignore_errors=True)
    outputs.mkdir()
    for path, data in originals.items():
        path.write_bytes(data)
    for name, data in kept.items():
        (outputs / name).write_bytes(data)
    running, put = threading.Event(), list[Path]()
    running.set()
    names = random.sample([f"{path.stem}.jpg" for path in list(originals)[len(kept) :]], 3)
    intruder = threading.Thread(target=intrude, args=(outputs, names, foreign_jpeg((80, 60)), running, put))
    intruder.start()
    counts[strike(batch(folder, *options), outputs, len(kept) + random.randrange(len(originals) - len(kept)))] += 1
    running.clear()
    intruder.join()
    counts["there"] += len(list(outputs.glob("*.jpg"))) - len(kept)
    faults = [f"{name} is lost" for name in lost(originals, outputs)]
    time.sleep(0.3)  # workers notice that they are alone
    subprocess.run(batch(folder, *options), env=ENVIRONMENT, check=False, stderr=subprocess.DEVNULL)
    counts["deleted"] += sum(not path.exists() for path in originals)
    faults += [f"{name} is lost after the re-run" for name in lost(originals, outputs)]
    faults += [f"{name} was replaced" for name, data in kept.items() if (outputs / name).read_bytes() != data]
    faults += [f"{path.name} was replaced" for path in put if path.read_bytes() != foreign_jpeg((80, 60))]
    made = {file.name for file in outputs.glob("*.jpg")} - kept.keys() - {path.name for path in put}
    faults += [f"{name} is not whole" for name in sorted(made) if not is_whole(outputs / name)]
    if len(made) != len(originals) - len(kept) - len(put):
        faults.append(f"{len(made)} outputs")
    return faults + [f"{file.name} was left" for file in leftovers(outputs)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=100, help="moments")
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--delete", action="store_true", help="with --delete-original")
    chosen = parser.parse_args()
    random.seed(chosen.seed)
    options = ["--skip-existing", *(["--keep", "lossless", "--delete-original"] if chosen.delete else [])]
    faults: list[str] = []
    counts = {"batch": 0, "worker": 0, "there": 0, "deleted": 0}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "in").mkdir()
        described = f"rawback {__version__}"  # as the DNG will say: a verification finds nothing missing
        originals = {folder / "in" / f"{i:03}.dng": raw_bytes(i, SIDE, SIDE, described) for i in range(chosen.files)}
        for i in range(chosen.n):
            faults += [f"{i}: {fault}" for fault in moment(folder, options, originals, counts)]
    print("\n".join(faults))
    there, deleted = counts.pop("there") / chosen.n, counts.pop("deleted") / chosen.n
    print(f"{chosen.n} kills {counts}, {there:.0f} of {chosen.files} there on average; then {deleted:.0f} originals deleted")
    print(f"{len(faults)} faults after the re-runs")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
