"""How many processors there are to use, and how far work has come."""

from __future__ import annotations

import ctypes
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


M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Parameters of glibc's mallopt."""
KEPT, FROM_HEAP, HEAPS = 256 << 20, 64 << 20, 2
"""Bytes that a process may keep though they are free, size up to which memory is taken from them, and how many heaps there
are: what is free in one is not for the threads of another, and encoders of movies have many."""


def keep_memory() -> None:
    """Let what one strip has freed be the next one's, where the C library is glibc.

    Else it is given back, and the kernel clears it anew: a fifth of a second for 24 megapixels.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):  # another library, or Windows
        return
    mallopt(M_ARENA_MAX, HEAPS)
    mallopt(M_MMAP_THRESHOLD, FROM_HEAP)
    mallopt(M_TRIM_THRESHOLD, KEPT)
