"""A list of files with their SHA-256, as `sha256sum -c` checks it: the originals of a run, and what was made of them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from rawback.batch.plan import Task
from rawback.batch.worker import Outcome
from rawback.errors import RawbackError, UsageError
from rawback.files import atomic, paths, replacement
from rawback.files.paths import Location

LINE = re.compile(r"(\\?)([0-9a-f]{64}) [ *](.+)")
"""A backslash before the hash says that those in the name, and line ends, are written with one."""
MEANT = {r"\\": "\\", "\\n": "\n", "\\r": "\r"}


class Manifest:
    """One list; entries of other files that it has already stay. Raises RawbackError for a file that is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.before = self._read()
        self.hashes = parsed(self.before, path)

    def add(self, task: Task, outcome: Outcome) -> None:
        """The files of a task that succeeded; an original that is gone is known by what was read."""
        if outcome.status not in ("done", "skipped"):
            return
        for location, known in ((task.source, outcome.source_sha256), (task.target, "")):
            if isinstance(location, Path) and paths.descriptor(location) is None and location != paths.STREAM:
                sha256 = known or (replacement.file_sha256(location) if location.is_file() else "")
                if sha256:
                    self.hashes[self._name(location)] = sha256

    def write(self) -> None:
        """Replace the list, if it is still as it was read. Raises RawbackError."""
        text = "".join(line(name, sha256) for name, sha256 in sorted(self.hashes.items()))
        if text.encode() != self.before:
            approved = None if self.before is None else lambda place: _content(place) == self.before
            atomic.save(self.path, [text.encode()], approved=approved)

    def _read(self) -> bytes | None:
        if self.path.is_dir() or paths.descriptor(self.path) is not None or self.path == paths.STREAM:
            raise UsageError(f"--manifest is {self.path}; expected the name of a file")
        return _content(self.path)

    def _name(self, path: Path) -> str:
        """As seen from the list's folder, in which `sha256sum -c` is to be run."""
        return Path(os.path.relpath(path, self.path.parent)).as_posix()


def parsed(content: bytes | None, path: Path) -> dict[str, str]:
    """Hash by name. Raises RawbackError for what is no such list."""
    hashes = {}
    for text in (content or b"").decode(errors="surrogateescape").split("\n")[:-1]:
        match = LINE.fullmatch(text)
        if not match:
            raise RawbackError(f"{path} is no list of SHA-256 sums, and is not replaced; name another file with --manifest")
        name = re.sub(r"\\[\\nr]", lambda escape: MEANT[escape[0]], match[3]) if match[1] else match[3]
        hashes[name] = match[2]
    return hashes


def line(name: str, sha256: str) -> str:
    """As coreutils write it."""
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "\\" if escaped != name else ""
    return f"{mark}{sha256}  {escaped}\n"


def _content(location: Location) -> bytes | None:
    """None where there is nothing."""
    return paths.load(location) if os.path.lexists(str(location)) else None
