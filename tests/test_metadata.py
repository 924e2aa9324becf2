"""What a photo says of itself survives the way into its DNG."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image
from small import segment

from rawback.files import exif, icc, jpeg_file, jpeg_metadata, tiff, xmp
from rawback.files.jpeg_file import JpegFile
from rawback.files.tags import Tag
from rawback.files.tiff import Directory, Entry
from rawback.files.tiff_writer import serialise
from rawback.isp import colour_profile
from rawback.recovering import recover

CAMERA_JPEGS = Path(__file__).parents[2] / "shared" / "data" / "camera_jpegs"
NOTE = struct.pack("<HHHI4s", 1, 0x10, 4, 1, b"\x2a\0\0\0") + b"\0" * 8
"""A directory of one entry, as makers write it."""
ARTIST, XMP_TAG, EXIF_IFD, GPS_IFD, MAKER_NOTE_BLOCK = 315, 700, 34665, 34853, 50740


def photo(order: str = "II", note: bytes = NOTE, extra: bytes = b"", orientation: int = 6, icc_profile: bytes = b"") -> bytes:
    """A JPEG with EXIF, GPS, interoperability and a MakerNote."""
    root = Directory(
        {271: tiff.ascii_text("Maker"), 272: tiff.ascii_text("Model"), 274: tiff.pack(3, [orientation]),
         305: tiff.ascii_text("Old 1.0"), 282: tiff.rationals([300]), 315: tiff.ascii_text("Artist")},
        {
            Tag.ExifIFD: [Directory(
                {34855: tiff.pack(3, [400]), 36867: tiff.ascii_text("2020:01:02 03:04:05"), 37500: Entry(7, len(note), note)},
                {Tag.InteropIFD: [Directory({1: tiff.ascii_text("R98")})]},
            )],
            Tag.GPSIFD: [Directory({1: tiff.ascii_text("N"), 2: tiff.rationals([10, 20, 30])})],
        },
    )  # fmt: skip
    payload = b"".join(serialise(root))
    stream = io.BytesIO()
    ramp = np.add.outer(np.arange(48) * 2, np.arange(64) * 2).astype(np.uint8)
    image = Image.fromarray(np.stack([ramp, ramp[::-1], ramp[:, ::-1]], -1))
    image.save(stream, "JPEG", quality=95, exif=b"Exif\0\0" + payload, icc_profile=icc_profile or None)
    data = stream.getvalue()
    return data[:2] + extra + data[2:]


def to_dng(data: bytes, folder: Path, name: str = "photo.jpg") -> bytes:
    (folder / name).write_bytes(data)
    return b"".join(map(bytes, recover(folder / name).dng()))


def test_exif_gps_and_interoperability_are_verbatim(tmp_path):
    data = photo()
    before, after = exif.find_exif(data), exif.from_tiff(to_dng(data, tmp_path))
    for tag in (34855, 36867):
        assert after.exif[tag] == before.exif[tag]
    assert after.gps == before.gps
    assert after.interop == before.interop
    for tag in (271, 272, 274, 282, 315):
        assert after.ifd0[tag] == before.ifd0[tag]
    assert tiff.text(after.ifd0[305]).startswith("rawback ")


def test_the_maker_note_tells_its_order_and_where_it_stood(tmp_path):
    data = photo()
    block = exif.from_tiff(to_dng(data, tmp_path)).ifd0[50740].data
    found = exif.find_exif(data).exif[37500]
    assert block[:10] == b"Adobe\0MakN"
    assert int.from_bytes(block[10:14], "big") == 6 + len(NOTE)
    assert block[14:16] == b"II"
    assert int.from_bytes(block[16:20], "big") == found.offset > 0
    assert block[20 : 20 + len(NOTE)] == NOTE


def test_a_maker_note_without_a_directory_stays_where_it_was(tmp_path):
    note = b"made by hand"
    found = exif.from_tiff(to_dng(photo(note=note), tmp_path))
    assert found.exif[37500].data == note
    assert 50740 not in found.ifd0


def test_iptc_is_taken_from_all_photoshop_resources():
    records = b"\x1c\x02\x05\0\x05Title"
    other = b"8BIM\x03\xed\0\0\0\0\0\x04abcd"
    resource = b"8BIM\x04\x04\0\0" + len(records).to_bytes(4, "big") + records
    data = photo(extra=segment(0xED, b"Photoshop 3.0\0" + other + resource))
    assert jpeg_metadata.from_jpeg(JpegFile(data)).iptc == records


def test_icc_pieces_are_put_in_order():
    pieces = [segment(0xE2, b"ICC_PROFILE\0" + bytes([n, 2]) + text) for n, text in ((2, b"second"), (1, b"first "))]
    assert jpeg_metadata.from_jpeg(JpegFile(photo(extra=b"".join(pieces)))).icc == b"first second"


def packet_of(inner: str, namespaces: str = "") -> bytes:
    rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
    return (
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{rdf}"><rdf:Description rdf:about="" {namespaces}>'
        f"{inner}</rdf:Description></rdf:RDF></x:xmpmeta>"
    ).encode()


def test_xmp_and_sidecar_are_merged_the_sidecar_first_and_the_history_told(tmp_path):
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    inside = packet_of("<dc:title>inside</dc:title><dc:source>kept</dc:source>", dc)
    (tmp_path / "photo.xmp").write_bytes(packet_of("<dc:title>beside</dc:title>", dc))
    data = photo(extra=segment(0xE1, jpeg_file.XMP + inside))
    found = exif.from_tiff(to_dng(data, tmp_path)).ifd0[700].data.decode()
    assert "beside" in found and "inside" not in found and "kept" in found
    assert 'softwareAgent="rawback' in found


def tags_of(data: bytes) -> dict[int, object]:
    """The tags of a DNG's first directory, as tifffile reads them."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        return {tag.code: tag.value for tag in file.pages[0].tags}


