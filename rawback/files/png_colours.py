"""What a PNG says of its colours where it has no ICC profile: cICP, and cHRM with gAMA (PNG, third edition, 11.3.2)."""

from __future__ import annotations

import struct

import numpy as np
from PIL import Image

from rawback.isp import cicp
from rawback.isp.colour import srgb_light
from rawback.isp.colour_profile import SAMPLES, SRGB_TO_D50, Profile

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_CHUNKS = 256
BY_CHROMATICITIES = "the chromaticities it gives"
"""Name of a profile whose curve is sRGB's: what gAMA says of values is undone before."""
SRGB_CHROMATICITIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
SAME, LEAST_AREA = 2e-3, 1e-3
"""By which chromaticities may differ from sRGB's and be them; and the area of their triangle."""
SRGB_GAMMA = 1 / 2.2
"""gAMA of those PNGs that mean sRGB."""


def gamma(image: Image.Image) -> float:
    """gAMA of a PNG without a profile, or the word that it is sRGB (PNG, 11.3.2.2); 0 where sRGB's is meant."""
    gamma = image.info.get("gamma")
    if not isinstance(gamma, float) or "icc_profile" in image.info or "srgb" in image.info:
        return 0.0
    return gamma if 0.1 < gamma < 10 and abs(gamma / SRGB_GAMMA - 1) > 0.02 else 0.0


def profile(data: bytes) -> Profile | None:
    """By its numbers; None for sRGB, for a gAMA alone, and where an ICC profile or sRGB is named instead."""
    chunks = _chunks(data)
    code = chunks.get(b"cICP", b"")
    if len(code) == 4:
        return cicp.profile(code[0], code[1])
    if b"cHRM" not in chunks or len(chunks[b"cHRM"]) != 32 or chunks.keys() & {b"iCCP", b"sRGB"}:
        return None
    numbers = [value / 1e5 for value in struct.unpack(">8I", chunks[b"cHRM"])]
    if np.allclose(numbers, SRGB_CHROMATICITIES, atol=SAME):
        return None
    white, *primaries = ((numbers[i], numbers[i + 1]) for i in range(0, 8, 2))
    (ax, ay), (bx, by), (cx, cy) = primaries
    area = abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2
    if not np.allclose(white, SRGB_CHROMATICITIES[:2], atol=SAME) or area < LEAST_AREA or min(ay, by, cy) < SAME:
        return None
    curve = srgb_light(np.linspace(0, 1, SAMPLES + 1))
    to_d50 = cicp.to_d50(tuple(primaries))
    return Profile(BY_CHROMATICITIES, to_d50, np.stack([curve] * 3)) if np.isfinite(to_d50 @ SRGB_TO_D50).all() else None


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """Those before the picture's data, by their names."""
    found: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS if data.startswith(SIGNATURE) else 0):
        length, name = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if name in (b"IDAT", b"IEND", b"") or length > len(data):
            break
        found.setdefault(name, data[at + 8 : at + 8 + min(length, 64)])
        at += 12 + length
    return found
