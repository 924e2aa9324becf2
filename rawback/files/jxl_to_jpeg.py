"""The JPEG out of a JPEG XL file, as it went in."""

from __future__ import annotations

from pathlib import Path

from rawback.errors import RawbackError
from rawback.files import jxl, paths, places, replacement
from rawback.files.permission import Allowed

NONE = "{} was not made of a JPEG: it holds none; `rawback recover` takes it by its pixels"


def jpeg_of(source: str | paths.Location) -> bytes:
    """The JPEG that a JPEG XL file was made of, byte for byte. Raises RawbackError for any other file."""
    data = paths.load(source)
    if not jxl.is_jxl(data):
        raise RawbackError(f"{source} is no JPEG XL; expected a .jxl that `rawback render` or cjxl made of a JPEG")
    if not jxl.holds_jpeg(data):
        raise RawbackError(NONE.format(source))
    return jxl.jpeg_inside(data, str(source))


def write(source: str, output: Path | None, into_folder: bool, allowed: Allowed) -> str:
    """Write that JPEG to `output` (a file or folder; None: NAME.jpg beside it); returns what is to be said."""
    location = paths.parse(source)
    data = jpeg_of(location)
    beside = Path(str(source)).with_suffix(".jpg")
    target = beside if output is None else output / beside.name if into_folder or output.is_dir() else output
    places.check(target, places.identities([location]))
    replacement.save(target, data, replacement.decide(target, allowed))
    return f"{source}: the JPEG that it was made of, {len(data)} bytes, is now {target}"
