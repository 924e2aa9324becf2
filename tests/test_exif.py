"""EXIF and GPS go from file to file as the camera wrote them."""

import io
import json
import shutil
import struct
import subprocess
from datetime import datetime
from pathlib import Path

import piexif
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rawback.errors import RawbackError
from rawback.files import ciff, exif, tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import ASCII, BYTE, LONG, SHORT, UNDEFINED, Directory, Entry
from rawback.files.tiff_writer import serialise

DATA = Path(__file__).parents[1] / ".." / "shared" / "data"
CAMERA = Exif(
    {271: tiff.ascii_text("Maker"), 272: tiff.ascii_text("Model 1"), 274: tiff.pack(SHORT, [6]),
     305: tiff.ascii_text("Firmware 9"), 306: tiff.ascii_text("2024:05:06 07:08:09"), 315: Entry(ASCII, 3, b"Ann"),
     18246: tiff.pack(SHORT, [4]), 40091: tiff.pack(BYTE, "Été".encode("utf-16-le") + b"\0\0"),
     256: tiff.pack(LONG, [6000]), 273: tiff.pack(LONG, [4096]), 50721: tiff.pack(tiff.SLONG, range(9))},
    {33434: tiff.rationals([1 / 250]), 33437: tiff.rationals([2.8]), 34855: tiff.pack(SHORT, [400]),
     36864: Entry(UNDEFINED, 4, b"0230"), 37500: Entry(UNDEFINED, 50_000, bytes(50_000)),
     40961: tiff.pack(SHORT, [2]), 40962: tiff.pack(LONG, [6000]), 41729: tiff.pack(SHORT, [1])},
    {1: tiff.ascii_text("N"), 2: tiff.rationals([10, 20, 30.25]), 0: tiff.pack(BYTE, [2, 3, 0, 0])},
)  # fmt: skip


def as_tiff(camera: Exif) -> bytes:
    children = {Tag.ExifIFD: [Directory(camera.exif)], Tag.GPSIFD: [Directory(camera.gps)]}
    return b"".join(serialise(Directory(camera.ifd0, children)))


def as_jpeg(payload: bytes) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (16, 8)).save(stream, "JPEG", exif=b"Exif\0\0" + payload)
    return stream.getvalue()


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content) + 8) + kind + content


def as_cr3(camera: Exif) -> bytes:
    parts = ((b"CMT1", camera.ifd0), (b"CMT2", camera.exif), (b"CMT4", camera.gps))
    boxes = b"".join(box(kind, b"".join(serialise(Directory(entries)))) for kind, entries in parts)
    canon = box(b"uuid", exif.CANON_UUID + box(b"CNCV", b"CanonCR3_001/00.09.00/00.00.00") + boxes)
    large = struct.pack(">I", 1) + b"mdat" + struct.pack(">Q", 16 + 100) + bytes(100)
    return box(b"ftyp", b"crx \0\0\0\1crx isom") + large + box(b"moov", canon + box(b"mvhd", bytes(100)))


def as_raf(camera: Exif) -> bytes:
    jpeg = as_jpeg(as_tiff(camera))
    return exif.RAF_MAGIC.ljust(84, b"0") + struct.pack(">II", 200, len(jpeg)) + bytes(108) + jpeg + bytes(1000)


SMALL = Exif(CAMERA.ifd0, {tag: entry for tag, entry in CAMERA.exif.items() if tag != 37500}, CAMERA.gps)
CONTAINERS = {
    "TIFF": as_tiff, "RW2": lambda c: b"IIU\0" + as_tiff(c)[4:], "JPEG": lambda c: as_jpeg(as_tiff(c)),
    "CR3": as_cr3, "RAF": as_raf,
}  # fmt: skip


@pytest.mark.parametrize("name", CONTAINERS)
def test_found_by_content(name: str):
    assert exif.find_exif(CONTAINERS[name](SMALL)) == SMALL


@pytest.mark.parametrize("name", CONTAINERS)
def test_truncated_files_raise_nothing_else(name: str):
    data = CONTAINERS[name](SMALL)
    for length in range(0, min(len(data), 1500), 7):
        exif.find_exif(data[:length])


@given(st.data())
def test_damage_raises_nothing_else(draw: st.DataObject):
    data = bytearray(CONTAINERS[draw.draw(st.sampled_from(sorted(CONTAINERS)))](SMALL))
    for position in draw.draw(st.lists(st.integers(0, len(data) - 1), max_size=10)):
        data[position] = draw.draw(st.integers(0, 255))
    found = exif.find_exif(data)
    if found:
        assert len(exif.to_app1(found, 1, "rawback", None)) <= exif.MAX_APP1
        assert found.orientation in range(1, 9) and isinstance(found.make, str)


