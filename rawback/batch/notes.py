"""Notes of many files: what is the same of all is said once, and counted."""

from __future__ import annotations

import re
from pathlib import PurePath

from rawback.files.paths import Location

FIGURE = re.compile(r"\d+(\.\d+)?")
"""Notes that differ in figures alone are the same."""
NAMED = 3
"""So many of the files are named of which the same is to be said."""


class Notes:
    """Those of a batch: each is said of the first file, the rest at the end. "a.CR2 is deleted" is said of each."""

    def __init__(self, all_of_them: bool) -> None:
        """all_of_them: whether each is said of each file."""
        self.all = all_of_them
        self.others: dict[str, list[str]] = {}
        """By note, without its figures: the files of which it was not said."""
        self.texts: dict[str, str] = {}

    def first(self, source: Location, note: str) -> bool:
        """Whether to say a note; if not, it is counted."""
        text = note.removeprefix(f"{source}: ")
        named = text.replace(source.name, "")
        if self.all or (text == note and named != text) or re.search(rf"\b{re.escape(PurePath(source.name).stem)}[._]", named):
            return True  # of this file and its output alone
        key = FIGURE.sub("#", text.replace(source.name, "*"))
        if key not in self.others:
            self.others[key], self.texts[key] = [], text
            return True
        self.others[key].append(source.name)
        return False

    def rest(self) -> list[str]:
        """What is to be said at the end: of how many more files what was said."""
        return [self._summed(self.texts[key], names) for key, names in self.others.items() if names]

    def _summed(self, text: str, names: list[str]) -> str:
        different = list(dict.fromkeys(names))  # frames of one movie
        some = ", ".join(different[:NAMED]) + ", ..." * (len(different) > NAMED)
        alike = FIGURE.sub("…", text)
        figures = ", with figures of their own" * (alike != text)
        return f"and {len(names)} more like it{figures} ({some}; -v says each): {alike}"
