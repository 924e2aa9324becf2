"""`render` of a clip: a folder of RAW frames -> a movie, in parallel, bounded in memory, resumed where a run was cut off."""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path
from typing import cast

from rawback.batch import batch
from rawback.batch.batch import Manner
from rawback.batch.plan import FramePlan, Task
from rawback.batch.progress import Report
from rawback.batch.worker import Outcome, Product
from rawback.clips import coding
from rawback.clips.clip import Clip, develop, survey
from rawback.cores import Progress
from rawback.errors import EXIT_OK, RawbackError
from rawback.files import atomic, paths
from rawback.files.paths import Location
from rawback.files.video import frame_fields, soundtrack
from rawback.files.video.movie import Movie
from rawback.files.video.writer import CODECS, Form, Writer
from rawback.rendering import RenderOptions
from rawback.version import __version__


@dataclass(frozen=True)
class RenderFrame:
    """A RAW frame -> a JPEG that says which frame of which clip it is."""

    clip: Clip
    options: RenderOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        frame = cast(Path, source)
        rendered, moment = develop(frame, self.clip, self.options, progress)
        data = frame_fields.into_jpeg(rendered.data, moment.to_fields())
        return Product([data], self.clip.notes_of(frame, rendered.notes), rendered.recipe.width * rendered.recipe.height)


@dataclass(frozen=True)
class Shooting:
    """What the command line says about a clip to be rendered."""

    folder: Path
    target: Path
    codec: str = "mjpeg"
    rate: Fraction | None = None
    force: bool = False
    skip_existing: bool = False


def render(shooting: Shooting, options: RenderOptions, manner: Manner) -> int:
    """A folder of RAW frames -> one movie; returns the exit code.

    MJPEG: the frames are rendered into a hidden folder beside the movie, which is made from them in the end; a run that
    is cut off is resumed from there. Raises RawbackError.
    """
    manner.check()
    frames, sound, notes = _frames(shooting.folder)
    replacing = shooting.force or shooting.skip_existing
    paths.check_target(shooting.target, paths.identities([*frames, *filter(None, [sound])]), replacing)
    if shooting.skip_existing and shooting.target.exists() and not any(paths.is_stale(f, shooting.target) for f in frames):
        return EXIT_OK
    shooting = replace(shooting, force=replacing)
    with Report(len(frames), manner.quiet, manner.as_json, "fps") as report:
        if manner.dry_run:
            report.say(f"{shooting.folder} ({len(frames)} frames) would become {shooting.target}")
            return EXIT_OK
        clip = survey(frames, options, shooting.rate)
        time_code = clip.time_code or (soundtrack.time_code(sound, clip.rate) if sound else "")
        for note in [*notes, *clip.notes]:
            report.note(note)
    form = Form(
        shooting.codec, shooting.target.suffix.lower(), clip.width, clip.height, clip.rate,
        coarseness=min(100 - options.quality, 51), time_code=time_code,
    ).check()  # fmt: skip
    if shooting.codec == "mjpeg":
        return _render_stills(shooting, clip, frames, sound, options, manner, form)
    return _render_stream(shooting, clip, frames, sound, options, manner, form)


def _frames(folder: Path) -> tuple[list[Path], Path | None, list[str]]:
    """The RAW files of a folder in the order of their names, and the sound beside them."""
    visible = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    frames = [path for path in visible if paths.kind_of(path) == "raw"]
    if not frames:
        raise RawbackError(f"{folder} holds no RAW frames; expected a folder of a clip, one file for each frame")
    waves = [path for path in visible if path.suffix.lower() == ".wav"]
    notes = [f"{folder} has {len(waves)} WAV files; none is taken"] if len(waves) > 1 else []
    return frames, waves[0] if len(waves) == 1 else None, notes


def _scratch(target: Path, made_by: object) -> Path:
    """The hidden folder for a movie in the making; those of runs with other options are removed."""
    folder = target.with_name(f"{atomic.PREFIX}{target.name}-{hashlib.sha256(repr(made_by).encode()).hexdigest()[:12]}")
    for other in target.parent.glob(f"{atomic.PREFIX}{_escaped(target.name)}-*"):
        if other != folder and other.is_dir():
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _render_stills(
    shooting: Shooting, clip: Clip, frames: list[Path], sound: Path | None, options: RenderOptions, manner: Manner, form: Form
) -> int:
    target = shooting.target
    plain = options if options.lossless else replace(options, thumbnail=False)
    folder = _scratch(target, (__version__, plain, clip, [str(frame.resolve()) for frame in frames]))
    tasks = tuple(Task(frame, folder / f"{number:07}.jpg", True) for number, frame in enumerate(frames))
    plan = FramePlan([], None, ".jpg", "raw", skip_existing=True, unit="fps", frames=tasks)
    code = batch.run(plan, RenderFrame(clip, plain), manner)
    if code != EXIT_OK:
        with suppress(OSError):
            folder.rmdir()
        raise RawbackError(f"{target} is not written: frames failed; those that are done are kept for the next run in {folder}")
    try:
        with atomic.written(target, shooting.force) as file, Writer(file, form, clip.fields, sound) as writer:
            for task in tasks:
                writer.add_coded(paths.load(task.target))
    except FileExistsError as error:
        raise RawbackError(f"{target} exists already; another run made it meanwhile") from error
    shutil.rmtree(folder, ignore_errors=True)
    return code


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _render_stream(
    shooting: Shooting, clip: Clip, frames: list[Path], sound: Path | None, options: RenderOptions, manner: Manner, form: Form
) -> int:
    """By a video codec, in passes: the chroma of one is kept in the next, which chooses luma for it."""
    clip = coding.fitted(clip)
    passes = CODECS[form.codec].passes
    passes += passes > 1 and options.effort == "best"
    folder = _scratch(shooting.target, ())
    folder.mkdir(exist_ok=True)
    before, whole = None, Task(shooting.folder, shooting.target)
    try:
        with Report(len(frames), manner.quiet, manner.as_json, "fps") as report:
            for number in range(passes):
                last = number == passes - 1
                path = shooting.target if last else folder / f"{number}.mkv"
                made = form if last else replace(form, container=".mkv")
                with (
                    atomic.written(path, shooting.force or not last) as file,
                    Writer(file, made, clip.fields, sound if last else None) as writer,
                ):
                    for source, shown in _ahead(frames, before, clip, options):
                        writer.add_codes(shown.codes, shown.recipe, shown.moment)
                        if last:
                            done = Outcome("done", notes=clip.notes_of(source, shown.notes), pixels=shown.codes[0].size)
                            report.finished(replace(whole, source=source), done)
                        worked = (number * len(frames) + writer.count) / passes
                        report.watch(whole, worked - report.counts["done"])
                before = path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.summary()
    return EXIT_OK


def _ahead(frames: list[Path], before: Path | None, clip: Clip, options: RenderOptions) -> Iterator[tuple[Path, coding.Shown]]:
    """Frames in order, the next one being worked on meanwhile, on all cores. before: what the pass before has made of them."""
    waiting: deque = deque()
    with ThreadPoolExecutor(1) as pool, Movie(before) if before else nullcontext() as earlier:
        for source, coded in zip(frames, earlier.decoded() if earlier else repeat(None, len(frames)), strict=True):
            waiting.append((source, pool.submit(coding.show, source, clip, options, coded)))
            if len(waiting) > 1:
                ready, result = waiting.popleft()
                yield ready, result.result()
        for ready, result in waiting:
            yield ready, result.result()
