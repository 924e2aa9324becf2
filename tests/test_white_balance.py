"""White balance as makers write it: each in its place, as exiftool documents it (exiftool.org/TagNames)."""

from __future__ import annotations

import struct

import pytest

from rawback.files import makernote, tiff
from rawback.files.exif import Exif
from rawback.files.tiff import Entry

MAKER_NOTE, COLOR_DATA = 37500, 0x4001
AS_SHOT = {
    582: 0x19, 653: 0x22, 796: 0x3F, 692: 0x3F, 674: 0x3F, 702: 0x3F, 1227: 0x3F, 1250: 0x3F, 1251: 0x3F, 1337: 0x3F,
    1338: 0x3F, 1346: 0x3F, 5120: 0x47, 1273: 0x3F, 1275: 0x3F, 1312: 0x3F, 1313: 0x3F, 1316: 0x3F, 1506: 0x3F,
    1560: 0x3F, 1592: 0x3F, 1353: 0x3F, 1602: 0x3F, 1816: 0x47, 1820: 0x47, 1824: 0x47, 2024: 0x55, 3656: 0x55,
    3973: 0x69, 3778: 0x69, 4528: 0x69,
}  # fmt: skip
"""Canon's ColorData1 to ColorData12 by their length: where WB_RGGBLevelsAsShot begins."""


def balance(make: str, note: bytes, place: int = 0) -> tuple[float, float, float] | None:
    """Of a photo of that maker whose MakerNote stands at `place`."""
    return makernote.white_balance(Exif({271: tiff.ascii_text(make)}, {MAKER_NOTE: Entry(7, len(note), note, place)}))


def directory(entries: list[tuple[int, int, int, int]], order: str = "<") -> bytes:
    """Tag, type, count, value or offset of each -> a TIFF directory."""
    packed = b"".join(struct.pack(order + "HHII", *entry) for entry in entries)
    return struct.pack(order + "H", len(entries)) + packed + bytes(4)


def canon(levels: list[int], place: int) -> bytes:
    """A note at `place` of its file that holds ColorData; offsets count from the file's header."""
    head = directory([(COLOR_DATA, 3, len(levels), place + 18)])
    return head + struct.pack(f"<{len(levels)}H", *levels)


@pytest.mark.parametrize("length", AS_SHOT)
def test_canon_by_the_length_of_its_colour_data(length: int):
    """Red, green, green, blue stand where the model writes them, and other levels everywhere else."""
    levels = [1024 + 7 * (i % 50) for i in range(length)]
    levels[AS_SHOT[length] : AS_SHOT[length] + 4] = [2000, 990, 1010, 1500]
    assert balance("Canon", canon(levels, 500), 500) == pytest.approx((2.0, 1.0, 1.5))


def test_canon_counts_offsets_from_the_file_wherever_the_note_was_moved_to():
    levels = [1024] * 25 + [2000, 1000, 1000, 1500] + [1024] * 553
    for place in (500, 12345):
        assert balance("Canon", canon(levels, 500), place) == pytest.approx((2.0, 1.0, 1.5))


def test_panasonic():
    """WBRedLevel, WBGreenLevel, WBBlueLevel are the tags 0x8004 to 0x8006, behind a name of twelve bytes."""
    others = [(tag, 3, 1, 333) for tag in (0x8000, 0x8001, 0x8003, 0x8007, 0x8008)]
    levels = [(0x8004, 3, 1, 528), (0x8005, 3, 1, 264), (0x8006, 3, 1, 396)]
    note = b"Panasonic\0\0\0" + directory(sorted(others + levels))
    assert balance("Panasonic", note, 800) == pytest.approx((2.0, 1.0, 1.5))


def test_olympus():
    """WB_RBLevels (0x0100) in the directory ImageProcessing (0x2040); offsets from the note's start; 256 is 1."""
    inner = directory([(0x0100, 3, 2, 512 | 384 << 16)])
    note = b"OLYMPUS\0II\3\0" + directory([(0x2040, 13, 1, 12 + 18)]) + inner
    assert balance("OLYMPUS CORPORATION", note, 700) == pytest.approx((2.0, 1.0, 1.5))


def test_older_olympus():
    """RedBalance and BlueBalance (0x1017, 0x1018), two shorts of which the first counts."""
    note = b"OLYMP\0\1\0" + directory([(0x1017, 3, 2, 512 | 64 << 16), (0x1018, 3, 2, 384 | 64 << 16)])
    assert balance("OLYMPUS OPTICAL CO.,LTD", note) == pytest.approx((2.0, 1.0, 1.5))


def test_pentax():
    """WB_RGGBLevels (0x0201), big-endian in a file that is not."""
    place = 600
    note = b"AOC\0MM" + directory([(0x0201, 3, 4, place + 6 + 18)], ">") + struct.pack(">4H", 16384, 8192, 8192, 12288)
    assert balance("PENTAX Corporation", note, place) == pytest.approx((2.0, 1.0, 1.5))


def nikon(red: int, blue: int) -> bytes:
    """WB_RBLevels (0x000C), fractions, in a TIFF of its own ten bytes into the note."""
    inside = b"MM\0\x2a\0\0\0\x08" + directory([(0x0C, 5, 4, 26)], ">")
    return b"Nikon\0\2\x10\0\0" + inside + struct.pack(">8I", red, 256, blue, 256, 256, 256, 256, 256)


def test_nikon():
    assert balance("NIKON CORPORATION", nikon(512, 384), 1234) == pytest.approx((2.0, 1.0, 1.5))


@pytest.mark.parametrize("cut", [0, 15, 16, 20, 30, 40, 60])
def test_a_broken_maker_note_has_no_white_balance(cut: int):
    assert balance("NIKON", nikon(512, 384)[:cut]) is None


def test_what_can_be_no_white_balance_is_none():
    assert balance("NIKON", nikon(512, 0)) is None
    assert balance("NIKON", nikon(256 * 9, 256)) is None
