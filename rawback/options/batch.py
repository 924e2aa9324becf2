"""The options of how a batch is run: how many files at a time, within which bounds, what is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rawback.errors import UsageError
from rawback.options.option import MANY, Option
from rawback.options.shared import AsJson

MAX_JOBS, MAX_SECONDS, LEAST_MEMORY = 1024, 1e6, 512
CLUSTER = "Have the workers of this Dask scheduler do the work, e.g. tcp://host:8786."


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run. Raises UsageError for values that cannot be."""

    dry_run: Annotated[bool, Option("Only say what would be done.", group=MANY)] = False
    jobs: Annotated[int, Option("How many at a time; 0 is one for each core.", ("-j", "--jobs"), group=MANY)] = 0
    """0: as many as there are cores, and memory for."""
    timeout: Annotated[float, Option("Give a file up after so many seconds.", group=MANY, metavar="SECONDS", rare=True)] = 600
    memory: Annotated[int, Option("Give a file up that needs more MiB of memory.", group=MANY, metavar="MIB", rare=True)] = 4096
    scheduler: Annotated[str | None, Option(CLUSTER, group=MANY, metavar="URL", rare=True)] = None
    as_json: AsJson = False
    verbose: Annotated[
        bool, Option("Say of each file what is the same of many.", ("-v", "--verbose"), group=MANY, rare=True)
    ] = False  # fmt: skip
    quiet: Annotated[bool, Option("Only say what went wrong.", ("-q", "--quiet"), group=MANY)] = False

    def __post_init__(self) -> None:
        if self.verbose and self.quiet:
            raise UsageError("--verbose says more, --quiet less; leave out one of them")
        if not 0 <= self.jobs <= MAX_JOBS:
            raise UsageError(f"jobs are {self.jobs}; expected 1 to {MAX_JOBS}, or 0 for one per core")
        if not 0 < self.timeout <= MAX_SECONDS:
            raise UsageError(f"timeout is {self.timeout:g}; expected seconds")
        if self.memory < LEAST_MEMORY:
            raise UsageError(f"memory is {self.memory} MiB; expected at least {LEAST_MEMORY}")
