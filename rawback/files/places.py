"""Places: what different names of a file have in common, through links, Unicode forms, capitals and ways to write a URL."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from rawback.errors import RawbackError
from rawback.files.paths import STREAM, Location
from rawback.files.url import Url

Identity = tuple[object, ...]


def identities(inputs: Iterable[Location]) -> frozenset[Identity]:
    """What stays the same of files through links of any kind: device and inode; of URLs that they mean the same."""
    return frozenset(found for location in inputs if (found := _identity(location)))


def _identity(location: Location) -> Identity | None:
    if location == STREAM:
        return None
    if isinstance(location, Url):
        return _parts(location)
    try:
        found = location.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def same_file(one: Location, other: Location) -> bool:
    """Whether two names are of one file."""
    found = _identity(one)
    return found is not None and found == _identity(other)


def check(target: Location, inputs: frozenset[Identity]) -> None:
    """Raise RawbackError if an output is one of the inputs (`identities`), or is linked to one."""
    if _identity(target) in inputs:
        raise RawbackError(f"{target} is the input itself; choose another output")


def place(location: Location) -> Identity:
    """Where a file lies or would lie: equal for two names that are, or on some disks would be, the same.

    That is its folder, as the system knows it, and its name without regard to capitals and Unicode forms.
    """
    if isinstance(location, Url):
        scheme, path = _parts(location)
        return scheme, _folded(str(path))
    folder, below = _folder(location.parent)
    return folder, *below, _folded(location.name)


@lru_cache(4096)
def _folder(path: Path) -> tuple[Identity, tuple[str, ...]]:
    """The nearest folder that there is, and the names below it that are yet to be made."""
    path = path.resolve()
    below: list[str] = []
    for folder in (path, *path.parents):
        try:
            found = folder.stat()
            return (found.st_dev, found.st_ino), tuple(reversed(below))
        except OSError:
            below.append(_folded(folder.name))
    return (), tuple(reversed(below))


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _parts(url: Url) -> tuple[str, str]:
    """Scheme, and host and path without what makes no difference."""
    return url.scheme, posixpath.normpath(url.text.partition("://")[2].lstrip("/"))
