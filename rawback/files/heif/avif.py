"""What AVIF pictures hold beyond the 8 bits that Pillow decodes: deep samples (through imagecodecs), and colours by numbers."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from rawback.errors import RawbackError
from rawback.files import extras
from rawback.files.heif import colours
from rawback.files.heif.items import Items
from rawback.isp.colour_profile import Profile


def deep_values(items: Items, name: str) -> tuple[np.ndarray | None, list[str]]:
    """Grey or RGB samples of 10 or 12 bits over the whole range of uint16; None for 8 bits, and where imagecodecs is missing.

    With what the user should know.
    """
    bits = colours.bits(items)
    if bits == 8:
        return None, []
    try:
        library = extras.needed("jxl", "imagecodecs", f"{name} has {bits} bits, of which 8 are used: reading all of them")
    except RawbackError as error:
        return None, [str(error)]
    with suppress(RuntimeError, ValueError, TypeError):
        values = np.asarray(library.avif_decode(items.data, index=0))
        planes = values.reshape(*values.shape[:2], -1)
        values = planes[..., :3] if planes.shape[2] > 2 else planes[..., 0]
        if values.dtype == np.uint16:
            return np.rint(np.minimum(values, (1 << bits) - 1) * (65535 / ((1 << bits) - 1))).astype(np.uint16), []
    return None, [f"{name} has {bits} bits, of which 8 are used: the others cannot be decoded"]


def profile(items: Items) -> Profile | None:
    """By its numbers; None for sRGB."""
    return colours.profile(items)
