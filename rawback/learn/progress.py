"""How far something is that is counted: a bar on a terminal, else a line now and then."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 10.0
"""Seconds between two lines."""


class Bar:
    """Of one thing, on standard error. A context manager that gives what is to be updated, and its number."""

    def __init__(self, console: Console, label: str, total: int) -> None:
        self.label, self.total = label, total
        self.bar = _bar(console) if console.is_terminal else Lines(console)

    def __enter__(self) -> tuple[Any, Any]:
        self.bar.start()
        return self.bar, self.bar.add_task(self.label, total=self.total)

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()


def _bar(console: Console) -> Progress:
    counted = TextColumn("{task.completed}/{task.total}")
    return Progress(TextColumn("{task.description}"), BarColumn(), counted, TimeRemainingColumn(), console=console)


class Lines:
    """As a bar of rich's is told: the first and the last count, and one every ten seconds, each on a line."""

    def __init__(self, console: Console) -> None:
        self.console, self.label, self.total, self.completed = console, "", 0, 0
        self.said = -EVERY

    def start(self) -> None:
        """Nothing is to be prepared."""

    def add_task(self, label: str, total: int) -> int:
        """What is counted, and how many there are."""
        self.label, self.total = label, total
        return 0

    def update(self, task: int, completed: int | None = None, description: str | None = None) -> None:
        """So many are done; what is counted is now called otherwise."""
        self.completed = self.completed if completed is None else completed
        self.label = description or self.label
        now = time.monotonic()
        if completed is not None and (completed == self.total or now - self.said >= EVERY):
            self.said = now
            self.console.print(f"{self.label}: {completed} of {self.total}", markup=False, highlight=False, soft_wrap=True)

    def stop(self) -> None:
        """Nothing is left behind."""
