"""A progress bar for one thing that is counted."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """A rich progress bar with one task, silent where standard error is no terminal."""

    def __init__(self, console: Console, label: str, total: int) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeRemainingColumn(),
        )
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal)
        self.label, self.total = label, total

    def __enter__(self) -> tuple:
        self.bar.start()
        return self.bar, self.bar.add_task(self.label, total=self.total)

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()
