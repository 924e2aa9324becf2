"""CinemaDNG: the frames of a clip, each a DNG with its mosaic in IFD0 and no preview (CinemaDNG 1.1)."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rawback.errors import UsageError
from rawback.files import dng, dng_pixels, seal, tiff
from rawback.files.dng_pixels import Whole
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import BYTE, SRATIONAL, Buffer
from rawback.files.tiff_writer import serialise
from rawback.files.video import timecode
from rawback.recipe import Recipe

PACKED_BITS = 12
NAME = re.compile(r"\w[\w .()+=@-]{0,99}")
"""What a frame may be called: names come from files of strangers."""
FIRST_FRAME = "FirstFrame"
"""XMP property: the name of a clip's first frame, where the others are counted on from it."""
MAX_TEXT = 200
RATES = (Fraction(1, 1000), Fraction(100000))


@dataclass(frozen=True)
class FrameMetadata:
    """What a frame says of itself beyond its picture; each field is empty where it does not."""

    name: str = ""
    """The file's, without its suffix."""
    time_code: bytes = b""
    """TimeCodes: one or more of eight bytes."""
    rate: Fraction | None = None
    """Frames a second."""
    t_stop: tuple[float, ...] = ()
    reel: str = ""
    camera_label: str = ""

    def to_fields(self) -> dict[str, str]:
        """As XMP properties of the rawback namespace, beside those of the recipe."""
        texts = {
            "FrameName": self.name, "TimeCodes": self.time_code.hex(), "FrameRate": str(self.rate or ""),
            "TStop": " ".join(f"{stop:.9g}" for stop in self.t_stop), "ReelName": self.reel, "CameraLabel": self.camera_label,
        }  # fmt: skip
        return {name: text for name, text in texts.items() if text}


def metadata_of(texts: dict[str, str]) -> FrameMetadata:
    """The inverse of `FrameMetadata.to_fields`; what cannot be meant is left out."""
    name, code = texts.get("FrameName", ""), texts.get("TimeCodes", "")
    return FrameMetadata(
        name if NAME.fullmatch(name) else "",
        bytes.fromhex(code) if re.fullmatch("([0-9a-f]{16}){1,8}", code) else b"",
        rate_of(texts.get("FrameRate", "")),
        tuple(float(stop) for stop in re.findall(r"\d{1,4}(?:\.\d{1,9})?", texts.get("TStop", "")[:MAX_TEXT])),
        _line(texts.get("ReelName", "")),
        _line(texts.get("CameraLabel", "")),
    )


def counted(name: str, number: int) -> str:
    """What the frame so many after the one of that name is called; empty if the name does not end in a number."""
    match = re.fullmatch(r"(.*?)(\d{1,12})", name)
    return f"{match[1]}{int(match[2]) + number:0{len(match[2])}}" if match else ""


def rate_of(text: str) -> Fraction | None:
    """`24`, `23.976` or `24000/1001` -> frames a second; None if that is no rate. 23.976 and its like are over 1001."""
    if not re.fullmatch(r"\d{1,9}(/\d{1,9}|\.\d{1,9})?", text) or text.endswith(("/0", "/00")):
        return None
    try:
        rate = Fraction(text)
    except ZeroDivisionError:
        return None
    if "." in text and abs(rate * 1001 / 1000 - round(rate)) < Fraction(2, 1000):
        rate = Fraction(round(rate) * 1000, 1001)
    return rate if RATES[0] <= rate <= RATES[1] else None


