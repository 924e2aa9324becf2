"""Files that are damaged or mean harm: `verify` reads them within bounds, and says what it could not read."""

from __future__ import annotations

import struct
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_verify_files import preview, with_preview
from tiff_maker import dng, tiff

from rawback.verify import inventory
from rawback.verify.missing import missing


def loop() -> bytes:
    """Directories that point to each other and to themselves."""
    table = struct.pack("<H", 2) + struct.pack("<HHII", 330, 4, 1, 8) + struct.pack("<HHII", 34665, 4, 1, 8)
    return b"II" + struct.pack("<HI", 42, 8) + table + struct.pack("<I", 8) + b"\0" * 64


def many(number: int, kind: int, count: int) -> bytes:
    """65,535 entries of one huge count."""
    entries = struct.pack("<HHII", number, kind, count, 8) * 65535
    return b"II" + struct.pack("<HIH", 42, 8, 65535) + entries + b"\0" * 4


HARMFUL = {
    "loop": loop(), "strips": many(273, 4, 1 << 17), "pointers": many(330, 4, 400), "packets": many(700, 1, 700000),
    "unknown types": many(1, 99, 0xFFFFFFFF), "widths": many(256, 1, 700000), "all ones": b"MM\0*" + b"\xff" * 5000,
    "far away": b"II" + struct.pack("<HI", 42, 0xFFFFFFFF) + b"\0" * 40, "heap": b"II\x1a\0\0\0HEAPCCDR" + b"\xff" * 500,
}  # fmt: skip


@pytest.mark.parametrize("data", HARMFUL.values(), ids=HARMFUL.keys())
def test_files_that_mean_harm_are_read_within_bounds(data: bytes):
    started = time.process_time()
    found = inventory.take(data)
    assert len(found.directories) <= 512
    missing(found, inventory.take(tiff(dng())))
    assert time.process_time() - started < 20


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_damage_is_survived(data: st.DataObject):
    file = bytearray(tiff(with_preview(preview()), data.draw(st.sampled_from("<>"))))
    end = len(file) - 48 * 32 * 2
    for place in data.draw(st.lists(st.integers(0, end - 1), min_size=1, max_size=6)):
        file[place] = data.draw(st.integers(0, 255))
    del file[data.draw(st.integers(0, len(file))) :]
    found = inventory.take(bytes(file))
    assert isinstance(missing(found, inventory.take(tiff(dng()))), tuple)
