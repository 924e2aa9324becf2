"""What C libraries print on standard error, caught so that it can be told in a sentence."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from rawback.files.scratch import nameless

MAX_TEXT = 200
_lock = threading.RLock()  # file descriptor 2 belongs to the whole process


@contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """Catch what is printed meanwhile; the function that is given says it, on one line, cut at 200 characters.

    By whichever thread: hold nothing within but the call of the library. Raises MachineError if there are no handles.
    """
    with _lock, nameless() as log:
        kept = None
        with suppress(OSError):  # closed: there is nothing to go back to
            kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield lambda: _text(log)
        finally:
            os.close(2) if kept is None else os.dup2(kept, 2)
            if kept is not None:
                os.close(kept)


def _text(log: BinaryIO) -> str:
    log.seek(0)
    return " ".join(log.read(1 << 12).decode(errors="replace").split())[:MAX_TEXT]