def test_none_where_there_is_none():
    plain = io.BytesIO()
    Image.new("RGB", (16, 8)).save(plain, "JPEG")
    for data in (b"", b"\xff\xd8", b"II", plain.getvalue(), b"\x89PNG" + bytes(100), box(b"ftyp", b"crx ") + bytes(50)):
        assert exif.find_exif(data) is None


def test_what_is_not_a_tiff_is_refused():
    with pytest.raises(RawbackError):
        exif.from_tiff(b"Exif\0\0II*\0")


def test_exposure_in_ifd0_is_found():
    """Kodak's KDC has no Exif directory but the same tags in IFD0."""
    found = exif.from_tiff(b"".join(serialise(Directory({271: tiff.ascii_text("K"), 33437: tiff.rationals([2.5])}))))
    assert found.exif == {33437: tiff.rationals([2.5])} and found.make == "K" and 33437 not in found.ifd0


def test_gps_below_exif_is_found():
    tree = Directory({}, {Tag.ExifIFD: [Directory({}, {Tag.GPSIFD: [Directory(CAMERA.gps)]})]})
    assert exif.from_tiff(b"".join(serialise(tree))).gps == CAMERA.gps


def test_app1_keeps_the_photograph_and_leaves_out_the_pixels():
    back = exif.from_tiff(exif.to_app1(CAMERA, 3, "rawback 1.0", None, size=(400, 300)))
    assert {271, 272, 306, 315, 18246, 40091} < set(back.ifd0) and not {256, 273, 50721} & set(back.ifd0)
    assert back.ifd0[315] == Entry(ASCII, 4, b"Ann\0")
    assert back.orientation == 3 and tiff.text(back.ifd0[305]) == "rawback 1.0"
    assert back.gps == CAMERA.gps and 37500 not in back.exif
    assert back.exif[41729] == CAMERA.exif[41729] and back.exif[36864].data == b"0230"
    assert [tiff.numbers(back.exif[tag]) for tag in (40961, 40962, 40963)] == [(1,), (400,), (300,)]


def test_app1_is_read_by_others():
    thumbnail = io.BytesIO()
    Image.new("RGB", (160, 120), (200, 30, 60)).save(thumbnail, "JPEG")
    payload = exif.to_app1(CAMERA, 8, "rawback 1.0", thumbnail.getvalue())
    theirs = piexif.load(as_jpeg(payload))
    assert theirs["thumbnail"] == thumbnail.getvalue() and theirs["1st"][259] == 6
    assert theirs["GPS"][2] == ((10, 1), (20, 1), (121, 4)) and theirs["Exif"][33434] == (1, 250)
    tags = Image.open(io.BytesIO(as_jpeg(payload))).getexif()
    assert (tags[271], tags[274], tags.get_ifd(34665)[34855]) == ("Maker", 8, 400)


def test_app1_fits_its_segment():
    thumbnail = bytes(40_000)
    comment = Entry(UNDEFINED, 30_000, bytes(30_000))
    camera = Exif(CAMERA.ifd0, {33437: CAMERA.exif[33437], 37510: comment})
    both = exif.to_app1(camera, 1, "rawback", thumbnail)
    assert len(both) < 31_000 and 37510 in exif.from_tiff(both).exif
    huge = Exif(CAMERA.ifd0, {33437: CAMERA.exif[33437], 37510: Entry(UNDEFINED, 70_000, bytes(70_000))}, CAMERA.gps)
    back = exif.from_tiff(exif.to_app1(huge, 1, "rawback", thumbnail))
    assert 37510 not in back.exif and 33437 in back.exif and back.gps == CAMERA.gps
    many = Exif(exif={tag: Entry(BYTE, 100, bytes(100)) for tag in range(50_000, 54_000)})
    assert exif.MAX_APP1 - 112 <= len(exif.to_app1(many, 1, "rawback", None)) <= exif.MAX_APP1


def test_app1_without_a_source_is_valid():
    back = exif.from_tiff(exif.to_app1(None, 1, "rawback", None))
    assert set(back.exif) == {36864, 37121, 40960, 40961} and back.gps == {}


def test_exif_from_values():
    made = exif.from_values("Canon", "PowerShot G2", datetime(2022, 1, 20, 8, 13, 24), 1 / 50, 4.0, 50, 7.0, "Zoom")
    assert (made.make, made.model, tiff.text(made.exif[36867])) == ("Canon", "PowerShot G2", "2022:01:20 08:13:24")
    assert tiff.text(made.exif[42036]) == "Zoom"
    assert [tiff.numbers(made.exif[tag])[0] for tag in (33434, 33437, 34855, 37386)] == [0.02, 4.0, 50, 7.0]
    nothing = exif.from_values(exposure=float("nan"), f_number=float("inf"), iso=0, focal_length=-1)
    assert nothing.exif == nothing.ifd0 == {}


