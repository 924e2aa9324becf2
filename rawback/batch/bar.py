"""The bar of a batch on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from rawback.messages import printable


class Bar:
    """On standard error; what is said meanwhile scrolls by above it."""

    def __init__(self, total: int) -> None:
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)
        self.progress = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeElapsedColumn(), TextColumn("ETA"), TimeRemainingColumn(),
            console=self.console, transient=True,
        )  # fmt: skip
        self.line = self.progress.add_task("", total=total, rate="")
        self.start, self.stop = self.progress.start, self.progress.stop

    def update(self, finished: float, name: str, rate: str) -> None:
        """So many files are done, parts counted; the name of one that is being worked on, and how fast it goes."""
        self.progress.update(self.line, completed=finished, description=name, rate=rate)

    def say(self, text: str) -> None:
        """A line, whatever its text."""
        self.console.print(f"rawback: {printable(text)}", markup=False)
