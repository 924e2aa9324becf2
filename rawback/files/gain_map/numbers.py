"""What gain maps say of themselves: XMP `hdrgm` (Adobe; Ultra HDR 1.0), ISO 21496-1 in binary, and Apple's headroom."""

from __future__ import annotations

import math
import struct
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rawback.files import recipe_xmp

HDRGM = "http://ns.adobe.com/hdr-gain-map/1.0/"
APPLE = "http://ns.apple.com/HDRGainMap/1.0/"
CONTAINER, ITEM = "http://ns.google.com/photos/1.0/container/", "http://ns.google.com/photos/1.0/container/item/"
PROPERTIES = (f"{{{HDRGM}}}Version", f"{{{CONTAINER}}}Directory")
"""XMP by which a file says that it holds a map."""
ISO = b"urn:iso:std:iso:ts:21496:-1\0"
"""How the APP2 segment of a JPEG begins that holds the binary form (ISO 21496-1, annex C)."""
MULTICHANNEL, BASE_COLOURS, COMMON_DENOMINATOR = 0x80, 0x40, 0x08
"""Flags of the binary form."""
MOST_STOPS, SMALLEST_GAMMA, LARGEST_GAMMA, LARGEST_OFFSET = 12.0, 0.05, 20.0, 1.0
"""Beyond them lies no photograph."""
MAX_XMP = 1 << 20
Three = tuple[float, float, float]


@dataclass(frozen=True)
class Numbers:
    """What the codes of a map mean (see `isp.gain_map.GainMap`)."""

    low: Three
    high: Three
    gamma: Three = (1.0, 1.0, 1.0)
    base_offset: Three = (1 / 64, 1 / 64, 1 / 64)
    lit_offset: Three = (1 / 64, 1 / 64, 1 / 64)
    capacity: float = 1.0
    base_is_hdr: bool = False
    base_colours: bool = True
    """Whether gains are of the picture's own primaries, not of the map's profile."""

    def problem(self) -> str:
        """Why it cannot be used; empty if it can."""
        values = (*self.low, *self.high, *self.gamma, *self.base_offset, *self.lit_offset, self.capacity)
        if not all(map(math.isfinite, values)):
            return "its numbers are none"
        if self.base_is_hdr:
            return "it darkens a picture that is HDR itself"
        wild = (
            max(map(abs, (*self.low, *self.high))) > MOST_STOPS
            or max(map(abs, self.base_offset + self.lit_offset)) > LARGEST_OFFSET
        )
        crossed = any(low > high for low, high in zip(self.low, self.high, strict=True))
        if wild or crossed or not SMALLEST_GAMMA <= min(self.gamma) <= max(self.gamma) <= LARGEST_GAMMA:
            return "its numbers cannot be"
        return ""


def from_xmp(packet: bytes) -> Numbers | None:
    """The `hdrgm` properties of the map's own packet; None where they are not all there (a picture's own has only Version)."""
    fields = properties(packet, HDRGM)
    if "GainMapMax" not in fields:
        return None
    try:
        low, high, gamma, base, lit = (
            _three(fields.get(name, [default])) for name, default in (
                ("GainMapMin", "0"), ("GainMapMax", "1"), ("Gamma", "1"), ("OffsetSDR", "0.015625"), ("OffsetHDR", "0.015625"),
            )
        )  # fmt: skip
        capacity = float(fields.get("HDRCapacityMax", ["1"])[0])
    except ValueError:
        return None
    return Numbers(low, high, gamma, base, lit, capacity, fields.get("BaseRenditionIsHDR", ["False"])[0].lower() == "true")


def apple_headroom(packet: bytes) -> float:
    """Linear headroom that the XMP of Apple's map tells; 0 where it does not."""
    try:
        value = float(properties(packet, APPLE).get("HDRGainMapHeadroom", ["0"])[0])
    except ValueError:
        return 0.0
    return value if math.isfinite(value) else 0.0


def from_iso(data: bytes) -> Numbers | None:
    """The binary form, from its version on; None for what is too short, of a later version, or divides by 0."""
    try:
        if struct.unpack_from(">H", data)[0] != 0:
            return None
        flags = data[4]
        channels = 3 if flags & MULTICHANNEL else 1
        values = _common(data, channels) if flags & COMMON_DENOMINATOR else _fractions(data, channels)
    except (struct.error, IndexError, ZeroDivisionError):
        return None
    base, capacity, *rest = values
    columns = list(zip(*[rest[5 * i : 5 * i + 5] for i in range(channels)], strict=True))
    low, high, gamma, base_offset, lit_offset = (_three(column) for column in columns)
    return Numbers(low, high, gamma, base_offset, lit_offset, capacity, base > capacity, bool(flags & BASE_COLOURS))


def _common(data: bytes, channels: int) -> list[float]:
    """Numerators over one denominator."""
    denominator, *numerators = struct.unpack_from(">I2I" + "2iI2i" * channels, data, 5)
    return [n / denominator for n in numerators]


def _fractions(data: bytes, channels: int) -> list[float]:
    numbers = struct.unpack_from(">4I" + "iIiIIIiIiI" * channels, data, 5)
    return [n / d for n, d in zip(numbers[::2], numbers[1::2], strict=True)]


def to_iso(numbers: Numbers) -> bytes:
    """The binary form of a grey map."""
    head = struct.pack(">HHB", 0, 0, BASE_COLOURS)
    headrooms = _fraction(0.0) + _fraction(numbers.capacity)
    values = (numbers.low[0], numbers.high[0], numbers.gamma[0], numbers.base_offset[0], numbers.lit_offset[0])
    return head + headrooms + b"".join(map(_fraction, values))


def _fraction(value: float) -> bytes:
    scale = 1 << 20
    return struct.pack(">iI", round(value * scale), scale)


def _three(values: Iterable[str] | Iterable[float]) -> Three:
    items = [float(value) for value in values]
    if len(items) not in (1, 3):
        raise ValueError("neither one number nor three")
    return (items[0], items[0], items[0]) if len(items) == 1 else (items[0], items[1], items[2])


def properties(packet: bytes, namespace: str) -> dict[str, list[str]]:
    """Properties of a namespace in an XMP packet: attributes, elements, and elements with a list; nothing if it is no XML."""
    packet = packet[: packet.rfind(b">") + 1].strip(b"\0 \r\n\t")
    if len(packet) > MAX_XMP or b"<!DOCTYPE" in packet or b"<!ENTITY" in packet:
        return {}
    try:
        root = ElementTree.fromstring(packet)
    except (ElementTree.ParseError, ValueError, LookupError):
        return {}
    fields: dict[str, list[str]] = {}
    prefix = f"{{{namespace}}}"
    for description in root.iter(f"{{{recipe_xmp.RDF}}}Description"):
        fields |= {name.removeprefix(prefix): [text] for name, text in description.attrib.items() if name.startswith(prefix)}
        for element in description:
            if isinstance(element.tag, str) and element.tag.startswith(prefix):
                listed = [item.text or "" for item in element.iter(f"{{{recipe_xmp.RDF}}}li")]
                fields[element.tag.removeprefix(prefix)] = listed or [element.text or ""]
    return fields


def rec709_light(codes: np.ndarray) -> np.ndarray:
    """BT.709's curve undone, by which Apple's maps are coded."""
    return np.where(codes < 0.081, codes / 4.5, ((np.maximum(codes, 0) + 0.099) / 1.099) ** (1 / 0.45))
