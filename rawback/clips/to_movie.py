"""`render` of a clip: a folder of RAW frames -> a movie, in parallel, bounded in memory, resumed where a run was cut off."""

from __future__ import annotations

import hashlib
import shutil
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from itertools import repeat
from pathlib import Path
from typing import cast

from rawback.batch import batch
from rawback.batch.plan import Task
from rawback.batch.progress import Report
from rawback.batch.worker import Outcome, Product
from rawback.clips import coding
from rawback.clips.clip import Clip, develop, survey
from rawback.cores import Progress
from rawback.errors import EXIT_OK, RawbackError
from rawback.files import atomic, extras, paths, places, seal
from rawback.files.paths import Location
from rawback.files.permission import Allowed
from rawback.files.publishing import Approved
from rawback.files.replacement import Action, Source, decide
from rawback.files.video import frame_fields, soundtrack
from rawback.files.video.movie import Movie
from rawback.files.video.writer import CODECS, Form, Writer
from rawback.options.batch import BatchOptions
from rawback.options.clips import MovieOptions
from rawback.options.files import FileOptions
from rawback.options.option import as_text
from rawback.options.render import RenderOptions
from rawback.version import __version__

DEFAULT_CODEC = "mjpeg"
AGAIN = Allowed(force=True, skip_existing=True)
"""Of frames in the making: those of an earlier run are kept where they were made of the same RAW by the same options."""
CLIP = "ClipSha256"
"""XMP property: the fingerprint of the frames and the sound."""


@dataclass(frozen=True)
class RenderFrame:
    """A RAW frame -> a JPEG that says which frame of which clip it is."""

    clip: Clip
    options: RenderOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        frame = cast(Path, source)
        rendered, metadata = develop(frame, self.clip, self.options, progress)
        data = frame_fields.into_jpeg(rendered.data, metadata.to_fields())
        return Product([data], self.clip.notes_of(frame, rendered.notes), rendered.recipe.width * rendered.recipe.height)


@dataclass(frozen=True)
class Production:
    """A clip on its way to a movie."""

    folder: Path
    target: Path
    frames: list[Path]
    sound: Path | None
    clip: Clip
    form: Form
    approved: Approved | None
    """Whether a movie that lies there when all is done may be replaced."""
    marks: dict[str, str]
    """What the movie says of which clip it is, and that it is sealed, as XMP properties beside the recipe."""


def render(files: FileOptions, options: RenderOptions, movie: MovieOptions, run: BatchOptions) -> int:
    """A folder of RAW frames -> one movie; returns the exit code.

    MJPEG: the frames are rendered into a hidden folder beside the movie, which is made from them in the end; a run that
    is cut off is resumed from there. Raises RawbackError.
    """
    extras.check("video", "av", "making a movie")
    folder, target, codec = Path(files.inputs[0]), Path(str(files.output)), movie.codec or DEFAULT_CODEC
    frames, sound, notes = _frames(folder)
    inputs = [*frames, *filter(None, [sound])]
    places.check(target, places.identities(inputs))
    source = Source(folder, " ".join(filter(None, map(as_text, (options, movie)))), paths.fingerprint(inputs))
    decision = decide(target, files.allowed, source)
    with Report(len(frames), run.quiet, run.as_json, "fps") as report:
        if decision.action is Action.SKIP:
            report.note(decision.message or f"{folder} is passed by: {target} was made of it already")
            return EXIT_OK
        if run.dry_run:
            report.say(f"{folder} ({len(frames)} frames) would become {target}")
            return EXIT_OK
        clip = survey(frames, options, movie.fps)
        time_code = clip.time_code or (soundtrack.time_code(sound, clip.rate) if sound else "")
        for note in [*notes, *clip.notes]:
            report.note(note)
    form = Form(
        codec, target.suffix.lower(), clip.width, clip.height, clip.rate,
        coarseness=min(100 - options.quality, 51), time_code=time_code,
    ).check()  # fmt: skip
    marks = {CLIP: source.origin, "Options": source.options, seal.NAME: seal.BLANK.decode()}
    production = Production(folder, target, frames, sound, clip, form, decision.approved, marks)
    return (_render_stills if codec == "mjpeg" else _render_stream)(production, options, run)


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


def _render_stills(made: Production, options: RenderOptions, run: BatchOptions) -> int:
    """As MJPEG: each frame a JPEG that contains its RAW."""
    plain = options if options.lossless else replace(options, thumbnail=False)
    folder = _scratch(made.target, (__version__, plain, made.clip, [str(frame.resolve()) for frame in made.frames]))
    tasks = [
        Task(frame, folder / f"{number:07}.jpg", AGAIN, options=as_text(options)) for number, frame in enumerate(made.frames)
    ]
    code = batch.run(tasks, RenderFrame(made.clip, plain), run, unit="fps")
    if code != EXIT_OK:
        with suppress(OSError):
            folder.rmdir()
        kept = f"those that are done are kept for the next run in {folder}"
        raise RawbackError(f"{made.target} is not written: frames failed; {kept}")
    with (
        atomic.reporting(made.target),
        atomic.written(made.target, made.approved) as file,
        Writer(file, made.form, made.clip.fields | made.marks, made.sound) as writer,
    ):
        for task in tasks:
            writer.add_coded(paths.load(task.target))
    shutil.rmtree(folder, ignore_errors=True)
    return code


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _render_stream(made: Production, options: RenderOptions, run: BatchOptions) -> int:
    """By a video codec, in passes: the chroma of one is kept in the next, which chooses luma for it."""
    clip = coding.fitted(made.clip)
    passes = CODECS[made.form.codec].passes
    passes += passes > 1 and options.effort == "best"
    folder = _scratch(made.target, ())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    before, movie_task = None, Task(made.folder, made.target)
    try:
        with Report(len(made.frames), run.quiet, run.as_json, "fps", run.verbose) as report:
            for number in range(passes):
                last = number == passes - 1
                path = made.target if last else folder / f"{number}.mkv"
                form = made.form if last else replace(made.form, container=".mkv")
                fields = clip.fields | (made.marks if last else {})
                with (
                    atomic.reporting(path),
                    atomic.written(path, made.approved if last else None) as file,
                    Writer(file, form, fields, made.sound if last else None) as writer,
                ):
                    for source, frame in _ahead(made.frames, before, clip, options):
                        writer.add_codes(frame.codes, frame.recipe, frame.metadata)
                        if last:
                            done = Outcome("done", notes=clip.notes_of(source, frame.notes), pixels=frame.codes[0].size)
                            report.finished(replace(movie_task, source=source), done)
                        worked = (number * len(made.frames) + writer.count) / passes
                        report.watch(movie_task, worked - report.counts["done"])
                before = path
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.summary()
    return EXIT_OK


def _ahead(
    frames: list[Path], before: Path | None, clip: Clip, options: RenderOptions
) -> Iterator[tuple[Path, coding.CodedFrame]]:
    """Frames in order, the next one being worked on meanwhile, on all cores. before: what the pass before has made of them."""
    waiting: deque = deque()
    with ThreadPoolExecutor(1) as pool, Movie(before) if before else nullcontext() as earlier:
        for source, coded in zip(frames, earlier.decoded() if earlier else repeat(None, len(frames)), strict=True):
            waiting.append((source, pool.submit(coding.code_frame, source, clip, options, coded)))
            if len(waiting) > 1:
                ready, result = waiting.popleft()
                yield ready, result.result()
        for ready, result in waiting:
            yield ready, result.result()
