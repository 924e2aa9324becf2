"""`--keep original`: the very file comes back, byte for byte, or nothing does."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import shutil
import struct
import subprocess
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
import small
from scenes import HERE, SAMPLE, SHARED
from tiff_maker import Ifd, Value, camera, dng, mosaic_ifd, mosaic_of, tiff

import rawback
from rawback import RenderOptions
from rawback.batch import manifest
from rawback.errors import RawbackError, UsageError
from rawback.files import jumbf, ljpeg
from rawback.files import tiff as tiffs
from rawback.files.jpeg_file import JpegFile
from rawback.files.jumbf import Box
from rawback.lossless.original import keep as keeping
from rawback.lossless.original import kept as boxes_of
from rawback.lossless.original import lossless_jpeg, names, packing, streams
from rawback.lossless.original.give_back import assembled, from_data
from rawback.lossless.original.keep import keep
from rawback.lossless.original.kept import Kept, from_boxes, to_boxes
from rawback.verify.verdict import verify

ORIGINAL = RenderOptions(keep="original", exposure=0.0, quality=75)
REAL = (
    "raw/canon_kiss_x4_colorchart.dng", "raw/canon_powershot_g2_0304.CRW", "raw/canon_powershot_s40_0101.CRW",
    "raw/canon_powershot_s40_0104.CRW", "raw/gopro_fusion_front.dng", "raw/infisp_outdoor1.dng", "raw/kodak_dc50.KDC",
    "raw/quicktake_100_no_wb.QTK", "raw_more/magic_lantern_kiss_x4.dng", "raw_more/nikon_d5000_hdrmerge2.dng",
    "raw_more/pixel7_dark_crop.dng",
)  # fmt: skip


def frame_of(data: bytes) -> np.ndarray:
    with rawpy.imread(io.BytesIO(data)) as raw:
        return np.array(raw.raw_image)


def through_boxes(data: bytes) -> tuple[Kept, bytes]:
    """What is kept of a file as its boxes bring it back, and the file that becomes of it."""
    frame = frame_of(data)
    kept = from_boxes(to_boxes(keep(data, "a.dng", frame)))
    return kept, bytes(assembled(kept, frame))


def in_pieces(frame: np.ndarray, rows: int, columns: int, code, order: str = "<", **tags: Value) -> bytes:
    """A DNG whose mosaic lies in tiles, or strips where they are as wide as it is."""
    height, width = frame.shape
    grid = [(y, x) for y in range(0, height, rows) for x in range(0, width, columns)]
    pieces = [code(frame[y : y + rows, x : x + columns]) for y, x in grid]
    raw = mosaic_ifd(frame, {int(tag): value for tag, value in tags.items()} if tags else None, order)
    raw.pixels = None
    tiled = columns < width
    for tag in (273, 278, 279):
        raw.tags.pop(tag, None)
    raw.tags |= {322: (4, [columns]), 323: (4, [rows])} if tiled else {278: (4, [rows])}
    offsets, counts = (324, 325) if tiled else (273, 279)
    raw.tags[counts] = (4, [len(piece) for piece in pieces])
    raw.tags[offsets] = (4, [0] * len(pieces))
    size = len(tiff(Ifd(camera(), {330: [raw]}), order))
    starts = np.cumsum([size, *map(len, pieces)])[:-1]
    raw.tags[offsets] = (4, starts.tolist())
    return tiff(Ifd(camera(), {330: [raw]}), order, trailing=b"".join(pieces) + b"the end")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_uncompressed_dngs_of_any_packing(bits: int, order: str):
    frame = mosaic_of(3) >> (14 - min(bits, 14))
    turn = packing.LITTLE if order == "<" and bits == 16 else packing.BIG
    data = in_pieces(frame, 16, 48, lambda part: packing.packed(part, bits, turn), order)
    at = data.index(struct.pack(order + "HHIH", 258, 3, 1, 16)) + 8
    data = data[:at] + struct.pack(order + "H", bits) + data[at + 2 :]
    assert np.array_equal(frame_of(data), frame)
    kept, back = through_boxes(data)
    assert back == data
    assert isinstance(kept.stream, streams.Packed)
    assert len(kept.rest) == len(data) - frame.size * bits // 8


@pytest.mark.parametrize("padding", ["zeros", "edge", "pairs"])
@pytest.mark.parametrize("components", [1, 2])
def test_lossless_jpeg_tiles_of_any_padding(components: int, padding: str):
    frame = mosaic_of(4)[:, :40]

    def code(part: np.ndarray) -> bytes:
        missing = (16 - part.shape[0], 32 - part.shape[1])
        if padding == "pairs":
            whole = np.pad(part, [(0, 0), (0, missing[1])], mode="edge")
            whole[:, part.shape[1] :: 2] = part[:, -2:-1]
        else:
            whole = np.pad(part, [(0, missing[0]), (0, missing[1])], **({"mode": "edge"} if padding == "edge" else {}))
        return ljpeg.encode(whole.reshape(16, -1, components)) + b"\0\0\0"

    data = in_pieces(frame, 16, 32, code, **{"259": (3, [7])})
    assert np.array_equal(frame_of(data), frame)
    kept, back = through_boxes(data)
    assert back == data
    assert isinstance(kept.stream, streams.LosslessJpeg)
    assert kept.stream.grid.padding == padding
    assert not kept.patches


def test_a_last_byte_filled_with_zeros():
    def code(part: np.ndarray) -> bytes:
        file = ljpeg.encode(part.reshape(*part.shape, 1))
        start = lossless_jpeg.scan_start(file, 0)
        header = lossless_jpeg.read_header(file[:start])
        return file[:start] + lossless_jpeg.encode(part.reshape(header.shape), header, ones=False) + b"\xff\xd9"

    data = in_pieces(mosaic_of(5), 32, 48, code, **{"259": (3, [7])})
    kept, back = through_boxes(data)
    assert back == data
    assert kept.stream.ones is False
    assert not kept.patches


@pytest.mark.parametrize("injective", [True, False])
def test_values_that_a_table_stretches(injective: bool):
    stored = mosaic_of(6) >> 5
    table = 30 * np.arange(512) + 7 if injective else np.arange(512) // 2 * 40
    data = tiff(Ifd(camera(), {330: [mosaic_ifd(stored, {50712: (3, table.tolist())})]}))
    assert np.array_equal(frame_of(data), table[stored])
    if injective:
        kept, back = through_boxes(data)
        assert back == data
        assert len(kept.rest) < len(data) - stored.size
    else:
        assert keep(data, "a.dng", frame_of(data)).stream is None  # it is small, and kept as it is


def test_a_damaged_tile_is_kept_as_it_is(monkeypatch):
    monkeypatch.setattr(keeping, "SMALL", 0)
    data = bytearray(tiff(dng(7)))
    data[-100:-90] = bytes(10)
    frame = frame_of(bytes(data))
    data[-100:-98] = b"\x12\x34"  # the file says something else than LibRaw once read
    kept = keep(bytes(data), "a.dng", frame)
    assert [stop - start for start, stop in kept.patches] == [2]
    assert bytes(assembled(from_boxes(to_boxes(kept)), frame)) == bytes(data)
    with pytest.raises(RawbackError, match="differ from the file in"):
        keep(bytes(data), "a.dng", frame ^ 1)


@pytest.mark.parametrize("predictor", [1, 3])
def test_deflated_pixels_are_kept_as_they_are(predictor: int, monkeypatch):
    """Floats, which LibRaw rounds; and no two versions of zlib code alike."""
    monkeypatch.setattr(keeping, "SMALL", 0)

    def code(part: np.ndarray) -> bytes:
        floats = part.astype("<f4" if predictor == 1 else ">f4")
        if predictor == 1:
            return zlib.compress(floats.tobytes())
        by_byte = floats.view(np.uint8).reshape(*part.shape, 4).transpose(0, 2, 1).reshape(len(part), -1)
        return zlib.compress(np.diff(by_byte, axis=1, prepend=np.uint8(0)).tobytes())

    data = in_pieces(mosaic_of(9), 16, 16, code, **{"259": (3, [8]), "317": (3, [predictor]), "339": (3, [3])})
    at = data.index(struct.pack("<HHIH", 258, 3, 1, 16)) + 8
    data = data[:at] + struct.pack("<H", 32) + data[at + 2 :]
    kept, back = through_boxes(data)
    assert kept.stream is None
    assert back == data


def test_rows_with_something_between_are_looked_for():
    frame = mosaic_of(8)
    rows = [packing.packed(row[None], 12, packing.LITTLE) + b"gap!" for row in frame >> 2]
    data = b"a maker's own format" + b"".join(rows) + bytes(300)
    kept = keep(data, "a.xyz", frame >> 2)
    assert isinstance(kept.stream, streams.Packed)
    assert len(kept.stream.spans) == 32
    assert bytes(assembled(from_boxes(to_boxes(kept)), frame >> 2)) == data


def cr2(frame: np.ndarray, slices: tuple[int, int, int], components: int, predictor: int = 1) -> bytes:
    """As Canon's cameras write it: a lossless JPEG with tables of its own for each component, in slices."""
    height, width = frame.shape
    count, first, last = slices
    cut = np.split(frame, np.cumsum([first] * count), axis=1)
    samples = np.concatenate([part.ravel() for part in cut]).reshape(height, width // components, components)
    counts = bytes([0, 0, 0, 15, 2, *[0] * 11])
    tables = b"".join(bytes([i]) + counts + bytes(np.roll(range(17), i).tolist()) for i in range(2))
    head = b"\xff\xd8\xff\xc4" + struct.pack(">H", 2 + len(tables)) + tables
    sof = struct.pack(">BHHB", 14, height, width // components, components)
    sof += b"".join(bytes([i + 1, 0x11, 0]) for i in range(components))
    head += b"\xff\xc3" + struct.pack(">H", 2 + len(sof)) + sof
    sos = bytes([components]) + b"".join(bytes([i + 1, (i & 1) << 4]) for i in range(components)) + bytes([predictor, 0, 0])
    head += b"\xff\xda" + struct.pack(">H", 2 + len(sos)) + sos
    jpeg = head + lossless_jpeg.encode(samples, lossless_jpeg.read_header(head)) + b"\xff\xd9"
    raw = Ifd({259: (3, [6]), 50752: (3, [count, first, last])}, pixels=jpeg + b"\0" * 5)
    exif = Ifd({33434: (5, [1, 60])})
    ifd0 = {
        256: (3, [8]),
        257: (3, [8]),
        258: (3, [8, 8, 8]),
        259: (3, [6]),
        271: (2, b"Canon\0"),
        272: (2, b"Canon EOS 30D\0"),
        274: (3, [1]),
    }
    return tiff(Ifd(ifd0, {34665: [exif]}, pixels=b"\xff\xd8\xff\xd9", next=raw))


@pytest.mark.parametrize("components", [2, 4])
@pytest.mark.parametrize("slices", [(0, 0, 0), (1, 16, 32), (2, 16, 16)])
def test_canons_cr2(components: int, slices: tuple[int, int, int]):
    frame = mosaic_of(9)
    data = cr2(frame, slices if slices[0] else (0, 48, 48), components)
    assert components == 4 or np.array_equal(frame_of(data), frame)  # LibRaw wants more of four than these
    kept = from_boxes(to_boxes(keep(data, "a.cr2", frame)))
    assert isinstance(kept.stream, streams.LosslessJpeg)
    assert not kept.patches
    assert bytes(assembled(kept, frame)) == data


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A DNG with a preview, uncompressed, and the JPEG that holds it. Not to be changed."""
    folder = tmp_path_factory.mktemp("pair")
    raw, photo = folder / "IMG 1.dng", folder / "IMG 1.jpg"
    raw.write_bytes(tiff(dng(1)) + bytes(range(256)) * 9)
    photo.write_bytes(rawback.render(raw, ORIGINAL).data)
    return raw, photo


def test_the_very_file_comes_back(pair, run, tmp_path):
    raw, photo = pair
    code, _, errors = run("recover", "--original", photo, "-o", f"{tmp_path}/back/")
    assert code == 0
    back = tmp_path / "back" / raw.name
    assert back.read_bytes() == raw.read_bytes()
    assert hashlib.sha256(raw.read_bytes()).hexdigest() in errors
    assert os.listdir(tmp_path / "back") == [raw.name]


def test_to_a_name_of_ones_own_and_in_a_pipe(pair, run, command, tmp_path):
    raw, photo = pair
    assert run("recover", "--original", photo, "-o", tmp_path / "b.dng")[0] == 0
    assert (tmp_path / "b.dng").read_bytes() == raw.read_bytes()
    assert command("recover", "--original", "-", "-o", "-", stdin=photo.read_bytes()).stdout == raw.read_bytes()
    code, _, errors = run("recover", "--original", photo, "-o", tmp_path / "b.jpg")
    assert code == 2
    assert "promises a JPEG" in errors


def test_by_default_beside_the_jpeg(pair, run, tmp_path):
    raw, photo = pair
    moved = tmp_path / "renamed.jpg"
    shutil.copy(photo, moved)
    assert run("recover", "--original", moved)[0] == 0
    assert (tmp_path / raw.name).read_bytes() == raw.read_bytes()


def test_what_lies_there_is_not_replaced(pair, run, tmp_path):
    raw, photo = pair
    target = tmp_path / raw.name
    target.write_bytes(b"somebody's own")
    code, _, errors = run("recover", "--original", "--force", photo, "-o", tmp_path)
    assert code == 1
    assert "did not make" in errors
    assert target.read_bytes() == b"somebody's own"
    target.write_bytes(raw.read_bytes())
    before = target.stat()
    code, _, errors = run("recover", "--original", photo, "-o", tmp_path)
    assert (code, target.stat().st_ino) == (0, before.st_ino)
    assert "is there already" in errors


def test_a_tree_is_mirrored_back(run, tmp_path):
    folder = tmp_path / "in"
    for number, name in enumerate(("a/1.dng", "a/2.DNG", "b/c/1.dng")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(tiff(dng(number)))
    assert run("render", "--keep", "original", folder, "-r", "-o", tmp_path / "jpegs", "--jobs", "1")[0] == 0
    assert run("recover", "--original", tmp_path / "jpegs", "-r", "-o", tmp_path / "back", "--jobs", "1")[0] == 0
    files = sorted(path.relative_to(folder) for path in folder.rglob("*.*"))
    assert sorted(path.relative_to(tmp_path / "back") for path in (tmp_path / "back").rglob("*.*")) == files
    assert all((folder / name).read_bytes() == (tmp_path / "back" / name).read_bytes() for name in files)


def test_info_tells_of_it(pair, run):
    raw, photo = pair
    facts = json.loads(run("info", "--json", photo)[1])
    expected = (raw.name, raw.stat().st_size, hashlib.sha256(raw.read_bytes()).hexdigest())
    assert tuple(facts[name] for name in ("original_file", "original_bytes", "original_sha256")) == expected
    assert "recover --original" in facts["original_back"]


def test_verify_compares_by_hash(pair, run, tmp_path):
    raw, photo = pair
    code, said, _ = run("verify", photo, raw)
    assert code == 0
    assert hashlib.sha256(raw.read_bytes()).hexdigest() in said
    other = tmp_path / "other.dng"
    other.write_bytes(raw.read_bytes() + b"!")
    verdict = verify(photo, other)
    assert not verdict.complete
    assert "the original file: that inside is another" in verdict.missing


def test_what_is_proved_may_go(pair, run, tmp_path):
    raw, _ = pair
    shutil.copy(raw, tmp_path / "a.dng")
    code, _, errors = run("render", "--keep", "original", "--delete-original", tmp_path / "a.dng")
    assert code == 0
    assert hashlib.sha256(raw.read_bytes()).hexdigest() in errors
    assert "byte for byte" in errors
    assert os.listdir(tmp_path) == ["a.jpg"]
    assert run("recover", "--original", tmp_path / "a.jpg")[0] == 0
    assert (tmp_path / "a.dng").read_bytes() == raw.read_bytes()


def test_options_that_contradict_it(run, pair):
    with pytest.raises(UsageError, match="every byte"):
        RenderOptions(keep="original", keep_exif=False)
    assert run("recover", "--original", "--dng", "linear", pair[1])[0] == 2
    assert run("recover", "--original", pair[0].with_name("none.jpg"))[0] == 1
    assert RenderOptions(original=True).lossless


def test_a_jpeg_without_one_is_refused_in_a_line(run, sample_file, tmp_path):
    code, _, errors = run("recover", "--original", sample_file, "-o", tmp_path / "a.raw")
    assert code == 1
    assert "does not hold the original file; `render --keep original` makes JPEGs that do" in errors
    assert not os.listdir(tmp_path)


def test_an_unknown_coder_is_refused_in_a_line(pair, run, monkeypatch, tmp_path):
    monkeypatch.setattr(keeping, "SMALL", 0)
    monkeypatch.setattr(keeping, "_likely", lambda data, frame: [])
    shutil.copy(pair[0], tmp_path / "a.dng")
    code, _, errors = run("render", "--keep", "original", tmp_path / "a.dng")
    assert code == 1
    assert "a.dng cannot be kept byte for byte: its pixels are coded in a way that is not known here" in errors
    assert errors.count("\n") == 1
    assert os.listdir(tmp_path) == ["a.dng"]


def test_a_small_file_of_an_unknown_coder_is_kept_as_it_is(pair, monkeypatch):
    raw, _ = pair
    monkeypatch.setattr(keeping, "_likely", lambda data, frame: [])
    rendered = rawback.render(raw, ORIGINAL)
    assert bytes(from_data(rendered.data, "a.jpg").data) == raw.read_bytes()
    labels = {box.label for box in jumbf.find(JpegFile(rendered.data))}
    assert labels == {boxes_of.LABEL, boxes_of.PART_LABEL}
    assert rendered.notes[-1].endswith("its pixels as they are coded")


def recovered_dng(data: bytes, folder: Path) -> rawback.Recovered:
    path = folder / "recovered.jpg"
    path.write_bytes(data)
    return rawback.recover(path)


@pytest.mark.parametrize("coded", [True, False])
def test_recover_makes_the_same_dng_as_of_a_lossless_one(pair, tmp_path, monkeypatch, coded):
    raw, _ = pair
    if not coded:
        monkeypatch.setattr(keeping, "_likely", lambda data, frame: [])
    original = recovered_dng(rawback.render(raw, ORIGINAL).data, tmp_path)
    lossless = recovered_dng(rawback.render(raw, replace(ORIGINAL, original=False, lossless=True)).data, tmp_path)
    assert original.exact
    assert lossless.exact
    assert original.original == lossless.original
    first, second = (tiffs.read(b"".join(it.dng())) for it in (original, lossless))
    same = [{tag: e for tag, e in d.entries.items() if tag not in (52525, 700, 273, 324)} for d in first.walk()]
    assert [len(d.entries) for d in first.walk()] == [len(d.entries) for d in second.walk()]
    assert len(same) == len(list(second.walk()))
    assert np.array_equal(original.whole.frame, lossless.whole.frame)


def test_metadata_are_not_kept_twice(pair):
    labels = [box.label for box in jumbf.find(JpegFile(pair[1].read_bytes()))]
    assert "rawback.metadata" not in labels


def test_after_other_metadata_were_edited(pair, tmp_path):
    if not shutil.which("exiftool"):
        pytest.skip("needs exiftool")
    raw, photo = pair
    edited = tmp_path / "edited.jpg"
    shutil.copy(photo, edited)
    tags = ["-XMP:Rating=4", "-Artist=Somebody", "-IPTC:Keywords=garden", "-XMP-dc:Title=Another", "-overwrite_original"]
    subprocess.run(["exiftool", "-q", *tags, str(edited)], check=True)
    assert edited.read_bytes() != photo.read_bytes()
    assert bytes(from_data(edited.read_bytes(), "edited.jpg").data) == raw.read_bytes()


def test_a_picture_that_was_saved_again_holds_no_file(pair):
    from PIL import Image

    image = Image.open(io.BytesIO(pair[1].read_bytes()))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=80)
    data = stream.getvalue()
    spliced = data[:2] + b"".join(part for part in segments(pair[1].read_bytes())) + data[2:]
    with pytest.raises(RawbackError, match=r"saved again|recipe or its lossless layer"):
        from_data(spliced, "a.jpg")


def segments(data: bytes) -> list[bytes]:
    return [data[part.start : part.stop] for part in JpegFile(data).segments if part.marker in (0xE1, 0xEB)]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("IMG_1.CR2", "IMG_1.CR2"), ("Grüße 1.dng", "Grüße 1.dng"), ("a.b.nef", "a.b.nef"),
        ("", "photo.raw"), (".bashrc", "photo.raw"), ("../a.dng", "photo.raw"), ("/etc/a.dng", "photo.raw"),
        ("..", "photo.raw"), ("a\\b.dng", "photo.raw"), ("evil.sh", "photo.raw"), ("a.dng\0.sh", "photo.raw"),
        (".dng", "photo.raw"), ("-rf.dng", "photo.raw"), ("con.dng", "photo.raw"), ("x" * 300 + ".dng", "photo.raw"),
        ("a\n.dng", "photo.raw"),
    ],
)  # fmt: skip
def test_a_forged_name_is_not_obeyed(name: str, safe: str):
    assert names.safe(name, Path("folder/photo.jpg")) == safe


def relabelled(data: bytes, change) -> bytes:
    """A JPEG whose boxes are others, its checksums right."""
    file = JpegFile(data)
    boxes = [change(box) for box in jumbf.find(file)]
    own = b"".join(data[p.start : p.stop] for p in file.segments if p.marker != 0xEB and p.stop <= file.scan_start)
    new = b"".join(b"\xff\xeb" + struct.pack(">H", len(body) + 2) + body for _, body in jumbf.to_segments(boxes))
    return data[:2] + new + own + data[file.scan_start :]


def test_a_header_that_lies_gives_no_other_file(pair):
    _, photo = pair
    kept = from_boxes(jumbf.find(JpegFile(photo.read_bytes())))
    lies = [
        replace(kept, sha256="00" * 32), replace(kept, size=kept.size + 1), replace(kept, rest=kept.rest[:-1]),
        replace(kept, patches=((0, 1),)), replace(kept, values=np.zeros(65536, np.uint16)),
        replace(kept, stream=replace(kept.stream, bits=12)), replace(kept, stream=None),
        replace(kept, stream=replace(kept.stream, spans=((0, 10), (5, 20)))),
        replace(kept, stream=replace(kept.stream, grid=replace(kept.stream.grid, rows=0))),
        replace(kept, stream=replace(kept.stream, grid=replace(kept.stream.grid, frame=(1, 1)))),
    ]  # fmt: skip
    for lie in lies:
        boxes = iter(to_boxes(lie))
        header = next(boxes)
        forged = relabelled(photo.read_bytes(), lambda box, header=header: header if box.label == boxes_of.LABEL else box)
        with pytest.raises(RawbackError, match="does not give back the original file"):
            from_data(forged, "a.jpg")


def test_a_later_version_is_refused_by_name(pair):
    def later(box: Box) -> Box:
        if box.label != boxes_of.LABEL:
            return box
        body = b"\x09\0" + box.content[6:]
        return Box(box.label, zlib.crc32(body).to_bytes(4, "little") + body)

    with pytest.raises(RawbackError, match="update rawback"):
        from_data(relabelled(pair[1].read_bytes(), later), "a.jpg")


def test_damaged_parts_are_named(pair):
    def damaged(box: Box) -> Box:
        return Box(box.label, box.content[:-1] + bytes([box.content[-1] ^ 1])) if box.label == boxes_of.PART_LABEL else box

    with pytest.raises(RawbackError, match="parts 0 of what is kept beside its pixels are damaged"):
        from_data(relabelled(pair[1].read_bytes(), damaged), "a.jpg")


@pytest.mark.parametrize("seed", range(300))
def test_no_damage_makes_another_file(pair, seed: int, ends):
    """Bit flips, cuts and copies anywhere: the file, or an error."""
    raw, photo = pair
    rng, data = random.Random(seed), bytearray(photo.read_bytes())
    for _ in range(rng.choice((1, 1, 2, 5))):
        at, size = rng.randrange(len(data)), rng.choice((1, 1, 4, 60))
        kind = rng.randrange(3)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + size] = rng.randbytes(size)
        else:
            del data[at : at + size]
    try:
        back = bytes(from_data(bytes(data), "a.jpg").data)
    except RawbackError:
        return
    assert back == raw.read_bytes()


@pytest.mark.parametrize("seed", range(300))
def test_no_forged_header_makes_another_file(pair, seed: int, ends):
    """Facts changed at random, their checksums right."""
    raw, photo = pair
    rng = random.Random(seed)
    boxes = jumbf.find(JpegFile(photo.read_bytes()))
    number = next(i for i, box in enumerate(boxes) if box.label == boxes_of.LABEL)
    text = bytearray(zlib.decompress(boxes[number].content[6:]))
    for _ in range(rng.choice((1, 1, 2, 4))):
        digits = [i for i, byte in enumerate(text) if chr(byte) in '0123456789-,:"[]{}']
        at = rng.choice(digits)
        text[at : at + 1] = rng.choice((b"9", b"0", b"-", b"1e9", b"null", b"[", b"]", b'"', b"65535", b",", b""))
    body = (1).to_bytes(2, "little") + zlib.compress(bytes(text))
    boxes[number] = Box(boxes_of.LABEL, zlib.crc32(body).to_bytes(4, "little") + body)
    left = iter(boxes)
    try:
        back = bytes(from_data(relabelled(photo.read_bytes(), lambda box: next(left)), "a.jpg").data)
    except RawbackError:
        return
    assert back == raw.read_bytes()


@pytest.mark.parametrize("name", ["sample.dng", "v0.1/source.dng", "v0.1/xtrans.dng"])
def test_files_of_our_own(name: str):
    data = (HERE / "data" / name).read_bytes()
    kept, back = through_boxes(data)
    assert back == data
    assert kept.stream is not None


@pytest.mark.parametrize("name", REAL)
def test_real_files(name: str):
    path = SHARED / name
    if not path.is_file():
        pytest.skip("needs ../shared/data")
    data = path.read_bytes()
    kept, back = through_boxes(data)
    assert back == data
    assert (kept.stream is None) == (len(data) < 1 << 20)
    assert len(kept.patches) == 0


def test_a_real_file_through_the_picture(tmp_path):
    rendered = rawback.render(SAMPLE, ORIGINAL)
    path = tmp_path / "a.jpg"
    path.write_bytes(rendered.data)
    original = rawback.original_file(path)
    assert original.name == SAMPLE.name
    assert bytes(original.data) == SAMPLE.read_bytes()
    assert len(rendered.data) < 0.9 * len(original.data)


def checked(manifest: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["sha256sum", "-c", *options, manifest.name], cwd=manifest.parent, capture_output=True, text=True)


def test_a_manifest_lists_both(run, tmp_path):
    if not shutil.which("sha256sum"):
        pytest.skip("needs sha256sum")
    folder, listed = tmp_path / "raws", tmp_path / "archive" / "sha256.txt"
    for number, name in enumerate(("1.dng", "a b.dng", "c.DNG")):
        folder.mkdir(exist_ok=True)
        (folder / name).write_bytes(tiff(dng(number)))
    line = ("render", "--keep", "original", folder, "-r", "-o", tmp_path / "archive", "--manifest", listed, "--jobs", "1")
    assert run(*line)[0] == 0
    first = listed.read_bytes()
    assert len(first.splitlines()) == 6
    assert checked(listed, "--strict").returncode == 0
    (folder / "2.dng").write_bytes(tiff(dng(5)))
    assert run(*line, "--skip-existing", "--delete-original")[0] == 0
    assert len(listed.read_bytes().splitlines()) == 8
    assert set(first.splitlines()) <= set(listed.read_bytes().splitlines())
    assert not os.listdir(folder)
    assert checked(listed).returncode == 1
    assert run("recover", "--original", tmp_path / "archive", "-r", "-o", folder, "--jobs", "1")[0] == 0
    assert checked(listed, "--strict").returncode == 0
    (folder / "1.dng").write_bytes(b"another")
    assert "raws/1.dng: FAILED" in checked(listed).stdout


@pytest.mark.parametrize("name", ["a.dng", "a  b.dng", "back\\slash\\n.dng", "line\nend.dng", "\\", "Grüße.dng"])
def test_odd_names_are_written_as_sha256sum_does(name: str, tmp_path):
    if not shutil.which("sha256sum") or os.name == "nt":
        pytest.skip("needs sha256sum")
    (tmp_path / name).write_bytes(b"1")
    sha256 = hashlib.sha256(b"1").hexdigest()
    assert subprocess.run(["sha256sum", name], cwd=tmp_path, capture_output=True).stdout == manifest.line(name, sha256).encode()
    assert manifest.parsed(manifest.line(name, sha256).encode(), tmp_path) == {name: sha256}


def test_a_file_that_is_no_manifest_stays(run, pair, tmp_path):
    (tmp_path / "notes.txt").write_text("somebody's notes\n")
    line = ("render", "--keep", "original", pair[0], "-o", tmp_path / "a.jpg", "--manifest", tmp_path / "notes.txt")
    code, _, errors = run(*line)
    assert code == 1
    assert "is no list of SHA-256 sums" in errors
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.skipif(os.name == "nt", reason="needs POSIX")
@pytest.mark.parametrize("verb", ["render", "recover"])
def test_killed_runs_leave_whole_files_and_the_next_run_ends_them(verb: str, tmp_path):
    """Four kills while files are written; what is there then is whole, and what is missing comes."""
    raws, photos, target = tmp_path / "raws", tmp_path / "photos", tmp_path / "target"
    raws.mkdir()
    for number in range(8):
        (raws / f"{number}.dng").write_bytes(tiff(dng(number)))
    small.rawback("render", "--keep", "original", raws, "-r", "-o", photos)
    first = ("render", "--keep", "original", raws) if verb == "render" else ("recover", "--original", photos)
    line = [*small.RAWBACK, *map(str, first), "-r", "-o", str(target), "--skip-existing"]
    rng = random.Random(verb)
    seen = 0
    for _ in range(4):
        process = subprocess.Popen(line, env=small.ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and len(list(target.glob("[!.]*"))) <= seen:
            time.sleep(0.01)
        time.sleep(rng.uniform(0, 0.1))
        process.kill()
        process.wait()
        seen = len(list(target.glob("[!.]*")))
        assert seen
        for path in target.glob("[!.]*"):
            data = path.read_bytes()
            back = bytes(from_data(data, path.name).data) if verb == "render" else data
            assert back == (raws / f"{path.stem}.dng").read_bytes()
    assert subprocess.run(line, env=small.ENVIRONMENT, capture_output=True).returncode == 0
    assert sorted(path.stem for path in target.iterdir()) == sorted(path.stem for path in raws.iterdir())


def test_a_full_disk_is_an_error(pair, command):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    done = command("recover", "--original", pair[1], "-o", "/dev/full")
    assert done.returncode == 1
    assert b"No space left" in done.stderr
