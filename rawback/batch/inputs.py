"""Which files a batch is about: folders walked, lists read, names matched, contents recognised."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath

from rawback.errors import RawbackError, UsageError
from rawback.files import file_type, paths
from rawback.files.paths import STREAM, Location
from rawback.files.url import Url

MAX_LIST = 1 << 28
"""Bytes of a list of files; a million long names."""


@dataclass(frozen=True)
class Input:
    """A file to work on, and where below the output folder its result goes."""

    location: Location
    relative: PurePath


@dataclass(frozen=True)
class Filter:
    """Which files of a folder are wanted."""

    kind: str
    """"raw", or "jpeg" for all that hold photos, by content."""
    include: tuple[str, ...] = ()
    """Patterns as `*.CR2` or `2024/*`: of a name, or of a path below the folder; none: all. Capitals do not matter."""
    exclude: tuple[str, ...] = ()
    outside: Location | None = None
    """A folder that is not entered: the one for the outputs."""

    def names(self, relative: PurePath) -> bool:
        """Whether the patterns let a file pass."""
        return not _matches(relative, self.exclude) and (not self.include or _matches(relative, self.include))


def find(inputs: Iterable[str], wanted: Filter, recursive: bool) -> list[Input]:
    """The files to work on, in order. Files that are named are taken as they are; folders are searched.

    With `recursive` a file named by a relative path keeps its folders. Raises UsageError for a folder without `recursive`.
    """
    sources: list[Input] = []
    for text in inputs:
        location = paths.parse(text)
        if location == STREAM or not location.is_dir():
            sources.append(Input(location, _kept(location, recursive)))
        elif recursive:
            sources.extend(_in_folder(location, wanted))
        else:
            raise UsageError(f"{location} is a folder; add -r to take the photos in it and below")
    return sources


def _kept(location: Location, recursive: bool) -> PurePath:
    if recursive and isinstance(location, Path) and not location.is_absolute() and ".." not in location.parts:
        return location
    return PurePath(location.name)


def _in_folder(folder: Location, wanted: Filter) -> Iterator[Input]:
    files = folder.files() if isinstance(folder, Url) else _walk(folder, wanted.outside)
    for location, relative in files:
        hidden = any(part.startswith(".") for part in relative.parts)  # and `..`, which keys of object stores may hold
        if not hidden and wanted.names(relative) and _is(location, wanted.kind):
            yield Input(location, relative)


def _is(location: Location, kind: str) -> bool:
    """Whether a file is of that kind; what cannot be read may be, and is then reported as any that fails."""
    try:
        return paths.kind_of(location) in (file_type.PHOTOS if kind == "jpeg" else (kind,))
    except RawbackError:
        return True


def _walk(folder: Path, outside: Location | None) -> Iterator[tuple[Path, PurePath]]:
    """Regular files below a folder, sorted. Linked folders are not entered: they may lead in circles."""
    avoided = outside.resolve() if isinstance(outside, Path) and outside.resolve() != folder.resolve() else None
    for top, folders, names in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if Path(top, name).resolve() != avoided)
        for name in sorted(names):
            path = Path(top, name)
            if path.is_file():  # no pipe, no device: those never end
                yield path, path.relative_to(folder)


def _refuse(error: OSError) -> None:
    """What is in there would be passed over in silence."""
    raise RawbackError(f"{error.filename} cannot be searched: {error.strerror}; nothing is done")


def _matches(relative: PurePath, patterns: tuple[str, ...]) -> bool:
    path = PurePosixPath(relative.as_posix().lower())
    return any(fnmatchcase(str(path), p.lower()) or fnmatchcase(path.name, p.lower()) for p in patterns)


def _as_utf8(data: bytes) -> bytes:
    """A list without the byte order mark that editors and shells put before it; in UTF-16 (PowerShell's) it is decoded."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "surrogatepass").encode("utf-8", "surrogatepass")
    return data.removeprefix(codecs.BOM_UTF8)


def read_list(source: Path, null: bool) -> list[str]:
    """Names from a file or standard input (`-`), one a line, or each ended by NUL as `find -print0` writes them.

    Raises UsageError if it cannot be read.
    """
    try:
        if source == STREAM:
            data = paths.standard_input().read(MAX_LIST + 1)
        else:
            with source.open("rb") as file:
                data = file.read(MAX_LIST + 1)
    except OSError as error:
        raise UsageError(f"the list {source} cannot be read: {error.strerror or error}") from error
    if len(data) > MAX_LIST:
        raise UsageError(f"the list {source} is larger than {MAX_LIST >> 20} MiB; expected names of files")
    data = _as_utf8(data)
    if b"\0" in data and not null:
        raise UsageError(f"the names in {source} end with NUL; add -0")
    names = data.split(b"\0") if null else data.splitlines()
    return [os.fsdecode(name) for name in names if name]
