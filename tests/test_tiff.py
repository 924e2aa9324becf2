"""TIFF directories: what is written is read back, whatever the byte order, and nothing a file says can hurt."""

import math
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rawback.errors import RawbackError
from rawback.files import tiff
from rawback.files.tags import IFD_POINTERS, Tag
from rawback.files.tiff import ASCII, BYTE, DOUBLE, LONG, RATIONAL, SHORT, SLONG, SRATIONAL, Directory, Entry
from rawback.files.tiff_writer import serialise

VALUES = {
    256: tiff.pack(LONG, [4000]),
    258: tiff.pack(SHORT, [8, 8, 8]),
    271: tiff.ascii_text("Maker"),
    282: tiff.rationals([72.5]),
    50706: tiff.pack(BYTE, [1, 4, 0, 0]),
    50721: tiff.rationals([-0.5, 1.25, 0.0101], SRATIONAL),
    50730: tiff.pack(SLONG, [-7]),
    51041: tiff.pack(DOUBLE, [1e-4, 2.5e-9]),
}


def written(directory: Directory) -> bytes:
    return b"".join(serialise(directory))


def big_endian(entries: dict[int, tuple[int, str, list]]) -> bytes:
    """A Motorola-ordered TIFF of (type, struct code, flat numbers) made without the code under test."""
    table, values, beyond = [], b"", 8 + 2 + 12 * len(entries) + 4
    for tag, (kind, code, flat) in sorted(entries.items()):
        data = struct.pack(f">{len(flat)}{code}", *flat)
        count = len(flat) // (2 if kind in (RATIONAL, SRATIONAL) else 1)
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(">I", beyond + len(values))
        values += data if len(data) > 4 else b""
        table.append(struct.pack(">HHI", tag, kind, count) + place)
    return b"MM\0\x2a" + struct.pack(">IH", 8, len(entries)) + b"".join(table) + b"\0\0\0\0" + values


def test_values_come_back_verbatim():
    assert tiff.read(written(Directory(VALUES))).entries == VALUES


def test_numbers_are_what_was_written():
    assert tiff.numbers(VALUES[258]) == (8, 8, 8)
    assert tiff.numbers(VALUES[50721]) == (-0.5, 1.25, 0.0101)
    assert tiff.numbers(VALUES[50730]) == (-7,)
    assert tiff.numbers(VALUES[51041]) == (1e-4, 2.5e-9)
    assert tiff.text(VALUES[271]) == "Maker"


def test_big_endian_equals_little_endian():
    motorola = big_endian({
        258: (SHORT, "H", [8, 8, 8]), 256: (LONG, "I", [4000]), 282: (RATIONAL, "I", [145, 2]),
        50730: (SLONG, "i", [-7]), 50706: (BYTE, "B", [1, 4, 0, 0]), 51041: (DOUBLE, "d", [1e-4, 2.5e-9]),
    })  # fmt: skip
    found = tiff.read(motorola).entries
    assert found == {tag: VALUES[tag] for tag in found} and len(found) == 6


@pytest.mark.parametrize("magic", [b"II\x2a\0", b"IIU\0", b"IIRO", b"IIRS"])
def test_relatives_of_tiff_are_read(magic: bytes):
    data = magic + written(Directory(VALUES))[4:]
    assert tiff.is_tiff(data) and tiff.read(data).entries == VALUES
    assert tiff.read(memoryview(bytearray(data))).entries == VALUES


def test_olympus_big_endian_is_read():
    assert tiff.read(b"MMOR" + big_endian({256: (LONG, "I", [7])})[4:]).entries[256] == tiff.pack(LONG, [7])


def test_directories_below_are_read():
    tree = Directory(VALUES, {
        Tag.SubIFDs: [Directory({254: tiff.pack(LONG, [0])}), Directory({254: tiff.pack(LONG, [1])})],
        Tag.ExifIFD: [Directory({33434: tiff.rationals([0.005])})],
    })  # fmt: skip
    found = tiff.read(written(tree))
    assert found.child(Tag.ExifIFD) == {33434: tiff.rationals([0.005])}
    assert [tiff.numbers(d.entries[254]) for d in found.children[Tag.SubIFDs]] == [(0,), (1,)]
    assert found.child(Tag.GPSIFD) == {}


