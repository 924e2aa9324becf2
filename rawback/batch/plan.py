"""What is to be done: each input with its output, decided before any work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rawback.batch import inputs, naming, output_names
from rawback.batch.inputs import Filter, Input
from rawback.errors import UsageError
from rawback.files import paths, places
from rawback.files.paths import STREAM, Location
from rawback.files.permission import NOTHING, Allowed
from rawback.options.files import FileOptions
from rawback.options.option import refuse

APART = "{stem}_{ext}{suffix}"
"""A template by which photos of equal stems have names of their own."""
PICTURES = {".jpg", ".jpeg", ".dng", ".tif", ".tiff", ".png", ".jxl", ".npz", ".npy"}
"""An output with such a suffix is a file unless there is a folder of that name."""


@dataclass(frozen=True)
class Task:
    """One file to work on."""

    source: Location
    target: Location
    allowed: Allowed = NOTHING
    """What the output may replace."""
    keep_mtime: bool = False
    options: str = ""
    """Those that shape the output, as one text."""
    origin: str = ""
    """What stands for the source's sha256, where the output is not made of a whole file."""
    vacant: bool = False
    """Whether nothing lay in the target's place when the run began."""
    problem: str = ""
    """Why nothing can be done, where that is known before any work."""
    product_sha256: str = ""
    """Of the output, where that is known before any work."""
    note: str = ""
    """Why the output is called as it is, where that is worth saying."""


@dataclass(frozen=True)
class Known:
    """What is known of an output before any work."""

    name: str = ""
    """Empty: by the input's."""
    sha256: str = ""
    """Of its bytes; empty: it is not known."""


def tasks(
    files: FileOptions, suffix: str, kind: str, options: str = "", known: Callable[[Location], Known] | None = None
) -> list[Task]:
    """Input and output, pair by pair. Raises UsageError where that cannot be.

    suffix: of the outputs, where their names are ours to choose. kind: what is looked for in folders, "raw" or "jpeg".
    options: all that shape the outputs, as one text. known: tells of each input what its output is called.
    """
    output = _output(files.output)
    names = inputs.read_list(files.files_from, files.null) if files.files_from else files.inputs
    sources = inputs.find(names, Filter(kind, files.include, files.exclude, output), files.recursive)
    several = len(sources) != 1 or files.recursive
    _check(sources, output, several)
    if files.name:
        naming.check_suffix(files.name, suffix)
    folder = output if output and output != STREAM and (several or output.is_dir() or str(files.output).endswith("/")) else None
    outputs = [known(source.location) if known else Known() for source in sources]
    if output is not None and folder is None:
        refuse(files, ("name",), f"is for many files, and -o {files.output} names one; a folder ends in /")
        output_names.check(output, suffix)
        targets, notes = [output] * len(sources), [""] * len(sources)
    else:
        names = [naming.name(source, files.name, suffix, own.name) for source, own in zip(sources, outputs, strict=True)]
        targets = [naming.place(source, folder, name) for source, name in zip(sources, names, strict=True)]
        targets, notes = naming.aside(sources, targets, not (known or files.name or files.replace_foreign))
    problems = _problems(sources, targets)
    return [
        Task(
            source.location, target, files.allowed, files.keep_mtime, options,
            problem=problem, product_sha256=own.sha256, note=note,
        )
        for source, target, problem, own, note in zip(sources, targets, problems, outputs, notes, strict=True)
    ]  # fmt: skip


def _output(text: str | None) -> Location | None:
    """Where the user wants the outputs. /dev/stdout, /dev/fd/1 are ways to write `-`."""
    output = paths.parse(text) if text is not None else None
    return STREAM if output is not None and paths.descriptor(output) == paths.STANDARD["stdout"] else output


def _check(sources: list[Input], output: Location | None, several: bool) -> None:
    streams = [source for source in sources if source.location == STREAM]
    if len(sources) > 1 and (streams or output == STREAM):
        raise UsageError("`-` stands for one file; with several, name a folder with -o")
    if output == STREAM:
        paths.standard_output()
    if streams and output is None:
        raise UsageError("say where the result goes: -o FILE, or -o - for standard output")
    if not several or output is None or output == STREAM:
        return
    if output.suffix.lower() in PICTURES and not output.is_dir():
        raise UsageError(f"several files cannot go into one; -o {output} must be a folder")
    if isinstance(output, Path) and output.is_file():
        raise UsageError(f"{output} is a file; with several inputs or -r, -o must be a folder")


def _problems(sources: list[Input], targets: list[Location]) -> list[str]:
    """For each input with which others it would share its output, empty with none. Raises UsageError for one named twice."""
    by_place: dict[object, list[Location]] = defaultdict(list)
    named = [places.place(target) for target in targets]
    for source, at in zip(sources, named, strict=True):
        if source.location in by_place[at]:
            raise UsageError(f"{source.location} is named twice")
        by_place[at].append(source.location)
    return [_problem(source.location, target, by_place[at]) for source, target, at in zip(sources, targets, named, strict=True)]


def _problem(source: Location, target: Location, sharing: list[Location]) -> str:
    if len(sharing) == 1:
        return ""
    others = [location for location in sharing if not places.same_file(location, source)]
    if not others:
        return "" if source == sharing[0] else f"{source} is {sharing[0]} by another name; it is done once"
    more = f" (and {len(others) - 1} more)" if len(others) > 1 else ""
    return f"{source} and {others[0]}{more} would both become {target}; name them apart, e.g. --name '{APART}'"
