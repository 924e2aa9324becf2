"""How many processors there are to use."""

from __future__ import annotations

import os


def cores() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads() -> int:
    """Threads for one picture: OMP_NUM_THREADS, which batches set for their workers and LibRaw obeys too, or all processors."""
    wanted = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(wanted), 256) if wanted.isdigit() and int(wanted) else cores()
