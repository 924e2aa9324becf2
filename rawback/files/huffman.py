"""Baseline JPEGs from memory and into it by the compiled core: what libjpeg does with them, byte for byte.

Only what is quite regular; everything else is for `files.libjpeg`.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Sequence

import numpy as np

from rawback.files.jpeg_file import DHT, EOI_BYTES, SOF0, SOI, SOS, Frame, JpegFile, segment
from rawback.files.libjpeg import Decoded
from rawback.isp.levels import ZIGZAG
from rawback.isp.native.library import call, library

DQT, DRI = 0xDB, 0xDD
JFIF_HEADER = segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
"""As libjpeg writes it: version 1.1, square pixels, no thumbnail."""
HUFFMAN = np.dtype([("per_length", np.uint8, 17), ("symbols", np.uint8, 256)])
"""Huffman of jpeg_scan.h."""


class _Component(ctypes.Structure):
    """Component of jpeg_scan.h."""

    _fields_ = (
        ("levels", ctypes.c_void_p),
        *((name, ctypes.c_int32) for name in ("rows", "columns", "v", "h", "dc", "ac")),
    )


def write(
    planes: Sequence[np.ndarray], tables: Sequence[np.ndarray], size: tuple[int, int], factors: tuple[int, int]
) -> bytes | None:  # fmt: skip
    """As `libjpeg.write`; None where there is no compiled core, or the picture is none for it."""
    if library() is None or len(planes) != 3:
        return None
    planes = [np.ascontiguousarray(plane, np.int16) for plane in planes]
    sampling = [factors, (1, 1), (1, 1)]
    components = _components(planes, sampling, [(0, 0), (1, 1), (1, 1)])
    huffman, room = np.zeros(4, HUFFMAN), sum(plane.nbytes for plane in planes) // 4 + 4096
    mcus = _mcus(size, factors)
    while True:
        scan = np.empty(room, np.uint8)
        length = call("core_jpeg_encode", components, 3, *mcus, huffman, scan, room)
        if length >= 0:
            return b"".join([_headers(tables, size, sampling, huffman), scan[:length].data, EOI_BYTES])
        if length == -1:
            return None
        room *= 4


def _headers(
    tables: Sequence[np.ndarray], size: tuple[int, int], sampling: Sequence[tuple[int, int]], huffman: np.ndarray
) -> bytes:  # fmt: skip
    """From SOI to SOS, in libjpeg's order."""
    width, height = size
    head = [SOI, JFIF_HEADER]
    head += [segment(DQT, bytes([n]) + np.asarray(tables[n])[ZIGZAG].astype(np.uint8).tobytes()) for n in (0, 1)]
    frame = b"".join(bytes([n, h << 4 | v, min(n, 1)]) for n, (v, h) in enumerate(sampling))
    head.append(segment(SOF0, struct.pack(">BHHB", 8, height, width, 3) + frame))
    for number, name in ((0, 0x00), (2, 0x10), (1, 0x01), (3, 0x11)):
        per_length = huffman[number]["per_length"][1:]
        symbols = huffman[number]["symbols"][: per_length.sum(dtype=int)]
        head.append(segment(DHT, bytes([name]) + per_length.tobytes() + symbols.tobytes()))
    return b"".join([*head, segment(SOS, bytes([3, 0, 0x00, 1, 0x11, 2, 0x11, 0, 63, 0]))])


