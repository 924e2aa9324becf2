"""A RAW read and unpacked before it is asked for: while the command line that names it is still being imported and read.

LibRaw unpacks without the interpreter: on two cores a photo of 12 megapixels is there a tenth of a second earlier.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from rawback.files import libraw, paths
from rawback.files.libraw import Unpacked
from rawback.files.paths import Location

LARGEST = 1 << 28
"""Bytes of a file that is begun before anybody has set bounds to what it may take."""
OUTPUTS = ("-o", "--output")
BOUNDS = ("--memory", "--timeout")
"""Options whose values must hold from the beginning."""


class Begun(NamedTuple):
    """A file that is being unpacked."""

    location: Location
    state: tuple[int, ...]
    data: bytes
    unpacking: Future[Unpacked]


_begun: list[Begun] = []


def only_file(arguments: Sequence[str]) -> Path | None:
    """The only file there is among the arguments of `render`, its output left out; None where there are none or several."""
    if any(argument.startswith(BOUNDS) for argument in arguments):
        return None
    named = [Path(name) for before, name in zip(["", *arguments], arguments, strict=False) if before not in OUTPUTS]
    files = [path for path in named if _state(path)]
    return files[0] if len(files) == 1 else None


def begin(path: Path) -> None:
    """Begin with a file; nothing happens where it cannot be read: whoever asks for it will be told."""
    with suppress(OSError):
        state, data = _state(path), path.read_bytes()
        location = paths.parse(path)
        if state and state == _state(path):
            unpacking = ThreadPoolExecutor(1).submit(libraw.unpack, data, str(location))
            _begun.append(Begun(location, state, data, unpacking))


def take(location: Location) -> tuple[bytes, Future[Unpacked]] | None:
    """The bytes of a file and what LibRaw makes of them, where that was begun and the file is still the same; once."""
    while _begun:
        begun = _begun.pop()
        if begun.location == location and begun.state == _state(Path(str(location))):
            return begun.data, begun.unpacking
    return None


def _state(path: Path) -> tuple[int, ...]:
    """What changes with a file's content; empty for what is no plain file, is empty or very large."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return ()
    plain = stat.S_ISREG(found.st_mode) and 0 < found.st_size <= LARGEST
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns) if plain else ()
