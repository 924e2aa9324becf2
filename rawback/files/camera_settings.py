"""Settings of a camera that bend tones and colours, as its maker writes them into the MakerNote.

Tags and values as exiftool documents them (exiftool.org/TagNames: Canon, FujiFilm, Nikon, Olympus, Panasonic, Sony).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rawback.files import makernote, tiff
from rawback.files.exif import Exif
from rawback.files.tiff import Entry

STYLE, MODE = "style", "mode"
"""What changes the look for good, and what bends tones by the scene."""
OLYMPUS_SETTINGS = 0x2020


@dataclass(frozen=True)
class Setting:
    """Where a maker keeps a setting, and what its values are called."""

    maker: str
    tag: int
    kind: str
    label: str
    """Before the value's name."""
    names: dict[int, str] = field(default_factory=dict)
    """Of values; those that are not listed say nothing: normal, off, or not known for certain."""
    index: int = 0
    """Of the value within the tag."""
    text: tuple[int, int] | None = None
    """Where the value is a name: from which byte, and how many."""
    normal: tuple[str, ...] = ()
    """Names, in lower case, of the normal one."""
    inner: int | None = None
    """The tag that leads to its directory."""


_LEVELS = {0xFFFF: "low", 1: "high", 0xFFFE: "lowest", 2: "highest"}
_FUJI_FILMS = {
    0x110: "studio portrait, saturated", 0x120: "Astia", 0x130: "studio portrait, sharp", 0x100: "studio portrait",
    0x200: "Velvia", 0x300: "studio portrait ex", 0x400: "Velvia", 0x500: "Pro Neg. Std", 0x501: "Pro Neg. Hi",
    0x600: "Classic Chrome", 0x700: "Eterna", 0x800: "Classic Negative", 0x900: "Bleach Bypass", 0xA00: "Nostalgic Neg",
}  # fmt: skip
_FUJI_COLOURS = {
    0x80: "medium high", 0x100: "high", 0xC0: "very high", 0xE0: "highest", 0x180: "medium low", 0x200: "low", 0x400: "low",
    0x4C0: "very low", 0x4E0: "lowest", 0x300: "none", 0x301: "none", 0x302: "none", 0x303: "none", 0x310: "sepia",
    0x500: "Acros", 0x501: "Acros", 0x502: "Acros", 0x503: "Acros",
}  # fmt: skip
SETTINGS = (
    Setting("Canon", 0x00A0, STYLE, "picture style", {
        2: "portrait", 3: "high saturation", 5: "low saturation", 0x82: "portrait", 0x83: "landscape", 0x84: "neutral",
        0x85: "faithful", 0x86: "monochrome", 0x87: "auto", 0x88: "fine detail", 0x21: "user 1", 0x22: "user 2",
        0x23: "user 3", 0x41: "PC 1", 0x42: "PC 2", 0x43: "PC 3",
    }, index=10),
    Setting("Canon", 0x0001, STYLE, "contrast", _LEVELS, index=13),
    Setting("Canon", 0x0001, STYLE, "saturation", _LEVELS, index=14),
    Setting("Canon", 0x4018, MODE, "Auto Lighting Optimizer", {0: "standard", 1: "low", 2: "strong"}, index=2),
    Setting("Canon", 0x4018, MODE, "Highlight Tone Priority", {1: "on"}, index=3),
    Setting("Nikon", 0x0023, STYLE, "Picture Control", text=(4, 20), normal=("standard",)),
    Setting("Nikon", 0x0022, MODE, "Active D-Lighting", {
        1: "low", 3: "normal", 5: "high", 7: "extra high", 8: "extra high 1", 9: "extra high 2", 10: "extra high 3",
        11: "extra high 4", 0xFFFF: "auto",
    }),
    Setting("Fujifilm", 0x1401, STYLE, "film simulation", _FUJI_FILMS),
    Setting("Fujifilm", 0x1003, STYLE, "colour", _FUJI_COLOURS),
    Setting("Fujifilm", 0x1004, STYLE, "tone", {0x80: "medium hard", 0x100: "hard", 0x180: "medium soft", 0x200: "soft"}),
    Setting("Fujifilm", 0x1403, MODE, "dynamic range", {200: "200 %", 400: "400 %", 800: "800 %"}),
    Setting("Fujifilm", 0x140B, MODE, "dynamic range", {200: "200 %", 400: "400 %", 800: "800 %"}),
    Setting("Sony", 0xB020, STYLE, "Creative Style", text=(0, 16), normal=("standard", "none", "real", "adobergb", "st")),
    Setting("Sony", 0xB025, MODE, "Dynamic Range Optimizer", {
        1: "standard", 2: "advanced auto", 3: "auto", **{7 + n: f"advanced level {n}" for n in range(1, 6)},
        **{15 + n: f"level {n}" for n in range(1, 6)},
    }),
    Setting("Panasonic", 0x0089, STYLE, "Photo Style", {
        2: "vivid", 3: "natural", 4: "monochrome", 5: "scenery", 6: "portrait", 8: "Cinelike D", 9: "Cinelike V",
        11: "L. monochrome", 12: "Like709", 15: "L. monochrome D", 17: "V-Log", 18: "Cinelike D2",
    }),
    Setting("Panasonic", 0x0079, MODE, "i.Dynamic", {1: "low", 2: "standard", 3: "high"}),
    Setting("Olympus", 0x0520, STYLE, "Picture Mode", {
        1: "vivid", 3: "muted", 4: "portrait", 5: "i-Enhance", 6: "e-Portrait", 7: "Color Creator", 9: "Color Profile 1",
        10: "Color Profile 2", 11: "Color Profile 3", 12: "Monochrome Profile 1", 13: "Monochrome Profile 2",
        14: "Monochrome Profile 3", 256: "monotone", 512: "sepia",
    }, inner=OLYMPUS_SETTINGS),
    Setting("Olympus", 0x050F, MODE, "gradation", {0xFFFF: "low key", 1: "high key"}, inner=OLYMPUS_SETTINGS),
    Setting("Olympus", 0x050F, MODE, "gradation", {1: "auto"}, index=3, inner=OLYMPUS_SETTINGS),
)  # fmt: skip
"""All that are read."""


def told(exif: Exif, kind: str) -> list[str]:
    """The settings of a kind that are not the camera's normal: ["picture style landscape"]."""
    words = []
    for setting in SETTINGS:
        maker, entries = makernote.directory(exif, setting.inner)
        entry = entries.get(setting.tag)
        value = _value(setting, entry) if entry and setting.maker == maker and setting.kind == kind else ""
        if value:
            words.append(f"{setting.label} {value}")
    return list(dict.fromkeys(words))


def _value(setting: Setting, entry: Entry) -> str:
    """What a setting is called; nothing for the normal one, or one that is not known."""
    if setting.text:
        start, size = setting.text
        name = entry.data[start : start + size].partition(b"\0")[0].decode("ascii", "replace").strip().lower()
        return name if name.isprintable() and name.isascii() and name not in setting.normal else ""
    values = tiff.numbers(entry)
    if len(values) <= setting.index:
        return ""
    return setting.names.get(int(values[setting.index]) & 0xFFFF, "")
