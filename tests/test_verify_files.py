"""What `verify` sees in a file: every directory and tag, whatever is damaged or means harm; and what counts as the same."""

from __future__ import annotations

import io
import struct

import pytest
import tifffile
from PIL import Image
from scenes import SAMPLE
from tiff_maker import SIZES, Ifd, Value, camera, dng, mosaic_ifd, mosaic_of, packed, tiff

from rawback.verify import inventory, jpeg_segments, written_anew, xmp_properties
from rawback.verify.entries import Entry
from rawback.verify.missing import missing
from rawback.verify.values import same

EXIF = Ifd({33434: (5, [1, 100]), 34855: (3, [400]), 37510: (7, b"UNICODE\0" + "grün".encode("utf-16-le"))})
XMP = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/" %s>
<dc:subject><rdf:Bag>%s</rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"""


def tag(number: int, value: Value, order: str = "<") -> Entry:
    data = packed(value, order)
    return Entry(number, value[0], len(data) // SIZES[value[0]], memoryview(data), order, 0)


def lost(original: Ifd | bytes, kept: Ifd | bytes) -> tuple[str, ...]:
    """What `missing` names."""
    files = [file if isinstance(file, bytes) else tiff(file) for file in (original, kept)]
    return missing(*map(inventory.take, files))


def preview(**options: object) -> bytes:
    """A small JPEG."""
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((16, 16)).convert("RGB").save(stream, "JPEG", **options)
    return stream.getvalue()


def with_preview(jpeg: bytes) -> Ifd:
    """A DNG whose IFD0 holds a preview."""
    file = dng(ifd0={254: (4, [1]), 256: (4, [16]), 257: (4, [16]), 259: (3, [7]), 262: (3, [6])})
    file.pixels = jpeg
    return file


@pytest.mark.parametrize("order", "<>")
def test_every_directory_is_seen(order: str):
    mosaic, mask, gps = mosaic_ifd(mosaic_of(0)), Ifd({254: (4, [8])}), Ifd({1: (2, b"N\0")})
    first = Ifd(camera(), {330: [mosaic, mask], 34665: [EXIF], 34853: [gps]}, next=Ifd({50936: (2, b"Mine\0")}))
    found = inventory.take(tiff(first, order))
    assert [(d.path, d.kind) for d in found.directories] == [
        ("IFD0", "IFD"), ("IFD0/SubIFD0", "SubIFD"), ("IFD0/SubIFD1", "SubIFD"), ("IFD0/Exif", "Exif"), ("IFD0/GPS", "GPS"),
        ("IFD1", "IFD"),
    ]  # fmt: skip
    assert found.notes == [] and found.is_dng
    assert {t.number for t in found.directories[3].tags} == EXIF.tags.keys()


def test_tifffile_sees_no_more():
    found = inventory.take(SAMPLE.read_bytes())
    images = [d for d in found.directories if d.kind in ("IFD", "SubIFD")]
    ours = {(d.kind == "SubIFD", t.number): bytes(t.data) for d in images for t in d.tags}
    with tifffile.TiffFile(SAMPLE) as file:
        pages = [(False, file.pages[0]), *((True, page) for page in file.pages[0].pages or ())]
        theirs = {(below, t.code): t for below, page in pages for t in page.tags if t.code not in (330, 34665, 34853)}
    assert ours.keys() == theirs.keys()
    assert all(len(ours[key]) == t.valuebytecount for key, t in theirs.items())


def test_big_tiff_is_read():
    entries = [(271, 2, 12, b"Big and long"), (254, 4, 1, b"\0" * 8)]
    table = struct.pack("<Q", 2)
    for number, kind, count, data in sorted(entries):
        table += struct.pack("<HHQ", number, kind, count) + (data if len(data) <= 8 else struct.pack("<Q", 16 + 8 + 40 + 8))
    found = inventory.take(b"II" + struct.pack("<HHHQ", 43, 8, 0, 16) + table + b"\0" * 8 + b"Big and long")
    assert [(t.number, bytes(t.data[:8])) for t in found.directories[0].tags] == [(254, b"\0" * 4), (271, b"Big and ")]
    assert found.notes == []


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        ((3, [512]), (4, [512]), True),
        ((4, [512]), (5, [1024, 2]), True),
        ((3, [65535]), (8, [-1]), False),
        ((5, [1, 3]), (5, [333333, 1000000]), False),
        ((5, [1, 0]), (5, [2, 0]), False),
        ((11, [0.5]), (12, [0.5]), True),
        ((2, b"One\0"), (2, b"One\0\0"), True),
        ((2, b"One\0"), (2, b"Two\0"), False),
        ((7, b"\1\2"), (1, b"\1\2"), True),
        ((3, [512]), (3, [512, 512]), False),
        ((12, [float("nan")]), (12, [float("nan")]), True),
        ((3, []), (3, []), True),
    ],
)
def test_values_are_the_same_as_numbers(a: Value, b: Value, equal: bool):
    for orders in ("<<", "<>", "><"):
        assert same(tag(271, a, orders[0]), tag(271, b, orders[1])) is equal


def test_numbers_within_bytes_follow_the_order_of_the_file():
    table = lambda order: struct.pack(order + "2I4dI5f4f", 1, 2, 0.5, 0.25, 0, 0, 2, *[0.2] * 5, 1, 1.5, 2, 2.5)  # noqa: E731
    assert same(tag(52525, (7, table(">")), ">"), tag(52525, (7, table("<")), "<"))
    assert not same(tag(52525, (7, table(">")), ">"), tag(52525, (7, table(">")), "<"))
    assert same(tag(51022, (7, table(">")), ">"), tag(51022, (7, table(">")), "<"))  # opcodes are big-endian everywhere
    assert same(tag(41730, (7, b"\0\2\0\2\0\1\1\2"), ">"), tag(41730, (7, b"\2\0\2\0\0\1\1\2"), "<"))


def test_xmp_is_compared_by_its_properties():
    original = XMP % (b'xmp:Rating="4"', b"<rdf:li>sea</rdf:li>")
    as_element = XMP.replace(b"<dc:subject>", b"<xmp:Rating>4</xmp:Rating><dc:subject>")
    other_form = as_element % (b"", b"<rdf:li>x</rdf:li><rdf:li>sea</rdf:li>")
    assert xmp_properties.lost(original, other_form) == []
    assert xmp_properties.lost(original, XMP % (b'xmp:Rating="5"', b"<rdf:li>sea</rdf:li>")) == ["Rating"]
    assert xmp_properties.lost(original, XMP % (b'xmp:Rating="4"', b"")) == ["subject"]
    assert xmp_properties.lost(original, b"") == ["Rating", "subject"]
    assert xmp_properties.lost(b"no XML", original) != [] and xmp_properties.lost(b"no XML\0", b"no XML") == []
    bomb = b'<!DOCTYPE a [<!ENTITY b "cc">]>' + original
    assert xmp_properties.lost(bomb, original) != []
    deep = XMP % (b"", b"<rdf:li>" * 5000 + b"</rdf:li>" * 5000)
    assert xmp_properties.lost(deep, original) != []


def test_a_preview_may_go_but_not_what_else_its_jpeg_says():
    assert lost(with_preview(preview()), dng()) == ()
    assert lost(with_preview(preview(comment=b"mine")), dng()) == ("IFD0/JPEG: comment",)
    assert lost(with_preview(preview() + b"GAINMAP!"), dng()) == ("IFD0/JPEG: 8 bytes behind a JPEG",)
    exif = tiff(Ifd({315: (2, b"Me\0")}, {34665: [EXIF]}))
    named = lost(with_preview(preview(exif=b"Exif\0\0" + exif)), dng())
    assert "IFD0/JPEG/IFD0 315 Artist" in named and any("34855" in phrase for phrase in named)
    scan = jpeg_segments.read(memoryview(preview(progressive=True)))
    assert scan.lossy and scan.others == []


@pytest.mark.parametrize("kind", [0, 4, 8, 16, 0x10004])
def test_further_images_are_named_unless_they_are_there(kind: int):
    depth = mosaic_ifd(mosaic_of(3), {254: (4, [kind])})
    original = dng()
    original.subs[330].append(depth)
    assert [phrase.split(":")[0] for phrase in lost(original, dng())] == ["IFD0/SubIFD1"]
    assert lost(original, original) == ()


def test_bytes_that_nothing_refers_to_are_named():
    assert lost(tiff(dng(), trailing=b"\0" * 400), dng()) == ()
    assert len(lost(tiff(dng(), trailing=b"a note of mine"), dng())) == 1


def test_what_is_not_understood_is_said():
    for data in (b"FUJIFILMCCD-RAW 0201" + b"\0" * 99, b"\0\0\0\x18ftypcrx " + b"\0" * 99, b"qktk" + b"\0" * 99, b"", b"II"):
        assert "not understood" in " ".join(lost(data, dng()))


def crw(records: list[tuple[int, bytes]], order: str = "<") -> bytes:
    """A Canon CRW: records in the heap of a heap, its numbers of shutter counts kept in the directory."""

    def heap(entries: list[tuple[int, bytes]]) -> bytes:
        body, table = b"", struct.pack(order + "H", len(entries))
        for number, content in entries:
            if number & 0x4000:
                table += struct.pack(order + "H", number) + content
                continue
            table += struct.pack(order + "HII", number, len(content), len(body))
            body += content
        return body + table + struct.pack(order + "I", len(body))

    inner = heap(records)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "I", 26) + b"HEAPCCDR" + b"\0" * 12
    return head + heap([(0x2005, b"pixels" * 50), (0x300A, inner)])


@pytest.mark.parametrize("order", "<>")
def test_records_of_a_crw_are_kept_as_adobe_keeps_them(order: str):
    records = [(0x080A, b"Canon\0PowerShot\0"), (0x102D, b"\1\2\3\4"), (0x5817, b"\7\0\0\0\0\0\0\0"), (0x2008, b"thumbnail")]
    original = crw(records, order)
    names = [f"record 0x{number:04x} of heap/0x300a" for number in (0x080A, 0x102D, 0x1817)]
    assert lost(original, dng()) == tuple(names)
    body = b"II" + struct.pack(">H", 2) + b"".join(struct.pack(">HI", n, len(c)) + c for n, c in records[1:3])
    block = b"Adobe\0CRW " + struct.pack(">I", len(body)) + body
    assert lost(original, dng(ifd0={50740: (1, block)})) == tuple(names[:1])
    assert lost(original + b"a note of mine", dng()) != tuple(names)


def test_a_maker_note_is_kept_with_its_order_and_place():
    note = b"NOTE" + bytes(range(200))
    original = dng(order=">")
    original.subs[34665] = [Ifd({37500: (7, note)})]
    data = tiff(original, ">")
    assert lost(data, dng()) == ("IFD0/Exif 37500 MakerNote",)
    for order, place, kept in ((b"MM", data.index(note), True), (b"II", data.index(note), False), (b"MM", 8, False)):
        body = order + struct.pack(">I", place) + note
        block = b"Adobe\0MakN" + struct.pack(">I", len(body)) + body
        assert (lost(data, dng(ifd0={50740: (1, block)})) == ()) is kept


def test_the_list_of_what_is_written_anew_is_short():
    """Whoever adds to it has to change this too, and give a reason there."""
    layout = {256, 257, 258, 259, 262, 266, 273, 277, 278, 279, 284, 317, 322, 323, 324, 325, 513, 514}
    assert {*written_anew.CONTAINER} == {50706, 50707}
    assert {*written_anew.MOSAIC} == layout | {50712, 50972, 50974, 50975, 51111, 52547, 52553, 52554, 52555}
    assert {*written_anew.PREVIEWS} - layout == {
        254, 255, 301, 318, 319, 320, 338, 339, 340, 341, 347, 512, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 34675,
        *range(50966, 50972),
    }  # fmt: skip
    assert {*written_anew.CIFF_RECORDS} == {0x0000, 0x0001, 0x1835, 0x2005, 0x2007, 0x2008}


def test_an_unchanged_file_lacks_nothing():
    data = SAMPLE.read_bytes()
    assert missing(inventory.take(data), inventory.take(data)) == ()
