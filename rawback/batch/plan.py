"""What is to be done: each input with its output, decided before any work."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rawback.batch import inputs
from rawback.batch.inputs import Filter, Input
from rawback.errors import UsageError
from rawback.files import paths
from rawback.files.paths import STREAM, Location
from rawback.options.files import FileOptions

PICTURES = {".jpg", ".jpeg", ".dng", ".tif", ".tiff", ".png"}
"""An output with such a suffix is a file unless there is a folder of that name."""


@dataclass(frozen=True)
class Task:
    """One file to work on."""

    source: Location
    target: Location
    replace: bool = False
    """Whether a target that exists, or appears meanwhile, is replaced."""
    keep_mtime: bool = False
    derived: bool = True
    """Whether the target's name was made from the source's, and not given by the user."""
    skip_existing: bool = False
    """Whether nothing is done if the target exists and is not older than the source."""


def tasks(files: FileOptions, suffix: str, kind: str) -> list[Task]:
    """Input and output, pair by pair. Raises UsageError where that cannot be.

    suffix: of the outputs, where their names are ours to choose. kind: what is looked for in folders, "raw" or "jpeg".
    """
    output = paths.parse(files.output) if files.output is not None else None
    names = inputs.read_list(files.files_from, files.null) if files.files_from else files.inputs
    sources = inputs.find(names, Filter(kind, files.include, files.exclude, output), files.recursive)
    several = len(sources) != 1 or files.recursive
    _check(sources, output, several)
    into_folder = output is not None and output != STREAM and (
        several or output.is_dir() or str(files.output).endswith("/")
    )  # fmt: skip
    targets = [_target(source, output, into_folder, suffix) for source in sources]
    _refuse_collisions(sources, targets)
    derived = output is None or into_folder
    return [
        Task(source.location, target, files.replace, files.keep_mtime, derived, files.skip_existing)
        for source, target in zip(sources, targets, strict=True)
    ]


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


def _target(source: Input, output: Location | None, into_folder: bool, suffix: str) -> Location:
    if output is None:
        return source.location.with_suffix(suffix)
    if not into_folder:
        return output
    return output / (f"stdin{suffix}" if source.location == STREAM else source.relative.with_suffix(suffix))


def _refuse_collisions(sources: list[Input], targets: list[Location]) -> None:
    """Names that differ in capitals only are the same on many disks."""
    seen: dict[str, Input] = {}
    for source, target in zip(sources, targets, strict=True):
        name = str(target).casefold()
        if name in seen and seen[name].location == source.location:
            raise UsageError(f"{source.location} is named twice")
        if name in seen and target != STREAM:
            both = f"{seen[name].location} and {source.location}"
            raise UsageError(f"{both} would both become {target}; put them into different folders")
        seen[name] = source
