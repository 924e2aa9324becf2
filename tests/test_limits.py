"""A single file has bounds too: what claims much and holds little is given up."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest
from small import leftovers, rawback


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.fixture
def blank(tmp_path: Path) -> Path:
    """A grey PNG of 12,000 x 12,000 black pixels in 140 kB."""
    side = 12000
    rows = zlib.compress(bytes((1 + side) * side), 9)
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path = tmp_path / "blank.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize(("option", "value", "reason"), [("--memory", 512, "--memory"), ("--timeout", 0.2, "longer than 0.2")])
def test_a_single_file_is_given_up(blank: Path, option: str, value: float, reason: str):
    done = rawback("recover", blank, "-o", blank.with_suffix(".dng"), option, value)
    assert done.returncode == 1 and reason in done.stderr.decode() and done.stderr.count(b"\n") == 1
    assert not blank.with_suffix(".dng").exists() and not leftovers(blank.parent)
