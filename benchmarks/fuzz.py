"""Damaged files against rawback: no traceback, no hang, no file outside the output folder, memory bound held.

    python benchmarks/fuzz.py -n 10000                    half an hour at most on one core
    python benchmarks/fuzz.py -n 100000 --seeds FOLDER    with RAW files of one's own
    python benchmarks/fuzz.py -n 2000 --kind heic         files of one kind (heic, gain-map, jxl, layered, linear ...)

Files that show a fault are kept in --keep. The same -n and --seed make the same files.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from mutate import Probe, mutants  # noqa: E402
from small import foreign_jpeg, jpeg_bytes, raw_bytes  # noqa: E402

from rawback.batch.local import run  # noqa: E402
from rawback.batch.plan import Task  # noqa: E402
from rawback.batch.worker import Limits  # noqa: E402
from rawback.files import paths  # noqa: E402

BATCH = 500
KINDS = ("blown", "heic", "gain-map", "jxl", "layered", "linear", "monochrome", "quad")
SECONDS, MEMORY = 20.0, 2 << 30


@dataclass
class Findings:
    """What came out."""

    counts: Counter = field(default_factory=Counter)
    faults: list[tuple[str, str]] = field(default_factory=list)
    """Name and error of files over which rawback failed as it should not."""
    slowest: tuple[float, str] = (0.0, "")
    memory: int = 0
    """Largest resident size of a worker, in MiB."""


def small_seeds() -> dict[str, bytes]:
    """Our own files, small: RAW, our JPEGs with and without a layer, others' JPEGs, other pictures."""
    import io

    from PIL import Image

    seeds = {"a.dng": raw_bytes(1), "b.dng": raw_bytes(2, 300, 270), "c.jpg": jpeg_bytes(3), "d.jpg": jpeg_bytes(4, 100, 70)}
    seeds["e.jpg"] = foreign_jpeg((130, 70))
    picture = Image.open(io.BytesIO(seeds["d.jpg"]))
    for name, more in (("f.jpg", {"progressive": True}), ("g.jpg", {"subsampling": 0, "exif": picture.info["exif"]})):
        stream = io.BytesIO()
        picture.save(stream, "JPEG", quality=70, **more)
        seeds[name] = stream.getvalue()
    for name, kind in (("h.jpg", "JPEG"), ("i.png", "PNG"), ("j.tif", "TIFF")):
        stream = io.BytesIO()
        picture.convert("L" if kind == "JPEG" else "RGB").save(stream, kind)
        seeds[name] = stream.getvalue()
    return seeds | {"k.jpg": jpeg_bytes(5, 90, 64, lossless=True), "l.jpg": jpeg_bytes(6, 90, 64, layered=True)}


def seeds_of(kind: str) -> dict[str, bytes]:
    """Small files of one of the rarer KINDS, and JPEGs that were made of them."""
    from scenes import flower, garden, recipe_of
    from test_gain_maps import lit_jpeg
    from test_linear import linear, pixels
    from test_monochrome import monochrome

    from rawback import RenderOptions, render
    from rawback.files import dng, jxl

    def kept(raw: bytes, **options: Any) -> bytes:
        return render(raw, RenderOptions(**options)).data

    def quad_bayer() -> bytes:
        recipe = recipe_of(44, 60, ((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2)))
        return b"".join(map(bytes, dng.encode(garden(44, 60, recipe), recipe, None, None)))

    if kind == "blown":
        picture = {"look": "libraw", "exposure": 0.0, "thumbnail": False, "quality": 90}
        made = ({}, {"progressive": True, "effort": "best"})
        return {f"{n}.jpg": render(flower(96, 128), RenderOptions(**picture, **more)).data for n, more in enumerate(made)}
    if kind == "heic":
        return {path.name: path.read_bytes() for path in sorted((ROOT / "tests" / "data").glob("*.heic"))}
    if kind == "gain-map":
        return {"a.jpg": lit_jpeg(), "b.jpg": kept(raw_bytes(1), hdr=True, exposure=3.0)}
    if kind == "layered":
        return {"a.jpg": jpeg_bytes(6, 90, 64, layered=True), "b.jpg": jpeg_bytes(7, 130, 70, layered=True, quality=95)}
    if kind == "jxl":
        return {"a.jxl": jxl.transcoded(jpeg_bytes(3), "a"), "b.jxl": jxl.transcoded(jpeg_bytes(5, 90, 64, lossless=True), "b")}
    raw = {"linear": lambda: linear(pixels(40, 56)), "monochrome": monochrome, "quad": quad_bayer}[kind]()
    return {"a.dng": raw, **{f"{keep}.jpg": kept(raw, keep=keep) for keep in ("lossless", "original", "2bpp")}}


