"""Coders of RAW files, run again: each against a decoder that is not ours, or one written bit by bit here."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import rawpy
from scenes import SHARED

from rawback.errors import RawbackError
from rawback.files import bits, ljpeg
from rawback.files.jpeg_file import SOF3, SOI, SOS, segment
from rawback.lossless.original import canon, canon_tables, lossless_jpeg, packing
from rawback.lossless.original.grid import EDGE, PAIRS, ZEROS, Grid, in_slices

RANDOM = np.random.default_rng(20)
COUNTS = bytes([0, 0, 0, 15, 2, *[0] * 11])
"""Of codes by length: a table that has all categories."""


def as_bits(values: np.ndarray, width: int, order: str) -> bytes:
    """Rows of values packed one bit after the other."""
    rows = []
    for row in values.tolist():
        if order == packing.BIG:
            text = "".join(f"{value:0{width}b}" for value in row)
            rows.append(int(text.ljust(-(-len(text) // 8) * 8, "0"), 2).to_bytes(-(-len(text) // 8), "big"))
        else:
            number = sum(value << (width * i) for i, value in enumerate(row))
            rows.append(number.to_bytes(-(-len(row) * width // 8), "little"))
    return b"".join(rows)


@pytest.mark.parametrize("order", [packing.BIG, packing.LITTLE])
@pytest.mark.parametrize("width", packing.BITS)
def test_samples_are_packed_bit_by_bit(width: int, order: str):
    values = RANDOM.integers(0, 1 << width, (5, 13)).astype(np.uint16)
    assert packing.packed(values, width, order) == as_bits(values, width, order)
    assert packing.row_bytes(13, width) * 5 == len(as_bits(values, width, order))


@pytest.mark.parametrize("start", range(8))
def test_codes_are_placed_from_any_bit_on(start: int):
    width = RANDOM.integers(0, bits.MAX_WIDTH + 1, 301).astype(np.uint8)
    value = np.array([RANDOM.integers(0, 1 << int(w)) for w in width], np.uint32)
    text = "0" * start + "".join(f"{v:0{w}b}" if w else "" for v, w in zip(value.tolist(), width.tolist(), strict=True))
    placed, total = bits.placed(width, value, start)
    assert total == len(text)
    assert "".join(f"{byte:08b}" for byte in placed) == text.ljust(8 * len(placed), "0")
    assert len(placed) == -(-total // 8)


def headers(height: int, width: int, n: int, predictor: int, precision: int = 16, restart: int = 0) -> bytes:
    """Of a lossless JPEG with a table of its own for each component."""
    frame = struct.pack(">BHHB", precision, height, width, n) + b"".join(bytes([i, 0x11, 0]) for i in range(n))
    tables = b"".join(segment(0xC4, bytes([i]) + COUNTS + bytes(RANDOM.permutation(17).tolist())) for i in range(n))
    interval = segment(0xDD, struct.pack(">H", restart * width)) if restart else b""
    scan = bytes([n]) + b"".join(bytes([i, i << 4]) for i in range(n)) + bytes([predictor, 0, 0])
    return SOI + tables + segment(SOF3, frame) + interval + segment(SOS, scan)


@pytest.mark.parametrize("restart", [0, 1, 4])
@pytest.mark.parametrize("components", [1, 2, 4])
@pytest.mark.parametrize("predictor", range(1, 8))
def test_another_decoder_reads_the_scan(predictor: int, components: int, restart: int):
    imagecodecs = pytest.importorskip("imagecodecs")
    shape = (19, 24, components)
    smooth = 3000 + 40 * np.arange(24)[None, :, None] + RANDOM.integers(-90, 90, shape)
    head = headers(*shape, predictor, restart=restart)
    scan = lossless_jpeg.encode(smooth.astype(np.uint16), lossless_jpeg.read_header(head))
    file = head + scan + b"\xff\xd9"
    decoded = imagecodecs.jpeg8_decode(file)
    assert np.array_equal(decoded.reshape(shape), smooth)
    assert lossless_jpeg.scan_start(file, 0) == len(head)
    assert lossless_jpeg.scan_stop(file, len(head), len(file)) == len(head) + len(scan)


def test_a_long_scan_is_coded_in_parts(monkeypatch):
    samples = RANDOM.integers(0, 4096, (40, 50, 2)).astype(np.uint16)
    header = lossless_jpeg.read_header(headers(40, 50, 2, 6, 12))
    at_once = lossless_jpeg.encode(samples, header)
    monkeypatch.setattr(lossless_jpeg, "CHUNK", 150)
    assert lossless_jpeg.encode(samples, header) == at_once


def test_our_own_encoder_is_one_of_those():
    samples = RANDOM.integers(0, 300, (64, 96, 2)).astype(np.uint16)
    file = ljpeg.encode(samples)
    start = lossless_jpeg.scan_start(file, 0)
    assert lossless_jpeg.encode(samples, lossless_jpeg.read_header(file[:start])) == file[start:-2]


def test_a_sample_without_a_code_is_refused():
    file = ljpeg.encode(np.full((8, 8, 1), 32768, np.uint16))  # all differences 0
    header = lossless_jpeg.read_header(file[: lossless_jpeg.scan_start(file, 0)])
    with pytest.raises(RawbackError, match="cannot have coded"):
        lossless_jpeg.encode(np.arange(64, dtype=np.uint16).reshape(8, 8, 1), header)


@pytest.mark.parametrize("cut", range(0, 60, 3))
def test_headers_that_are_cut_short_are_refused(cut: int):
    with pytest.raises(RawbackError):
        lossless_jpeg.read_header(headers(8, 8, 1, 1)[:cut])


def canon_decoded(code: bytes, height: int, width: int, table: int) -> np.ndarray:
    """As Canon's format is described, code by code."""
    text = "".join(f"{byte:08b}" for byte in code.replace(b"\xff\0", b"\xff"))
    trees = [_leaves(tables[table]) for tables in (canon_tables.FIRST, canon_tables.AFTER)]
    samples, carry, at = [], 0, 0
    for _ in range(height * width // 64):
        differences, i = [0] * 64, 0
        while i < 64:
            length = next(n for n in range(1, 17) if text[at : at + n] in trees[i > 0])
            leaf = trees[i > 0][text[at : at + length]]
            at += length
            if leaf == 0 and i:
                break
            i += leaf >> 4
            size = leaf & 15
            if size:
                differences[i] = int(text[at : at + size], 2) - (0 if text[at] == "1" else (1 << size) - 1)
                at += size
            i += 1
        carry = differences[0] = differences[0] + carry
        for n, difference in enumerate(differences):
            if len(samples) % width == 0:
                base = [512, 512]
            base[n & 1] += difference
            samples.append(base[n & 1])
    return np.array(samples).reshape(height, width)


def _leaves(table: bytes) -> dict[str, int]:
    leaves, code, position = {}, 0, 16
    for length, count in enumerate(table[:16], 1):
        for leaf in table[position : position + count]:
            leaves[f"{code:0{length}b}"] = leaf
            code += 1
        position, code = position + count, code << 1
    return leaves


@pytest.mark.parametrize("table", range(3))
@pytest.mark.parametrize("noise", [0, 2, 60])
def test_canons_code_is_read_by_its_description(table: int, noise: int):
    y, x = np.mgrid[:16, :48]
    frame = np.clip(500 + 3 * x - 9 * y + noise * RANDOM.standard_normal((16, 48)), 0, 1023).astype(np.uint16)
    frame[3, 20:] = 512  # a long run of zeros
    assert np.array_equal(canon_decoded(canon.encode(frame, table), 16, 48, table), frame)


def test_canons_code_is_the_same_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch):
    frame = np.clip(np.random.default_rng(5).normal(500, 90, (16, 48)), 0, 1023).astype(np.uint16)
    expected = canon.encode(frame, 1)
    for part in (1, 5):
        monkeypatch.setattr(canon, "PART", part)
        assert canon.encode(frame, 1) == expected


