"""One verb over many files: nothing lost, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from functools import partial
from pathlib import Path

from rawback.batch import local
from rawback.batch.plan import Task
from rawback.batch.progress import Report
from rawback.batch.worker import Job, Limits, Outcome, perform
from rawback.cores import cores, memory
from rawback.errors import EXIT_FAILED, EXIT_OK, RawbackError, UsageError
from rawback.files import atomic, paths
from rawback.options.batch import BatchOptions

MEMORY_PER_JOB = 1 << 30
"""Bytes by which the number of jobs is chosen: a picture of 80 megapixels takes so much, one of 12 a quarter."""


def run(tasks: list[Task], job: Job, options: BatchOptions = BatchOptions(), *, unit: str = "MP/s") -> int:
    """Do `job` to each file; returns the exit code. unit: in what speed is told, "MP/s" or "fps".

    A file that fails, crashes its worker or takes too long is named and counted, the others are still done.
    """
    if options.as_json and any(task.target == paths.STREAM for task in tasks):
        raise UsageError("standard output cannot take both the file and --json; name a file with -o")
    folders = {task.target.parent for task in tasks if isinstance(task.target, Path) and task.target != paths.STREAM}
    if not options.dry_run:
        _make_folders(folders)
        atomic.sweep(folders)
    with Report(len(tasks), options.quiet, options.as_json, unit) as report:
        try:
            with closing(_outcomes(tasks, job, options, report)) as outcomes:
                for task, outcome in outcomes:
                    report.finished(task, outcome)
        finally:
            if not options.dry_run:
                atomic.sweep(folders)
    report.summary()
    return EXIT_FAILED if report.counts["failed"] else EXIT_OK


def _outcomes(tasks: list[Task], job: Job, options: BatchOptions, report: Report) -> local.Outcomes:
    """First all that need no work, then the work, in this process if it is one file."""
    originals = paths.identities(task.source for task in tasks)
    todo = []
    for task in tasks:
        outcome = _without_work(task, originals, options.dry_run)
        if outcome:
            yield task, outcome
        else:
            todo.append(task)
    if options.scheduler:
        from rawback.batch import dask

        yield from dask.run(job, todo, options.scheduler, _limits(options, 1))
    elif len(tasks) == 1:
        for task in todo:
            yield task, perform(job, task, partial(report.watch, task))
    else:
        jobs = options.jobs or _default_jobs()
        yield from local.run(job, todo, jobs, _limits(options, max(cores() // jobs, 1)), report.watch)


def _default_jobs() -> int:
    room = max(memory() // MEMORY_PER_JOB, 1) if memory() > 0 else cores()
    return min(cores(), room)


def _limits(options: BatchOptions, threads: int) -> Limits:
    return Limits(options.timeout, options.memory << 20, threads)


def _without_work(task: Task, originals: frozenset[tuple[int, int]], dry_run: bool) -> Outcome | None:
    """The outcome of a file that is to be skipped or refused, or only talked about; None: it is to be done."""
    try:
        paths.check_target(task.target, originals, task.replace, task.derived)
        there = task.target != paths.STREAM and task.target.exists()
        if task.skip_existing and there and not paths.is_stale(task.source, task.target):
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
