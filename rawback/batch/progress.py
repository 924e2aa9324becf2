"""What a batch says: progress and errors on standard error, JSON on standard output, a summary at the end."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rawback.batch.plan import Task
from rawback.batch.worker import Outcome
from rawback.messages import answer, printable


class Report:
    """Follows a batch: a context manager around the work."""

    def __init__(self, total: int, quiet: bool, as_json: bool, unit: str = "MP/s") -> None:
        self.total, self.quiet, self.as_json, self.unit = total, quiet, as_json, unit
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.counts: Counter[str] = Counter()
        self.pixels, self.began = 0, time.monotonic()
        self.shares: dict[Task, float] = {}
        self.bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(),
            console=self.console, transient=True, disable=quiet or not self.console.is_terminal,
        )  # fmt: skip
        self.line: TaskID = self.bar.add_task("", total=total, rate="")

    def __enter__(self) -> Report:
        if not self.bar.disable:  # rich before 14.3 ends a bar that is not there with an empty line
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self.bar.disable:
            self.bar.stop()

    def watch(self, task: Task, share: float) -> None:
        """A file has got so far; called from several threads."""
        self.shares[task] = share
        self._draw(task.source.name)

    def finished(self, task: Task, outcome: Outcome) -> None:
        """A file is done, skipped or failed."""
        self.shares.pop(task, None)
        self.counts[outcome.status] += 1
        self.pixels += outcome.pixels
        if self.as_json:
            line = {"input": str(task.source), "output": str(task.target), **dataclasses.asdict(outcome)}
            answer(json.dumps(line | {"seconds": round(outcome.seconds, 3)}))
        if outcome.error:
            self.say(outcome.error)
        for note in outcome.notes:
            self.note(note)
        self._draw(next((t.source.name for t in list(self.shares)), ""))

    def summary(self) -> None:
        """How it all went, where it was more than one file."""
        if self.quiet or self.total == 1:
            return
        seconds = time.monotonic() - self.began
        order = ("done", "planned", "skipped", "failed")
        counts = ", ".join(f"{self.counts[status]} {status}" for status in order if self.counts[status])
        self.say(f"{counts or 'no photos found'} in {seconds:.1f} s{self._rate(', ')}")

    def note(self, text: str) -> None:
        """What is worth knowing, if anything is to be said at all."""
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """A line on standard error, whatever its text."""
        self.console.print(f"rawback: {printable(text)}", markup=False)

    def _rate(self, before: str = "") -> str:
        amount = self.pixels / 1e6 if self.unit == "MP/s" else self.counts["done"]
        rate = amount / max(time.monotonic() - self.began, 1e-9)
        return f"{before}{rate:.1f} {self.unit}" if amount else ""

    def _draw(self, name: str) -> None:
        finished = sum(self.counts.values()) + sum(self.shares.copy().values())
        self.bar.update(self.line, completed=finished, description=name, rate=self._rate())
