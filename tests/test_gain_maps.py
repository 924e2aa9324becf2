"""Gain maps of photos: their light goes into the RAW's headroom; broken ones cost nothing but themselves."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
from heif_maker import APPLE, joined
from PIL import Image
from small import mutants, segment
from test_foreign import light_of
from test_heif import light, psnr, waves

from rawback.errors import RawbackError
from rawback.files import photo as photos
from rawback.files import tiff
from rawback.files.gain_map import apple, numbers, places
from rawback.files.jpeg_file import JpegFile
from rawback.files.tags import Tag
from rawback.foreign.plan import plan
from rawback.recovering import recover

DATA = Path(__file__).parent / "data"
LOW, HIGH, GAMMA, OFFSET = 0.25, 2.5, 1.5, 0.02
HDRGM = 'xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/"'


def packet(attributes: str) -> bytes:
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" {attributes}/></rdf:RDF></x:xmpmeta>""".encode()


def said(**changes: object) -> bytes:
    fields = {"GainMapMin": LOW, "GainMapMax": HIGH, "Gamma": GAMMA, "OffsetSDR": OFFSET, "OffsetHDR": OFFSET,
              "HDRCapacityMin": 0, "HDRCapacityMax": HIGH, "BaseRenditionIsHDR": "False"} | changes  # fmt: skip
    return packet(f"{HDRGM} hdrgm:Version='1.0' " + " ".join(f'hdrgm:{name}="{value}"' for name, value in fields.items()))


def iso(denominator: int = 1000) -> bytes:
    values = [struct.pack(">iI", round(v * denominator), denominator) for v in (0, HIGH, LOW, HIGH, GAMMA, OFFSET, OFFSET)]
    return struct.pack(">HHB", 0, 0, 0x40) + b"".join(values)


def codes(rows: int = 24, columns: int = 32) -> np.ndarray:
    y, x = np.mgrid[:rows, :columns]
    return np.rint(127 + 120 * np.sin(x / columns * 4) * np.cos(y / rows * 3)).astype(np.uint8)


def jpeg(pixels: np.ndarray, *segments: tuple[int, bytes], quality: int = 98) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()[:2] + b"".join(segment(*part) for part in segments) + stream.getvalue()[2:]


def base_pixels() -> np.ndarray:
    return np.rint(255 * waves(96, 128)).astype(np.uint8)


def lit_jpeg(meaning: tuple[int, bytes] | None = None, **fields: object) -> bytes:
    meaning = meaning or (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + said(**fields))
    return jpeg(base_pixels()) + jpeg(codes(), meaning)


def expected(base: np.ndarray) -> np.ndarray:
    """By the standard's formula, with Pillow's own way to enlarge the map."""
    height, width = base.shape[:2]
    map_ = np.asarray(Image.fromarray(codes().astype(np.float32)).resize((width, height), Image.BICUBIC)) / 255
    gain = LOW + (HIGH - LOW) * np.clip(map_, 0, 1) ** (1 / GAMMA)
    return (light(base / 255) + OFFSET) * 2 ** gain[..., None] - OFFSET


@pytest.fixture
def recovered(tmp_path):
    def of(data: bytes, name: str = "x.jpg", **options):
        (tmp_path / name).write_bytes(data)
        return recover(tmp_path / name, **options)

    return of


def exposure_of(dng: list) -> float:
    return tiff.numbers(tiff.read(b"".join(map(bytes, dng))).entries[Tag.BaselineExposure])[0]


@pytest.mark.parametrize("meaning", [None, (0xE2, numbers.ISO + iso()), (0xE2, numbers.ISO + iso(1 << 20))])
def test_light_above_white_goes_into_headroom(recovered, meaning):
    result = recovered(lit_jpeg(meaning))
    stops = exposure_of(result.dng())
    target = np.clip(expected(base_pixels()), 0, None)
    assert target.max() > 2
    assert 0 <= stops - np.log2(target.max()) < 1.5
    assert psnr(light_of(result.dng()) * 2**stops, target, 2**stops) > 40
    assert "by its gain map" in "".join(result.notes)


def test_the_map_can_be_left_aside(recovered):
    plain = recovered(jpeg(base_pixels()), "plain.jpg")
    without = recovered(lit_jpeg(), gain_map=False)
    assert np.array_equal(without.mosaic, plain.mosaic)
    assert exposure_of(without.dng()) == exposure_of(plain.dng())


def test_no_headroom_where_nothing_is_lifted(recovered):
    flat = recovered(lit_jpeg(GainMapMin=0, GainMapMax=0), "flat.jpg")
    assert np.array_equal(flat.mosaic, recovered(jpeg(base_pixels()), "plain.jpg").mosaic)


