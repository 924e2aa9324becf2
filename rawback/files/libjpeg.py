"""Coefficients of JPEG files, read and written by libjpeg through jpeglib's binding, which takes nothing but paths."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np

from rawback.errors import MachineError
from rawback.files import stderr
from rawback.files.scratch import scratch
from rawback.files.tiff import Buffer

TABLES = 4
"""Quantisation tables that a file may define, and components that it may have."""
WITH_ARITHMETIC = "turbo210"
"""The version, by jpeglib's name, that decodes arithmetic code; its own default (6b) does not, for patents long expired."""
NO_MEMORY = "Insufficient memory"
"""Of libjpeg's messages the one that says nothing about the file."""


@dataclass
class Decoded:
    """What is coded in a file."""

    width: int
    height: int
    planes: list[np.ndarray]
    """Per component (block rows, block columns, 64) int16 levels in natural order."""
    tables: list[np.ndarray]
    """Per component (64,) uint16 quantisation table in natural order."""
    warning: str
    """What libjpeg has to say; empty if all is well."""


def read(pieces: Iterable[Buffer], arithmetic: bool = False) -> Decoded:
    """Decode a file, given in pieces. Raises ValueError for what libjpeg cannot read, MachineError where the machine fails.

    arithmetic: whether its code is arithmetic, which only later versions of libjpeg read.
    """
    import jpeglib  # where it is needed: with the compiled core it rarely is

    with scratch(pieces) as file, stderr.captured() as messages:
        try:
            with jpeglib.version(WITH_ARITHMETIC) if arithmetic else nullcontext():
                width, height, planes, tables = _read(file.path)
        except (OSError, ValueError, IndexError, RuntimeError) as error:
            if NO_MEMORY in messages():
                raise MachineError("there is not enough memory to decode the picture; close other programs") from error
            file.check()
            raise ValueError(messages()) from error
        return Decoded(width, height, planes, tables, messages())


def _read(path: str) -> tuple[int, int, list[np.ndarray], list[np.ndarray]]:
    """Width, height, and by component levels and table. Raises what jpeglib raises."""
    import jpeglib

    picture = jpeglib.read_dct(path)
    sizes = [(picture.height_in_blocks(i), picture.width_in_blocks(i), 64) for i in range(picture.num_components)]
    planes = [np.zeros(size, np.int16) for size in sizes]
    tables, numbers = np.zeros((TABLES, 64), np.uint16), np.zeros(TABLES, np.int16)
    buffers = *map(_pointer, planes), *[None] * (TABLES - len(planes)), _pointer(tables), _pointer(numbers)
    library = jpeglib.dct_jpeg.CJpegLib  # DCTJPEG.load would go through temporary files of its own
    if not library.get().read_jpeg_dct(path.encode(), *buffers):
        raise OSError("the coefficients cannot be read")
    return picture.width, picture.height, planes, [tables[number] for number in numbers[: len(planes)]]


def write(planes: list[np.ndarray], tables: list[np.ndarray], size: tuple[int, int], factors: tuple[int, int]) -> bytes:
    """A baseline file of nothing but the picture, with Huffman tables of its own.

    planes, tables: as in `Decoded`; size: width and height in pixels; factors: rows and columns of luma for a chroma sample.
    Raises MachineError.
    """
    import jpeglib

    parts = [plane.reshape(*plane.shape[:2], 8, 8) for plane in planes]
    colour = {"Cb": parts[1], "Cr": parts[2]} if len(parts) == 3 else {}
    assigned = [0, 1, 1][: len(parts)]
    stacked = np.stack([table.reshape(8, 8) for table in tables[:2]]).astype(np.uint16)
    picture = jpeglib.from_dct(parts[0], **colour, qt=stacked, quant_tbl_no=assigned)
    picture.width, picture.height = size
    if colour:  # jpeglib infers it from the numbers of blocks, which say nothing where there is but one
        picture.samp_factor = np.array([factors, (1, 1), (1, 1)], np.int16)
    coefficients: list[ctypes.Array | None] = [_c_array(part.reshape(-1, 64)) for part in parts]
    coefficients += [None] * (TABLES - len(parts))
    with scratch() as file:
        try:
            jpeglib.dct_jpeg.CJpegLib.write_jpeg_dct(
                None, file.path, *coefficients, picture.c_image_dims(), picture.c_block_dims(),
                int(picture.jpeg_color_space), len(parts), picture.c_samp_factor(), _c_array(stacked.reshape(-1, 64)),
                -1, _c_array(np.array([*assigned, *[-1] * (TABLES - len(parts))])), 0, None, None, None, ["+OPTIMIZE_CODING"],
            )  # fmt: skip
        except OSError as error:  # these are our own coefficients: what fails is the file
            file.check()
            raise MachineError("the picture could not be coded: there is no room for it in memory") from error
        return file.read()


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return values.ctypes.data_as(ctypes.c_void_p)


def _c_array(values: np.ndarray) -> ctypes.Array:
    return np.ctypeslib.as_ctypes(values.astype(np.int16))
