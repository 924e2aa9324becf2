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
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from rawback.batch.plan import Task
from rawback.cores import Progress, keep_memory
from rawback.errors import MachineError, RawbackError
from rawback.files import atomic, paths, replacement
from rawback.files.recognition import Existing, Kind
from rawback.files.replacement import Action, Decision, Source

GRACE = 5.0


@dataclass
class Product:
    """What became of one input."""

    chunks: Iterable[bytes | bytearray | memoryview]
    """The output file."""
    notes: list[str]
    """What the user should know, a sentence each."""
    pixels: int
    source_sha256: str = ""
    """Of the bytes that were read; empty: not known."""


class Job(Protocol):
    """What is done to each file; can be pickled."""

    def __call__(self, source: paths.Location, target: paths.Location, progress: Progress) -> Product: ...


@runtime_checkable
class Finishing(Protocol):
    """A job that is not over when the output is there."""

    def finish(self, source: paths.Location, target: paths.Location) -> list[str]:
        """What is to be done then, also where the output was there before; returns further notes."""
        ...

    def intent(self, source: paths.Location, target: paths.Location) -> list[str]:
        """In words what `finish` would do."""
        ...


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
    source_sha256: str = ""
    """Of the bytes that were read, where a file was made of them."""


def perform(job: Job, task: Task, progress: Progress) -> Outcome:
    """Do one file. Whatever is wrong with it ends up in the outcome."""
    began = time.monotonic()
    try:
        decision = decide(task)
        if decision.action is Action.SKIP:
            notes = [decision.message] if decision.message else _finished(job, task)
            return Outcome("done" if task.vacant else "skipped", "", notes, time.monotonic() - began)
        product = job(task.source, task.target, progress)
        size = _save(task, product, decision)
        notes = product.notes + _finished(job, task)
        seconds = time.monotonic() - began
        return Outcome("done", "", notes, seconds, product.pixels, size, source_sha256=product.source_sha256)
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


def decide(task: Task) -> Decision:
    """What is to be done with the output. Raises RawbackError where what lies there must stay."""
    if task.target == paths.STREAM:
        return Decision(Action.POUR, Existing(Kind.STREAM))
    return replacement.decide(
        task.target, task.allowed, Source(task.source, task.options, task.origin, task.product_sha256), task.vacant
    )


def _save(task: Task, product: Product, decision: Decision) -> int:
    if decision.action is Action.POUR and isinstance(task.target, Path) and task.target != paths.STREAM:
        return atomic.pour(task.target, product.chunks)
    if decision.source_sha256 and product.source_sha256 not in ("", decision.source_sha256):
        raise RawbackError(f"{task.source} was changed meanwhile; run it again")
    mtime = paths.modified_ns(task.source) if task.keep_mtime else None
    return atomic.save(task.target, product.chunks, approved=decision.approved, mtime_ns=mtime)


def _finished(job: Job, task: Task) -> list[str]:
    return job.finish(task.source, task.target) if isinstance(job, Finishing) else []


def main() -> None:
    """Run a worker process: tasks come on standard input, outcomes go to what was standard output."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # C libraries may print: not among the replies
    tasks: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, tasks), daemon=True).start()
    warnings.simplefilter("ignore")
    keep_memory()
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
