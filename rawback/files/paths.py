"""Where bytes come from, and where they may go: never over an original."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from rawback.errors import RawbackError, UsageError
from rawback.files import file_type
from rawback.files.url import Url, is_url

Location = Path | Url
STREAM = Path("-")
"""Standard input or output."""
MAX_BYTES = 1 << 31
"""Largest file that is read: five times the largest RAW there is."""
PIECE = 1 << 25
ENDS = 1 << 16
"""Bytes at either end of a file by which `fingerprint` knows it."""
OURS = b"rawback"
OURS_WITHIN = 1 << 16
"""Files that rawback made name it in their metadata, which stand before the pixels."""


def parse(text: str | Path | Url) -> Location:
    """A path or URL as the user writes it."""
    if not isinstance(text, str):
        return text
    if text.startswith("file://"):
        return Path(text.removeprefix("file://"))
    return Url(text) if is_url(text) else Path(text)


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


def identities(sources: Iterable[Location]) -> frozenset[tuple[int, int]]:
    """Device and inode of the files: what stays the same through links of any kind."""
    return frozenset(found for source in sources if (found := _identity(source)))


def _identity(location: Location) -> tuple[int, int] | None:
    if isinstance(location, Url) or location == STREAM:
        return None
    try:
        found = location.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def check_target(target: Location, originals: frozenset[tuple[int, int]], force: bool, derived: bool = False) -> None:
    """Raise RawbackError if `target` may not be written.

    That is: it is one of the originals (see `identities`); it exists and `force` is not set; or it is a photo that
    rawback did not make, and so may be the only one of its kind: a RAW always, a JPEG if its name is `derived` from
    the input's and was not given by the user.
    """
    if target == STREAM:
        return
    if _identity(target) in originals:
        raise RawbackError(f"{target} is the input itself; choose another output")
    if target.is_dir():
        raise RawbackError(f"{target} is a folder; expected a file name")
    if not target.exists():
        return
    if not force:
        raise RawbackError(f"{target} exists already; use --force to replace it or -o for another name")
    if isinstance(target, Path) and kind_of(target) in (("raw", "jpeg") if derived else ("raw",)) and not _is_ours(target):
        raise RawbackError(f"{target} is a photo that rawback did not make; it is never replaced: name another output with -o")


def _is_ours(path: Path) -> bool:
    with path.open("rb") as file:
        return OURS in file.read(OURS_WITHIN)


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
