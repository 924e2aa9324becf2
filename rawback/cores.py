"""How many processors there are to use, and how far work has come."""

from __future__ import annotations

import os
from collections.abc import Callable

Progress = Callable[[float], None]
"""Is told the share of the work that is done: rises from 0 to 1."""


def cores() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Threads for one picture: OMP_NUM_THREADS, which batches set for their workers and LibRaw obeys too, or all processors."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(wanted), 256) if wanted.isdigit() and int(wanted) else cores()


def memory() -> int:
    """Bytes of memory that the machine has; 0 if it does not say."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 0
