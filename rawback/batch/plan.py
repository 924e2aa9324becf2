"""What is to be done: each input with its output, decided before any work."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rawback.batch import inputs
from rawback.batch.inputs import Filter, Found
from rawback.errors import UsageError
from rawback.files import paths
from rawback.files.paths import STREAM, Location

PICTURES = {".jpg", ".jpeg", ".dng", ".tif", ".tiff", ".png"}
"""An output with such a suffix is a file unless there is a folder of that name."""


@dataclass(frozen=True)
class Task:
    """One file to work on."""

    source: Location
    target: Location
    replace: bool = False
    """Whether a target that appears meanwhile is replaced."""
    keep_mtime: bool = False
    derived: bool = True
    """Whether the target's name was made from the source's, and not given by the user."""


@dataclass(frozen=True)
class Plan:
    """What the command line says about inputs and outputs."""

    inputs: list[str]
    """Paths, URLs, folders, or `-`."""
    output: str | None
    """A file (one input), a folder, or `-`; None: beside each input."""
    suffix: str
    """Of the outputs, where their names are ours to choose."""
    kind: str
    """What is looked for in folders: "raw" or "jpeg"."""
    recursive: bool = False
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    force: bool = False
    skip_existing: bool = False
    keep_mtime: bool = False
    unit: str = "MP/s"
    """In what speed is said: megapixels or frames a second."""

    def tasks(self) -> list[Task]:
        """Input and output, pair by pair. Raises UsageError where that cannot be."""
        output = paths.parse(self.output) if self.output is not None else None
        found = inputs.find(self.inputs, Filter(self.kind, self.include, self.exclude, output), self.recursive)
        several = len(found) != 1 or self.recursive
        self._check(found, output, several)
        into_folder = output is not None and output != STREAM and (
            several or output.is_dir() or self.output.endswith("/")  # type: ignore[union-attr]
        )  # fmt: skip
        targets = [self._target(f, output, into_folder) for f in found]
        _refuse_collisions(found, targets)
        derived = output is None or into_folder
        replace = self.force or self.skip_existing
        return [Task(f.location, t, replace, self.keep_mtime, derived) for f, t in zip(found, targets, strict=True)]

    def _check(self, found: list[Found], output: Location | None, several: bool) -> None:
        streams = [f for f in found if f.location == STREAM]
        if len(found) > 1 and (streams or output == STREAM):
            raise UsageError("`-` stands for one file; with several, name a folder with -o")
        if output == STREAM and sys.stdout.isatty():
            raise UsageError("standard output is a terminal; redirect it, or name a file with -o")
        if streams and output is None:
            raise UsageError("say where the result goes: -o FILE, or -o - for standard output")
        if several and output not in (None, STREAM) and output.suffix.lower() in PICTURES and not output.is_dir():  # type: ignore[union-attr]
            raise UsageError(f"several files cannot go into one; -o {output} must be a folder")
        if several and isinstance(output, Path) and output.is_file():
            raise UsageError(f"{output} is a file; with several inputs or -r, -o must be a folder")

    def _target(self, found: Found, output: Location | None, into_folder: bool) -> Location:
        if output is None:
            return found.location.with_suffix(self.suffix)
        if not into_folder:
            return output
        return output / (f"stdin{self.suffix}" if found.location == STREAM else found.relative.with_suffix(self.suffix))


@dataclass(frozen=True)
class FramePlan(Plan):
    """The frames of a clip as tasks."""

    frames: tuple[Task, ...] = ()

    def tasks(self) -> list[Task]:
        """Input and output, frame by frame."""
        return list(self.frames)


def _refuse_collisions(found: list[Found], targets: list[Location]) -> None:
    """Names that differ in capitals only are the same on many disks."""
    seen: dict[str, Found] = {}
    for source, target in zip(found, targets, strict=True):
        name = str(target).casefold()
        if name in seen and seen[name].location == source.location:
            raise UsageError(f"{source.location} is named twice")
        if name in seen and target != STREAM:
            both = f"{seen[name].location} and {source.location}"
            raise UsageError(f"{both} would both become {target}; put them into different folders")
        seen[name] = source
