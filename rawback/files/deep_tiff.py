"""TIFFs of which Pillow would keep 8 bits or nothing: 16 and 32 bits, float, planes one after the other, BigTIFF."""

from __future__ import annotations

import io
import logging

import numpy as np

from rawback.errors import RawbackError
from rawback.files import jpeg

MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Classic TIFF and BigTIFF."""
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB = 0, 1, 2
"""PhotometricInterpretation."""
FAILURES = (ValueError, TypeError, KeyError, IndexError, OSError, RuntimeError, ZeroDivisionError, OverflowError)
"""What tifffile raises of what is damaged, or coded in a way that needs imagecodecs."""


def read(data: bytes, name: str) -> tuple[np.ndarray, bytes] | None:
    """Grey or RGB as Pixels have it, and the ICC profile; None for what Pillow reads whole, or this cannot."""
    if data[:4] not in MAGICS:
        return None
    import tifffile

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it prints what it thinks of a damaged file
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            page = file.pages.first
            plain = page.dtype == np.uint8 and page.planarconfig == 1 and not file.is_bigtiff
            if plain or page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB):
                return None
            if page.imagewidth * page.imagelength > jpeg.MAX_PIXELS:
                raise RawbackError(f"{name} says it has {page.imagewidth} x {page.imagelength} pixels; it is damaged")
            profile = page.tags.get(34675)
            values = _grey_or_rgb(page.asarray(), page.planarconfig, page.photometric)
            return None if values is None else (values, bytes(profile.value) if profile else b"")
    except FAILURES:
        return None


def _grey_or_rgb(values: np.ndarray, planar: int, photometric: int) -> np.ndarray | None:
    if planar == 2 and values.ndim == 3:
        values = np.moveaxis(values, 0, -1)
    if photometric == RGB:
        values = values[..., :3] if values.ndim == 3 and values.shape[2] >= 3 else values[:0]
    elif values.ndim == 3:
        values = values[..., 0]
    if not values.size or values.ndim not in (2, 3) or values.dtype.kind not in "uf":
        return None
    if values.dtype.kind == "f":
        return np.nan_to_num(values.astype(np.float32), posinf=0.0, neginf=0.0)
    if photometric == WHITE_IS_ZERO:
        values = np.iinfo(values.dtype).max - values
    bits = 8 * values.dtype.itemsize
    return np.ascontiguousarray(values if bits <= 16 else values >> (bits - 16)).astype(np.uint8 if bits == 8 else np.uint16)