def read(file: JpegFile) -> Decoded | None:
    """As `libjpeg.read`, of a file whose size is sane; None where there is no core, or the file is not quite regular."""
    frame, data = file.frame, np.frombuffer(file.data, np.uint8)
    if library() is None or frame is None or frame.marker != SOF0 or (frame.bits, frame.components) != (8, 3):
        return None
    headers = _Headers.of(file, frame)
    if headers is None:
        return None
    top = max(v for v, _ in frame.sampling), max(h for _, h in frame.sampling)
    planes = [
        np.zeros((-(-frame.height * v // (8 * top[0])), -(-frame.width * h // (8 * top[1])), 64), np.int16)
        for v, h in frame.sampling
    ]
    components = _components(planes, frame.sampling, headers.huffman_numbers)
    scan = data[headers.scan :]
    mcus = _mcus((frame.width, frame.height), top)
    length = call("core_jpeg_decode", scan, len(scan), headers.huffman, components, 3, *mcus)
    if length < 0 or scan[length : length + 2].tobytes() != EOI_BYTES:
        return None
    return Decoded(frame.width, frame.height, planes, headers.tables, "")


class _Headers:
    """What the segments before a scan of three components define."""

    def __init__(self) -> None:
        self.quantisation: dict[int, np.ndarray] = {}
        self.huffman = np.zeros(8, HUFFMAN)
        self.defined: set[int] = set()

    @classmethod
    def of(cls, file: JpegFile, frame: Frame) -> _Headers | None:
        """None for anything that is not as most encoders write it."""
        headers, names, position = cls(), b"", len(SOI)
        for part in file.segments:
            if part.start != position:  # libjpeg warns of what lies between
                return None
            position, body = part.stop, bytes(part.payload)
            if part.marker == DQT and not headers._take_quantisation(body):
                return None
            if part.marker == DHT and not headers._take_huffman(body):
                return None
            if part.marker == DRI:
                return None
            if part.marker == SOF0:
                if names or len(body) != 15:
                    return None
                names = body[8:15:3]
        return headers if names and headers._take_scan(file, frame, names) else None

    def _take_quantisation(self, body: bytes) -> bool:
        """Tables of 8 bits (T.81, B.2.4.1)."""
        for at in range(0, len(body), 65):
            table = np.zeros(64, np.uint16)
            if len(body) < at + 65 or body[at] > 3:
                return False
            table[ZIGZAG] = np.frombuffer(body, np.uint8, 64, at + 1)
            self.quantisation[body[at]] = table
        return True

    def _take_huffman(self, body: bytes) -> bool:
        """Tables by class and number (B.2.4.2)."""
        while body:
            kind, number = body[0] >> 4, body[0] & 15
            total = sum(body[1:17])
            if kind > 1 or number > 3 or total > 256 or len(body) < 17 + total:
                return False
            table = self.huffman[4 * kind + number]
            table["per_length"][1:] = list(body[1:17])
            table["symbols"][:total] = list(body[17 : 17 + total])
            self.defined.add(4 * kind + number)
            body = body[17 + total :]
        return True

    def _take_scan(self, file: JpegFile, frame: Frame, tables: bytes) -> bool:
        """The header of the scan, which has all components in order (B.2.3)."""
        start = file.scan_start
        header = bytes(memoryview(file.data)[start : start + 14])
        if header[:5] != b"\xff\xda\0\x0c\x03" or header[11:] != b"\0\x3f\0" or header[5:11:2] != frame.names:
            return False
        self.scan = start + 14
        self.huffman_numbers = [(both >> 4, both & 15) for both in header[6:11:2]]
        wanted = {n for dc, ac in self.huffman_numbers for n in (dc, 4 + ac)}
        if not wanted <= self.defined or not set(tables) <= self.quantisation.keys():
            return False
        self.tables = [self.quantisation[number] for number in tables]
        return all(1 <= side <= 4 for factors in frame.sampling for side in factors) and len(set(frame.names)) == 3


def _components(
    planes: Sequence[np.ndarray], sampling: Sequence[tuple[int, int]], huffman: Sequence[tuple[int, int]]
) -> ctypes.Array:  # fmt: skip
    rows = zip(planes, sampling, huffman, strict=True)
    return (_Component * len(planes))(*[_Component(p.ctypes.data, *p.shape[:2], *f, *numbers) for p, f, numbers in rows])


def _mcus(size: tuple[int, int], factors: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of MCUs."""
    (width, height), (v, h) = size, factors
    return -(-height // (8 * v)), -(-width // (8 * h))
