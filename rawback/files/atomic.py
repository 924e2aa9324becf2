"""Files that appear complete or not at all, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import os
import secrets
import socket
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from rawback.errors import RawbackError
from rawback.files import publishing
from rawback.files.paths import STREAM, Location, descriptor, standard_output
from rawback.files.publishing import Approved
from rawback.files.url import Url

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

HOST = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
PREFIX, SUFFIX = ".rawback-", ".part"
ABANDONED_AFTER = 86400
"""Seconds after which a temporary file whose writer cannot be asked (another machine, no locks) counts as abandoned."""

Chunks = Iterable[bytes | bytearray | memoryview]


def save(target: Location, chunks: Chunks, *, approved: Approved | None = None, mtime_ns: int | None = None) -> int:
    """Write a file under a temporary name beside it, sync it to disk, then rename it; returns its size in bytes.

    The folder must be there already: if a disk has vanished, its files do not go to another. `-` is standard output.
    approved: whether what lies there when all is written may be replaced (`publishing`); None: nothing may.
    Raises RawbackError.
    """
    if isinstance(target, Url):
        return target.write(chunks, approved)
    with reporting(target):
        if target == STREAM:
            return _pour(chunks, standard_output())
        with written(target, approved, mtime_ns) as file:
            return sum(file.write(chunk) for chunk in chunks)


def pour(target: Path, chunks: Chunks) -> int:
    """Write into what is there and stays, a device, a pipe or an open descriptor; returns the size. Raises RawbackError."""
    number = descriptor(target)
    with reporting(target):
        handle = os.dup(number) if number is not None else os.open(target, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
        with os.fdopen(handle, "wb") as file:
            return _pour(chunks, file)


@contextmanager
def reporting(target: Location) -> Iterator[None]:
    """Errors of writing become RawbackErrors that name the file."""
    try:
        yield
    except BrokenPipeError:
        raise  # nobody reads on: no error, see SIGPIPE
    except FileExistsError as error:
        raise RawbackError(f"{target} exists already; it was made or changed meanwhile") from error
    except OSError as error:
        raise RawbackError(f"{target} cannot be written: {error.strerror or error}") from error


def _pour(chunks: Chunks, output: BinaryIO) -> int:
    size = 0
    for chunk in chunks:
        rest = memoryview(chunk)
        while rest:  # unbuffered (PYTHONUNBUFFERED) it may take a part only
            rest = rest[output.write(rest) :]
        size += len(chunk)
    output.flush()
    return size


@contextmanager
def written(target: Path, approved: Approved | None = None, mtime_ns: int | None = None) -> Iterator[BinaryIO]:
    """A file to be filled under a temporary name beside `target`, which it takes when the block ends without an error.

    For what must seek in the file it writes; all else goes through `save`. Raises OSError.
    """
    temporary, file = create(target.parent)
    try:
        with ExitStack() as held:
            held.enter_context(file)
            yield file
            file.flush()
            if mtime_ns is not None:
                os.utime(temporary, ns=(mtime_ns, mtime_ns))
            os.fsync(file.fileno())
            if os.name == "nt":
                held.close()  # Windows does not rename open files; elsewhere the lock is held until the name is right
            publishing.publish(temporary, target, approved)
    finally:
        temporary.unlink(missing_ok=True)
    _sync(target.parent)


def create(folder: Path, mode: int = 0o666) -> tuple[Path, BinaryIO]:
    """A new temporary file, locked as long as it is open, so that no other run takes it for abandoned. Raises OSError."""
    while True:
        path = folder / f"{PREFIX}{HOST}-{secrets.token_hex(8)}{SUFFIX}"
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), "w+b")
        if fcntl is None:
            return path, file
        with suppress(OSError):  # some network file systems have no locks: there, age decides
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file.fileno()).st_nlink:
            return path, file
        file.close()  # swept by another run before it was locked


def _sync(folder: Path) -> None:
    """Make the new name last through a power cut, where the system can."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def sweep(folders: Iterable[Path]) -> int:
    """Remove what killed runs left half written, and nothing of those that still run; returns how many files that were."""
    swept = 0
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX) and entry.is_file(follow_symlinks=False):
                    swept += _remove_abandoned(Path(entry.path))
    return swept


def _remove_abandoned(path: Path) -> bool:
    if path.name.endswith(publishing.SWAPPED):
        return fcntl is not None and path.name.startswith(PREFIX + HOST) and publishing.sweep(path)
    if not path.name.endswith(SUFFIX):
        return False
    with suppress(OSError):
        old = time.time() - path.stat().st_mtime > ABANDONED_AFTER
        if fcntl is None or not path.name.startswith(PREFIX + HOST):
            if old:
                path.unlink()
            return old
        with path.open("r+b") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            except OSError:
                if not old:
                    return False
            path.unlink()  # with the lock held, so that a writer which waits for it sees that its file is gone
            return True
    return False
