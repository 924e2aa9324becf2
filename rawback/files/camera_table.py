"""LibRaw's table of camera colours, asked by name: a DNG of a few photosites that says who it is and has no matrix."""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
import rawpy

from rawback.files import tiff
from rawback.files.tags import Compression, Photometric, Tag
from rawback.files.tiff import BYTE, LONG, SHORT, Directory, Entries
from rawback.files.tiff_writer import serialise

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
    entries: Entries = {
        Tag.NewSubfileType: tiff.pack(LONG, [0]), Tag.ImageWidth: tiff.pack(LONG, [SIDE]),
        Tag.ImageLength: tiff.pack(LONG, [SIDE]), Tag.BitsPerSample: tiff.pack(SHORT, [16]),
        Tag.Compression: tiff.pack(SHORT, [Compression.NONE]),
        Tag.PhotometricInterpretation: tiff.pack(SHORT, [Photometric.CFA]), Tag.Make: tiff.ascii_text(make),
        Tag.Model: tiff.ascii_text(model), Tag.SamplesPerPixel: tiff.pack(SHORT, [1]),
        Tag.RowsPerStrip: tiff.pack(LONG, [SIDE]), Tag.PlanarConfiguration: tiff.pack(SHORT, [1]),
        Tag.CFARepeatPatternDim: tiff.pack(SHORT, [2, 2]), Tag.CFAPattern: tiff.pack(BYTE, [0, 1, 1, 2]),
        Tag.DNGVersion: tiff.pack(BYTE, [1, 4, 0, 0]), Tag.UniqueCameraModel: tiff.ascii_text(f"{make} {model}"),
        Tag.WhiteLevel: tiff.pack(LONG, [65535]),
    }  # fmt: skip
    return b"".join(serialise(Directory(entries, strips={Tag.StripOffsets: [bytes(2 * SIDE * SIDE)]})))
