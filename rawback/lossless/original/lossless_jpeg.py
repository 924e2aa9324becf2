"""The scan of a lossless JPEG as its encoder wrote it (ITU-T T.81, annex H): from the samples, by the header before it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

import numpy as np

from rawback.errors import RawbackError
from rawback.files import bits, ljpeg
from rawback.files.jpeg_file import DHT, SOF3, SOI, SOS
from rawback.files.tiff import Buffer

DRI = 0xDD
MAX_HEADER = 1 << 16
"""Bytes before a scan: markers with short payloads."""
MAX_COMPONENTS = 4
NEVER = 255
"""The code length of a category that a table does not have."""
CHUNK = 1 << 18
"""Samples that are coded at once: their arrays stay in the cache."""
END_OF_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7]", re.DOTALL)
"""Neither a stuffed FF nor a restart."""


@dataclass(frozen=True)
class Header:
    """What the segments before a scan say."""

    height: int
    width: int
    components: int
    precision: int
    predictor: int
    restart: int
    """Rows between restart markers; 0: there are none."""
    lengths: np.ndarray
    """(components * 17,) uint8: bits of the code of each category, with those that follow it; NEVER where there is none."""
    codes: np.ndarray
    """(components * 17,) uint32: the codes, moved up by the bits that follow."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of the samples."""
        return self.height, self.width, self.components


def scan_start(data: Buffer, start: int) -> int:
    """Where the entropy-coded data of the JPEG at `start` begin; 0 for what is none."""
    return next((stop for marker, _, stop in _segments(data, start) if marker == SOS), 0)


def scan_stop(data: Buffer, start: int, stop: int) -> int:
    """Where the scan that begins at `start` ends: before the next marker, at `stop` at the latest."""
    end = END_OF_SCAN.search(data, start, stop)
    return end.start() if end else stop