def read(data: Buffer, name: str) -> FrameMetadata:
    """What a frame of that name (without suffix) says of itself; a RAW of another kind than DNG has its name only."""
    first, _ = dng.directories(data)
    codes = first[Tag.TimeCodes].data if Tag.TimeCodes in first else b""
    rate = first.get(Tag.FrameRate)
    stops = tiff.numbers(first[Tag.TStop]) if Tag.TStop in first else ()
    return FrameMetadata(
        name if NAME.fullmatch(name) else "",
        codes if codes and len(codes) % timecode.SIZE == 0 and len(codes) <= 8 * timecode.SIZE else b"",
        _exact_rate(rate) if rate else None,
        tuple(stop for stop in stops[:4] if math.isfinite(stop) and 0 < stop < 10000),
        _line(tiff.text(first.get(Tag.ReelName))),
        _line(tiff.text(first.get(Tag.CameraLabel))),
    )


def encode(
    mosaic: np.ndarray, recipe: Recipe, exif: Exif | None, metadata: FrameMetadata,
    *, compress: bool = True, packed: bool = False, software: str = "rawback", mark: str = "", whole: Whole | None = None,
) -> list[Buffer]:  # fmt: skip
    """One frame as chunks to be written one after the other.

    mosaic: (height, width) uint16 in DN. compress: lossless JPEG tiles; without, all frames of a clip have one size.
    packed: 12 bits a sample instead of 16, not compressed. mark: as of `dng.encode`. whole: margins of a bit-exact recovery.
    Raises UsageError where 12 bits are too few.
    """
    whole = whole or Whole(mosaic, (0, 0, recipe.height, recipe.width))
    said, below = dng.described(recipe, exif, software, mark, whole)
    frame = dng_pixels.mosaic(whole, recipe, compress and not packed, below.order)
    if packed:
        frame.entries[Tag.BitsPerSample] = tiff.pack(tiff.SHORT, [PACKED_BITS])
        frame.strips[Tag.StripOffsets] = [packed12(whole.frame)]
    frame.entries |= said | _tags(metadata)
    frame.children |= below.directories()
    frame.blocks, frame.next = dng.profiles(whole, recipe), dng.chain(whole)
    return seal.sealed(serialise(frame, below.order))


def packed12(frame: np.ndarray) -> bytes:
    """(H, W) uint16 below 4096 -> rows of 12-bit samples, the highest bit first, each row ending on a whole byte.

    Raises UsageError for larger samples.
    """
    if frame.max(initial=0) >= 1 << PACKED_BITS:
        raise UsageError(
            f"a sample is {frame.max()}; --packed has {PACKED_BITS} bits, up to {(1 << PACKED_BITS) - 1}: leave it out"
        )
    width = frame.shape[1]
    even = np.pad(frame, [(0, 0), (0, width % 2)])
    first, second = even[:, ::2], even[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1).astype(np.uint8)
    return packed.reshape(len(frame), -1)[:, : -(-width * PACKED_BITS // 8)].tobytes()


def _tags(metadata: FrameMetadata) -> tiff.Entries:
    entries: tiff.Entries = {}
    if metadata.time_code:
        entries[Tag.TimeCodes] = tiff.Entry(BYTE, len(metadata.time_code), metadata.time_code)
    if metadata.rate:
        entries[Tag.FrameRate] = tiff.pack(tiff.SLONG, [metadata.rate.numerator, metadata.rate.denominator])
        entries[Tag.FrameRate] = tiff.Entry(SRATIONAL, 1, entries[Tag.FrameRate].data)
    if metadata.t_stop:
        entries[Tag.TStop] = tiff.rationals(metadata.t_stop)
    texts = {Tag.ReelName: metadata.reel, Tag.CameraLabel: metadata.camera_label}
    return entries | {tag: tiff.ascii_text(text) for tag, text in texts.items() if text}


def _exact_rate(entry: tiff.Entry) -> Fraction | None:
    if entry.type not in (tiff.RATIONAL, SRATIONAL) or len(entry.data) != 8:
        return None
    parts: Sequence[int] = tiff.numbers(tiff.Entry(tiff.SLONG, 2, entry.data))
    return rate_of(f"{parts[0]}/{parts[1]}") if min(parts) > 0 else None


def _line(text: str) -> str:
    return "".join(c for c in text[:MAX_TEXT] if c.isprintable())
