"""`recover` of a movie: a folder of CinemaDNG frames and the sound beside them, or the same as a tar."""

from __future__ import annotations

import io
import sys
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rawback.batch import batch
from rawback.batch.batch import Manner
from rawback.batch.plan import FramePlan, Task
from rawback.batch.progress import Report
from rawback.batch.worker import Product
from rawback.clips import denoise, reader
from rawback.clips.reader import FrameOptions, Reel
from rawback.cores import Progress
from rawback.errors import EXIT_OK, UsageError
from rawback.files import atomic, paths
from rawback.files.paths import Location
from rawback.files.video import soundtrack


@dataclass(frozen=True)
class RecoverFrame:
    """A frame of a movie -> CinemaDNG; which one, the name of the target says."""

    reel: Reel
    numbers: dict[str, int]
    options: FrameOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        name = cast(Path, target).stem
        chunks, notes, pixels = reader.recover(self.reel, name, self.numbers[name], self.options)
        return Product(chunks, notes, pixels)


@dataclass(frozen=True)
class Unreeling:
    """What the command line says about a movie to be recovered."""

    path: Path
    folder: Path
    force: bool = False
    skip_existing: bool = False
    keep_mtime: bool = False


def recover(unreeling: Unreeling, options: FrameOptions, manner: Manner) -> int:
    """A movie -> a folder of CinemaDNG frames, and its sound as a WAV; returns the exit code. Raises RawbackError.

    Into standard output goes a tar of the same files, frame by frame.
    """
    if unreeling.folder == paths.STREAM and sys.stdout.isatty():
        raise UsageError("standard output is a terminal; redirect it, or name a folder with -o")
    if unreeling.folder.exists() and not unreeling.folder.is_dir():
        raise UsageError(f"{unreeling.folder} is a file; the frames of a clip go into a folder")
    reel = reader.plan(unreeling.path)
    if options.denoise:
        denoise.check(reel.fields, str(unreeling.path))
    with Report(len(reel.shots), manner.quiet, manner.as_json, "fps") as report:
        averaged = [denoise.SAID] if options.denoise else []
        for note in (f"{unreeling.path}: {reel.promise}", *reel.notes, *averaged):
            report.note(note)
    if unreeling.folder == paths.STREAM:
        return _to_stream(reel, options)
    replacing = unreeling.force or unreeling.skip_existing
    targets = [unreeling.folder / f"{name}.dng" for name in reel.shots]
    tasks = tuple(Task(unreeling.path, target, replacing, unreeling.keep_mtime) for target in targets)
    chosen = {name: getattr(unreeling, name) for name in ("force", "skip_existing", "keep_mtime")}
    plan = FramePlan([], None, ".dng", "jpeg", **chosen, unit="fps", frames=tasks)
    numbers = {name: number for number, name in enumerate(reel.shots)}
    code = batch.run(plan, RecoverFrame(reel, numbers, options), manner)
    if reel.has_audio and not manner.dry_run:
        _extract(unreeling, replacing)
    return code


def _to_stream(reel: Reel, options: FrameOptions) -> int:
    """All frames, then the sound, as a tar: one after the other, in this process."""
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
        for number, name in enumerate(reel.shots):
            chunks, _, _ = reader.recover(reel, name, number, options)
            _add(tar, f"{name}.dng", b"".join(chunks))
        if reel.has_audio:
            sound = io.BytesIO()
            soundtrack.extract(reel.path, sound)
            _add(tar, f"{reel.path.stem}.wav", sound.getvalue())
    return EXIT_OK


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), int(time.time())
    tar.addfile(entry, io.BytesIO(data))


def _extract(unreeling: Unreeling, replacing: bool) -> None:
    target = unreeling.folder / f"{unreeling.folder.resolve().name}.wav"
    if unreeling.skip_existing and target.exists():
        return
    paths.check_target(target, paths.identities([unreeling.path]), replacing)
    with atomic.written(target, replacing) as file:
        soundtrack.extract(unreeling.path, file)
