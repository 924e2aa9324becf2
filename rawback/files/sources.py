"""What the library takes for a file: a path or URL, its bytes, a file object, or an image of Pillow's."""

from __future__ import annotations

import io
from concurrent.futures import Future
from dataclasses import dataclass, field
from os import PathLike, fspath
from typing import BinaryIO

from PIL import Image

from rawback.errors import UsageError
from rawback.files import paths
from rawback.files.libraw import Unpacked
from rawback.files.paths import MAX_BYTES, STREAM, Location
from rawback.files.url import Url

Given = str | PathLike[str] | Location | bytes | bytearray | memoryview | BinaryIO | Image.Image
"""A path, a URL, "-" for standard input; all bytes of a file; an open binary file, which is read from where it stands; or an
image of Pillow's: one that is open and not loaded yet is read from its file."""
PIXELS = (
    "the image is taken by its pixels; what else its file held, a RAW of rawback's too, is only found in the file: name that"
)


@dataclass(frozen=True)
class Source:
    """A file that was read."""

    data: bytes
    name: str
    """For messages."""
    location: Location = STREAM
    """Where it lies, and where what lies beside it may be looked for; STREAM: nowhere."""
    notes: list[str] = field(default_factory=list)
    """What the user should know, a sentence each."""
    unpacking: Future[Unpacked] | None = None
    """What LibRaw is making of it already, meanwhile."""

    @property
    def file_name(self) -> str:
        """Without folders; empty where it has none."""
        return "" if self.location == STREAM else self.location.name


def read(given: Given | Source) -> Source:
    """Read all of it. Raises RawbackError for what cannot be read, UsageError for what is no such thing or too large."""
    if isinstance(given, Source):
        return given
    if isinstance(given, bytes | bytearray | memoryview):
        return Source(bytes(given), "the bytes")
    if isinstance(given, str | PathLike | Url):
        place = given if isinstance(given, str | Url) else fspath(given)
        return Source(paths.load(place), str(place), paths.parse(place))
    if isinstance(given, Image.Image):
        return _of_image(given)
    if not hasattr(given, "read"):
        raise UsageError(f"a {type(given).__name__} is no photo; expected a path, bytes or an open binary file")
    data = given.read(MAX_BYTES + 1)
    name = str(getattr(given, "name", "") or "the file object")
    if not isinstance(data, bytes):
        raise UsageError(f"{name} is open for text; expected an open binary file, as of open(path, 'rb')")
    if len(data) > MAX_BYTES:
        raise UsageError(f"{name} is larger than {MAX_BYTES >> 30} GiB; expected a photo")
    return Source(data, name)


def _of_image(image: Image.Image) -> Source:
    name = getattr(image, "filename", "") if getattr(image, "tile", None) else ""  # tile: what is still to be decoded
    if name:
        return read(name)
    stream = io.BytesIO()
    try:
        image.save(stream, "PNG", exif=image.getexif(), compress_level=1)
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"an image of mode {image.mode} cannot be taken ({error}); expected RGB or L") from error
    return Source(stream.getvalue(), "the image", notes=[PIXELS])
