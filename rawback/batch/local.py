"""Many files in several worker processes on this machine."""

from __future__ import annotations

import queue
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, as_completed

from rawback.batch.plan import Task
from rawback.batch.worker import Job, Limits, Outcome
from rawback.batch.worker_process import Child

Watch = Callable[[Task, float], None]
"""Told how far a file is: 0 when it starts, 1 when it is finished."""


Outcomes = Generator[tuple[Task, Outcome], None, None]


def run(job: Job, tasks: list[Task], jobs: int, limits: Limits, watch: Watch) -> Outcomes:
    """Do all tasks, `jobs` at a time, each in one of as many processes; yields them as they are finished.

    When the caller stops early (Ctrl-C), the processes are killed.
    """
    children = [Child(job, limits) for _ in range(min(jobs, len(tasks)))]
    idle: queue.SimpleQueue[Child] = queue.SimpleQueue()
    for child in children:
        idle.put(child)

    def work(task: Task) -> Outcome:
        child = idle.get()
        try:
            watch(task, 0.0)
            return child.perform(task, lambda share: watch(task, share))
        finally:
            idle.put(child)

    pool = ThreadPoolExecutor(len(children) or 1)
    try:
        futures = {pool.submit(work, task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.close()
        pool.shutdown()
