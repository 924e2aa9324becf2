"""What a JPEG holds of its RAW's file beside the mosaic, as its boxes have it."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rawback.errors import RawbackError
from rawback.files.jumbf import Box
from rawback.files.layer_header import LABEL as LAYER
from rawback.files.layer_header import checked, with_crc
from rawback.files.paths import MAX_BYTES
from rawback.lossless.original.streams import Span, Stream, from_facts

try:
    import lzma
except ImportError:  # some builds of Python
    lzma = None  # type: ignore[assignment]

BROKEN = (zlib.error, EOFError, *([lzma.LZMAError] if lzma else []))
LABEL, PART_LABEL = f"{LAYER}.file", f"{LAYER}.file.part"
VERSION = 1
PART = 1 << 20
"""Bytes of the rest in a box, before compression."""
STORED, XZ, ZLIB = 0, 1, 2
"""How a part is kept: the byte after its number."""
DAMAGED = "what is said of the original file is damaged"
WORTH = 0.97
"""What is not smaller than that share once compressed is stored as it is."""
SAMPLE = 1 << 14
MAX_FACTS = 1 << 24
"""Bytes of the text in the header."""
VALUES = 1 << 16
MAX_MISSING = 256
"""Parts; more are named by nobody, and a forger's header would make memory for them."""


@dataclass(frozen=True)
class Kept:
    """A RAW file without its mosaic."""

    name: str
    """Of the file, without folders; as it says itself, so not to be trusted."""
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file."""
    stream: Stream | None
    """How its pixels are coded; None: they are kept as they are, among the rest."""
    rest: bytes
    """All outside the stream's spans, in its order; then what is in the patches."""
    values: np.ndarray | None = None
    """(65536,) uint16: what the file stores for each value of the frame; None: that value."""
    patches: tuple[Span, ...] = ()
    """Where the file has other bytes than the stream coded again."""
    frame_sha256: str = ""
    """Of its mosaic with the margins, where there is no lossless layer beside it."""
    metadata: tuple[bool, bool] | None = None
    """Whether all that it says beside its pixels is to be read from it, as the JPEG shows its XMP and IPTC; None: it is not."""
    missing: tuple[int, ...] = field(default=(), compare=False)
    """Numbers of parts of the rest that are damaged."""


def to_boxes(kept: Kept) -> list[Box]:
    """The header and the parts of the rest."""
    parts = [kept.rest[start : start + PART] for start in range(0, len(kept.rest), PART)]
    text = json.dumps(_facts(kept), separators=(",", ":")).encode()
    boxes = [Box(LABEL, with_crc(VERSION.to_bytes(2, "little") + zlib.compress(text, 9)))]
    for number, part in enumerate(parts):
        boxes.append(Box(PART_LABEL, with_crc(number.to_bytes(4, "little") + _compressed(part))))
    return boxes


def is_kept(boxes: list[Box]) -> bool:
    """Whether boxes hold a RAW file, or what is left of one."""
    return any(box.label in (LABEL, PART_LABEL) for box in boxes)


def from_boxes(boxes: list[Box]) -> Kept:
    """The inverse of `to_boxes`. Raises RawbackError for a header that is missing, damaged or of a later version."""
    body = next((body for box in boxes if box.label == LABEL and (body := checked(box.content))), None)
    if body is None:
        raise RawbackError(DAMAGED)
    if int.from_bytes(body[:2], "little") > VERSION:
        raise RawbackError("the original file inside is kept by a later version; update rawback")
    facts = _read_facts(body[2:])
    parts: dict[int, bytes] = {}
    for box in boxes:
        part = checked(box.content) if box.label == PART_LABEL else None
        if part:
            parts.setdefault(int.from_bytes(part[:4], "little"), part[4:])
    return _kept(facts, parts)


def _facts(kept: Kept) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": kept.name, "size": kept.size, "sha256": kept.sha256, "rest": len(kept.rest)}
    if kept.stream is not None:
        facts["stream"] = kept.stream.facts()
    if kept.values is not None:
        steps = np.diff(kept.values, prepend=np.uint16(0)).astype("<u2")
        facts["values"] = base64.b64encode(zlib.compress(steps.tobytes(), 9)).decode()
    if kept.patches:
        facts["patches"] = [[start, stop - start] for start, stop in kept.patches]
    if kept.frame_sha256:
        facts["frame_sha256"] = kept.frame_sha256
    if kept.metadata is not None:
        facts["metadata"] = {"shows_xmp": kept.metadata[0], "shows_iptc": kept.metadata[1]}
    return facts