def test_odd_files_of_many_cameras(tmp_path: Path):
    """Every tag that exiftool finds in a photograph it finds again in the JPEG that carries our copy."""
    files = sorted(path for path in DATA.glob("camera_jpegs/**/*") if path.suffix.lower() in (".jpg", ".jpeg"))
    if not files or not shutil.which("exiftool"):
        pytest.skip("needs ../shared/data/camera_jpegs and exiftool")
    copies = {}
    for number, path in enumerate(files):
        found = exif.find_exif(path.read_bytes())
        if found:
            copies[path] = tmp_path / f"{number}.jpg"
            copies[path].write_bytes(as_jpeg(exif.to_app1(found, 1, "rawback", None)))
    assert len(copies) > 120
    ours = {"ColorSpace"}
    known_bad = {"Exiv2_aebe35_exiv2-bug495.jpg"}  # a CFAPattern of zeros, read as of either byte order
    theirs = exiftool([*copies, *copies.values()])
    for path, copy in copies.items():
        kept = {k: v for k, v in theirs[str(path)].items() if k.split(":")[-1] not in ours and v != ""}
        changed = {k for k, v in kept.items() if theirs[str(copy)].get(k) != v}
        assert not changed or path.name in known_bad, path.name


def exiftool(paths: list[Path]) -> dict[str, dict[str, object]]:
    command = ["exiftool", "-j", "-G1", "-n", "-u", "-EXIF:all", "-@", "-"]
    answer = subprocess.run(command, input="\n".join(map(str, paths)), capture_output=True, text=True).stdout
    groups = ("ExifIFD", "GPS")
    return {
        found["SourceFile"]: {k: v for k, v in found.items() if k.split(":")[0] in groups and "MakerNote" not in k}
        for found in json.loads(answer)
    }


def heap(records: dict[int, bytes | dict], order: str = "<") -> bytes:
    """A heap of CIFF records; short values stand in the directory itself, dicts are heaps within."""
    body, directory = b"", b""
    for tag, content in records.items():
        if tag & 0xC000 == 0x4000:
            directory += struct.pack(order + "H", tag) + content.ljust(8, b"\0")
            continue
        data = heap(content, order) if isinstance(content, dict) else content
        directory += struct.pack(order + "HII", tag, len(data), len(body))
        body += data
    return body + struct.pack(order + "H", len(records)) + directory + struct.pack(order + "I", len(body))


@pytest.mark.parametrize("order", ["<", ">"])
def test_records_of_a_crw_become_exif(order):
    settings = [0] * 21
    settings[17], settings[20] = 5, 3  # centre-weighted, aperture priority
    records = {
        0x2807: {0x080A: b"Canon\0Canon PowerShot G2\0", 0x0810: b"Somebody\0rest"},
        0x300A: {0x580E: struct.pack(order + "II", 1642666404, 0)},
        0x300B: {0x102D: struct.pack(order + "21h", *settings), 0x102A: struct.pack(order + "7h", *[0] * 6, -20)},
    }
    mark = b"II" if order == "<" else b"MM"
    data = mark + struct.pack(order + "I", 26) + b"HEAPCCDR" + bytes(12) + heap(records, order)
    assert ciff.is_ciff(data)
    ifd0, shot = ciff.entries(memoryview(data))
    assert [tiff.text(ifd0[tag]) for tag in (271, 272, 315)] == ["Canon", "Canon PowerShot G2", "Somebody"]
    assert tiff.text(shot[36867]) == "2022:01:20 08:13:24"
    assert [tiff.numbers(shot[tag])[0] for tag in (37383, 34850)] == [2, 3]
    assert tiff.numbers(shot[37380])[0] == pytest.approx(-2 / 3, abs=0.01)
    for length in range(14, len(data)):
        ciff.entries(memoryview(data[:length]))  # nothing or something, never an error


def test_a_crw_whose_heaps_hold_each_other_comes_to_an_end(ends: None):
    inner = heap({0x2807 + k: b"" for k in range(8)})
    for _ in range(40):
        count = 100
        at = len(inner)
        directory = b"".join(struct.pack("<HII", 0x2807, at, 0) for _ in range(count))
        inner = inner + struct.pack("<H", count) + directory + struct.pack("<I", at)
    ciff.entries(memoryview(b"II" + struct.pack("<I", 26) + b"HEAPCCDR" + bytes(12) + inner))


def test_a_make_is_not_said_twice():
    def camera(make: str, model: str) -> str:
        return exif.Exif({271: tiff.ascii_text(make), 272: tiff.ascii_text(model)}).camera

    assert camera("NIKON CORPORATION", "NIKON D60") == "NIKON D60"
    assert camera("Canon", "Canon EOS 5D") == "Canon EOS 5D"
    assert camera("SONY", "ILCE-7M3") == "SONY ILCE-7M3"
    assert camera("", "") == ""
