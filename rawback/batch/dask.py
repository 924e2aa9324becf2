"""The same batch on several machines: the workers of a Dask scheduler (https://distributed.dask.org).

They must see the files under the same paths or URLs as the caller, and have the same rawback installed.
"""

from __future__ import annotations

import logging
import queue
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from rawback.batch.local import Outcomes
from rawback.batch.plan import Task
from rawback.batch.worker import Job, Limits, Outcome, perform
from rawback.batch.worker_process import Child
from rawback.errors import RawbackError, UsageError
from rawback.files import extras
from rawback.files.paths import STREAM, Location, descriptor
from rawback.files.url import Url

PATIENCE = 30
"""Seconds to wait for the scheduler, and for its first worker."""
LOCAL_SCHEMES = {"memory"}
"""URLs that mean something in one process only."""

_children: queue.SimpleQueue[Child] = queue.SimpleQueue()
"""On a Dask worker: its idle worker processes."""


def run(job: Job, tasks: list[Task], address: str, limits: Limits) -> Outcomes:
    """Do all tasks on the cluster; yields them as they are finished.

    Whatever a lost worker had in hand, another does. Raises RawbackError if there is no cluster, UsageError for `-`.
    """
    if any(place == STREAM or descriptor(place) is not None for task in tasks for place in (task.source, task.target)):
        raise UsageError("`-` stays on this machine; name files for --scheduler")
    try:
        from distributed import as_completed
    except ImportError as error:
        raise RawbackError(f"--scheduler needs more packages: {extras.command('cluster')} ({error})") from error
    client = _connect(address)
    try:
        futures = {client.submit(work, job, _portable(task), limits, pure=False): task for task in tasks}
        for future in as_completed(list(futures), loop=client.loop):
            yield futures[future], _outcome(future, futures[future])
        with suppress(Exception):  # their processes end with the workers in any case
            client.run(dismiss)
    finally:
        client.close()  # and with it, what is left of the batch


def _connect(address: str) -> Any:
    """A `distributed.Client`."""
    from distributed import Client

    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise RawbackError(f"no Dask scheduler answers at {address} ({error}); is `dask scheduler` running?") from error
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError as error:
        client.close()
        raise RawbackError(f"the scheduler at {address} has no workers; start `dask worker {address}`") from error
    return client


def _portable(task: Task) -> Task:
    """A task that means the same in another folder."""
    source, target = (place.absolute() if isinstance(place, Path) else place for place in (task.source, task.target))
    return replace(task, source=source, target=target)


def _outcome(future: Any, task: Task) -> Outcome:
    error = future.exception()
    if error is None:
        return future.result()
    return Outcome("failed", f"{task.source} was given up by the cluster ({type(error).__name__}: {error})")


def work(job: Job, task: Task, limits: Limits) -> Outcome:
    """Do one file on a Dask worker, in a process of its own, within the same bounds as on one machine."""
    if isinstance(task.target, Path):
        with suppress(OSError):  # what is wrong with it, saving will say
            task.target.parent.mkdir(parents=True, exist_ok=True)
    if _is_local(task.source) or _is_local(task.target):
        return perform(job, task, _silent)
    child = _borrow(job, limits)
    try:
        return child.perform(task, _silent)
    finally:
        _children.put(child)


def _borrow(job: Job, limits: Limits) -> Child:
    """An idle child that does this job; those of another batch are closed."""
    with suppress(queue.Empty):
        while True:
            child = _children.get_nowait()
            if (child.job, child.limits) == (job, limits):
                return child
            child.close()
    return Child(job, limits)


def dismiss() -> None:
    """End the idle processes of a Dask worker."""
    with suppress(queue.Empty):
        while True:
            _children.get_nowait().close()


def _is_local(place: Location) -> bool:
    return isinstance(place, Url) and place.scheme in LOCAL_SCHEMES


def _silent(share: float) -> None:
    """Nobody watches."""