def test_canons_lowest_bits_stand_four_to_a_byte():
    assert canon.low_bits(np.array([[1, 2, 3, 0, 4, 5, 6, 7]], np.uint16)) == bytes([0b00111001, 0b11100100])


@pytest.mark.parametrize("name", ["canon_powershot_g2_0304", "canon_powershot_s40_0101", "canon_powershot_s40_0104"])
def test_a_camera_codes_the_same(name: str):
    path = SHARED / "raw" / f"{name}.CRW"
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    data = path.read_bytes()
    with rawpy.imread(str(path)) as raw:
        code = canon.encode(raw.raw_image, 1)
    assert data[540 : 540 + len(code)] == code


def test_pieces_of_a_frame():
    frame = np.arange(7 * 10, dtype=np.uint16).reshape(7, 10)
    strips = Grid((7, 10), 4, 10, False)
    assert strips.corners == [(0, 0), (4, 0)]
    assert np.array_equal(strips.piece(frame, 1), frame[4:])
    tiles = {padding: Grid((7, 10), 4, 8, True, padding).piece(frame, 3) for padding in (ZEROS, EDGE, PAIRS)}
    assert all(piece.shape == (4, 8) and np.array_equal(piece[:3, :2], frame[4:, 8:]) for piece in tiles.values())
    assert tiles[ZEROS][3].tolist() == [0] * 8
    assert tiles[EDGE][0].tolist() == [48] + [49] * 7
    assert tiles[PAIRS][0].tolist() == [48, 49] * 4
    assert tiles[PAIRS][3].tolist() == tiles[PAIRS][1].tolist()


def test_slices_are_gone_through_one_after_the_other():
    frame = np.arange(2 * 7, dtype=np.uint16).reshape(2, 7)
    assert in_slices(frame, (2, 3)).tolist() == [0, 1, 2, 7, 8, 9, 3, 4, 5, 10, 11, 12, 6, 13]