def read_header(data: Buffer) -> Header:
    """From the bytes of a JPEG up to its scan. Raises RawbackError for one that is not lossless, or not coded as known here."""
    tables: dict[int, tuple[bytes, bytes]] = {}
    frame, scan, restart = b"", b"", 0
    for marker, begin, end in _segments(data, 0):
        payload = bytes(data[begin:end])
        if marker == SOF3:
            frame = payload
        elif marker == DHT:
            tables |= _tables(payload)
        elif marker == DRI and len(payload) == 2:
            restart = int.from_bytes(payload, "big")
        elif marker == SOS:
            scan = payload
    n = frame[5] if len(frame) >= 6 else 0
    if not 1 <= n <= MAX_COMPONENTS or len(frame) != 6 + 3 * n or len(scan) != 4 + 2 * n or scan[0] != n:
        raise RawbackError("its pixels are in a JPEG that is not lossless, or has scans of its own for each component")
    precision, height, width = struct.unpack_from(">BHH", frame)
    used = [tables.get(scan[2 + 2 * i] >> 4) for i in range(n)]
    predictor, transform, sampling = scan[1 + 2 * n], scan[3 + 2 * n], {frame[7 + 3 * i] for i in range(n)}
    good = 1 <= predictor <= 7 and transform == 0 and sampling == {0x11} and 2 <= precision <= 16 and height * width > 0
    if not good or None in used or (restart and restart % width):
        raise RawbackError("its pixels are in a lossless JPEG of a kind that is not known here")
    coded = [_codes(*table) for table in used if table]
    lengths, codes = (np.concatenate(part) for part in zip(*coded, strict=True))
    return Header(height, width, n, precision, predictor, restart // width, lengths, codes)


def encode(samples: np.ndarray, header: Header, ones: bool = True) -> bytes:
    """(height, width, components) uint16 -> the scan. ones: with what the last byte of each interval is filled up.

    Raises RawbackError for a sample that the tables have no code for.
    """
    rows = header.restart or header.height
    intervals = [samples[start : start + rows] for start in range(0, header.height, rows)]
    parts = []
    for number, interval in enumerate(intervals):
        parts.append(b"\xff%c" % (0xD0 + (number - 1) % 8) if number else b"")
        parts.append(_interval(interval, header, ones).replace(b"\xff", b"\xff\0"))
    return b"".join(parts)


def _interval(samples: np.ndarray, header: Header, ones: bool) -> bytes:
    """The rows between two restarts, before stuffing."""
    flat = samples.reshape(len(samples), -1)
    rows = max(CHUNK // flat.shape[1], 1)
    pieces, tail, used = [], 0, 0
    component = np.arange(flat.shape[1], dtype=np.int32) % header.components * ljpeg.CATEGORIES
    for start in range(0, len(flat), rows):
        differences = _differences(flat[max(start - 1, 0) : start + rows], header, start == 0)
        category = ljpeg.category_table().astype(np.int32).take(differences)
        at = category if header.components == 1 else category + component
        width = header.lengths.take(at).ravel()
        if (width == NEVER).any():
            raise RawbackError("the Huffman tables in the file cannot have coded its pixels")
        value = header.codes.take(at)
        value |= ljpeg.extra_table().take(differences)
        piece, total = bits.placed(width, value.ravel(), used)
        if used:
            piece[0] |= tail
        used = total % 8
        if used:
            tail, piece = int(piece[-1]), piece[:-1]
        pieces.append(piece.tobytes())
    if used:
        pieces.append(bytes([tail | ((1 << (8 - used)) - 1 if ones else 0)]))
    return b"".join(pieces)


def _differences(rows: np.ndarray, header: Header, first: bool) -> np.ndarray:
    """Each row but the first, which is above them, minus what its predictor says, modulo 2^16; first: from the first row on.

    (n, width * components) uint16. In the first row the predictor is the sample to the left, in the first column the one
    above (H.1.2.1).
    """
    n = header.components
    differences = np.empty(rows.shape, np.uint16)
    np.subtract(rows[:, n:], rows[:, :-n], out=differences[:, n:])
    np.subtract(rows[1:, :n], rows[:-1, :n], out=differences[1:, :n])
    np.subtract(rows[0, :n], np.uint16(1 << (header.precision - 1)), out=differences[0, :n])
    if header.predictor > 1 and len(rows) > 1:
        left, above, corner = (part.astype(np.int32) for part in (rows[1:, :-n], rows[:-1, n:], rows[:-1, :-n]))
        differences[1:, n:] = rows[1:, n:] - _predicted(header.predictor, left, above, corner).astype(np.uint16)
    return differences if first else differences[1:]


def _predicted(predictor: int, left: np.ndarray, above: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """T.81, table H.1; int32."""
    match predictor:
        case 2:
            return above
        case 3:
            return corner
        case 4:
            return left + above - corner
        case 5:
            return left + ((above - corner) >> 1)
        case 6:
            return above + ((left - corner) >> 1)
    return (left + above) >> 1


def _segments(data: Buffer, start: int) -> list[tuple[int, int, int]]:
    """Marker, start and stop of the payload of each segment up to the scan's header, of the JPEG at `start`."""
    found: list[tuple[int, int, int]] = []
    position = start + 2
    if bytes(data[start:position]) != SOI:
        return found
    while position + 4 <= min(len(data), start + MAX_HEADER) and data[position] == 0xFF:
        marker, size = data[position + 1], int.from_bytes(data[position + 2 : position + 4], "big")
        stop = position + 2 + size
        if size < 2 or stop > len(data):
            break
        found.append((marker, position + 4, stop))
        if marker == SOS:
            break
        position = stop
    return found


def _tables(payload: bytes) -> dict[int, tuple[bytes, bytes]]:
    """Number -> how many codes of each length, and the categories in their order (B.2.4.2)."""
    found = {}
    while len(payload) >= 17:
        counts = payload[1:17]
        found[payload[0]] = counts, payload[17 : 17 + sum(counts)]
        payload = payload[17 + sum(counts) :]
    return found


def _codes(counts: bytes, symbols: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Canonical codes (C.2): bits with those that follow (17,) uint8, and codes moved up by these (17,) uint32."""
    lengths, codes = np.full(ljpeg.CATEGORIES, NEVER, np.uint8), np.zeros(ljpeg.CATEGORIES, np.uint32)
    code, position = 0, 0
    for length, count in enumerate(counts, 1):
        for symbol in symbols[position : position + count]:
            if symbol < ljpeg.CATEGORIES and lengths[symbol] == NEVER and code < 1 << length:
                extra = symbol % ljpeg.PRECISION
                lengths[symbol], codes[symbol] = length + extra, code << extra
            code += 1
        position, code = position + count, code << 1
    return lengths, codes
