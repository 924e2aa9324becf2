"""16-bit pictures for those who want pixels and no RAW: TIFF and PNG."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np

from rawback.files import seal
from rawback.files.jpeg import srgb_profile
from rawback.files.tags import Tag
from rawback.files.tiff import ASCII, UNDEFINED
from rawback.picture import upright
from rawback.version import __version__


def encode(srgb: np.ndarray, orientation: int, kind: str, mark: str) -> bytes:
    """Planes (3, H, W) float32, 0..1 shown -> a file of 16 bits per channel, turned upright; sealed (`files.seal`)."""
    pixels = np.rint(np.clip(srgb, 0, 1) * 65535).astype(np.uint16).transpose(1, 2, 0)
    pixels = np.ascontiguousarray(upright(pixels, orientation))
    data = _png(pixels, mark) if kind == ".png" else _tiff(pixels, mark)
    return b"".join(seal.sealed([data]))


def _tiff(pixels: np.ndarray, mark: str) -> bytes:
    import imageio.v3 as imageio

    stream = io.BytesIO()
    extra = [(int(Tag.ICCProfile), UNDEFINED, None, srgb_profile(), True), (int(Tag.RawbackMark), ASCII, None, mark, True)]
    how = {"photometric": "rgb", "compression": "zlib", "software": f"rawback {__version__}"}
    imageio.imwrite(stream, pixels, extension=".tif", extratags=extra, **how)
    return stream.getvalue()


def _png(pixels: np.ndarray, mark: str) -> bytes:
    """PNG, third edition: neither Pillow nor imageio writes 16-bit RGB.

    The mark follows the end, where decoders do not look: within a chunk its seal would change the chunk's checksum.
    """
    height, width = pixels.shape[:2]
    rows = np.zeros((height, 1 + 6 * width), np.uint8)
    rows[:, 1:] = pixels.astype(">u2").reshape(height, -1).view(np.uint8)
    rows[1:, 1:] -= rows[:-1, 1:].copy()
    rows[1:, 0] = 2  # filter "up" on all rows but the first
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 16, 2, 0, 0, 0)),
        (b"iCCP", b"sRGB\0\0" + zlib.compress(srgb_profile())),
        (b"tEXt", f"Software\0rawback {__version__}".encode()),
        (b"IDAT", zlib.compress(rows.tobytes(), 6)),
        (b"IEND", b""),
    ]
    body = b"".join(struct.pack(">I", len(d)) + t + d + struct.pack(">I", zlib.crc32(t + d)) for t, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + body + mark.encode()
