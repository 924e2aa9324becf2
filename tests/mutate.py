"""Damaged files, made from whole ones by a seed: what disks, networks and attackers do to photographs."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from rawback import info, recovering, rendering
from rawback.batch.worker import Product
from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.jpeg_file import JpegFile

HEAD = 2048
"""Bytes at the beginning, where the structure is: half of all damage goes there."""
PHOTOS = (".jpg", ".png", ".tif", ".heic", ".jxl")
TELLING = (0, 1, 0x7F, 0x80, 0xFF)


@dataclass(frozen=True)
class Probe:
    """A job that does all that rawback can do with a file: `info`, and `render` or `recover` by the name of the seed."""

    def __call__(self, source, target, progress) -> Product:
        with suppress(RawbackError):
            info.describe(source)
        if source.suffix in PHOTOS:
            recovered = recovering.recover(source)
            return Product(recovered.dng(), [], recovered.mosaic.size)
        return Product([rendering.render(source).data], [], 0)


def mutants(seeds: dict[str, bytes], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Name and content of damaged files; the same for the same seeds, count and seed."""
    names = sorted(seeds)
    for i in range(count):
        rng = random.Random(f"{seed} {i}")
        name = rng.choice(names)
        data = bytearray(seeds[name])
        for _ in range(rng.choice((1, 1, 1, 2, 4))):
            other = seeds[rng.choice(names)]
            if data:
                rng.choice(DAMAGES)(data, other, rng)
        yield f"{i:06}-{name}", bytes(data)


def _place(data: bytearray, rng: random.Random) -> int:
    return rng.randrange(min(len(data), HEAD) if rng.random() < 0.5 else len(data))


def flip_bits(data: bytearray, other: bytes, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 3, 30))):
        data[_place(data, rng)] ^= 1 << rng.randrange(8)


def set_bytes(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = _place(data, rng)
    size = rng.choice((1, 2, 4, 64))
    data[at : at + size] = bytes([rng.choice(TELLING)]) * min(size, len(data) - at)


def truncate(data: bytearray, other: bytes, rng: random.Random) -> None:
    del data[_place(data, rng) :]


def swap(data: bytearray, other: bytes, rng: random.Random) -> None:
    a, b = sorted((_place(data, rng), _place(data, rng)))
    size = min(rng.choice((4, 64, 1024)), b - a, len(data) - b)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


def cut_out(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = _place(data, rng)
    del data[at : at + rng.choice((1, 2, 12, 512))]


def repeat(data: bytearray, other: bytes, rng: random.Random) -> None:
    at = _place(data, rng)
    data[at:at] = data[at : at + rng.choice((1, 12, 512))] * rng.choice((1, 3))


def splice(data: bytearray, other: bytes, rng: random.Random) -> None:
    """The end of another file behind the beginning of this one."""
    at = _place(data, rng)
    data[at:] = other[min(at, len(other)) :]


def random_tag(data: bytearray, other: bytes, rng: random.Random) -> None:
    """One field of one entry of IFD0, or a pointer of the header, gets a random or telling number."""
    start = bytes(data).find(b"Exif\0\0") + 6 if data[:2] == b"\xff\xd8" else 0
    block = bytes(data[start:])
    if not tiff.is_tiff(block):
        return flip_bits(data, other, rng)
    order = "<" if block[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", block, 4)[0]
    if rng.random() < 0.1 or first + 14 > len(block):
        data[start + 4 : start + 8] = struct.pack(order + "I", rng.randrange(len(block) + 8))
        return None
    count = struct.unpack_from(order + "H", block, first)[0]
    entry = start + first + 2 + 12 * rng.randrange(max(count, 1))
    offset, form = rng.choice(((0, "H"), (2, "H"), (4, "I"), (8, "I")))
    number = rng.choice((0, 1, 2, 255, 65535, 0x7FFFFFFF, 0xFFFFFFFF, rng.randrange(1 << 32)))
    number %= 1 << (8 * struct.calcsize(form))
    if entry + 12 <= len(data):
        struct.pack_into(order + form, data, entry + offset, number)
    return None


def random_segment(data: bytearray, other: bytes, rng: random.Random) -> None:
    """A marker or length of a JPEG changes."""
    places = [part.start for part in JpegFile(bytes(data)).segments]
    if not places:
        return flip_bits(data, other, rng)
    at = rng.choice(places)
    if rng.random() < 0.5:
        data[at + 1] = rng.randrange(256)
    else:
        data[at + 2 : at + 4] = rng.choice((0, 1, 2, 9, 65535, rng.randrange(65536))).to_bytes(2, "big")
    return None


DAMAGES: tuple[Callable[[bytearray, bytes, random.Random], None], ...] = (
    flip_bits, set_bytes, truncate, swap, cut_out, repeat, splice, random_tag, random_tag, random_segment,
)  # fmt: skip
