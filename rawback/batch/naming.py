"""What outputs are called where that is ours to choose: by a template, and never as a file that rawback did not make."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path, PurePath

from rawback.batch import output_names
from rawback.batch.inputs import Input
from rawback.errors import UsageError
from rawback.files import seal
from rawback.files.existing import examine
from rawback.files.paths import STREAM, Location
from rawback.files.recognition import Kind
from rawback.options import template as templates

ASIDE = {".jpg": "_raw", ".jxl": "_raw", ".dng": "_recovered"}
"""What follows the stem, by the suffix, where the name without it is that of somebody else's file."""
HEAD = 1 << 16
"""Bytes in which a JPEG or DNG of rawback's says so, but for rare ones: they are then looked at in full."""
MARK = seal.TEXT.split('"')[0].encode()


def check_suffix(template: str, suffix: str) -> None:
    """Raise UsageError for a template whose files would be of no format that is written. suffix: that of outputs by default."""
    name = templates.filled(template, PurePath("name.raw"), suffix)
    output_names.check(Path(name), suffix)
    if PurePath(name).suffix.lower() not in output_names.PROMISED:
        raise UsageError(f"--name is {template!r}, which names no format; end it in {{suffix}}")


def name(source: Input, template: str | None, suffix: str, own: str) -> str:
    """Of an output. suffix: what it has by default. own: what it is called where that does not follow from the input."""
    given = PurePath("stdin" if source.location == STREAM else source.location.name)
    if template:
        return templates.filled(template, given, PurePath(own).suffix or suffix)
    return own or given.stem + suffix


def place(source: Input, folder: Location | None, name: str) -> Location:
    """Of an output of that name. folder: of all, which mirrors the tree of the inputs; None: that of the input."""
    if folder is None:
        return source.location.parent / name
    return folder / (name if source.location == STREAM else source.relative.with_name(name))


def aside(sources: list[Input], targets: list[Location], wanted: bool) -> tuple[list[Location], list[str]]:
    """Places with names that are nobody else's, and for each what is to be said of it, perhaps nothing.

    wanted: whether to look for others at all.

    A name is somebody else's in capitals, too: IMG.JPG beside IMG.jpg is one file on many systems.
    """
    if not wanted:
        return targets, [""] * len(targets)
    folders = _Folders()
    found = [_stepped_aside(source, target, folders) for source, target in zip(sources, targets, strict=True)]
    return [target for target, _ in found], [note for _, note in found]


def _stepped_aside(source: Input, target: Location, folders: _Folders) -> tuple[Location, str]:
    other = folders.foreign(target) if isinstance(target, Path) and target.suffix in ASIDE else ""
    if not other or not isinstance(target, Path):
        return target, ""
    free = target.with_stem(target.stem + ASIDE[target.suffix])
    return free, f"{source.location}: {other} stays, which rawback did not make; this is {free.name}"


class _Folders:
    """What lies in folders, each of which is read once."""

    def __init__(self) -> None:
        self.folders: dict[Path, dict[str, list[str]]] = {}
        """Names of files by the same in lower case, of each folder that was looked into."""

    def foreign(self, target: Path) -> str:
        """The name of somebody else's file in a place; empty: there is none."""
        alike = self._names(target.parent).get(target.name.lower(), [])
        name = target.name if target.name in alike else next(iter(alike), "")
        return name if name and _is_foreign(target.with_name(name)) else ""

    def _names(self, folder: Path) -> dict[str, list[str]]:
        if folder not in self.folders:
            by_lower: dict[str, list[str]] = {}
            with suppress(OSError):  # it is not there yet
                for name in sorted(os.listdir(folder)):
                    by_lower.setdefault(name.lower(), []).append(name)
            self.folders[folder] = by_lower
        return self.folders[folder]


def _is_foreign(path: Path) -> bool:
    """Whether a place holds a file that rawback did not make. Of rawback's own only the head is read."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            if MARK in file.read(HEAD):
                return False
    except OSError:
        return False
    return examine(path).kind is Kind.FOREIGN
