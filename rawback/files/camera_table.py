"""LibRaw's table of camera colours, asked by name: a DNG of a few photosites that says who it is and has no matrix."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import rawpy

from rawback.files import tiff
from rawback.files.tiff import BYTE, LONG, SHORT, Directory

SIDE = 32  # LibRaw refuses mosaics of fewer than 22 photosites a side
MEAN_MATRIX = ((0.7621, -0.2125, -0.0768), (-0.5055, 1.2410, 0.2199), (-0.1055, 0.1818, 0.6196))
"""XYZ -> camera under D65: the mean of LibRaw's matrices for 137 cameras of ten makers, each with green white as 1."""


@lru_cache(maxsize=64)
def xyz_to_camera(make: str, model: str) -> tuple[tuple[float, ...], ...] | None:
    """XYZ -> camera (3, 3) under D65, as in DNG ColorMatrix1, of a camera by its EXIF names; None if LibRaw has none."""
    if not make or not model:
        return None
    try:
        with rawpy.imread(io.BytesIO(_nameplate(make, model))) as raw:
            matrix = np.array(raw.rgb_xyz_matrix, float)
    except rawpy.LibRawError:
        return None
    three = np.isfinite(matrix).all() and not matrix[3].any()  # some old sensors have four colours
    known = three and np.abs(matrix).sum() > 0.1 and np.linalg.cond(matrix[:3]) < 1e3
    return tuple(tuple(row) for row in matrix[:3].tolist()) if known else None


def _nameplate(make: str, model: str) -> bytes:
    entries = {
        254: tiff.pack(LONG, [0]), 256: tiff.pack(LONG, [SIDE]), 257: tiff.pack(LONG, [SIDE]), 258: tiff.pack(SHORT, [16]),
        259: tiff.pack(SHORT, [1]), 262: tiff.pack(SHORT, [32803]), 271: tiff.ascii_text(make), 272: tiff.ascii_text(model),
        277: tiff.pack(SHORT, [1]), 278: tiff.pack(LONG, [SIDE]), 284: tiff.pack(SHORT, [1]),
        33421: tiff.pack(SHORT, [2, 2]), 33422: tiff.pack(BYTE, [0, 1, 1, 2]), 50706: tiff.pack(BYTE, [1, 4, 0, 0]),
        50708: tiff.ascii_text(f"{make} {model}"), 50717: tiff.pack(LONG, [65535]),
    }  # fmt: skip
    return b"".join(tiff.serialise(Directory(entries, strips={273: [bytes(2 * SIDE * SIDE)]})))
