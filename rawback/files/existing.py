"""What lies in the place of an output. A device is never opened: it may not end, or do something."""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from rawback.files.paths import MAX_BYTES, Location, descriptor
from rawback.files.recognition import Existing, Kind, classify
from rawback.files.url import Url


def examine(location: Location) -> Existing:
    """What lies in a place. Raises RawbackError for a URL that cannot be reached."""
    if isinstance(location, Url):
        return _examine_url(location)
    if descriptor(location) is not None:
        return Existing(Kind.STREAM)
    try:
        own = os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return Existing(Kind.NOTHING)
    except OSError as error:
        return Existing(Kind.UNREADABLE, reason=error.strerror or str(error))
    try:
        link = os.readlink(location) if stat.S_ISLNK(own.st_mode) else ""
        return replace(_examine_node(location, _identity(own)), link=link)
    except FileNotFoundError:
        return Existing(Kind.LINK, identity=_identity(own), link=link)
    except OSError as error:
        return Existing(Kind.UNREADABLE, identity=_identity(own), reason=error.strerror or str(error))


def _identity(found: os.stat_result) -> tuple[object, ...]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _examine_node(path: Path, identity: tuple[object, ...]) -> Existing:
    """By what kind of node it is, or its link leads to. Raises OSError."""
    at = os.stat(path)
    if stat.S_ISDIR(at.st_mode):
        return Existing(Kind.FOLDER)
    if stat.S_ISFIFO(at.st_mode) or stat.S_ISCHR(at.st_mode):
        return Existing(Kind.STREAM)
    if not stat.S_ISREG(at.st_mode):
        return Existing(Kind.SPECIAL)
    with _mapped(path) as data:
        return replace(classify(data), identity=identity + _identity(at))


@contextmanager
def _mapped(path: Path) -> Iterator[memoryview]:
    """The bytes of a regular file, not taken into memory. Raises OSError, for what has become no regular file meanwhile too."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        at = os.fstat(file.fileno())
        if not stat.S_ISREG(at.st_mode):
            raise OSError("it is no regular file any more")
        if not at.st_size:
            yield memoryview(b"")
            return
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped, memoryview(mapped) as view:
            yield view


def _examine_url(url: Url) -> Existing:
    if not url.exists():
        return Existing(Kind.NOTHING)
    if url.is_dir():
        return Existing(Kind.FOLDER)
    data = url.read_all(MAX_BYTES)
    return replace(classify(memoryview(data)), identity=(sha256(data).hexdigest(),))