def with_xmp_of_others(data: bytes) -> bytes:
    """A JPEG in whose packet somebody gave the picture a title beside what is there."""
    title = b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" dc:source="Berlin"/></rdf:RDF>'
    start = data.index(jpeg_file.XMP) - 4
    length = int.from_bytes(data[start + 2 : start + 4], "big")
    payload = data[start + 4 : start + 2 + length].replace(b"</rdf:RDF>", title)
    return data[:start] + segment(0xE1, payload) + data[start + 2 + length :]


def test_the_recipe_stays_behind_and_the_xmp_of_others_goes_along(small, tmp_path):
    """A DNG with the recipe of its JPEG inside would be taken for one."""
    _, rendered = small
    assert rendered.count(b"http://ns.rawback.org/1.0/") == 1
    packet = tags_of(to_dng(with_xmp_of_others(rendered), tmp_path))[XMP_TAG]
    assert b"Berlin" in packet and b'softwareAgent="rawback' in packet
    assert b"ns.rawback.org" not in packet and b"CFAPattern" not in packet


def test_metadata_is_left_behind_where_that_is_asked_for(tmp_path):
    title = packet_of("<dc:title>mine</dc:title>", 'xmlns:dc="http://purl.org/dc/elements/1.1/"')
    (tmp_path / "photo.jpg").write_bytes(photo(extra=segment(0xE1, jpeg_file.XMP + title)))
    (tmp_path / "photo.xmp").write_bytes(title)
    kept, left = (
        tags_of(b"".join(recover(tmp_path / "photo.jpg", keep_exif=keep).dng())) for keep in (True, False)
    )  # fmt: skip
    private = {ARTIST, XMP_TAG, EXIF_IFD, GPS_IFD, MAKER_NOTE_BLOCK}
    assert private <= kept.keys() and not private & left.keys()
    assert b"mine" in kept[XMP_TAG] and kept[ARTIST] == "Artist"
    assert left[274] == 6, "the orientation is needed to show the picture"


def test_develop_settings_that_are_in_the_pixels_are_left_out():
    crs = 'xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/"'
    settings = "<crs:Exposure2012>+1.00</crs:Exposure2012>"
    applied = packet_of(settings + "<crs:AlreadyApplied>True</crs:AlreadyApplied>", crs)
    assert b"Exposure2012" not in xmp.merged([applied], "x")
    assert b"Exposure2012" in xmp.merged([packet_of(settings, crs)], "x")


@pytest.mark.parametrize("hostile", [b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"<a><b></a>", b"\0\xff" * 9, b"<a"])
def test_packets_that_cannot_be_trusted_are_left_out(hostile):
    assert b"ENTITY" not in xmp.merged([hostile], "agent")
    assert b"agent" in xmp.merged([hostile], "agent")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_passed_on(tmp_path, orientation):
    assert exif.from_tiff(to_dng(photo(orientation=orientation), tmp_path)).orientation == orientation


def test_the_preview_ends_with_the_first_picture():
    data = photo()
    thumbnail = segment(0xE5, b"\xff\xd8\xff\xda\0\4ab\xff\xd9")
    with_thumbnail = data[:2] + thumbnail + data[2:]
    assert JpegFile(with_thumbnail + b"\xff\xd8 a film \xff\xd9").first_picture.data == with_thumbnail


def test_adobe_rgb_is_wider_than_srgb_and_srgb_is_itself():
    from PIL import ImageCms

    srgb = icc.parse(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    assert srgb is not None and srgb.is_srgb
    green = np.array([0, 1, 0], np.float32)[:, None, None]
    assert not colour_profile.adobe_rgb().is_srgb
    assert colour_profile.adobe_rgb().to_srgb(green).ravel() == pytest.approx([-0.665, 1.0, -0.230], abs=0.01)
    grey = np.full((3, 1, 1), 0.5, np.float32)
    assert np.ptp(colour_profile.adobe_rgb().to_srgb(grey)) < 2e-3


@pytest.mark.parametrize("length", [0, 100, 131, 140, 200])
def test_a_cut_profile_is_none(length):
    from PIL import ImageCms

    assert icc.parse(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()[:length]) is None


@pytest.mark.skipif(not CAMERA_JPEGS.is_dir() or not shutil.which("exiftool"), reason="needs ../shared/data and exiftool")
@pytest.mark.parametrize("name", ["NIKON_E5700", "Panasonic_DMC"])
def test_exiftool_finds_every_tag_in_the_dng_of_a_camera(tmp_path, name):
    (source,) = CAMERA_JPEGS.glob(f"{name}*")
    target = tmp_path / "x.dng"
    target.write_bytes(to_dng(source.read_bytes(), tmp_path))

    def tags(path: Path) -> dict:
        wanted = ["-ExifIFD:all", "-GPS:all", "-InteropIFD:all"]
        said = subprocess.run(["exiftool", "-j", "-n", "-G0", *wanted, path], capture_output=True)
        return json.loads(said.stdout)[0] | {"SourceFile": ""}

    assert tags(source).items() <= tags(target).items()
