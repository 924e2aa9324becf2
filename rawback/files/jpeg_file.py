"""A JPEG file cut into its segments, once for all who look for something in them (ITU-T T.81, annex B)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from rawback.files.tiff import Buffer

SOI, EOI_BYTES, SOS_BYTES = b"\xff\xd8", b"\xff\xd9", b"\xff\xda"
SOF0, SOF1, SOF2, SOF3, DHT, EOI, SOS, COM = 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xD9, 0xDA, 0xFE
SOF9, SOF10 = 0xC9, 0xCA
ARITHMETIC = frozenset({SOF9, SOF10})
"""Sequential and progressive pictures with arithmetic code in place of Huffman's."""
FRAMES = frozenset(range(0xC0, 0xD0)) - {DHT, 0xC8, 0xCC}
"""SOF0 to SOF15; among their numbers are those of Huffman tables, of extensions and of arithmetic conditioning."""
APP0, APP1, APP2, APP11, APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
JFIF, EXIF, XMP, EXTENDED_XMP = b"JFIF", b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
ICC, PHOTOSHOP, ADOBE = b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"Adobe"
"""How the payloads of APP segments begin."""
MAX_PAYLOAD = 65533
MAX_SEGMENTS = 1 << 16
"""Of a JPEG: 4 GiB of full ones, or an attack of small ones."""
MAX_PIXELS = 1 << 29
"""Of any picture that is read."""
MARKER = re.compile(rb"\xff[^\x00\xff]", re.DOTALL)
DEFINED_LINES = re.compile(rb"\xff\xdc\0\x04(..)", re.DOTALL)
NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""In entropy-coded data: neither a stuffed FF, nor a restart, nor fill."""


@dataclass(frozen=True)
class Segment:
    """A marker with its parameters."""

    marker: int
    """Its second byte."""
    start: int
    """Where it begins in the file, at the FF of the marker."""
    stop: int
    payload: memoryview
    """What follows the length."""


@dataclass(frozen=True)
class Frame:
    """The frame header (T.81, B.2.2)."""

    marker: int
    bits: int
    """Of a sample."""
    width: int
    height: int
    names: bytes
    """Component identifiers."""
    sampling: list[tuple[int, int]]
    """Rows and columns of samples of each component in an MCU, as many as the header has whole."""
    components: int
    """How many there should be."""


def is_jpeg(data: Buffer) -> bool:
    """Whether the data begins like a JPEG."""
    return bytes(data[:3]) == SOI + b"\xff"


def with_height(data: bytes) -> bytes:
    """The file with its height in the frame header, where it is 0 there and follows the first scan (DNL; T.81, B.2.5)."""
    file = JpegFile(data)
    frame = next((part for part in file.segments if part.marker in FRAMES), None)
    if frame is None or bytes(frame.payload[1:3]) != b"\0\0":
        return data
    lines = DEFINED_LINES.search(data, file.scan_start)
    at = frame.start + 5
    return data[:at] + lines[1] + data[at + 2 : lines.start()] + data[lines.end() :] if lines else data


def segment(marker: int, payload: bytes) -> bytes:
    """A marker, the length and at most 65,533 bytes of payload."""
    return b"\xff%c%s%s" % (marker, (len(payload) + 2).to_bytes(2, "big"), payload)


class JpegFile:
    """The bytes of a JPEG and where its segments lie; what is no JPEG has none."""

    def __init__(self, data: Buffer) -> None:
        self.data = data

    @cached_property
    def segments(self) -> tuple[Segment, ...]:
        """Up to the start of the scan, at most MAX_SEGMENTS. Fill bytes between them are skipped, as libjpeg does."""
        return tuple(_segments(memoryview(self.data)))

    @cached_property
    def scan_start(self) -> int:
        """Where the last of the segments ends; 2 if there are none."""
        return self.segments[-1].stop if self.segments else len(SOI)

    def payloads(self, marker: int, start: bytes = b"") -> Iterator[memoryview]:
        """What follows `start` in the segments of that marker which begin with it."""
        for part in self.segments:
            if part.marker == marker and part.payload[: len(start)] == start:
                yield part.payload[len(start) :]

    @cached_property
    def frame(self) -> Frame | None:
        """The first frame header; None where there is none that is long enough."""
        marker, header = next(((s.marker, bytes(s.payload)) for s in self.segments if s.marker in FRAMES), (0, b""))
        if len(header) < 6:
            return None
        height, width, count = int.from_bytes(header[1:3], "big"), int.from_bytes(header[3:5], "big"), header[5]
        parts = [header[at : at + 3] for at in range(6, 6 + 3 * count, 3) if len(header) >= at + 3]
        sampling = [(sizes & 15, sizes >> 4) for _, sizes, _ in parts]
        return Frame(marker, header[0], width, height, bytes(part[0] for part in parts), sampling, count)

    @cached_property
    def adobe_transform(self) -> int | None:
        """How Adobe's APP14 says the components are coded (0 RGB or CMYK, 1 YCbCr, 2 YCCK); None where it is missing."""
        return next((body[6] for body in self.payloads(APP14, ADOBE) if len(body) >= 7), None)

    @cached_property
    def first_picture(self) -> JpegFile:
        """The file up to the end of its first picture: cameras hang further ones, or films, behind it."""
        data, position = bytes(self.data), self.scan_start
        while match := NEXT_MARKER.search(data, position):
            if data[match.start() + 1] == EOI:
                return self if match.end() == len(data) else JpegFile(data[: match.end()])
            position = match.end()
        return self


def _segments(view: memoryview) -> Iterator[Segment]:
    position = len(SOI) if view[:2] == SOI else len(view)
    for _ in range(MAX_SEGMENTS):
        match = MARKER.search(view, position)
        if match is None or match.start() + 4 > len(view):
            return
        start = match.start()
        marker, length = view[start + 1], int.from_bytes(view[start + 2 : start + 4], "big")
        if marker in (EOI, SOS) or length < 2:
            return
        position = start + 2 + length
        stop = min(position, len(view))
        yield Segment(marker, start, stop, view[start + 4 : stop])
