"""Where bytes come from, and where they go."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from rawback.errors import RawbackError, UsageError
from rawback.files import file_type
from rawback.files.url import Url, is_url

Location = Path | Url
STREAM = Path("-")
"""Standard input or output."""
FILE = "file://"
LOCAL = ("local://",)
"""fsspec's other URLs of files on this machine."""
MAX_BYTES = 1 << 31
"""Largest file that is read: five times the largest RAW there is."""
DESCRIPTOR = re.compile(r"/dev/(stdin|stdout|stderr)|/(?:dev|proc/self)/fd/(\d{1,6})")
STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}
PIECE = 1 << 25
ENDS = 1 << 16
"""Bytes at either end of a file by which `fingerprint` knows it."""


def parse(text: str | Path | Url) -> Location:
    """A path or URL as the user writes it."""
    if not isinstance(text, str):
        return text
    if text.startswith(FILE):  # percent signs stand for themselves everywhere but here (RFC 8089)
        return Path(unquote(text.removeprefix(FILE).removeprefix("localhost")))
    if text.startswith(LOCAL):
        return Path(text.partition("://")[2])
    return Url(text) if is_url(text) else Path(text)


def descriptor(location: Location) -> int | None:
    """The number of an open file for /dev/stdout, /dev/fd/3 and their like, which are no places of files; else None."""
    if isinstance(location, Url):
        return None
    found = DESCRIPTOR.fullmatch(location.as_posix())
    return None if not found else int(found[2]) if found[2] else STANDARD[found[1]]


def load(source: str | Path | Url) -> bytes:
    """All bytes of a file, a URL, or of standard input for `-`. Raises RawbackError if it cannot be read or is too large."""
    location = parse(source)
    try:
        if isinstance(location, Url):
            return location.read_all(MAX_BYTES)
        if location == STREAM:
            return _read_to(standard_input(), location)
        if location.is_dir():
            raise RawbackError(f"{location} is a folder; expected a file (or add -r)")
        with location.open("rb") as file:
            return _read_to(file, location)
    except OSError as error:
        raise RawbackError(f"{location} cannot be read: {error.strerror or error}") from error


def standard_input() -> BinaryIO:
    """Its bytes. Raises RawbackError where it is closed."""
    if sys.stdin is None:
        raise RawbackError("standard input is closed; name a file instead of -")
    return sys.stdin.buffer


def standard_output() -> BinaryIO:
    """For bytes. Raises RawbackError where it is closed, or a terminal."""
    if sys.stdout is None:
        raise RawbackError("standard output is closed; name a file with -o instead of -")
    if sys.stdout.isatty():
        raise UsageError("standard output is a terminal; redirect it, or name a file with -o")
    return sys.stdout.buffer


def _read_to(stream: BinaryIO, location: Location) -> bytes:
    """Piece by piece: what is no regular file may never end."""
    pieces, size = [], 0
    while piece := stream.read(PIECE):
        pieces.append(piece)
        size += len(piece)
        if size > MAX_BYTES:
            raise RawbackError(f"{location} is larger than {MAX_BYTES >> 30} GiB; expected a photo")
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def kind_of(location: Location) -> str | None:
    """What a file is by its content: "raw", "jpeg", or None for anything else. Raises RawbackError if it cannot be read."""
    if isinstance(location, Url):
        return file_type.of(location.head(file_type.HEAD))
    try:
        return file_type.of_file(location)
    except OSError as error:
        raise RawbackError(f"{location} cannot be read: {error.strerror or error}") from error


def fingerprint(files: Iterable[Path]) -> str:
    """Hash of the sizes of files, and of how each begins and ends: tells clips apart that it would take minutes to read.

    Raises RawbackError if one cannot be read.
    """
    digest = hashlib.sha256()
    for path in files:
        try:
            with path.open("rb") as file:
                size = file.seek(0, 2)
                digest.update(f"{size} ".encode())
                for start in (0, max(size - ENDS, 0)):
                    file.seek(start)
                    digest.update(file.read(ENDS))
        except OSError as error:
            raise RawbackError(f"{path} cannot be read: {error.strerror or error}") from error
    return digest.hexdigest()


def is_stale(source: Location, target: Location) -> bool:
    """Whether `target` is older than `source`, and so has to be made again."""
    changed, made = modified_ns(source), modified_ns(target)
    return changed is not None and made is not None and made < changed


def modified_ns(location: Location) -> int | None:
    """Time of the last change in ns since 1970; None if nobody knows. Raises RawbackError if the file is not there."""
    if location == STREAM:
        return None
    try:
        return location.modified_ns() if isinstance(location, Url) else location.stat().st_mtime_ns
    except OSError as error:
        raise RawbackError(f"{location} cannot be read: {error.strerror or error}") from error
