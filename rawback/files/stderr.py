"""What C libraries print on standard error, caught so that it can be told in a sentence."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO

MAX_TEXT = 200
_lock = threading.RLock()  # file descriptor 2 belongs to the whole process


@contextmanager
def captured() -> Iterator[Callable[[], str]]:
    """Catch what is printed meanwhile; the function that is given says it, on one line, cut at 200 characters."""
    with _lock, tempfile.TemporaryFile() as log:
        kept = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield lambda: _text(log)
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _text(log: BinaryIO) -> str:
    log.seek(0)
    return " ".join(log.read(1 << 12).decode(errors="replace").split())[:MAX_TEXT]