def fuzz(files: Iterable[tuple[str, bytes]], jobs: int, folder: Path, keep: Path | None = None) -> Findings:
    """Work on damaged files in batches; everything happens below `folder`."""
    findings, files = Findings(), iter(files)
    inputs, outputs = folder / "in", folder / "out"
    while batch := list(islice(files, BATCH)):
        for place in (inputs, outputs):
            place.mkdir(parents=True, exist_ok=True)
        contents = dict(batch)
        for name, data in batch:
            (inputs / name).write_bytes(data)
        tasks = [Task(inputs / name, outputs / f"{name}.out") for name in contents]
        for task, outcome in run(Probe(), tasks, jobs, Limits(SECONDS, MEMORY), lambda task, share: None):
            kind = _kind(outcome)
            findings.counts[kind] += 1
            findings.slowest = max(findings.slowest, (outcome.seconds, task.source.name))
            if kind in ("bug", "late", "crash"):
                findings.faults.append((task.source.name, outcome.error))
                if keep:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / task.source.name).write_bytes(contents[task.source.name])
        findings.counts["strays"] += _strays(folder, contents)
        for name in contents:
            (inputs / name).unlink()
            (outputs / f"{name}.out").unlink(missing_ok=True)
    findings.memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    return findings


def _kind(outcome) -> str:
    if outcome.status == "done":
        return "done"
    if outcome.bug:
        return "bug"
    for kind, sign in (("late", "took longer"), ("crash", "brought its worker down"), ("memory", "more memory")):
        if sign in outcome.error:
            return kind
    return "refused"


def _strays(folder: Path, contents: dict[str, bytes]) -> int:
    """Files that nobody asked for, and inputs that have changed."""
    expected = {folder / "in" / name for name in contents} | {folder / "out" / f"{name}.out" for name in contents}
    changed = sum((folder / "in" / name).read_bytes() != data for name, data in contents.items())
    return changed + len({p for p in folder.rglob("*") if p.is_file()} - expected)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seeds", type=Path, help="a folder of more files to damage")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"))
    parser.add_argument("--kind", choices=KINDS, help="files of one kind alone")
    chosen = parser.parse_args()
    seeds = seeds_of(chosen.kind) if chosen.kind else small_seeds()
    for path in sorted(chosen.seeds.iterdir()) if chosen.seeds else ():
        kind = paths.kind_of(path)
        if kind:
            seeds[f"{path.stem}.{'jpg' if kind == 'jpeg' else 'raw'}"] = path.read_bytes()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        findings = fuzz(mutants(seeds, chosen.n, chosen.seed), chosen.jobs, Path(folder), chosen.keep)
    for name, error in findings.faults:
        print(f"{name}: {error}")
    print(f"{chosen.n} files in {time.monotonic() - began:.0f} s: {dict(findings.counts)}")
    print(f"slowest {findings.slowest[0]:.1f} s ({findings.slowest[1]}), largest worker {findings.memory} MiB")
    return 1 if findings.counts["bug"] or findings.counts["late"] or findings.counts["strays"] else 0


if __name__ == "__main__":
    sys.exit(main())
