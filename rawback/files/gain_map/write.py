"""A gain map behind a JPEG's picture, found by XMP, ISO 21496-1 and MPF; and taken away again."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Sequence

from PIL import Image

from rawback.files import seal
from rawback.files.gain_map import places
from rawback.files.gain_map.numbers import CONTAINER, HDRGM, ISO, ITEM, Numbers, to_iso
from rawback.files.gain_map.places import MP_ENTRY, MPF
from rawback.files.jpeg_file import APP1, APP2, XMP, JpegFile, segment
from rawback.files.recipe_xmp import RDF
from rawback.files.tiff import LONG, UNDEFINED, Buffer
from rawback.isp.lit_map import LitMap

QUALITY = 90
OFFSET = 1 / 64
"""Of both kinds: what readers take where none is told."""
VERSION = struct.pack(">HH", 0, 0)
"""What the picture's own ISO segment says: the version alone."""
PRIMARY, BASELINE = 0x30000, 0x50000
"""MP attributes: the picture itself (baseline primary), and one that belongs to it without a type of its own."""
OPENING = f'<rdf:Description rdf:about="" xmlns:hdrgm="{HDRGM}" '
DESCRIPTION = re.compile(rb"\s*" + re.escape(OPENING).encode() + rb".*?</rdf:Description>", re.DOTALL)


def map_file(lit: LitMap) -> bytes:
    """The map as a JPEG that says what its codes mean, twice; in colour without subsampling."""
    n = Numbers((0.0,) * 3, (lit.stops,) * 3, (1.0,) * 3, (OFFSET,) * 3, (OFFSET,) * 3, lit.stops)
    fields = {
        "Version": "1.0", "GainMapMin": "0", "GainMapMax": f"{lit.stops:.6f}", "Gamma": "1", "OffsetSDR": OFFSET,
        "OffsetHDR": OFFSET, "HDRCapacityMin": "0", "HDRCapacityMax": f"{lit.stops:.6f}", "BaseRenditionIsHDR": "False",
    }  # fmt: skip
    attributes = " ".join(f'hdrgm:{name}="{value}"' for name, value in fields.items())
    packet = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">{OPENING}'
    stream = io.BytesIO()
    Image.fromarray(lit.codes).save(stream, "JPEG", quality=QUALITY, subsampling=0)
    coded = stream.getvalue()
    head = 4 + int.from_bytes(coded[4:6], "big")  # after SOI and JFIF's APP0
    xmp = segment(APP1, XMP + (packet + attributes + "/></rdf:RDF></x:xmpmeta>").encode())
    return coded[:head] + xmp + segment(APP2, ISO + to_iso(n)) + coded[head:]


def description(map_size: int) -> str:
    """The rdf:Description by which the picture's XMP says that a map of so many bytes follows."""
    item = '<rdf:li rdf:parseType="Resource"><Container:Item Item:Semantic="{}" Item:Mime="image/jpeg"{}/></rdf:li>'
    items = item.format("Primary", "") + item.format("GainMap", f' Item:Length="{map_size}"')
    return (
        f'{OPENING}xmlns:Container="{CONTAINER}" xmlns:Item="{ITEM}" '
        f'hdrgm:Version="1.0"><Container:Directory><rdf:Seq>{items}</rdf:Seq></Container:Directory></rdf:Description>'
    )


def appended(head: Sequence[bytes], coded: Buffer, gain_map: bytes) -> list[Buffer]:
    """A JPEG in pieces, up to its last segment of metadata and from there on, with the map behind it."""
    iso, index = segment(APP2, ISO + VERSION), _index(0, 0, 0)
    before = sum(map(len, head)) + len(iso)
    size = before + len(index) + len(coded)
    return [*head, iso, _index(size, len(gain_map), size - before - 4 - len(MPF)), coded, gain_map]


def _index(size: int, map_size: int, offset: int) -> bytes:
    """The MPF segment (CIPA DC-007); `offset` counts from its TIFF header."""
    entries = struct.pack(">IIIHH", PRIMARY, size, 0, 0, 0) + struct.pack(">IIIHH", BASELINE, map_size, offset, 0, 0)
    values = 8 + 2 + 3 * 12 + 4
    directory = struct.pack(">HHI4s", 0xB000, UNDEFINED, 4, b"0100") + struct.pack(">HHII", 0xB001, LONG, 1, 2)
    directory += struct.pack(">HHII", MP_ENTRY, UNDEFINED, len(entries), values)
    return segment(APP2, MPF + b"MM\0*\0\0\0\x08" + struct.pack(">H", 3) + directory + bytes(4) + entries)


def reindexed(data: bytes) -> bytes:
    """A JPEG whose metadata became shorter, with the places of picture and map in its index set right; any other as it is."""
    file = JpegFile(data)
    size = len(file.first_picture.data)
    for part in file.segments:
        of_ours = part.marker == APP2 and part.payload[:4] == MPF and part.stop - part.start == len(_index(0, 0, 0))
        if of_ours and size < len(data):
            index = _index(size, len(data) - size, size - part.start - 4 - len(MPF))
            return data[: part.start] + index + data[part.stop :]
    return data


def detached(data: bytes) -> bytes:
    """A JPEG without the map that `appended` put there, sealed anew if it was intact; as it is if it has none of ours."""
    file = JpegFile(data)
    first = len(file.first_picture.data)
    packets = [part for part in file.segments if part.marker == APP1 and DESCRIPTION.search(part.payload)]
    if not packets or not places.pictures(file):
        return data
    kept: list[bytes] = []
    end = 0
    for part in file.segments:
        payload = bytes(part.payload)
        ours = part.marker == APP2 and payload.startswith((ISO, MPF))
        if ours or part in packets:
            kept += [data[end : part.start], b"" if ours else segment(part.marker, DESCRIPTION.sub(b"", payload))]
            end = part.stop
    without = b"".join([*kept, data[end:first]])
    at = seal.intact(data)
    if at is None:
        return without
    there = next(seal.candidates(without))[0]
    return b"".join(seal.sealed([without[:there] + seal.BLANK + without[there + seal.DIGITS :]]))
