"""`recover` of a movie: a folder of CinemaDNG frames and the sound beside them, or the same as a tar."""

from __future__ import annotations

import io
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from rawback.batch import batch
from rawback.batch.plan import Task
from rawback.batch.progress import Report
from rawback.batch.worker import Product
from rawback.clips import denoise, reader
from rawback.clips.reader import MovieContents
from rawback.cores import Progress
from rawback.errors import EXIT_OK, RawbackError, UsageError
from rawback.files import atomic, paths, places
from rawback.files.existing import examine
from rawback.files.paths import Location
from rawback.files.recognition import Kind
from rawback.files.replacement import FOREIGN, decide
from rawback.files.video import soundtrack
from rawback.options.batch import BatchOptions
from rawback.options.clips import FrameOptions
from rawback.options.files import FileOptions
from rawback.options.recover import RecoverOptions


@dataclass(frozen=True)
class RecoverFrame:
    """A frame of a movie -> CinemaDNG; which one, the name of the target says."""

    movie: MovieContents
    numbers: dict[str, int]
    """Frames before that one, by its name."""
    options: RecoverOptions
    frames: FrameOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        name = cast(Path, target).stem
        chunks, notes, pixels = reader.recover(self.movie, name, self.numbers[name], self.options, self.frames)
        return Product(chunks, notes, pixels)


def recover(files: FileOptions, options: RecoverOptions, frames: FrameOptions, run: BatchOptions) -> int:
    """A movie -> a folder of CinemaDNG frames, and its sound as a WAV; returns the exit code. Raises RawbackError.

    Into standard output goes a tar of the same files, frame by frame.
    """
    path = Path(files.inputs[0])
    folder = Path(files.output) if files.output else path.with_suffix("")
    if folder == paths.STREAM:
        paths.standard_output()
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; the frames of a clip go into a folder")
    movie = reader.contents(path)
    if frames.denoise:
        denoise.check(movie.fields, str(path))
    with Report(len(movie.frames), run.quiet, run.as_json, "fps") as report:
        averaged = [denoise.NOTE] if frames.denoise else []
        for note in (f"{path}: {movie.promise}", *movie.notes, *averaged):
            report.note(note)
        if folder == paths.STREAM and run.dry_run:
            report.say(f"{path} ({len(movie.frames)} frames) would go to standard output as a tar")
            return EXIT_OK
    if folder == paths.STREAM:
        return _to_stream(movie, options, frames)
    text = reader.options_text(options, frames)
    tasks = [
        Task(path, folder / f"{name}.dng", files.allowed, files.keep_mtime, text, movie.origin(name)) for name in movie.frames
    ]
    numbers = {name: number for number, name in enumerate(movie.frames)}
    code = batch.run(tasks, RecoverFrame(movie, numbers, options, frames), run, unit="fps")
    if movie.has_audio and not run.dry_run:
        _extract_sound(path, folder / f"{folder.resolve().name}.wav", files)
    return code


def _to_stream(movie: MovieContents, options: RecoverOptions, frames: FrameOptions) -> int:
    """All frames, then the sound, as a tar: one after the other, in this process."""
    with tarfile.open(fileobj=paths.standard_output(), mode="w|") as tar:
        for number, name in enumerate(movie.frames):
            chunks, _, _ = reader.recover(movie, name, number, options, frames)
            _add(tar, f"{name}.dng", b"".join(chunks))
        if movie.has_audio:
            sound = io.BytesIO()
            soundtrack.extract(movie.path, sound)
            _add(tar, f"{movie.path.stem}.wav", sound.getvalue())
    return EXIT_OK


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime = len(data), int(time.time())
    tar.addfile(entry, io.BytesIO(data))


def _extract_sound(movie: Path, target: Path, files: FileOptions) -> None:
    """Write the sound; if it lies there already, it stays. A WAV has no seal: another one may be the clip's original sound."""
    places.check(target, places.identities([movie]))
    other = examine(target).kind is Kind.FOREIGN and not files.replace_foreign
    approved = None if other else decide(target, files.allowed).approved
    try:
        with atomic.written(target, approved) as file:
            soundtrack.extract(movie, file)
    except FileExistsError as error:
        raise RawbackError(f"{target} {FOREIGN[Kind.FOREIGN]}") from error
