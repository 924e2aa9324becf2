"""Files for libraries that take nothing but a path: in memory where the system can, so that they are gone with the process.

Elsewhere they lie in the temporary folder, locked while they are used; what a killed run left there, the next one sweeps.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from rawback.errors import MachineError
from rawback.files import atomic
from rawback.files.tiff import Buffer

DESCRIPTORS = "/proc/self/fd"
"""Linux: where an open file has a path, even if it has no name."""
NO_HANDLES = (errno.EMFILE, errno.ENFILE)
EXHAUSTED = (*NO_HANDLES, errno.ENOMEM, errno.ENOSPC)
"""What another way to make a file would not mend."""
MEMORY = "memory"


@dataclass(frozen=True)
class Scratch:
    """A file that others may open by its path, as long as it is in use."""

    file: BinaryIO
    path: str
    place: str
    """MEMORY, or the folder where it lies."""

    def read(self) -> bytes:
        """All of it, whoever wrote it. Raises MachineError."""
        with _reported(self.place):
            self.file.seek(0)
            return self.file.read()

    def check(self) -> None:
        """Raise MachineError if the file cannot be opened once more: then a library that could not read it is not to blame."""
        with _reported(self.place):
            os.close(os.open(self.path, os.O_RDONLY))


@contextmanager
def scratch(pieces: Iterable[Buffer] = ()) -> Iterator[Scratch]:
    """A file that holds `pieces`. Raises MachineError if there is no room for it, or no handle."""
    used = _in_memory() or _in_folder()
    try:
        with _reported(used.place):
            for piece in pieces:
                used.file.write(piece)
            used.file.flush()
        yield used
    finally:
        with suppress(OSError):  # what could not be written is tried once more
            used.file.close()
        if used.place != MEMORY:
            Path(used.path).unlink(missing_ok=True)


@contextmanager
def nameless() -> Iterator[BinaryIO]:
    """An empty file that only this process can see. Raises MachineError."""
    if memory := _in_memory():
        with memory.file as file:
            yield file
    else:
        with _reported("the temporary folder"):
            file = tempfile.TemporaryFile()  # noqa: SIM115 - closed below, outside of what is reported
        with file:
            yield file


def _in_memory() -> Scratch | None:
    """None where the system has no such files, or no paths to them."""
    if not hasattr(os, "memfd_create") or not os.path.isdir(DESCRIPTORS):
        return None
    try:
        handle = os.memfd_create("rawback", os.MFD_CLOEXEC)
    except OSError as error:
        if error.errno in EXHAUSTED:
            raise _machine_error(error, MEMORY) from error
        return None  # forbidden, or an old kernel
    return Scratch(os.fdopen(handle, "w+b"), f"{DESCRIPTORS}/{handle}", MEMORY)


def _in_folder() -> Scratch:
    with _reported(os.environ.get("TMPDIR", "the temporary folder")):
        folder = tempfile.gettempdir()
    _swept(folder)
    with _reported(folder):
        path, file = atomic.create(Path(folder), mode=0o600)
    return Scratch(file, str(path), folder)


@cache
def _swept(folder: str) -> int:
    """What killed runs left there is removed, once in a run."""
    return atomic.sweep([Path(folder)])


@contextmanager
def _reported(place: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _machine_error(error, place) from error


def _machine_error(error: OSError, place: str) -> MachineError:
    reason = error.strerror or str(error)
    if error.errno in NO_HANDLES:
        return MachineError(f"there are no file handles left ({reason}); work on fewer files at a time, or raise `ulimit -n`")
    if place == MEMORY:
        return MachineError(f"there is no room in memory ({reason}); work on fewer files at a time, or raise its limit")
    return MachineError(f"{place} cannot be used for a temporary file ({reason}); make room there, or set TMPDIR to another")
