"""LibRaw's part in reading a RAW, which may begin while all else that reading takes is still being imported."""

from __future__ import annotations

import io
from dataclasses import dataclass

import rawpy

from rawback.errors import MachineError, RawbackError
from rawback.files import file_type, jxl_dng, stderr
from rawback.files.jpeg_file import MAX_PIXELS, is_jpeg
from rawback.files.tiff import Buffer
from rawback.files.truncation import missing_bytes

RGB = 3
"""Colours of filters."""
PIXELS_PER_BYTE, SMALL = 64, 1 << 20
"""No RAW codec spends less than an eighth of a bit on a pixel; below a megapixel nobody is hurt."""


@dataclass(frozen=True)
class Unpacked:
    """A RAW whose values are decoded."""

    raw: rawpy.RawPy
    """To be closed by whoever reads it."""
    damage: str
    """What LibRaw printed meanwhile; empty for a sound file."""


def unpack(data: Buffer, name: str) -> Unpacked:
    """Decode a RAW file of any format that LibRaw knows. Raises RawbackError for what is none or cut short."""
    if not data:
        raise RawbackError(f"{name} is empty; expected a RAW file")
    if why := file_type.obstacle(data):
        raise RawbackError(f"{name} is {why}")
    if missing := missing_bytes(data):
        raise RawbackError(f"{name} is cut short: {missing} bytes are missing at its end; get the file again")
    try:
        raw = rawpy.imread(io.BytesIO(jxl_dng.plain(data, name)))
        _check_size(raw, len(data), name)
        if raw.num_colors > RGB:
            raise RawbackError(f"{name} is {file_type.OTHER_FILTERS}")
        return Unpacked(raw, _decoded(raw))
    except rawpy.LibRawError as error:
        raise problem(error, data, name) from error


def problem(error: rawpy.LibRawError, data: Buffer, name: str) -> RawbackError:
    """What an error of LibRaw's means for the user."""
    if isinstance(error, rawpy.LibRawUnsufficientMemoryError):
        return MachineError(f"there is not enough memory to read {name}; close other programs")
    reason = error.args[0].decode(errors="replace") if error.args and isinstance(error.args[0], bytes) else str(error)
    hint = "this is a JPEG: `rawback recover` takes those" if is_jpeg(data) else f"LibRaw says: {reason}"
    return RawbackError(f"{name} is not a RAW file that can be read; {hint}")


def _decoded(raw: rawpy.RawPy) -> str:
    """Decode the mosaic, which else happens when something of it is first asked for; what LibRaw prints meanwhile."""
    with stderr.captured() as messages:
        _ = raw.raw_type
        return messages().replace("unknown file: ", "")


def _check_size(raw: rawpy.RawPy, size: int, name: str) -> None:
    """Raise RawbackError, before LibRaw allocates anything, for more pixels than can be or than so few bytes can code."""
    sizes = raw.sizes
    pixels = max(sizes.raw_width, sizes.width) * max(sizes.raw_height, sizes.height)
    if not 0 < pixels <= MAX_PIXELS or pixels > PIXELS_PER_BYTE * size + SMALL:
        claim = f"{sizes.raw_width} x {sizes.raw_height} pixels in {size} bytes"
        raise RawbackError(f"{name} says it has {claim}; that cannot be: the file is damaged, or cut short")
