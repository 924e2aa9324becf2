"""One file of a batch: `perform` does it, `main` does one after another in a process of its own (see `worker_process.py`)."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import queue
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import BinaryIO, Protocol

from rawback.batch.plan import Task
from rawback.cores import Progress
from rawback.errors import MachineError, RawbackError
from rawback.files import atomic, paths

GRACE = 5.0


@dataclass
class Product:
    """What became of one input."""

    chunks: Iterable[bytes | bytearray | memoryview]
    """The output file."""
    notes: list[str]
    """What the user should know, a sentence each."""
    pixels: int
    then: Callable[[], list[str]] | None = None
    """What is to be done once the output is written; returns further notes."""


class Job(Protocol):
    """What is done to each file; can be pickled."""

    def __call__(self, source: paths.Location, target: paths.Location, progress: Progress) -> Product: ...


@dataclass(frozen=True)
class Limits:
    """What one file may cost in a worker process."""

    seconds: float = 600.0
    memory: int = 4 << 30
    """Bytes of address space (RLIMIT_AS, where the system has it)."""
    threads: int = 1


@dataclass
class Outcome:
    """How one file went."""

    status: str
    """done, skipped, planned or failed."""
    error: str = ""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    pixels: int = 0
    bytes: int = 0
    bug: bool = False
    """Whether rawback failed where it should have said what is wrong with the file."""


def perform(job: Job, task: Task, progress: Progress) -> Outcome:
    """Do one file. Whatever is wrong with it ends up in the outcome."""
    began = time.monotonic()
    try:
        product = job(task.source, task.target, progress)
        mtime = paths.modified_ns(task.source) if task.keep_mtime else None
        size = atomic.save(task.target, product.chunks, replace=task.replace, mtime_ns=mtime)
        notes = product.notes + (product.then() if product.then else [])
        return Outcome("done", "", notes, time.monotonic() - began, product.pixels, size)
    except MachineError as error:  # it says nothing of the file
        outcome = Outcome("failed", f"{task.source} could not be worked on: {error}")
    except RawbackError as error:
        outcome = Outcome("failed", str(error))
    except MemoryError:
        outcome = Outcome("failed", f"{task.source} needs more memory than there is; see --memory")
    except BrokenPipeError:
        raise
    except OSError as error:
        outcome = Outcome("failed", f"{task.source} could not be worked on: {error.strerror or error}")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        outcome = Outcome("failed", f"{task.source} could not be worked on ({reason}); please report it", bug=True)
    outcome.seconds = time.monotonic() - began
    return outcome


def main() -> None:
    """Run a worker process: tasks come on standard input, outcomes go to what was standard output."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # C libraries may print: not among the replies
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, tasks), daemon=True).start()
    warnings.simplefilter("ignore")
    job, limits = tasks.get()
    _limit_memory(limits.memory)
    while True:
        task = tasks.get()
        _end_after(limits.seconds + GRACE)
        outcome = perform(job, task, _reporter(replies))
        _end_after(0)
        _reply(replies, dataclasses.asdict(outcome))


def _listen(stream: BinaryIO, tasks: queue.SimpleQueue) -> None:
    """Pass tasks on; when the parent is gone, however that came, go too, in the middle of whatever is being done."""
    code = 70
    try:
        while True:
            tasks.put(pickle.load(stream))
    except EOFError:
        code = 0
    except Exception as error:
        print(f"rawback: a worker cannot understand its task: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(code)


def _reporter(replies: BinaryIO) -> Progress:
    """Says how far it is, ten times a second at most."""
    last = 0.0

    def report(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > 0.1:
            last = time.monotonic()
            _reply(replies, {"share": share})

    return report


def _reply(replies: BinaryIO, message: dict) -> None:
    try:
        replies.write(json.dumps(message).encode() + b"\n")
        replies.flush()
    except BrokenPipeError:
        os._exit(0)  # the parent is gone


def _end_after(seconds: float) -> None:
    """The parent kills what is late; should it be gone while C code hangs, the system does (SIGALRM). 0: never."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _limit_memory(size: int) -> None:
    with suppress(ImportError, ValueError, OSError):  # no such limit on this system
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_AS, (wanted, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
