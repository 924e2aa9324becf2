"""What a frame of a clip says of itself, kept in the coded frame: XMP in a JPEG, or in H.264 and HEVC a SEI message.

There it goes along wherever the stream is copied to. The SEI is "user data unregistered" (ITU-T H.264, D.1.7; H.265,
D.2.7), a NAL unit of its own before the frame's; its text has no zero bytes, so nothing has to be escaped.
"""

from __future__ import annotations

from rawback.files import jpeg, recipe_xmp, seal
from rawback.files.jpeg_file import APP1, SOI, XMP, JpegFile, segment

UUID = bytes.fromhex("7261776261636b2d8c1d4f52a93e6b57")
UNREGISTERED, STOP = 5, b"\x80"
START_CODE = b"\0\0\0\1"
HEADERS = {"h264": b"\x06", "hevc": b"\x4e\x01"}
"""NAL unit headers of (prefix) SEI."""
XML = b"<x:xmpmeta", b"</x:xmpmeta>"


def into_jpeg(data: bytes, fields: dict[str, str]) -> bytes:
    """A JPEG of rawback's with `fields` beside its recipe; without its seal, which is for files of their own."""
    file = JpegFile(data)
    kept = {name: text for name, text in jpeg.recipe_fields(file).items() if name != seal.NAME}
    packet = segment(APP1, XMP + recipe_xmp.build(kept | fields))
    for part in file.segments:
        if part.marker == APP1 and part.payload[: len(XMP)] == XMP:
            return data[: part.start] + packet + data[part.stop :]
    return SOI + packet + data[len(SOI) :]


def into_nal(data: bytes, fields: dict[str, str], codec: str) -> bytes:
    """A coded frame of "h264" or "hevc" with start codes, a SEI with `fields` before it."""
    payload = UUID + recipe_xmp.build(fields)
    size = b"\xff" * (len(payload) // 255) + bytes([len(payload) % 255])
    return START_CODE + HEADERS[codec] + bytes([UNREGISTERED]) + size + payload + STOP + data


def of_packet(data: bytes, codec: str) -> dict[str, str]:
    """The fields in a coded frame; nothing where rawback wrote none."""
    if codec == "mjpeg":
        return jpeg.recipe_fields(JpegFile(data))
    at = data.find(UUID) if codec in HEADERS else -1
    return of_text(data[at : at + recipe_xmp.MAX_BYTES]) if at >= 0 else {}


def of_text(data: bytes) -> dict[str, str]:
    """The fields of an XMP packet that stands among other bytes."""
    start = data.find(XML[0])
    stop = data.find(XML[1], start)
    return recipe_xmp.parse(data[start : stop + len(XML[1])]) if 0 <= start < stop else {}
