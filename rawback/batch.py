"""One verb over several files: where each result goes, what is said, and what the exit code will be."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from rawback.errors import EXIT_FAILED, EXIT_OK, RawbackError, UsageError
from rawback.files import atomic, paths

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class Plan:
    """What the command line says about inputs and outputs."""

    inputs: list[Path]
    output: Path | None
    """A file (one input), a folder, or `-`; None: beside each input."""
    suffix: str
    """Of the outputs, where their names are ours to choose."""
    force: bool = False
    skip_existing: bool = False
    quiet: bool = False

    def targets(self) -> list[tuple[Path, Path]]:
        """Input and output, pair by pair. Raises UsageError where that cannot be."""
        if len(self.inputs) > 1 and paths.STREAM in (*self.inputs, self.output):
            raise UsageError("`-` stands for one file; with several, name a folder with -o")
        if self.output == paths.STREAM and sys.stdout.isatty():
            raise UsageError("standard output is a terminal; redirect it, or name a file with -o")
        if paths.STREAM in self.inputs and self.output is None:
            raise UsageError("say where the result goes: -o FILE, or -o - for standard output")
        if len(self.inputs) > 1 and self.output is not None and self.output.suffix and not self.output.is_dir():
            raise UsageError(f"several files cannot go into one; -o {self.output} must be a folder")
        pairs = [(source, self._target(source)) for source in self.inputs]
        seen: dict[Path, Path] = {}
        for source, target in pairs:
            if target in seen and target != paths.STREAM:
                raise UsageError(f"{seen[target]} and {source} would both become {target}; render them into different folders")
            seen[target] = source
        return pairs

    def _target(self, source: Path) -> Path:
        if self.output is None:
            return source.with_suffix(self.suffix)
        if self.output.is_dir() or len(self.inputs) > 1:
            return self.output / (source.with_suffix(self.suffix).name if source != paths.STREAM else f"stdin{self.suffix}")
        return self.output


def run(plan: Plan, work: Callable[[Path, Path, Callable[[float], None]], tuple[Iterable, list[str]]]) -> int:
    """Do `work(source, target, progress) -> (chunks, notes)` for each input; returns the exit code.

    A file that fails is named and counted, the others are still done.
    """
    failed = 0
    for source, target in plan.targets():
        if plan.skip_existing and target != paths.STREAM and target.exists():
            continue
        try:
            paths.check_target(target, paths.identities(plan.inputs), plan.force)
            with _progress(source, plan.quiet) as progress:
                chunks, notes = work(source, target, progress)
                atomic.save(target, chunks)
        except RawbackError as error:
            stderr.print(f"rawback: {error}", markup=False)
            failed += 1
            continue
        if not plan.quiet:
            for note in notes:
                stderr.print(f"rawback: {note}", markup=False)
    return EXIT_FAILED if failed else EXIT_OK


@contextmanager
def _progress(source: Path, quiet: bool):
    """A bar for one file, where there is a terminal to draw it on."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True, disable=quiet or not stderr.is_terminal) as bar:
        task = bar.add_task(source.name, total=1.0)
        yield lambda share: bar.update(task, completed=share)
