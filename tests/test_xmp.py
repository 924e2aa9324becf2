"""XMP packets: what rawback writes, what other programs make of it, and what attackers would like it to be."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scenes import recipe_of

from rawback.files import jpeg, recipe_xmp
from rawback.recipe_text import from_fields, to_fields

RECIPE = recipe_of(60, 80)
FIELDS = to_fields(RECIPE)


def packet(body: str, head: str = "") -> bytes:
    return f"""{head}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{recipe_xmp.RDF}"
        xmlns:r="{recipe_xmp.NAMESPACE}">{body}</rdf:RDF></x:xmpmeta>""".encode()


@given(st.dictionaries(st.from_regex(r"[A-Z][a-zA-Z0-9]{0,12}", fullmatch=True), st.text(st.characters(codec="utf-8"))))
def test_texts_come_back(fields: dict[str, str]):
    found = recipe_xmp.parse(recipe_xmp.build(fields))
    assert {k: v.split() for k, v in found.items()} == {k: recipe_xmp.NOT_XML.sub("", v).split() for k, v in fields.items()}


def test_the_packet_is_plain_and_small():
    written = recipe_xmp.build(FIELDS)
    assert b'rawback:CFAPattern="0 1; 1 2"' in written and b'rawback:White="4095"' in written
    assert len(written) < 1500


@pytest.mark.parametrize("body", [
    '<rdf:Description rdf:about="" r:Width="7" r:White="9"/>',
    '<rdf:Description rdf:about=""><r:Width>7</r:Width><r:White>9</r:White></rdf:Description>',
    '<rdf:Description r:Width="7"/><rdf:Description r:White="9"/>',
    '<rdf:Description xmlns:other="http://example.com/" other:Width="1" r:Width="7"><r:White>9</r:White></rdf:Description>',
])  # fmt: skip
def test_any_form_of_properties_is_read(body: str):
    assert recipe_xmp.parse(packet(body)) == {"Width": "7", "White": "9"}


@pytest.mark.parametrize("data", [
    b"", b"\0\0", b"<", b"not xml", b"<a/>", b"<a>" * 5000, b"\xff\xfe\0", b'<?xml version="1.0" encoding="no-such"?><a/>',
    packet('<rdf:Description r:Width="7"/>' + "<!-- -->" * (recipe_xmp.MAX_BYTES // 8)),
    packet('<rdf:Description r:Width="&a;"/>', '<!DOCTYPE a [<!ENTITY a "7">]>'),
    packet('<rdf:Description r:Width="&a;"/>', '<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
    b"\xfe\xff" + packet('<rdf:Description r:Width="&a;"/>', '<!DOCTYPE a [<!ENTITY a "7">]>').decode().encode("utf-16-be"),
])  # fmt: skip
def test_what_is_no_packet_holds_nothing(data: bytes):
    assert recipe_xmp.parse(data) == {}


@pytest.mark.parametrize("large", [
    packet("<rdf:Description>" * 20000 + "</rdf:Description>" * 20000), b"<a" * (recipe_xmp.MAX_BYTES // 2),
    b"&" * recipe_xmp.MAX_BYTES,
], ids=["nested", "elements", "entities"])  # fmt: skip
def test_a_large_packet_does_not_take_for_ever(large: bytes, ends: None):
    assert recipe_xmp.parse(large) == {}


@pytest.mark.skipif(not shutil.which("exiftool"), reason="exiftool is not installed")
def test_the_recipe_survives_exiftool(sample_file: Path, tmp_path: Path):
    """exiftool rewrites the packet when it adds a title, a rating, a keyword."""
    copy = tmp_path / "edited.jpg"
    line = [
        "exiftool",
        "-q",
        "-XMP-dc:Title=Still life",
        "-XMP:Rating=5",
        "-IPTC:Keywords=a",
        "-Artist=b",
        "-o",
        copy,
        sample_file,
    ]
    subprocess.run(line, check=True, capture_output=True)
    before, after = (jpeg.read(path.read_bytes(), path.name) for path in (sample_file, copy))
    assert before.data != after.data
    assert after.recipe == before.recipe == from_fields(to_fields(before.recipe))
