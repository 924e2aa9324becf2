"""One verb over many files: nothing lost, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rawback.batch import local
from rawback.batch.plan import Plan, Task
from rawback.batch.progress import Report
from rawback.batch.worker import Job, Limits, Outcome, perform
from rawback.cores import cores, memory
from rawback.errors import EXIT_FAILED, EXIT_OK, RawbackError, UsageError
from rawback.files import atomic, paths

MEMORY_PER_JOB = 1 << 30
"""Bytes by which the number of jobs is chosen: a picture of 80 megapixels takes so much, one of 12 a quarter."""


@dataclass(frozen=True)
class Manner:
    """How a batch is run."""

    jobs: int = 1
    """Worker processes; 0: as many as there are cores, and memory for."""
    timeout: float = 600.0
    """Seconds that one file may take in a batch."""
    memory: int = 4096
    """MiB that one worker may take in a batch."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers do the batch."""
    dry_run: bool = False
    as_json: bool = False
    quiet: bool = False

    def check(self) -> Manner:
        """Return self, or raise UsageError for values that cannot be."""
        if not 0 <= self.jobs <= 1024:
            raise UsageError(f"jobs are {self.jobs}; expected 1 to 1024, or 0 for one per core")
        if not 0 < self.timeout <= 1e6:
            raise UsageError(f"timeout is {self.timeout:g}; expected seconds")
        if self.memory < 512:
            raise UsageError(f"memory is {self.memory} MiB; expected at least 512")
        return self


def run(plan: Plan, job: Job, manner: Manner = Manner()) -> int:
    """Do `job` to each input; returns the exit code.

    A file that fails, crashes its worker or takes too long is named and counted, the others are still done.
    Raises UsageError before any work if two inputs would have the same output.
    """
    manner.check()
    tasks = plan.tasks()
    if manner.as_json and any(task.target == paths.STREAM for task in tasks):
        raise UsageError("standard output cannot take both the file and --json; name a file with -o")
    folders = {task.target.parent for task in tasks if isinstance(task.target, Path) and task.target != paths.STREAM}
    if not manner.dry_run:
        _make_folders(folders)
        atomic.sweep(folders)
    with Report(len(tasks), manner.quiet, manner.as_json, plan.unit) as report:
        try:
            with closing(_outcomes(plan, tasks, job, manner, report)) as outcomes:
                for task, outcome in outcomes:
                    report.finished(task, outcome)
        finally:
            if not manner.dry_run:
                atomic.sweep(folders)
    report.summary()
    return EXIT_FAILED if report.counts["failed"] else EXIT_OK


def _outcomes(plan: Plan, tasks: list[Task], job: Job, manner: Manner, report: Report) -> local.Outcomes:
    """First all that need no work, then the work, in this process if it is one file."""
    originals = paths.identities(task.source for task in tasks)
    todo = []
    for task in tasks:
        decided = _without_work(plan, task, originals, manner.dry_run)
        if decided:
            yield task, decided
        else:
            todo.append(task)
    if manner.scheduler:
        from rawback.batch import dask

        yield from dask.run(job, todo, manner.scheduler, _limits(manner, 1))
    elif len(tasks) == 1:
        for task in todo:
            yield task, perform(job, task, partial(report.watch, task))
    else:
        jobs = manner.jobs or _default_jobs()
        yield from local.run(job, todo, jobs, _limits(manner, max(cores() // jobs, 1)), report.watch)


def _default_jobs() -> int:
    room = max(memory() // MEMORY_PER_JOB, 1) if memory() > 0 else cores()
    return min(cores(), room)


def _limits(manner: Manner, threads: int) -> Limits:
    return Limits(manner.timeout, manner.memory << 20, threads)


def _without_work(plan: Plan, task: Task, originals: frozenset[tuple[int, int]], dry_run: bool) -> Outcome | None:
    """The outcome of a file that is to be skipped or refused, or only talked about; None: it is to be done."""
    try:
        paths.check_target(task.target, originals, plan.force or plan.skip_existing, task.derived)
        there = task.target != paths.STREAM and task.target.exists()
        if plan.skip_existing and there and not paths.is_stale(task.source, task.target):
            return Outcome("skipped")
    except (RawbackError, OSError) as error:
        return Outcome("failed", str(error))
    return Outcome("planned") if dry_run else None


def _make_folders(folders: Iterable[Path]) -> None:
    """Raise RawbackError if there is no place for the outputs."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RawbackError(f"{folder} cannot be made: {error.strerror or error}") from error
