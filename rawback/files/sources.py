"""What the library takes for a file: a path or URL, its bytes, or a file object."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike, fspath
from typing import BinaryIO

from rawback.errors import UsageError
from rawback.files import paths
from rawback.files.paths import MAX_BYTES, STREAM, Location
from rawback.files.url import Url

Given = str | PathLike[str] | Location | bytes | bytearray | memoryview | BinaryIO
"""A path, a URL, "-" for standard input; all bytes of a file; or an open binary file, which is read from where it stands."""


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    data: bytes
    name: str
    """For messages."""
    location: Location = STREAM
    """Where it lies, and where what lies beside it may be looked for; STREAM: nowhere."""

    @property
    def file_name(self) -> str:
        """Without folders; empty where it has none."""
        return "" if self.location == STREAM else self.location.name


def read(given: Given) -> Source:
    """Read all of it. Raises RawbackError for what cannot be read, UsageError for what is no such thing or too large."""
    if isinstance(given, bytes | bytearray | memoryview):
        return Source(bytes(given), "the bytes")
    if isinstance(given, str | PathLike | Url):
        place = given if isinstance(given, str | Url) else fspath(given)
        return Source(paths.load(place), str(place), paths.parse(place))
    if not hasattr(given, "read"):
        raise UsageError(f"a {type(given).__name__} is no photo; expected a path, bytes or an open binary file")
    data = given.read(MAX_BYTES + 1)
    name = str(getattr(given, "name", "") or "the file object")
    if not isinstance(data, bytes):
        raise UsageError(f"{name} is open for text; expected an open binary file, as of open(path, 'rb')")
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES >> 30} GiB; expected a photo")
    return Source(data, name)
