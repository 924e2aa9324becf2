"""What EXIF and MakerNotes tell of settings that bend a camera's tones and colours."""

from __future__ import annotations

from rawback.files import camera_settings, tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag

STYLES = {Tag.Contrast: ("", "soft", "hard"), Tag.Saturation: ("", "pale", "vivid")}
"""EXIF's settings that bend tones and colours, and what their values are called; the first is the camera's normal."""
HDR = (2, 3, 7)
"""CustomRendered of Apple's: HDR without and with the original beside it, and of a portrait."""
LEAST_BIAS, MOST_BIAS = 0.25, 10.0
"""EV of exposure compensation that is worth telling, and beyond which it is none."""


def style(exif: Exif) -> str:
    """Settings that change a camera's look for good, as EXIF and the maker tell them; nothing for the camera's normal.

    "soft vivid", "picture style landscape".
    """
    words = []
    for tag, names in STYLES.items():
        value = next(iter(tiff.numbers(exif.exif[tag])), 0) if tag in exif.exif else 0
        words.append(names[int(value)] if 0 <= value < len(names) else "")
    both = tuple(name for name, word in zip(("contrast", "saturation"), words, strict=True) if word)
    told = [text for text in camera_settings.told(exif, camera_settings.STYLE) if not text.startswith(both)]
    return ", ".join(filter(None, [" ".join(filter(None, words)), *told]))


def modes(exif: Exif) -> list[str]:
    """What bends tones by the scene, or moved the exposure: no look knows of it."""

    def number(tag: Tag) -> float:
        return next(iter(tiff.numbers(exif.exif[tag])), 0.0) if tag in exif.exif else 0.0

    found = camera_settings.told(exif, camera_settings.MODE)
    if int(number(Tag.CustomRendered)) in HDR:
        found.append("HDR")
    bias = number(Tag.ExposureBiasValue)
    return found + ([f"exposure compensation {bias:+.1f} EV"] if LEAST_BIAS <= abs(bias) <= MOST_BIAS else [])
