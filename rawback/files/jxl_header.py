"""What a JPEG XL codestream says of its colours, read bit by bit (ISO/IEC 18181-1:2024, annexes D and E)."""

from __future__ import annotations

from dataclasses import dataclass

from rawback.files import boxes
from rawback.files.tiff import Buffer
from rawback.isp import cicp
from rawback.isp.colour_profile import Profile

CODESTREAM, PARTIAL = b"jxlc", b"jxlp"
"""Boxes: all of it, and its parts, each after a number of four bytes."""
SIGNATURE = b"\xff\x0a"
HEAD = 4096
"""Bytes in which all headers lie."""
RGB, GREY, ALPHA, SPOT, CFA, CUSTOM = 0, 1, 0, 2, 5, 2
PRIMARIES = {1: 1, 9: 9, 11: 12}
"""JPEG XL's numbers of sRGB, BT.2100 and P3 -> H.273's."""
D65 = 1
TRANSFERS = {1, 8, 13, 16, 18}
"""Those that both count alike: BT.709, linear, sRGB, PQ, HLG."""
MAX_CHANNELS, MAX_NAME = 16, 1100
ENUM = ((0, 0), (1, 0), (2, 4), (18, 6))
SIZE = ((1, 9), (1, 13), (1, 18), (1, 30))


@dataclass(frozen=True)
class Colours:
    """What is known of a file's colours."""

    profile: Profile | None = None
    """None: sRGB."""
    unread: bool = False
    """Whether they are said in a way that is not understood: by an ICC profile, or in a damaged header."""


class _Bits:
    """Bits from the lowest of each byte on."""

    def __init__(self, data: bytes) -> None:
        self.value, self.left = int.from_bytes(data, "little"), 8 * len(data)

    def take(self, count: int) -> int:
        if count > self.left:
            raise ValueError("the header has no end")
        value = self.value & ((1 << count) - 1)
        self.value >>= count
        self.left -= count
        return value

    def choice(self, ways: tuple[tuple[int, int], ...]) -> int:
        """U32: two bits say which offset, and how many bits to add to it."""
        offset, count = ways[self.take(2)]
        return offset + self.take(count)

    def enum(self) -> int:
        return self.choice(ENUM)


def bits(data: Buffer) -> int:
    """Of a sample, as it was coded; 8 where all is as usual, 0 where the header cannot be read."""
    try:
        header = _Bits(_codestream(data))
        _size(header)
        if header.take(1):
            return 8
        if header.take(1):
            _extra_fields(header)
        return _depth(header)
    except ValueError:
        return 0


def colours(data: Buffer) -> Colours:
    """Of a file, bare or in boxes."""
    try:
        return _colours(_Bits(_codestream(data)))
    except ValueError:
        return Colours(unread=True)


def _codestream(data: Buffer) -> bytes:
    """Its beginning, after the signature."""
    start = b"".join(
        bytes(box.body[4:HEAD] if box.kind == PARTIAL else box.body[:HEAD])
        for box in boxes.walk(memoryview(data)) if box.kind in (CODESTREAM, PARTIAL)
    ) if bytes(data[:2]) != SIGNATURE else bytes(data[:HEAD])  # fmt: skip
    if start[:2] != SIGNATURE:
        raise ValueError("no codestream")
    return start[2:HEAD]


def _colours(bits: _Bits) -> Colours:
    _size(bits)
    if bits.take(1):  # all as usual
        return Colours()
    if bits.take(1):
        _extra_fields(bits)
    _depth(bits)
    bits.take(1)  # whether 16 bits will do
    for _ in range(min(bits.choice(((0, 0), (1, 0), (2, 4), (1, 12))), MAX_CHANNELS)):
        _extra_channel(bits)
    bits.take(1)  # whether it is coded in XYB: pixels come in the colours of the original
    return _encoding(bits)


def _encoding(bits: _Bits) -> Colours:
    if bits.take(1):
        return Colours()
    has_profile, space = bits.take(1), bits.enum()
    if has_profile or space not in (RGB, GREY):
        return Colours(unread=True)
    white, primaries = bits.enum(), 1
    if white == CUSTOM:
        _points(bits, 1)
    if space == RGB:
        primaries = bits.enum()
        if primaries == CUSTOM:
            _points(bits, 3)
    has_gamma = bits.take(1)
    transfer = bits.take(24) if has_gamma else bits.enum()
    if white != D65 or primaries not in PRIMARIES or has_gamma or transfer not in TRANSFERS:
        return Colours(unread=True)
    return Colours(cicp.profile(PRIMARIES[primaries], transfer))


def _points(bits: _Bits, count: int) -> None:
    """Chromaticities."""
    for _ in range(2 * count):
        bits.choice(((0, 19), (1 << 19, 19), (1 << 20, 20), (1 << 21, 21)))


def _size(bits: _Bits) -> None:
    small = bits.take(1)
    bits.take(5) if small else bits.choice(SIZE)
    if not bits.take(3):  # no ratio: the width follows
        bits.take(5) if small else bits.choice(SIZE)


def _extra_fields(bits: _Bits) -> None:
    bits.take(3)  # orientation
    if bits.take(1):
        _size(bits)  # at which it is to be shown
    if bits.take(1):
        _preview(bits)
    if bits.take(1):
        bits.choice(((100, 0), (1000, 0), (1, 10), (1, 30)))
        bits.choice(((1, 0), (1001, 0), (1, 8), (1, 10)))
        bits.choice(((0, 0), (0, 3), (0, 16), (0, 32)))
        bits.take(1)


def _preview(bits: _Bits) -> None:
    ways = ((16, 0), (32, 0), (1, 5), (33, 9)) if bits.take(1) else ((1, 6), (65, 8), (321, 10), (1345, 12))
    bits.choice(ways)
    if not bits.take(3):
        bits.choice(ways)


def _depth(bits: _Bits) -> int:
    if not bits.take(1):
        return bits.choice(((8, 0), (10, 0), (12, 0), (1, 6)))
    depth = bits.choice(((32, 0), (16, 0), (24, 0), (1, 6)))  # float
    bits.take(4)
    return depth


def _extra_channel(bits: _Bits) -> None:
    if bits.take(1):
        return
    kind = bits.enum()
    _depth(bits)
    bits.choice(((0, 0), (3, 0), (4, 0), (1, 3)))
    for _ in range(min(bits.choice(((0, 0), (0, 4), (16, 5), (48, 10))), MAX_NAME)):
        bits.take(8)
    if kind == ALPHA:
        bits.take(1)
    elif kind == SPOT:
        bits.take(64)
    elif kind == CFA:
        bits.choice(((1, 0), (0, 2), (3, 4), (19, 8)))
