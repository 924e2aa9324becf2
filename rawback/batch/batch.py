"""One verb over many files: nothing lost, whatever happens to one of them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from rawback.batch import local
from rawback.batch.manifest import Manifest
from rawback.batch.plan import Task
from rawback.batch.progress import Report
from rawback.batch.worker import Finishing, Job, Limits, Outcome, decide, perform
from rawback.cores import cores, memory
from rawback.errors import EXIT_FAILED, EXIT_OK, RawbackError, UsageError
from rawback.files import atomic, paths, places
from rawback.files.paths import Location
from rawback.files.replacement import Action
from rawback.files.url import Url
from rawback.options.batch import BatchOptions

MEMORY_PER_JOB = 1 << 30
"""Bytes by which the number of jobs is chosen: a picture of 80 megapixels takes so much, one of 12 a quarter."""


def run(
    tasks: list[Task], job: Job, options: BatchOptions = BatchOptions(), *, unit: str = "MP/s", manifest: Path | None = None
) -> int:
    """Do `job` to each file; returns the exit code. unit: in what speed is told, "MP/s" or "fps".

    manifest: a list of all files with their hashes, to be written or added to.

    A file that fails, crashes its worker or takes too long is named and counted, the others are still done.
    """
    if options.as_json and any(task.target == paths.STREAM for task in tasks):
        raise UsageError("standard output cannot take both the file and --json; name a file with -o")
    places_of_files = (task.target for task in tasks if not task.problem and isinstance(task.target, Path))
    folders = {place.parent for place in places_of_files if place != paths.STREAM and paths.descriptor(place) is None}
    listed = Manifest(manifest) if manifest and not options.dry_run else None
    made: list[Path] = []
    if not options.dry_run:
        made = _make_folders(folders)
        atomic.sweep(folders)
    with Report(len(tasks), options.quiet, options.as_json, unit, options.verbose) as report:
        try:
            with closing(_outcomes(tasks, job, options, report)) as outcomes:
                for task, outcome in outcomes:
                    outcome.notes[:0] = [task.note] if task.note and outcome.status in ("done", "planned") else []
                    report.finished(task, outcome)
                    if listed:
                        listed.add(task, outcome)
        finally:
            if not options.dry_run:
                atomic.sweep(folders)
                _remove_empty(made)
            if listed:
                listed.write()
    report.summary()
    return EXIT_FAILED if report.counts["failed"] else EXIT_OK


def _outcomes(tasks: list[Task], job: Job, options: BatchOptions, report: Report) -> local.Outcomes:
    """First all that need no work, then the work, in this process if it is one file."""
    inputs = places.identities(task.source for task in tasks)
    todo = []
    for task in tasks:
        outcome = _without_work(task, inputs, job, options.dry_run)
        if outcome:
            yield task, outcome
        else:
            todo.append(replace(task, vacant=_is_vacant(task.target)))
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


def _without_work(task: Task, inputs: frozenset[places.Identity], job: Job, dry_run: bool) -> Outcome | None:
    """The outcome of a file that is refused before any work, or only talked about; None: it is to be done."""
    if task.problem:
        return Outcome("failed", task.problem)
    try:
        places.check(task.target, inputs)
        return _planned(task, job) if dry_run else None
    except (RawbackError, OSError) as error:
        return Outcome("failed", str(error))


def _planned(task: Task, job: Job) -> Outcome:
    """What would become of a file, in words. Raises RawbackError where nothing could be done."""
    decision = decide(task)
    intent = job.intent(task.source, task.target) if isinstance(job, Finishing) else []
    if decision.action is Action.SKIP:
        there = f"{task.source} would be passed by: {task.target} was made of it already"
        return Outcome("skipped", "", [decision.message] if decision.message else [there, *intent])
    replaced = f", replacing {decision.existing.kind.value}" if decision.action is Action.REPLACE else ""
    return Outcome("planned", "", [f"{task.source} would become {task.target}{replaced}", *intent])


def _is_vacant(target: Location) -> bool:
    """Whether there is nothing in a place; False where that cannot be seen."""
    try:
        return not target.exists() if isinstance(target, Url) else not os.path.lexists(target)
    except RawbackError:
        return False


def _make_folders(folders: Iterable[Path]) -> list[Path]:
    """Those that were not there. Raises RawbackError if there is no place for the outputs."""
    missing = {place for folder in folders for place in (folder, *folder.parents) if not os.path.lexists(place)}
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RawbackError(f"{folder} cannot be made: {error.strerror or error}") from error
    return sorted(missing, key=lambda place: len(place.parts), reverse=True)


def _remove_empty(folders: Iterable[Path]) -> None:
    """Of folders that were made for outputs, deepest first, those that nothing came into."""
    for folder in folders:
        with suppress(OSError):  # most have something in them
            folder.rmdir()
