"""What a batch says: progress and errors on standard error, JSON on standard output, a summary at the end."""

from __future__ import annotations

import dataclasses
import json
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from rawback.batch.notes import Notes
from rawback.batch.plan import Task
from rawback.batch.worker import Outcome
from rawback.messages import answer, say

if TYPE_CHECKING:
    from rawback.batch.bar import Bar


class Report:
    """Follows a batch: a context manager around the work."""

    def __init__(self, total: int, quiet: bool, as_json: bool, unit: str = "MP/s", verbose: bool = False) -> None:
        self.total, self.quiet, self.as_json, self.unit = total, quiet, as_json, unit
        self.counts: Counter[str] = Counter()
        self.pixels, self.began = 0, time.monotonic()
        self.notes = Notes(verbose or total == 1)
        self.shares: dict[Task, float] = {}
        self.bar = _bar(total) if sys.stderr.isatty() and not quiet else None

    def __enter__(self) -> Report:
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar:
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
            if outcome.status == "planned" or self.notes.first(task.source, note):
                self.note(note)
        self._draw(next((t.source.name for t in list(self.shares)), ""))

    def summary(self) -> None:
        """How it all went, where it was more than one file."""
        if self.quiet or self.total == 1:
            return
        for note in self.notes.rest():
            self.say(note)
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
        if self.bar:
            self.bar.say(text)
        else:
            say(text)

    def _rate(self, before: str = "") -> str:
        amount = self.pixels / 1e6 if self.unit == "MP/s" else self.counts["done"]
        rate = amount / max(time.monotonic() - self.began, 1e-9)
        return f"{before}{rate:.1f} {self.unit}" if amount else ""

    def _draw(self, name: str) -> None:
        if self.bar:
            self.bar.update(sum(self.counts.values()) + sum(self.shares.copy().values()), name, self._rate())


def _bar(total: int) -> Bar:
    from rawback.batch.bar import Bar  # with it comes rich, which takes a tenth of a second

    return Bar(total)
