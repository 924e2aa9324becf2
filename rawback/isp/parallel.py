"""A frame worked through in strips of rows on all cores, and a strip in parts that fit into the cache.

Nothing that comes out hangs on the height of strips or the number of threads, but for what closed loops choose at the
borders of strips: there chroma is sharpened within its strip. So strips are cut by the frame's size alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rawback.cores import Progress, threads

STRIP_PIXELS, PART_PIXELS = 1 << 19, 1 << 15
"""Small enough for the caches (of all cores, and of one), large enough that numpy's calls cost nothing."""

Job = TypeVar("Job")
Result = TypeVar("Result")


def strips(height: int, width: int, multiple: int) -> list[tuple[int, int]]:
    """First row and row after the last of each strip; all but the last have a multiple of so many rows."""
    rows = max(STRIP_PIXELS // width // multiple, 1) * multiple
    return [(start, min(start + rows, height)) for start in range(0, height, rows)]


def parts(height: int, width: int, multiple: int = 1) -> list[slice]:
    """Rows of a strip that fit into the cache together, with what is made of them on the way."""
    rows = max(PART_PIXELS // width // multiple, 1) * multiple
    return [slice(start, min(start + rows, height)) for start in range(0, height, rows)]


def in_threads(work: Callable[[Job], Result], jobs: Sequence[Job], progress: Progress = lambda share: None) -> list[Result]:
    """Do all jobs on all cores, the results in their order: numpy lets go of the interpreter while it computes."""
    results = []
    with ThreadPoolExecutor(threads()) as pool:
        for result in pool.map(work, jobs):
            results.append(result)
            progress(len(results) / len(jobs))
    return results