def _read_facts(packed: bytes) -> dict[str, Any]:
    try:
        facts = json.loads(zlib.decompressobj().decompress(packed, MAX_FACTS))
    except (zlib.error, ValueError, RecursionError) as error:
        raise RawbackError(DAMAGED) from error
    if not isinstance(facts, dict):
        raise RawbackError(DAMAGED)
    return facts


def _kept(facts: dict[str, Any], parts: dict[int, bytes]) -> Kept:
    """Raises RawbackError for facts that cannot be."""
    try:
        size, length = int(facts["size"]), int(facts["rest"])
        name, sha256 = str(facts["name"]), bytes.fromhex(facts["sha256"]).hex()
        patches = tuple((int(start), int(start) + int(count)) for start, count in facts.get("patches", ()))
        values = _values(facts["values"]) if "values" in facts else None
        shows = facts.get("metadata")
        metadata = (bool(shows["shows_xmp"]), bool(shows["shows_iptc"])) if shows else None
        frame = str(facts.get("frame_sha256", ""))
    except (KeyError, TypeError, ValueError, OverflowError, zlib.error) as error:
        raise RawbackError(DAMAGED) from error
    stream = from_facts(facts["stream"]) if "stream" in facts else None
    spans = [*(stream.spans if stream else ())]
    inside = sum(stop - start for start, stop in spans)
    patched = sum(stop - start for start, stop in patches)
    in_file = all(0 <= start <= stop <= size for start, stop in (*spans, *patches))
    if not 0 < size <= MAX_BYTES or not in_file or length != size - inside + patched or len(sha256) != 64:
        raise RawbackError("what is said of the original file does not add up; it is damaged")
    rest, missing = _joined(parts, length)
    return Kept(name, size, sha256, stream, rest, values, patches, frame, metadata, missing)


def _values(text: str) -> np.ndarray:
    steps = np.frombuffer(zlib.decompressobj().decompress(base64.b64decode(text), 2 * VALUES), "<u2")
    if len(steps) != VALUES:
        raise ValueError
    return np.cumsum(steps, dtype=np.uint16)


def _joined(parts: dict[int, bytes], length: int) -> tuple[bytes, tuple[int, ...]]:
    """The rest with zeros where parts are damaged, and the numbers of these."""
    pieces, missing = [], []
    for number, start in enumerate(range(0, length, PART)):
        size = min(PART, length - start)
        piece = _decompressed(parts.get(number, b""), size)
        pieces.append(piece if piece is not None else bytes(size))
        missing += [number] if piece is None else []
        if len(missing) > MAX_MISSING:
            raise RawbackError("what is kept of the original file is damaged throughout")
    return b"".join(pieces), tuple(missing)


def _compressed(part: bytes) -> bytes:
    """JPEG previews do not get smaller, and take long to show it: a sample of three places decides."""
    places = (0, len(part) // 2, len(part) - SAMPLE)
    sample = b"".join(part[place : place + SAMPLE] for place in places) if len(part) > 4 * SAMPLE else part
    if len(part) > 4 * SAMPLE and len(zlib.compress(sample, 1)) > WORTH * len(sample):
        return bytes([STORED]) + part
    if lzma is None:
        packed = bytes([ZLIB]) + zlib.compress(part, 9)
    else:
        packed = bytes([XZ]) + lzma.compress(part, check=lzma.CHECK_NONE)
    return packed if len(packed) < WORTH * len(part) else bytes([STORED]) + part


def _decompressed(packed: bytes, size: int) -> bytes | None:
    """A part of so many bytes; None for a damaged one. Raises RawbackError where this Python cannot read it."""
    method, content = packed[:1], packed[1:]
    if method == bytes([XZ]) and lzma is None:
        raise RawbackError("it cannot be read here: this Python has no lzma")
    try:
        if method == bytes([XZ]):
            content = lzma.LZMADecompressor(memlimit=1 << 27).decompress(content, size + 1)
        elif method == bytes([ZLIB]):
            content = zlib.decompressobj().decompress(content, size + 1)
        elif method != bytes([STORED]):
            return None
    except BROKEN:
        return None
    return content if len(content) == size else None


def outside(spans: list[Span], size: int) -> list[Span]:
    """What is left of a file of so many bytes without the spans, which rise."""
    edges = [0, *(place for span in spans for place in span), size]
    return [(start, stop) for start, stop in zip(edges[::2], edges[1::2], strict=True) if stop > start]
