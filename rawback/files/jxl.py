"""JPEG XL as a coat for JPEGs: the same file in fewer bytes, and back byte for byte (ISO/IEC 18181-2, annex A; extra [jxl])."""

from __future__ import annotations

from rawback.errors import MachineError, RawbackError
from rawback.files import boxes, extras, file_type, libjxl
from rawback.files.jpeg_file import is_jpeg
from rawback.files.tiff import Buffer

MODULE = "imagecodecs"
RECONSTRUCTION = b"jbrd"
"""Box with what a JPEG has beside its coefficients."""
FAILURES = (RuntimeError, ValueError, TypeError, OSError)
"""What imagecodecs raises."""
SUFFIX = ".jxl"


def is_jxl(data: Buffer) -> bool:
    """Whether the data begins like JPEG XL, bare or in boxes."""
    return bytes(data[:12]).startswith(file_type.JXL_MAGICS)


def holds_jpeg(data: Buffer) -> bool:
    """Whether it is JPEG XL that was made of a JPEG, and can be made that JPEG again."""
    return is_jxl(data) and any(box.kind == RECONSTRUCTION for box in boxes.walk(memoryview(data)))


def transcoded(jpeg: bytes, name: str) -> bytes:
    """The JPEG as JPEG XL, which gives it back byte for byte: that is tried. Raises RawbackError where it does not."""
    library = extras.needed("jxl", MODULE, f"{name}: writing JPEG XL")
    try:
        coded = libjxl.transcoded(jpeg) or bytes(library.jpegxl_encode_jpeg(jpeg))
        restored = bytes(library.jpegxl_decode_jpeg(coded))
    except MemoryError as error:
        raise MachineError(f"there is not enough memory to write {name} as JPEG XL; close other programs") from error
    except FAILURES as error:
        raise RawbackError(f"{name} cannot be written as JPEG XL ({error}); write a .jpg") from error
    if restored != jpeg:
        raise RawbackError(f"{name} would not come back from JPEG XL byte for byte; write a .jpg")
    return coded


def jpeg_inside(data: Buffer, name: str) -> bytes:
    """The JPEG that a file holds (see `holds_jpeg`), byte for byte. Raises RawbackError where it is damaged."""
    library = extras.needed("jxl", MODULE, f"{name} is JPEG XL, and reading it")
    try:
        jpeg = bytes(library.jpegxl_decode_jpeg(bytes(data)))
    except MemoryError as error:
        raise MachineError(f"there is not enough memory to read {name}; close other programs") from error
    except FAILURES as error:
        raise RawbackError(f"{name} is JPEG XL that cannot be read ({error}); get the file again") from error
    if not is_jpeg(jpeg):
        raise RawbackError(f"{name} is JPEG XL that should hold a JPEG, and does not; get the file again")
    return jpeg
