"""What a RAW says beside its pixels goes with its JPEG and comes back: by directory and number, edits included."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from test_verify_property import files, silent
from tiff_maker import Ifd, Value, dng, packed, tiff

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.files import exif, jumbf, raw, xmp
from rawback.files import tiff as own_reader
from rawback.files.jpeg_file import APP1, APP11, APP13, EXTENDED_XMP, JpegFile
from rawback.files.original import adobe, budget, carried, edits
from rawback.files.original import packed as boxes
from rawback.files.original.metadata import Original
from rawback.files.tags import Tag, name_of
from rawback.files.tiff import Entry
from rawback.verify.verdict import verify

ROOM = 64_000
LOSSLESS = RenderOptions(lossless=True, quality=75)
needs_exiftool = pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
SECRETS = ("ARTIST-OF-THE-USER", "SERIAL-4711", "RAW-NAME-0815.CR2", "PLACE-OF-THE-USER", "NOTE-OF-THE-CAMERA", "OWNER-X")


def text(value: str) -> Value:
    return 2, value.encode() + b"\0"


def packet(inner: str) -> bytes:
    """An XMP packet with attributes of xmp, dc, crs and photoshop."""
    names = {
        "xmp": "http://ns.adobe.com/xap/1.0/", "dc": "http://purl.org/dc/elements/1.1/",
        "crs": "http://ns.adobe.com/camera-raw-settings/1.0/", "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    }  # fmt: skip
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in names.items())
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    body = f'<rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" {spaces} {inner}/></rdf:RDF>'
    return f'<x:xmpmeta xmlns:x="adobe:ns:meta/">{body}</x:xmpmeta>'.encode()


DESCRIBED = 'xmp:Rating="4" xmp:Label="Red" crs:Exposure2012="+1"'
IPTC = b"\x1c\x02\x05\0\x05Title\x1c\x02\x19\0\x07wedding"


def personal(order: str = "<", **more: dict[int, Value]) -> bytes:
    """A DNG with what catalogues, developers and people look for."""
    note = b"NOTE-OF-THE-CAMERA, without offsets"
    ifd0 = {
        305: text("Firmware 1.2"), 315: text(SECRETS[0]), 700: (1, packet(DESCRIBED)),
        33723: (7, IPTC), 50735: text(SECRETS[1]), 50736: (5, [24, 1, 70, 1, 28, 10, 28, 10]), 50827: text(SECRETS[2]),
    }  # fmt: skip
    file = dng(3, ifd0=ifd0 | more.get("ifd0", {}), raw=more.get("raw", {}), order=order)
    unicode = "Grüße, PLACE-OF-THE-USER".encode("utf-16-le" if order == "<" else "utf-16-be")
    file.subs[34665] = [
        Ifd({37510: (7, b"UNICODE\0" + unicode), 37500: (7, note), 42032: text(SECRETS[5])} | more.get("exif", {}))
    ]
    file.subs[34853] = [Ifd({1: text("N"), 2: (5, [52, 1, 31, 1, 12, 1]), 28: (7, b"ASCII\0\0\0PLACE-OF-THE-USER")})]
    return tiff(file, order)


def developed(path: Path, **options: bool) -> bytes:
    return b"".join(map(bytes, rawback.recover(path, **options).dng()))


def rendered(folder: Path, source: bytes, options: RenderOptions = RenderOptions(quality=80)) -> Path:
    """The JPEG of a RAW, in a file beside it."""
    (folder / "a.dng").write_bytes(source)
    (folder / "a.jpg").write_bytes(rawback.render(folder / "a.dng", options).data)
    return folder / "a.jpg"


@given(files())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_tag_comes_back_from_a_default_jpeg(tmp_path: Path, file: Ifd):
    """Known and unknown ones, of any type, in any directory: as they were, or named as left out."""
    file.next = None  # which rawback's own reader does not follow
    try:
        photo = rendered(tmp_path, tiff(file, file.order))  # type: ignore[attr-defined]
    except RawbackError:
        return
    recovered = rawback.recover(photo)
    lost = silent(file, b"".join(map(bytes, recovered.dng())), ())
    notes = " ".join(recovered.notes)
    assert [found for found in lost if found[1] != Tag.XMP and name_of(found[1]) not in notes] == []


@given(files())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_tag_comes_back_from_a_lossless_jpeg(tmp_path: Path, file: Ifd):
    try:
        photo = rendered(tmp_path, tiff(file, file.order), LOSSLESS)  # type: ignore[attr-defined]
    except RawbackError:
        return
    verdict, notes = verify(photo, tmp_path / "a.dng"), " ".join(rawback.recover(photo).notes)
    assert verdict.exact
    assert [phrase for phrase in verdict.missing if phrase.split()[2] not in notes and "JPEG" not in phrase] == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_the_dng_is_in_the_byte_order_of_its_original(tmp_path: Path, order: str):
    """So that values whose inside only their maker knows stay right."""
    source = personal(order)
    back = developed(rendered(tmp_path, source))
    assert back[:2] == source[:2] == (b"II" if order == "<" else b"MM")
    before, after = exif.from_tiff(source), exif.from_tiff(back)
    for tag in (Tag.UserComment, Tag.MakerNote, Tag.CameraOwnerName):
        assert after.exif[tag] == before.exif[tag]
    assert after.gps == before.gps
    for tag in (Tag.Software, Tag.Artist, Tag.CameraSerialNumber, Tag.LensInfo, Tag.OriginalRawFileName, Tag.IPTC):
        assert after.ifd0[tag] == before.ifd0[tag]
    assert raw.read(back, "back").mosaic.shape == raw.read(source, "source").mosaic.shape


@pytest.mark.parametrize("compress", [True, False])
def test_samples_are_read_right_in_either_byte_order(tmp_path: Path, compress: bool):
    photo = rendered(tmp_path, personal(">"), LOSSLESS)
    recovered = rawback.recover(photo)
    back = raw.read(b"".join(map(bytes, recovered.dng(compress=compress))), "back")
    assert (back.mosaic == raw.read((tmp_path / "a.dng").read_bytes(), "a").mosaic).all()


def test_a_catalogue_finds_rating_keywords_lens_and_serial_number(tmp_path: Path):
    data = rendered(tmp_path, personal()).read_bytes()
    found = exif.find_exif(data)
    assert found is not None
    assert own_reader.numbers(found.ifd0[Tag.Rating]) == (4,)
    assert own_reader.text(found.exif[Tag.LensModel]) == "24-70mm f/2.8"
    assert own_reader.text(found.exif[Tag.BodySerialNumber]) == SECRETS[1]
    assert found.exif[Tag.LensSpecification].count == 4
    file = JpegFile(data)
    assert any(IPTC in bytes(part.payload) for part in file.segments if part.marker == APP13)
    shown = [bytes(part.payload) for part in file.segments if part.marker == APP1 and b"xap/1.0" in bytes(part.payload)]
    assert b"Rating" in shown[0] and b"Red" in shown[0]
    assert b"Exposure2012" not in shown[0], "a developer would apply the RAW's settings to the JPEG"


@needs_exiftool
def test_exiftool_reads_what_the_jpeg_shows(tmp_path: Path):
    photo = rendered(tmp_path, personal())
    run = subprocess.run(["exiftool", "-j", "-G1", photo], capture_output=True, check=True)
    tags = json.loads(run.stdout)[0]
    assert tags["XMP-xmp:Rating"] == tags["IFD0:Rating"] == 4
    assert tags["XMP-xmp:Label"] == "Red" and tags["IPTC:ObjectName"] == "Title"
    assert tags["ExifIFD:SerialNumber"] == SECRETS[1] and tags["ExifIFD:LensModel"] == "24-70mm f/2.8"
    warnings = subprocess.run(["exiftool", "-validate", "-warning", "-a", photo], capture_output=True, text=True).stdout
    assert "IPTCDigest" not in warnings


def test_a_sidecar_goes_along_and_comes_first(tmp_path: Path):
    (tmp_path / "a.xmp").write_bytes(packet('xmp:Rating="2" dc:source="beside"'))
    photo = rendered(tmp_path, personal())
    (tmp_path / "a.xmp").unlink()
    back = exif.from_tiff(developed(photo))
    assert b'xmp:Rating="2"' in back.xmp and b"beside" in back.xmp and b"Red" in back.xmp and b"Exposure2012" in back.xmp
    found = exif.find_exif(photo.read_bytes())
    assert found is not None and own_reader.numbers(found.ifd0[Tag.Rating]) == (2,)


@needs_exiftool
def test_what_was_edited_in_the_jpeg_wins(tmp_path: Path):
    photo = rendered(tmp_path, personal())
    changes = ["-Artist=Somebody else", "-XMP-xmp:Rating=1", "-gps:all=", "-IPTC:ObjectName=Other", "-XMP-xmp:Label=",
               "-ExifIFD:OwnerName="]  # fmt: skip
    subprocess.run(["exiftool", "-q", "-overwrite_original", *changes, photo], check=True)
    back = exif.from_tiff(developed(photo))
    assert own_reader.text(back.ifd0[Tag.Artist]) == "Somebody else"
    assert b'Rating="1"' in back.xmp or b"Rating>1<" in back.xmp
    assert b"Red" not in back.xmp and not back.gps and Tag.CameraOwnerName not in back.exif
    assert b"Other" in back.iptc and b"Title" not in back.iptc
    assert own_reader.text(back.ifd0[Tag.CameraSerialNumber]) == SECRETS[1], "what nobody touched stays"
    assert b"Exposure2012" in back.xmp


def test_exif_that_was_lost_as_a_whole_is_no_edit(tmp_path: Path):
    photo = rendered(tmp_path, personal())
    data, file = photo.read_bytes(), JpegFile(photo.read_bytes())
    gone = next(part for part in file.segments if part.marker == APP1 and part.payload[:4] == b"Exif")
    photo.write_bytes(data[: gone.start] + data[gone.stop :])
    back = exif.from_tiff(developed(photo))
    assert back.gps and own_reader.text(back.ifd0[Tag.Artist]) == SECRETS[0]


def test_texts_of_an_editor_of_the_other_byte_order_are_turned():
    entry = Entry(7, 12, b"UNICODE\0" + "äß".encode("utf-16-le"))
    photo = exif.Exif(exif={Tag.UserComment: entry, Tag.ExifCFAPattern: Entry(7, 8, b"\2\0\2\0\0\1\1\2")})
    turned = edits._in_order(photo, "MM")
    assert turned.exif[Tag.UserComment].data[8:] == "äß".encode("utf-16-be")
    assert turned.exif[Tag.ExifCFAPattern].data == b"\0\2\0\2\0\1\1\2"


@pytest.mark.parametrize("lossless", [False, True])
@pytest.mark.parametrize("at", ["render", "recover"])
def test_no_exif_means_it_in_every_carrier(tmp_path: Path, lossless: bool, at: str):
    (tmp_path / "a.xmp").write_bytes(packet('dc:source="PLACE-OF-THE-USER"'))
    opcode = b"\0\0\0\1" + b"\0\0\0\x0e\1\3\0\0\0\0\0\1\0\0\0\0"
    source = personal(raw={Tag.OpcodeList3: (7, opcode)})
    photo = rendered(tmp_path, source, RenderOptions(quality=80, lossless=lossless, keep_exif=at != "render"))
    (tmp_path / "a.xmp").unlink()
    back = developed(photo, keep_exif=at != "recover")
    files = [back, photo.read_bytes()] if at == "render" else [back]
    for data in files:
        unpacked = b"".join(box_texts(data))
        for secret in SECRETS:
            assert secret.encode() not in data + unpacked
            assert secret.encode("utf-16-le") not in data + unpacked
    assert not exif.from_tiff(back).gps
    assert own_reader.read(back).children[Tag.SubIFDs][0].entries[Tag.OpcodeList3].data == opcode, "it is about the lens alone"


def box_texts(data: bytes) -> list[bytes]:
    """What the metadata boxes of a JPEG hold, uncompressed; nothing of another file."""
    found = [box.content for box in jumbf.find(JpegFile(data)) if box.label == boxes.LABEL] if data[:2] == b"\xff\xd8" else []
    return [boxes._decompressed(content[2:], content[1]) for content in found]


def test_no_exif_leaves_nothing_of_a_foreign_photo_in_the_preview(tmp_path: Path):
    import piexif
    from PIL import Image

    tags = {"0th": {315: b"ARTIST-OF-THE-USER"}, "Exif": {0xA431: b"SERIAL-4711"}, "GPS": {1: b"N", 29: b"2026:11:30"}}
    stream = io.BytesIO()
    comment = b"PLACE-OF-THE-USER"
    Image.linear_gradient("L").convert("RGB").save(
        stream, "JPEG", exif=piexif.dump(tags), comment=comment, icc_profile=b"OWNER-X"
    )
    (tmp_path / "a.jpg").write_bytes(stream.getvalue())
    (tmp_path / "b.png").write_bytes(png_with(tags, comment))
    for name in ("a.jpg", "b.png"):
        back = developed(tmp_path / name, keep_exif=False)
        assert not any(word.encode() in back for word in (*SECRETS, "2026:11:30"))
    assert b"ARTIST-OF-THE-USER" in developed(tmp_path / "a.jpg")


def png_with(tags: dict, comment: bytes) -> bytes:
    import piexif
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    info, stream = PngInfo(), io.BytesIO()
    info.add_text("comment", comment.decode())
    Image.linear_gradient("L").convert("RGB").save(stream, "PNG", exif=piexif.dump(tags), pnginfo=info)
    return stream.getvalue()


def test_a_lossless_dng_holds_its_raw_once(tmp_path: Path):
    photo = rendered(tmp_path, personal(), LOSSLESS)
    back = developed(photo)
    preview = JpegFile(back[back.index(b"\xff\xd8\xff") :])
    assert not any(part.marker in (APP1, APP11, APP13) for part in preview.segments)
    assert b"jumb" not in back and b"ns.rawback.org" not in back and b"rawback.lossless" not in back


@pytest.mark.parametrize("lossless", [True, False])
def test_the_dng_of_every_bit_is_as_bright_as_its_original(tmp_path: Path, lossless: bool):
    source = personal(ifd0={Tag.BaselineExposure: (10, [1, 3])})
    photo = rendered(tmp_path, source, RenderOptions(exposure=1.0, lossless=lossless))
    (value,) = own_reader.numbers(own_reader.read(developed(photo)).entries[Tag.BaselineExposure])
    assert value == pytest.approx(1 / 3 if lossless else 4 / 3, abs=1e-5)


def test_the_raws_own_profile_stays_the_first(tmp_path: Path):
    """And those beside it come back too, each with its own header and offsets."""
    inside = tiff(Ifd({50936: text("Second"), 50940: (11, [0, 0, 1, 1])}))
    profile = b"IIRC" + inside[4:]
    source = personal(ifd0={50936: text("First"), 50933: (4, [0])})
    at = len(source)
    position = source.index(b"\xf5\xc6\4\0\1\0\0\0") + 8
    source = source[:position] + at.to_bytes(4, "little") + source[position + 4 :] + profile
    back = developed(rendered(tmp_path, source))
    first = own_reader.read(back).entries
    assert own_reader.text(first[Tag.ProfileName]) == "First"
    entries = own_reader.read_profile(back, int(own_reader.numbers(first[Tag.ProfileIFD])[0]))
    assert own_reader.text(entries[Tag.ProfileName]) == "Second"
    assert entries[Tag.ProfileToneCurve].count == 4


def test_what_does_not_fit_is_named_largest_first(tmp_path: Path):
    import random

    noise = random.Random(0).randbytes
    look = {50981: (4, [1, 2, 1]), 50982: (7, noise(90_000)), 50931: (2, noise(2000).hex().encode() + b"\0")}
    (tmp_path / "a.dng").write_bytes(personal(ifd0=look))
    picture = rawback.render(tmp_path / "a.dng", RenderOptions(quality=80))
    note = next(note for note in picture.notes if "left out" in note)
    assert "ProfileLookTable (90 kB)" in note and "CameraCalibrationSignature" not in note and "--keep lossless" in note
    (tmp_path / "a.jpg").write_bytes(picture.data)
    recovered = rawback.recover(tmp_path / "a.jpg")
    assert any("ProfileLookTable (90 kB)" in note for note in recovered.notes)
    tags = own_reader.read(b"".join(map(bytes, recovered.dng()))).entries
    assert Tag.ProfileLookTableDims not in tags, "of no use alone"
    assert Tag.CameraCalibrationSignature in tags
    kept = rawback.render(tmp_path / "a.dng", LOSSLESS)
    assert not any("left out" in note for note in kept.notes)


@pytest.mark.parametrize("size", [10, 3000, 20_000, 70_000, 200_000])
def test_the_budget_holds(size: int):
    import random

    values = {50000 + i: Entry(7, size, random.Random(i).randbytes(size)) for i in range(4)}
    big = packet(f'dc:source="{random.Random(9).randbytes(size // 2).hex()}"')
    original = Original(exif.Exif(values | {Tag.XMP: Entry(1, len(big), big)}, xmp=big, iptc=IPTC))
    take = carried.fit(original, ROOM)
    added = len(take.others.encode()) + len(take.iptc) + sum(len(box.content) for box in take.boxes)
    assert added <= ROOM
    assert take == carried.fit(original, ROOM), "the same for the same"
    everything = carried.fit(original, None)
    assert boxes.load(everything.boxes[0].content).exif.ifd0 == original.exif.ifd0
    assert everything.left_out == ()


def test_a_picture_grows_by_the_larger_of_three_percent_and_64_kb():
    assert carried.budget_of(100_000) == carried.budget_of(2_000_000) == 64_000
    assert carried.budget_of(10_000_000) == 300_000


def test_keep_size_counts_metadata(tmp_path: Path):
    import random

    (tmp_path / "a.dng").write_bytes(personal(ifd0={50931: (2, random.Random(0).randbytes(700).hex().encode() + b"\0")}))
    picture = rawback.render(tmp_path / "a.dng", RenderOptions(keep="9kB"))
    assert len(picture.data) <= 9000


def test_previews_in_maker_notes_go_first():
    from PIL import Image

    stream = io.BytesIO()
    Image.effect_noise((400, 400), 80).convert("RGB").save(stream, "JPEG", quality=90)
    note = b"before" + stream.getvalue() + b"after, with what counts"
    original = Original(exif.Exif(exif={Tag.MakerNote: Entry(7, len(note), note, 1234)}))
    content, kept = budget.fit(original, 5000)
    assert any("preview in MakerNote" in phrase for phrase in kept.left_out)
    back = boxes.load(content).exif.exif[Tag.MakerNote]
    assert len(back.data) == len(note) and back.offset == 1234
    assert back.data.startswith(b"before\0\0\0") and back.data.endswith(b"\0after, with what counts")


def test_extended_xmp_carries_what_one_segment_cannot(tmp_path: Path):
    inner = " ".join(f'dc:p{number}="{"x" * 1000} {number}"' for number in range(90))
    photo = rendered(tmp_path, personal(ifd0={700: (1, packet(inner))}), LOSSLESS)
    segments = [part for part in JpegFile(photo.read_bytes()).segments if bytes(part.payload[:40]).startswith(EXTENDED_XMP)]
    assert len(segments) == 2
    assert rawback.recover(photo).state is not None
    back = exif.from_tiff(developed(photo)).xmp
    assert all(f"x {number}".encode() in back for number in range(90))


@pytest.mark.parametrize("damage", [b"\x03\1abc", b"\2\7abc", b"\2\1garbage", b"\2\0garbage", b""])
def test_boxes_that_cannot_be_read_are_said(damage: bytes):
    from rawback.files.jumbf import Box

    original, notes = boxes.find([Box(boxes.LABEL, damage)])
    assert original is None and len(notes) == 1


def test_private_data_of_another_maker_stays_and_the_note_beside_it(tmp_path: Path):
    note = packed((7, b"\1\0\x10\0\4\0\1\0\0\0\x2a\0\0\0" + b"\0" * 8), "<")
    source = personal(ifd0={50740: (1, b"PENTAX \0private")}, exif={37500: (7, note)})
    back = exif.from_tiff(developed(rendered(tmp_path, source)))
    assert back.ifd0[Tag.DNGPrivateData].data == b"PENTAX \0private" and back.exif[Tag.MakerNote].data == note
    source = personal(ifd0={50740: (1, adobe.build([(b"Koda", b"II\0\0")]))}, exif={37500: (7, note)})
    back = exif.from_tiff(developed(rendered(tmp_path, source)))
    assert [name for name, _ in adobe.blocks(back.ifd0[Tag.DNGPrivateData].data)] == [b"Koda", b"MakN"]


def test_tags_by_which_libraw_would_decode_are_named(tmp_path: Path):
    photo = rendered(tmp_path, personal(raw={0x7010: (3, [1, 2, 3, 4])}))
    recovered = rawback.recover(photo)
    assert any("Tag 0x7010" in note for note in recovered.notes)


def test_xml_is_written_the_same_whatever_was_read_before():
    one = packet('dc:source="x"')
    before = xmp.merged([one], "agent")
    xmp.merged([one.replace(b"xmlns:dc=", b"xmlns:xmp2=").replace(b"dc:source", b"xmp2:source")], "agent")
    assert xmp.merged([one], "agent") == before
