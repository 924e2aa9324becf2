"""What MakerNotes tell of settings that bend tones and colours: notes as makers write them, and as nobody does."""

from __future__ import annotations

import random
import struct

import pytest
from scenes import SHARED

from rawback.files import camera_settings, makernote, photo, picture_style, tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import Entry

SHORT, LONG, UNDEFINED, TEXT = 3, 4, 7, 2
SIZES = {SHORT: 2, LONG: 4, UNDEFINED: 1, TEXT: 1}


def directory(entries: dict[int, tuple[int, bytes]], at: int, order: str = "<") -> bytes:
    """A TIFF directory whose values lie behind it, offsets counted so that it stands at `at`."""
    head, beside = struct.pack(order + "H", len(entries)), b""
    place = at + 2 + 12 * len(entries) + 4
    for tag, (kind, data) in sorted(entries.items()):
        head += struct.pack(order + "HHI", tag, kind, len(data) // SIZES[kind])
        head += data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(order + "I", place + len(beside))
        beside += data if len(data) > 4 else b""
    return head + bytes(4) + beside


def shorts(*values: int) -> tuple[int, bytes]:
    return SHORT, struct.pack(f"<{len(values)}H", *values)


def longs(*values: int) -> tuple[int, bytes]:
    return LONG, struct.pack(f"<{len(values)}I", *values)


def exif_of(maker: str, note: bytes, place: int = 1000, **tags: Entry) -> Exif:
    own = {getattr(Tag, name): entry for name, entry in tags.items()}
    entry = {Tag.MakerNote: Entry(UNDEFINED, len(note), note, place)}
    return Exif(ifd0={Tag.Make: tiff.ascii_text(maker)}, exif=entry | own, order="II")


def canon(style: int, contrast: int, alo: int, priority: int) -> Exif:
    entries = {
        0x0001: shorts(*[0] * 13, contrast & 0xFFFF, 0, 0), 0x00A0: shorts(*[0] * 10, style, 0),
        0x4018: longs(24, 0, alo, priority, 0, 0),
    }  # fmt: skip
    return exif_of("Canon", directory(entries, 1000))


def nikon(name: bytes, lighting: int) -> Exif:
    entries = {0x0022: shorts(lighting), 0x0023: (UNDEFINED, b"0100" + name.ljust(20, b"\0") + bytes(34))}
    return exif_of("NIKON CORPORATION", b"Nikon\0\2\x10\0\0" + b"II*\0\x08\0\0\0" + directory(entries, 8))


def fuji(film: int, colour: int, dynamic: int) -> Exif:
    entries = {0x1003: shorts(colour), 0x1401: shorts(film), 0x1403: shorts(dynamic)}
    return exif_of("FUJIFILM", b"FUJIFILM" + struct.pack("<I", 12) + directory(entries, 12))


def sony(style: bytes, optimizer: int) -> Exif:
    entries = {0xB020: (TEXT, style.ljust(16, b"\0")), 0xB025: longs(optimizer), 0xB026: longs(0)}
    return exif_of("SONY", b"SONY DSC \0\0\0" + directory(entries, 1012))


def panasonic(style: int, dynamic: int) -> Exif:
    entries = {0x0079: shorts(dynamic), 0x0089: shorts(style), 0x8000: (UNDEFINED, b"0" * 8)}
    return exif_of("Panasonic", b"Panasonic\0\0\0" + directory(entries, 1012))


def olympus(mode: int, gradation: tuple[int, ...]) -> Exif:
    inner_at = 12 + 2 + 12 + 4
    inner = directory({0x050F: shorts(*(v & 0xFFFF for v in gradation)), 0x0520: shorts(mode, 2)}, inner_at)
    return exif_of("OLYMPUS", b"OLYMPUS\0II\3\0" + directory({0x2020: longs(inner_at)}, 12) + inner)


CASES = [
    (
        canon(0x83, -1, 2, 1), "picture style landscape, contrast low",
        ["Auto Lighting Optimizer strong", "Highlight Tone Priority on"],
    ),
    (canon(0x81, 0, 3, 0), "", []),
    (nikon(b"VIVID", 0xFFFF), "Picture Control vivid", ["Active D-Lighting auto"]),
    (nikon(b"STANDARD", 0), "", []),
    (fuji(0x600, 0x100, 400), "film simulation Classic Chrome, colour high", ["dynamic range 400 %"]),
    (fuji(0, 0, 100), "", []),
    (sony(b"Landscape", 3), "Creative Style landscape", ["Dynamic Range Optimizer auto"]),
    (sony(b"Standard", 0), "", []),
    (panasonic(4, 2), "Photo Style monochrome", ["i.Dynamic standard"]),
    (panasonic(1, 0), "", []),
    (olympus(3, (-1, -1, 1, 1)), "Picture Mode muted", ["gradation low key", "gradation auto"]),
    (olympus(2, (0, -1, 1, 0)), "", []),
]  # fmt: skip


@pytest.mark.parametrize(("exif", "style", "modes"), CASES)
def test_settings_of_makers(exif: Exif, style: str, modes: list[str]):
    assert picture_style.style(exif) == style and picture_style.modes(exif) == modes


def test_what_exif_itself_tells():
    def modes(**tags: Entry) -> list[str]:
        return picture_style.modes(Exif(exif={getattr(Tag, name): entry for name, entry in tags.items()}))

    assert modes(CustomRendered=tiff.pack(SHORT, [3])) == ["HDR"] and modes(CustomRendered=tiff.pack(SHORT, [1])) == []
    assert modes(ExposureBiasValue=Entry(10, 1, struct.pack("<ii", -2, 3))) == ["exposure compensation -0.7 EV"]
    assert modes(ExposureBiasValue=Entry(10, 1, struct.pack("<ii", 0, 0))) == []


def test_contrast_is_told_once():
    exif = canon(0x81, 1, 3, 0)
    both = Exif(ifd0=exif.ifd0, exif=exif.exif | {Tag.Contrast: tiff.pack(SHORT, [2])}, order="II")
    assert picture_style.style(exif) == "contrast high" and picture_style.style(both) == "hard"


def test_damaged_notes_tell_nothing_and_raise_nothing():
    chance = random.Random(5)
    for exif, _, _ in CASES:
        note = exif.exif[Tag.MakerNote].data
        for _ in range(60):
            data = bytearray(note[: chance.randrange(len(note) + 1)])
            for _ in range(chance.randrange(8) if data else 0):
                data[chance.randrange(len(data))] = chance.randrange(256)
            damaged = exif_of(exif.make, bytes(data))
            picture_style.style(damaged), picture_style.modes(damaged), makernote.white_balance(damaged)


@pytest.mark.skipif(not (SHARED / "camera_jpegs").is_dir(), reason="needs ../shared/data/camera_jpegs")
@pytest.mark.parametrize(("pattern", "style", "mode"), [
    ("Canon_Canon-EOS-M3*", "picture style neutral", "Auto Lighting Optimizer standard"),
    ("NIKON-CORPORATION_NIKON-D90*", "", "Active D-Lighting auto"), ("*iphone_hdr_YES*", "", "HDR"),
])  # fmt: skip
def test_real_photos_as_exiftool_tells(pattern: str, style: str, mode: str):
    (path,) = (SHARED / "camera_jpegs").glob(pattern)
    exif = photo.read(path.read_bytes(), path.name).exif
    assert picture_style.style(exif) == style and picture_style.modes(exif) == [mode]


def test_every_setting_is_of_a_maker_that_is_read():
    makers = {maker for _, maker, _, _ in makernote.DIRECTORIES}
    assert {setting.maker for setting in camera_settings.SETTINGS} == makers
