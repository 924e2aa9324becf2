"""JPEGs of 12 bits a sample (ITU-T T.81, extended sequential and progressive), which libjpeg of 8 bits does not read."""

from __future__ import annotations

import numpy as np

from rawback.errors import MachineError, RawbackError
from rawback.files import extras, jxl
from rawback.files.jpeg import check_size
from rawback.files.jpeg_file import EOI, SOF1, SOF2, JpegFile

BITS = 12
END = bytes([0xFF, EOI])
FULL = (1 << BITS) - 1


def is_deep(file: JpegFile) -> bool:
    """Whether a file is one of these."""
    return file.frame is not None and file.frame.bits == BITS and file.frame.marker in (SOF1, SOF2)


def values(file: JpegFile, name: str) -> np.ndarray:
    """Grey (H, W) or RGB (H, W, 3) over the whole range of uint16. Raises RawbackError, also where imagecodecs is missing."""
    frame = file.frame
    if frame is None or frame.components not in (1, 3):
        raise RawbackError(f"{name} has other than one or three components; expected grey or YCbCr")
    check_size(bytes(file.data), name, frame, file.scan_start)
    if bytes(file.data).find(END, file.scan_start) < 0:
        raise RawbackError(f"{name} is cut short: its picture has no end; get the file again")
    library = extras.needed("jxl", jxl.MODULE, f"{name} is a JPEG of 12 bits a sample, and reading it")
    try:
        decoded = np.asarray(library.jpeg_decode(bytes(file.data)))
    except MemoryError as error:
        raise MachineError(f"there is not enough memory to decode {name}; close other programs") from error
    except jxl.FAILURES as error:
        raise RawbackError(f"{name} is a damaged JPEG of 12 bits a sample; get the file again") from error
    if decoded.shape[:2] != (frame.height, frame.width) or decoded.dtype != np.uint16:
        raise RawbackError(f"{name} is a damaged JPEG of 12 bits a sample; get the file again")
    return np.rint(np.minimum(decoded, FULL) * (65535 / FULL)).astype(np.uint16)
