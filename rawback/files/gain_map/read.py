"""The gain map of a photo: found, understood, decoded. One that is broken or hostile costs nothing but itself."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from PIL import Image

from rawback.files import exif as exifs
from rawback.files import icc, jpeg_metadata
from rawback.files.exif import Exif
from rawback.files.gain_map import apple, places
from rawback.files.gain_map import numbers as numbers_of
from rawback.files.gain_map.numbers import Numbers
from rawback.files.heif import decode
from rawback.files.heif.items import Items
from rawback.files.jpeg_file import APP1, APP2, XMP, JpegFile
from rawback.isp.gain_map import GainMap

MAX_CODES = 1 << 26
"""Of a map: more than any picture has."""
LARGEST = 4
"""Times the pixels of its picture that a map may have at most."""
SAMSUNG, ISO = "urn:com:samsung:photo:2024:aux:hdrgainmap", "urn:iso:std:iso:ts:21496:-1"
AUXILIARY = (apple.AUXILIARY, SAMSUNG, ISO)
"""Types of auxiliary pictures of a HEIC that are gain maps."""
IGNORED = "its gain map is left aside"


@dataclass(frozen=True)
class Source:
    """A map that is there, with what it says of itself."""

    numbers: Numbers | None
    apple_headroom: float = 0.0
    """Linear; where it is Apple's."""
    profile: bytes = b""

    @property
    def problem(self) -> str:
        """Why it cannot be used; empty if it can."""
        if self.numbers:
            return self.numbers.problem()
        return "" if 1 < self.apple_headroom < 2**numbers_of.MOST_STOPS else "it does not say how bright it means the picture"


def of_jpeg(file: JpegFile, exif: Exif | None, size: tuple[int, int], name: str) -> tuple[GainMap | None, list[str]]:
    """The map of a JPEG whose picture has that width and height, and what the user should know."""
    notes = []
    for picture in places.pictures(file):
        source = _source_of_jpeg(picture, exif)
        if source is None:
            continue
        codes = None if source.problem else _codes(picture, size)
        gain_map, problem = _built(source, codes)
        if gain_map:
            return gain_map, []
        notes.append(f"{name}: {IGNORED} ({problem})")
    return None, notes[:1]


def of_heif(items: Items, exif: Exif, size: tuple[int, int], name: str) -> tuple[GainMap | None, list[str]]:
    """The map of a HEIC: an auxiliary picture, or that of a `tmap` item."""
    candidates = _maps_of_heif(items)
    for number, tmap in candidates:
        source = _source_of_heif(items, number, tmap, exif)
        codes = None if source.problem else decode.auxiliary(items, number)
        gain_map, problem = _built(source, codes if codes is not None and _fits(codes.shape[1::-1], size) else None)
        if gain_map:
            return gain_map, []
        return None, [f"{name}: {IGNORED} ({problem})"]
    return None, []


def _built(source: Source, codes: np.ndarray | None) -> tuple[GainMap | None, str]:
    """The map, or why there is none."""
    if source.problem or codes is None:
        return None, source.problem or "it is damaged"
    if not source.numbers:
        return apple.gain_map(codes, source.apple_headroom), ""
    n = source.numbers
    own = None if n.base_colours else icc.parse(source.profile)
    space = own.to_d50 if own else None
    return GainMap(codes, n.low, n.high, n.gamma, n.base_offset, n.lit_offset, n.capacity, space), ""


def _source_of_jpeg(picture: JpegFile, exif: Exif | None) -> Source | None:
    """What a further picture of a JPEG says of itself; None for what is no gain map."""
    binary = next((bytes(part) for part in picture.payloads(APP2, numbers_of.ISO) if len(part) > 4), b"")
    packets = [bytes(packet) for packet in picture.payloads(APP1, XMP)]
    numbers = numbers_of.from_iso(binary) if binary else None
    numbers = numbers or next(filter(None, map(numbers_of.from_xmp, packets)), None)
    if numbers:
        return Source(numbers, profile=jpeg_metadata.from_jpeg(picture).icc)
    if binary:
        return Source(None)
    if not any(apple.AUXILIARY.encode() in packet or numbers_of.APPLE.encode() in packet for packet in packets):
        return None
    with suppress(Exception):  # a MakerNote of its own is rare, and nobody's promise
        exif = exif or exifs.from_jpeg(picture)
    told = max(map(numbers_of.apple_headroom, packets), default=0.0)
    return Source(None, told or apple.headroom(exif))


def _source_of_heif(items: Items, number: int, tmap: bytes, exif: Exif) -> Source:
    packets = items.describing(number, b"mime")
    numbers = numbers_of.from_iso(tmap) if tmap else None
    numbers = numbers or next(filter(None, map(numbers_of.from_xmp, packets)), None)
    told = max(map(numbers_of.apple_headroom, packets), default=0.0)
    return Source(numbers, told or apple.headroom(exif))


def _maps_of_heif(items: Items) -> list[tuple[int, bytes]]:
    """Items that are gain maps of the picture, each with the numbers of the `tmap` that it belongs to."""
    derived = {
        made_of[1]: items.content(source)[1:] for kind, source, made_of in items.references
        if kind == b"dimg" and len(made_of) == 2 and made_of[0] == items.primary and _kind(items, source) == b"tmap"
    }  # fmt: skip
    auxiliary = [source for kind, source, about in items.references if kind == b"auxl" and items.primary in about]
    maps = [number for number in auxiliary if _auxiliary_type(items, number) in AUXILIARY]
    return [(number, derived.get(number, b"")) for number in dict.fromkeys([*derived, *maps])]


def _kind(items: Items, number: int) -> bytes:
    return items.all[number].kind if number in items.all else b""


def _auxiliary_type(items: Items, number: int) -> str:
    texts = [body[4:].split(b"\0")[0].decode("latin-1") for kind, body in items.properties(number) if kind == b"auxC"]
    return texts[0] if texts else ""


def _codes(picture: JpegFile, size: tuple[int, int]) -> np.ndarray | None:
    """(H, W, 1 or 3) uint8; None for what cannot be decoded, or is no map of such a picture."""
    try:
        with Image.open(io.BytesIO(picture.data), formats=["JPEG"]) as image:
            if not _fits(image.size, size):
                return None
            values = np.asarray(image.convert("L" if image.mode == "L" else "RGB"))
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError):
        return None
    return values[..., None] if values.ndim == 2 else values


def _fits(size: tuple[int, ...], of_picture: tuple[int, int]) -> bool:
    """Whether a map of that width and height is one of such a picture: of its shape, and not vastly larger."""
    width, height = size[0], size[1]
    codes = width * height
    return min(width, height) > 0 and codes <= min(MAX_CODES, LARGEST * of_picture[0] * of_picture[1])
