"""Progressive JPEGs (ITU-T T.81, annex G): the same coefficients in several scans, which sometimes takes fewer bytes.

Each component has a scan of means, then its other coefficients in one of several ways, of which the smallest is taken.
Scans have Huffman tables of their own, and blocks without anything left are counted in runs.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rawback.files import bits, huffman_tables
from rawback.files.huffman import DQT, JFIF_HEADER
from rawback.files.jpeg_file import DHT, EOI_BYTES, SOF2, SOI, SOS, segment
from rawback.files.progressive_events import Events, first, means, refined
from rawback.isp.levels import ZIGZAG
from rawback.isp.parallel import in_threads

SYMBOLS = 256
CHUNK = 1 << 15
"""Blocks that are turned into symbols at a time: memory; between chunks runs of blocks are cut."""
HEADERS = 42
"""Bytes of a scan's own segments beside the symbols that its table lists."""


@dataclass(frozen=True)
class Band:
    """Which bits of which coefficients a scan brings (T.81, G.1.1.1)."""

    first: int
    """Places of the zigzag scan: from this one to `last`."""
    last: int
    known: int = 0
    """Bits from this one on are known already (Ah); 0: none."""
    shift: int = 0
    """Bits from this one on are brought (Al)."""


REFINED_ONCE, REFINED_TWICE = Band(1, 63, 1, 0), Band(1, 63, 2, 1)
WAYS = (
    (Band(1, 63),),
    (Band(1, 2), Band(3, 63)),
    (Band(1, 63, shift=1), REFINED_ONCE),
    (Band(1, 63, shift=2), REFINED_TWICE, REFINED_ONCE),
)
"""In which scans the AC coefficients of a component may come: of twelve ways, on pictures of three cameras at 0.2 to 3.3 bits
per photosite, one of these was the smallest or within 0.3 %."""
MEANS = Band(0, 0)


class _Scan:
    """One scan of a component, its size known before it is written."""

    def __init__(self, component: int, band: Band, levels: np.ndarray) -> None:
        """levels: (N, 64) int16 of the component, in natural order."""
        self.component, self.band = component, band
        events = means if band == MEANS else refined if band.known else first
        starts = range(0, len(levels), CHUNK) if band != MEANS else [0]
        places = ZIGZAG[band.first : band.last + 1]

        def of_chunk(start: int) -> Events:
            part = levels[start : start + CHUNK] if band != MEANS else levels
            return events(np.take(part, places, 1), band.shift)

        self.chunks = in_threads(of_chunk, starts)
        coded = (chunk.symbols[chunk.symbols >= 0] for chunk in self.chunks)
        counts = np.sum([np.bincount(symbols, minlength=SYMBOLS) for symbols in coded], 0)
        self.lengths, self.order = huffman_tables.best(counts)
        extra = sum(int(chunk.width.sum(dtype=np.int64)) for chunk in self.chunks)
        self.size = HEADERS + len(self.order) + (int((counts * self.lengths).sum()) + extra + 7) // 8

    def written(self) -> bytes:
        table = 0x00 if self.band == MEANS else 0x10
        header = bytes([1, self.component, 0, self.band.first, self.band.last, self.band.known << 4 | self.band.shift])
        specification = bytes([table]) + huffman_tables.specification(self.lengths, self.order)
        return b"".join([segment(DHT, specification), segment(SOS, header), self._scan()])

    def _scan(self) -> bytes:
        lengths = np.append(self.lengths, 0)  # of NO_SYMBOL, the last
        codes = np.append(huffman_tables.codes(self.lengths, self.order), 0)
        parts, last, start = [], 0, 0
        for chunk in self.chunks:
            width = (lengths[chunk.symbols] + chunk.width).astype(np.uint8)
            value = (codes[chunk.symbols] << chunk.width | chunk.value).astype(np.uint32)
            placed, end = bits.placed(width, value, start)
            if start:
                placed[0] |= last
            start = end % 8
            last = int(placed[-1]) if start else 0
            parts.append((placed[:-1] if start else placed).tobytes())
        if start:
            parts.append(bytes([last | (1 << (8 - start)) - 1]))  # filled up with ones
        return b"".join(parts).replace(b"\xff", b"\xff\0")  # T.81, B.1.1.5


def write(
    planes: Sequence[np.ndarray], tables: Sequence[np.ndarray], size: tuple[int, int], factors: tuple[int, int]
) -> bytes:  # fmt: skip
    """A progressive file of nothing but the picture; arguments as of `libjpeg.write`."""
    width, height = size
    sampling = [factors, (1, 1), (1, 1)][: len(planes)] if len(planes) > 1 else [(1, 1)]
    frame = b"".join(bytes([n, h << 4 | v, min(n, 1)]) for n, (v, h) in enumerate(sampling))
    used = range(min(len(planes), 2))
    head = [SOI, JFIF_HEADER]
    head += [segment(DQT, bytes([n]) + np.asarray(tables[n])[ZIGZAG].astype(np.uint8).tobytes()) for n in used]
    head.append(segment(SOF2, struct.pack(">BHHB", 8, height, width, len(planes)) + frame))
    blocks = [_blocks(plane, size, factor, sampling[0]) for plane, factor in zip(planes, sampling, strict=True)]
    scans = [_Scan(number, MEANS, levels) for number, levels in enumerate(blocks)]
    for number, levels in enumerate(blocks):
        scans += _smallest(number, levels)
    return b"".join([*head, *(scan.written() for scan in scans), EOI_BYTES])


def _blocks(plane: np.ndarray, size: tuple[int, int], factor: tuple[int, int], most: tuple[int, int]) -> np.ndarray:
    """Those of a component alone, without what fills up MCUs: (N, 64)."""
    width, height = size
    rows, columns = (math.ceil(math.ceil(side * f / m) / 8) for side, f, m in zip((height, width), factor, most, strict=True))
    return np.ascontiguousarray(plane[:rows, :columns], np.int16).reshape(-1, 64)


def _smallest(component: int, levels: np.ndarray) -> list[_Scan]:
    """The AC coefficients of a component in the way that takes the fewest bytes."""
    made: dict[Band, _Scan] = {}
    for band in dict.fromkeys(band for way in WAYS for band in way):
        made[band] = _Scan(component, band, levels)
    way = min(WAYS, key=lambda bands: sum(made[band].size for band in bands))
    return [made[band] for band in way]
