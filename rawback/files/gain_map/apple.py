"""Apple's gain maps: how bright they mean the picture to become ("Applying Apple HDR effect to your photos")."""

from __future__ import annotations

import struct

import numpy as np

from rawback.files.exif import Exif
from rawback.files.gain_map.numbers import rec709_light
from rawback.files.tags import Tag
from rawback.isp.gain_map import GainMap

AUXILIARY = "urn:com:apple:photo:2020:aux:hdrgainmap"
HEADER = b"Apple iOS\0"
DIRECTORY = 14
"""Where the note's directory begins; offsets count from the note's beginning, all in big-endian order."""
HEADROOM, GAIN = 33, 48
"""Tags of the note (HDRHeadroom, HDRGain)."""
SIGNED_RATIONAL = 10
MAX_ENTRIES = 512


def headroom(exif: Exif | None) -> float:
    """Linear headroom, at least 1, by the two numbers of the MakerNote; 0 where they are missing."""
    note = exif.exif.get(Tag.MakerNote) if exif else None
    if note is None or not note.data.startswith(HEADER):
        return 0.0
    numbers = _numbers(note.data)
    if HEADROOM not in numbers or GAIN not in numbers:
        return 0.0
    wide, gain = numbers[HEADROOM] >= 1, numbers[GAIN]
    if gain <= 0.01:
        stops = -70 * gain + 3 if wide else -20 * gain + 1.8
    else:
        stops = -0.303 * gain + 2.303 if wide else -0.101 * gain + 1.601
    return 2.0 ** min(max(stops, 0.0), 8.0)


def gain_map(codes: np.ndarray, linear_headroom: float) -> GainMap:
    """The map with light * (1 + (headroom - 1) * map) as log2 gains. codes: (H, W, 1 or 3), uint8 or float32 0..1."""
    most = float(np.log2(linear_headroom))
    unit = codes[..., :1] / 255 if codes.dtype == np.uint8 else codes[..., :1]
    gains = np.log2(1 + (linear_headroom - 1) * rec709_light(unit))
    return GainMap((gains / max(most, 1e-6)).astype(np.float32), (0.0,) * 3, (most,) * 3, capacity=most)


def _numbers(note: bytes) -> dict[int, float]:
    """The signed rationals of the note's directory."""
    found = {}
    try:
        count = min(struct.unpack_from(">H", note, DIRECTORY)[0], MAX_ENTRIES)
        for at in range(DIRECTORY + 2, DIRECTORY + 2 + 12 * count, 12):
            tag, kind, amount, offset = struct.unpack_from(">HHII", note, at)
            if kind == SIGNED_RATIONAL and amount == 1:
                numerator, denominator = struct.unpack_from(">ii", note, offset)
                found[tag] = numerator / denominator
    except (struct.error, ZeroDivisionError):
        return {}
    return found