@pytest.mark.parametrize("data", [
    lit_jpeg(GainMapMax="1e9"), lit_jpeg(GainMapMax="nan"), lit_jpeg(Gamma=0), lit_jpeg(GainMapMin=9), lit_jpeg(OffsetSDR=-7),
    lit_jpeg(BaseRenditionIsHDR="True"), lit_jpeg()[:-300], lit_jpeg((0xE2, numbers.ISO + iso(0))),
    lit_jpeg((0xE2, numbers.ISO + iso()[:20])), jpeg(base_pixels()) + jpeg(np.zeros((2000, 2000), np.uint8), (
        0xE1, b"http://ns.adobe.com/xap/1.0/\0" + said())),
])  # fmt: skip
def test_a_broken_map_costs_nothing_but_itself(recovered, data):
    result = recovered(data)
    assert np.array_equal(result.mosaic, recovered(jpeg(base_pixels()), "plain.jpg").mosaic)
    assert any("its gain map is left aside" in note for note in result.notes)


def test_mutants_of_maps_raise_nothing(recovered, ends):
    data = lit_jpeg((0xE2, numbers.ISO + iso()))
    start = len(jpeg(base_pixels()))
    for mutant in mutants(data, (start, start + 400), 4, 300, seed=2):
        try:
            planned = plan(photos.read(mutant, "x"))
        except RawbackError as error:
            pytest.fail(str(error))
        assert planned.light is None or planned.light.stops <= 13


def test_a_map_is_found_by_mpf_among_other_pictures(recovered):
    """A thumbnail of another kind lies between picture and map."""
    other, lit = jpeg(codes()), jpeg(codes(), (0xE2, numbers.ISO + iso()))

    def first(size: int) -> bytes:
        head = 2 + 4 + 4  # SOI, marker and length, "MPF\\0"
        entries = struct.pack(">III", 0x30000, size, 0) + bytes(4)
        at = max(size - head, 0)
        for of, length in ((at, len(other)), (at + len(other), len(lit))):
            entries += struct.pack(">III", 0, length, of) + bytes(4)
        directory = struct.pack(">HHII", 0xB002, 7, len(entries), 8 + 2 + 12 + 4)
        body = b"MPF\0MM\0*\0\0\0\x08" + struct.pack(">H", 1) + directory + bytes(4) + entries
        return jpeg(base_pixels(), (0xE2, body))

    data = first(len(first(0))) + other + lit
    assert len(places.pictures(JpegFile(data))) == 2
    assert "by its gain map" in "".join(recovered(data).notes)


def test_apples_headroom_is_that_of_its_formula():
    """MakerNote tags 33 and 48 of an iPhone 15 Pro, whose own XMP says 3.847906."""
    note = b"Apple iOS\0\0\x01MM" + struct.pack(">H", 2)
    note += struct.pack(">HHII", 33, 10, 1, 42) + struct.pack(">HHII", 48, 10, 1, 50) + bytes(2)
    note = note[:42] + struct.pack(">iiii", 101, 100, 1184556842, 1000000000)
    exif = photos.Exif(exif={Tag.MakerNote: tiff.Entry(tiff.UNDEFINED, len(note), note)})
    assert np.isclose(apple.headroom(exif), 3.847906, atol=1e-3)
    assert apple.headroom(photos.Exif()) == 0


def heic(**parts: bytes) -> bytes:
    return joined((DATA / "p3.heic").read_bytes(), (DATA / "grey.heic").read_bytes(), **parts)


APPLES = packet('xmlns:HDRGainMap="http://ns.apple.com/HDRGainMap/1.0/" HDRGainMap:HDRGainMapHeadroom="4"')


def test_apples_auxiliary_map_lights_a_heic(recovered):
    pytest.importorskip("pi_heif")
    source = photos.read(heic(xmp=APPLES), "x")
    assert np.isclose(source.gain_map.stops, 2, atol=0.02)
    mid = source.gain_map.codes[32, 32, 0] * 2  # log2 of the gain there
    code = (32 + 32 * 48 / 64) / 64 / 1.5 if mid else 0
    assert np.isclose(2**mid, 1 + 3 * numbers.rec709_light(np.array(code)), rtol=0.1)
    assert "by its gain map" in "".join(recovered(heic(xmp=APPLES), "x.heic").notes)


@pytest.mark.parametrize("auxiliary", [APPLE, b""])
def test_a_tmap_lights_a_heic_whether_its_map_is_auxiliary_or_not(auxiliary):
    pytest.importorskip("pi_heif")
    source = photos.read(heic(tmap=b"\0" + iso(), auxiliary=auxiliary), "x")
    assert source.notes == []
    assert np.isclose(source.gain_map.stops, np.log2(1.02 * 2**HIGH - 0.02), atol=0.02)


def test_a_map_of_a_heic_that_says_nothing_is_left_aside():
    pytest.importorskip("pi_heif")
    source = photos.read(heic(), "x")
    assert source.gain_map is None
    assert "left aside" in source.notes[0]


def test_the_dng_does_not_claim_the_map(recovered):
    own = packet(f'{HDRGM} hdrgm:Version="1.0" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="3"')
    exif = b"Exif\0\0" + b"MM\0*\0\0\0\x08\0\0\0\0\0\0"
    base = jpeg(base_pixels(), (0xE1, exif), (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + own))
    data = base + jpeg(codes(), (0xE2, numbers.ISO + iso()))
    text = tiff.read(b"".join(map(bytes, recovered(data).dng()))).entries[Tag.XMP].data
    assert b"Rating" in text
    assert b"hdr-gain-map" not in text
