"""What EXIF tells of settings that bend a camera's tones and colours."""

from __future__ import annotations

from rawback.files import tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag

STYLES = {Tag.Contrast: ("", "soft", "hard"), Tag.Saturation: ("", "pale", "vivid")}
"""EXIF's settings that bend tones and colours, and what their values are called; the first is the camera's normal."""


def style(exif: Exif) -> str:
    """Settings that bend tones and colours, as EXIF tells them: "soft vivid"; nothing for the camera's normal."""
    words = []
    for tag, names in STYLES.items():
        value = next(iter(tiff.numbers(exif.exif[tag])), 0) if tag in exif.exif else 0
        words.append(names[int(value)] if 0 <= value < len(names) else "")
    return " ".join(filter(None, words))
