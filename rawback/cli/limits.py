"""Bounds on what this process may take for a file: small files can claim to be large ones."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from rawback.errors import EXIT_FAILED, RawbackError
from rawback.messages import say
from rawback.options.batch import BatchOptions
from rawback.options.files import FileOptions

SECONDS, MEMORY = 600.0, 4096
"""Those of the commands that have no options for them: seconds, and MiB."""
GRACE = 5.0
"""Seconds between the polite end and the hard one, which code that never comes back to Python needs."""


@contextmanager
def bounded(seconds: float = SECONDS, memory: int = MEMORY) -> Iterator[None]:
    """Within the block this process has `memory` MiB of data (RLIMIT_DATA, where the system has it) and so many seconds.

    Raises RawbackError where the memory does not suffice; exits where the time does not.
    """
    watch = threading.Timer(seconds, _give_up, (seconds,))
    watch.daemon = True
    watch.start()
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds + GRACE)
    before = _limit(memory << 20)
    try:
        yield
    except MemoryError as error:
        raise RawbackError(f"more than {memory} MiB of memory are needed; see --memory of render and recover") from error
    finally:
        watch.cancel()
        if hasattr(signal, "setitimer"):
            signal.setitimer(signal.ITIMER_REAL, 0)
        _limit(before)


def of(files: FileOptions, run: BatchOptions) -> AbstractContextManager[None]:
    """The bounds of a single file; those of several are kept by the processes that do them."""
    single = len(files.inputs) == 1 and not files.recursive and run.scheduler is None
    return bounded(run.timeout, run.memory) if single else nullcontext()


def _give_up(seconds: float) -> None:
    say(f"it took longer than {seconds:g} s and was given up; see --timeout of render and recover")
    os._exit(EXIT_FAILED)


def _limit(size: int) -> int:
    """Set the limit; returns the one before. The hard limit stays: it can be taken back."""
    with suppress(ImportError, ValueError, OSError):
        import resource

        before, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))
        return before
    return -1
