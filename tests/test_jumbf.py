"""The container of the layer: JUMBF boxes in APP11 segments."""

from __future__ import annotations

import random
import shutil
import struct
import subprocess

import pytest

from rawback.files import jumbf
from rawback.files.jpeg_file import JpegFile
from rawback.files.jumbf import Box
from rawback.files.original import packed


def jpeg_of(segments: list[tuple[int, bytes]]) -> bytes:
    """As much of a JPEG as has segments."""
    parts = [b"\xff%c%s%s" % (marker, (len(payload) + 2).to_bytes(2, "big"), payload) for marker, payload in segments]
    return b"\xff\xd8" + b"".join(parts) + b"\xff\xda\0\2\xff\xd9"


BOXES = [Box("rawback.lossless", b"head"), Box("rawback.lossless.block", bytes(range(256)) * 800), Box("empty", b"")]


def test_boxes_come_back():
    assert jumbf.find(JpegFile(jpeg_of(jumbf.to_segments(BOXES)))) == BOXES


def test_segments_are_as_the_standard_wants_them():
    segments = jumbf.to_segments(BOXES)
    assert {marker for marker, _ in segments} == {0xEB}
    assert all(len(payload) <= 65533 for _, payload in segments)
    heads = [struct.unpack_from(">2sHI4s4s", payload) for _, payload in segments]
    assert {head[0] for head in heads} == {b"JP"}
    assert {head[4] for head in heads} == {b"jumb"}
    parts = [(number, part) for _, number, part, *_ in heads]
    assert parts == [(1, 1), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1)]
    body = segments[0][1][16:]
    assert struct.unpack_from(">I4s", body) == (8 + 16 + 1 + len("rawback.lossless") + 1, b"jumd")
    assert int.from_bytes(heads[0][3], "big") == 8 + len(body)


def test_the_order_of_segments_does_not_matter():
    segments = jumbf.to_segments(BOXES)
    random.Random(1).shuffle(segments)
    assert sorted(jumbf.find(JpegFile(jpeg_of(segments))), key=lambda box: box.label) == sorted(
        BOXES, key=lambda box: box.label
    )


def test_a_missing_part_loses_its_box_alone():
    segments = jumbf.to_segments(BOXES)
    del segments[2]
    assert jumbf.find(JpegFile(jpeg_of(segments))) == [BOXES[0], BOXES[2]]


def test_boxes_of_others_are_left_alone():
    other = jumbf.to_segments([Box("c2pa", b"manifest" * 20_000)])
    theirs = [(marker, payload.replace(jumbf.OURS, bytes(16))) for marker, payload in other]
    short = [(0xEB, b"JP"), (0xEB, b""), (0xEB, b"HDR_RI ver=11"), (0xE1, b"JP" + bytes(40))]
    assert jumbf.find(JpegFile(jpeg_of(theirs + short + jumbf.to_segments(BOXES)))) == BOXES
    assert [jumbf.is_ours(*segment) for segment in theirs + short] == [False] * (len(theirs) + 4)


@pytest.mark.parametrize("seed", range(100))
def test_damaged_segments_are_survived(seed):
    rng = random.Random(seed)
    segments = [(marker, bytearray(payload)) for marker, payload in jumbf.to_segments(BOXES)]
    for _ in range(rng.randrange(1, 6)):
        payload = rng.choice(segments)[1]
        payload[rng.randrange(min(len(payload), 90))] = rng.randrange(256)
    found = jumbf.find(JpegFile(jpeg_of([(marker, bytes(payload)) for marker, payload in segments])))
    assert len(found) <= len(BOXES)


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_exiftool_understands_and_keeps_them(tmp_path, sample_file):
    data = sample_file.read_bytes()
    file = tmp_path / "boxes.jpg"
    head = 4 + int.from_bytes(data[4:6], "big")
    file.write_bytes(data[:head] + jpeg_of(jumbf.to_segments(BOXES))[2:-6] + data[head:])
    run = subprocess.run(["exiftool", "-q", "-overwrite_original", "-Artist=x", file], check=False)
    assert run.returncode == 0
    assert [box for box in jumbf.find(JpegFile(file.read_bytes())) if box.label != packed.LABEL] == BOXES
    shown = subprocess.run(["exiftool", "-a", "-JUMBF:JUMDLabel", file], capture_output=True, text=True, check=True).stdout
    labels = [line.split(":")[1].strip() for line in shown.splitlines()]
    assert [label for label in labels if label != packed.LABEL] == [box.label for box in BOXES]
