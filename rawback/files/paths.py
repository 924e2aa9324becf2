"""Where bytes come from and go to: whole files or none, and never over an original."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from rawback.errors import RawbackError

STREAM = Path("-")
"""Standard input or output."""


def load(path: Path) -> bytes:
    """All bytes of a file, or of standard input for `-`. Raises RawbackError if it cannot be read."""
    try:
        if path == STREAM:
            return sys.stdin.buffer.read()
        if path.is_dir():
            raise RawbackError(f"{path} is a folder; expected a file")
        return path.read_bytes()
    except OSError as error:
        raise RawbackError(f"{path} cannot be read: {error.strerror or error}") from error


def check_target(target: Path, sources: Iterable[Path], force: bool) -> None:
    """Raise RawbackError if `target` may not be written: it exists and `force` is not set, or it is one of the sources."""
    if target == STREAM:
        return
    if any(source != STREAM and _same(source, target) for source in sources):
        raise RawbackError(f"{target} is the input itself; choose another output")
    if target.is_dir():
        raise RawbackError(f"{target} is a folder; expected a file name")
    if target.exists() and not force:
        raise RawbackError(f"{target} exists already; use --force to replace it or -o for another name")


def save(target: Path, chunks: Iterable[bytes | bytearray | memoryview]) -> None:
    """Write a file as a whole: to a temporary name beside it, then renamed. `-` is standard output."""
    if target == STREAM:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".rawback-", suffix=".part", dir=target.parent)
    except OSError as error:
        raise RawbackError(f"{target} cannot be written: {error.strerror or error}") from error
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except OSError as error:
        raise RawbackError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        Path(name).unlink(missing_ok=True)


def _same(a: Path, b: Path) -> bool:
    try:
        return os.path.samefile(a, b)
    except OSError:
        return False


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