def test_layout_is_little_endian_sorted_and_even():
    strips = [b"abc", b"d", b"efgh"]
    data = written(Directory(VALUES | {315: tiff.ascii_text("odd")}, strips={324: strips}))
    count = struct.unpack_from("<H", data, 8)[0]
    rows = [struct.unpack_from("<HHII", data, 10 + 12 * i) for i in range(count)]
    assert [row[0] for row in rows] == sorted(row[0] for row in rows)
    assert all(row[3] % 2 == 0 for row in rows if tiff.SIZES[row[1]] * row[2] > 4)
    found = tiff.read(data).entries
    offsets, lengths = tiff.numbers(found[324]), tiff.numbers(found[325])
    assert all(offset % 2 == 0 for offset in offsets)
    assert [data[o : o + n] for o, n in zip(offsets, lengths, strict=True)] == strips


def test_pixels_are_not_copied():
    pixels = np.zeros(1000, np.uint8).data
    chunks = serialise(Directory(VALUES, strips={273: [pixels]}))
    assert any(chunk is pixels for chunk in chunks)


def test_more_than_four_gigabytes_is_refused():
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 31

    with pytest.raises(RawbackError, match="4 GiB"):
        serialise(Directory(strips={273: [Huge(), Huge()]}))


@given(st.floats(-2e9, 2e9))
def test_rationals_are_near(value: float):
    (back,) = tiff.numbers(tiff.rationals([value], SRATIONAL))
    assert math.isclose(back, value, rel_tol=1e-6, abs_tol=1e-6)


def test_a_rational_over_nothing_is_not_a_number():
    assert math.isnan(tiff.numbers(Entry(RATIONAL, 1, struct.pack("<II", 1, 0)))[0])


def test_text_stops_at_its_end():
    assert tiff.text(Entry(ASCII, 8, b"Canon\0\xff\xff")) == "Canon"
    assert tiff.text(Entry(ASCII, 5, b"Canon")) == "Canon"
    assert tiff.text(None) == ""


def test_what_is_not_a_tiff_is_refused():
    for data in (b"", b"II", b"\xff\xd8\xff\xe1" * 4, b"II\x2b\0" + bytes(20)):
        with pytest.raises(RawbackError, match="not a TIFF"):
            tiff.read(data)


def test_loops_end():
    data = bytearray(written(Directory({256: tiff.pack(LONG, [1])}, {Tag.ExifIFD: [Directory()]})))
    struct.pack_into("<I", data, data.index(struct.pack("<HHI", Tag.ExifIFD, LONG, 1)) + 8, 8)
    assert tiff.read(data).child(Tag.ExifIFD) == {}


def test_values_outside_the_file_are_left_out():
    data = bytearray(written(Directory(VALUES)))
    at = data.index(struct.pack("<HH", 50721, SRATIONAL))
    for count, offset in ((3, len(data) - 8), (0xFFFFFFFF, 8), (3, 0xFFFFFFF0), (0, 8)):
        struct.pack_into("<II", data, at + 4, count, offset)
        assert tiff.read(data).entries == {tag: value for tag, value in VALUES.items() if tag != 50721}


def test_values_that_share_their_bytes_do_not_multiply():
    table = b"".join(struct.pack("<HHII", tag, BYTE, 1 << 20, 8) for tag in range(4000))
    data = b"II\x2a\0" + struct.pack("<IH", 8, 4000) + table + bytes(1 << 20)
    assert sum(len(entry.data) for entry in tiff.read(data).entries.values()) <= tiff.MAX_TOTAL


@given(st.data())
def test_damage_raises_nothing_else(draw: st.DataObject):
    tree = Directory(VALUES, {tag: [Directory(VALUES)] for tag in IFD_POINTERS})
    data = bytearray(written(tree))
    for position in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=20)):
        data[position] = draw.draw(st.integers(0, 255))
    damaged = data[: draw.draw(st.integers(0, len(data)))]
    if tiff.is_tiff(damaged):
        for directory in tiff.read(damaged).walk():
            for entry in directory.entries.values():
                tiff.numbers(entry), tiff.text(entry)


def test_a_file_of_directories_comes_to_an_end(ends: None):
    table = struct.pack("<H", 4000) + b"".join(struct.pack("<HHII", 330, LONG, 1 << 18, 8) for _ in range(4000))
    data = b"II\x2a\0" + struct.pack("<I", 8) + table + np.arange(0, 1 << 21, 2, dtype="<u4").tobytes()
    tiff.read(data)
