"""A worker process as its parent sees it: it does one file after another, and may hang or crash.

Tasks go in pickled; what comes back is JSON, because a process that decodes files of strangers is not to be trusted.
"""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import Any

from rawback.batch.plan import Task
from rawback.batch.worker import Job, Limits, Outcome
from rawback.cores import Progress
from rawback.errors import RawbackError

MAX_REPLY = 1 << 20


class Child:
    """A worker process: started when it is first needed, and again when a file has brought it down."""

    def __init__(self, job: Job, limits: Limits) -> None:
        self.job, self.limits = job, limits
        self.process: subprocess.Popen | None = None
        self.closed = False
        self.lock = threading.Lock()

    def perform(self, task: Task, progress: Progress) -> Outcome:
        """Do one file there; a crash or a timeout is an outcome too."""
        began = time.monotonic()
        fresh = self.process is None or self.process.poll() is not None
        outcome, late = self._attempt(task, progress)
        if outcome is None and not late and not fresh:  # perhaps an earlier file has done the damage
            outcome, late = self._attempt(task, progress)
        if outcome is None:
            code = self.process.returncode if self.process else 0
            outcome = Outcome("failed", _cause(code, task, self.limits, late))
        outcome.seconds = time.monotonic() - began
        return outcome

    def _attempt(self, task: Task, progress: Progress) -> tuple[Outcome | None, bool]:
        """The outcome, or None if the process is dead; and whether it was killed for being late."""
        process = self._alive()
        late = threading.Event()

        def give_up() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.limits.seconds, give_up)
        timer.daemon = True
        timer.start()
        outcome = _converse(process, task, progress)
        timer.cancel()
        timer.join()
        if outcome is None or late.is_set():
            self.kill()
        return outcome, late.is_set()

    def _alive(self) -> subprocess.Popen:
        with self.lock:
            if self.closed:
                raise RawbackError("the batch was stopped")
            if self.process is None or self.process.poll() is not None:
                self.process = _start(self.job, self.limits)
            return self.process

    def kill(self) -> None:
        """End the process at once, and take leave of it."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for stream in (self.process.stdin, self.process.stdout):
                with suppress(OSError):
                    stream.close()  # type: ignore[union-attr]

    def close(self) -> None:
        """Kill the process and start no other."""
        with self.lock:
            self.closed = True
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def _start(job: Job, limits: Limits) -> subprocess.Popen:
    """Not forked: OpenMP, on which LibRaw runs, does not survive that. In a session of its own: Ctrl-C is for the parent."""
    threads = {"OMP_NUM_THREADS": str(limits.threads), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", "-c", "from rawback.batch.worker import main; main()"]
    environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True, env=environment)
    except OSError as error:
        raise RawbackError(f"no worker process can be started ({error.strerror or error}); try fewer --jobs") from error
    with suppress(OSError):  # if it has died already, the first file will tell
        _send(process.stdin, (job, limits))
    return process


def _send(stream: Any, message: object) -> None:
    pickle.dump(message, stream)
    stream.flush()


def _converse(process: subprocess.Popen, task: Task, progress: Progress) -> Outcome | None:
    """Send a task, pass its progress on, return its outcome; None if the process died or talks nonsense."""
    try:
        _send(process.stdin, task)
        while line := process.stdout.readline(MAX_REPLY):  # type: ignore[union-attr]
            message = json.loads(line)
            if "share" not in message:
                return _outcome(message)
            progress(float(message["share"]))
    except (OSError, ValueError, TypeError):
        return None
    return None


def _outcome(message: dict) -> Outcome:
    """Raises TypeError for what is none."""
    outcome = Outcome(**message)
    expected = dataclasses.asdict(Outcome("", "", [""], 0.0, 0, 0, False))
    wrong = [name for name, value in expected.items() if type(message[name]) is not type(value)]
    if wrong or not all(isinstance(note, str) for note in outcome.notes):
        raise TypeError(wrong)
    return outcome


def _cause(code: int, task: Task, limits: Limits, late: bool) -> str:
    if late:
        return f"{task.source} took longer than {limits.seconds:g} s and was given up; see --timeout"
    advice = f"the file is damaged, or needs more than {limits.memory >> 20} MiB: see --memory"
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
        return f"{task.source} brought its worker down ({name}); {advice}"
    return f"{task.source} brought its worker down (exit code {code}); {advice}"
