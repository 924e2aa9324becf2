"""Removing what rawback put into a JPEG: its recipe and its lossless layer. The coded picture stays byte for byte."""

from __future__ import annotations

from pathlib import Path

from rawback.files import jpeg, jumbf, jxl, paths, places, replacement, xmp
from rawback.files.gain_map import write as gain_maps
from rawback.files.jpeg_file import APP1, APP11, XMP, JpegFile, segment
from rawback.files.jpeg_metadata import MAX_XMP
from rawback.files.permission import Allowed


def strip(source: str | paths.Location, hdr: bool = False) -> tuple[bytes, list[str]]:
    """The file without recipe and layer, and what is to be said; with `hdr`, without the gain map alone: its RAW stays.

    Raises RawbackError for what is no JPEG.
    """
    data = paths.load(source)
    if jxl.holds_jpeg(data):
        stripped, notes = _stripped(jxl.jpeg_inside(data, str(source)), str(source), hdr)
        return jxl.transcoded(stripped, str(source)), notes
    return _stripped(data, str(source), hdr)


def _stripped(data: bytes, source: str, hdr: bool) -> tuple[bytes, list[str]]:
    file = JpegFile(data)
    jpeg.check(file, source)
    if hdr:
        without = gain_maps.detached(data)
        gone = len(data) - len(without)
        done = f"{gone} bytes removed" if gone else "there is no gain map of rawback's behind it"
        return without, [f"{source}: {done}"]
    kept: list[bytes] = []
    ours: set[tuple[int, bytes]] = set()
    end = 0
    for part in file.segments:
        payload = bytes(part.payload)
        left = _without_layer(part.marker, payload, ours)
        if left and part.marker == APP1 and payload.startswith(XMP):
            left = _without_recipe(payload)
        if left != payload:
            kept += [data[end : part.start], segment(part.marker, left) if left else b""]
            end = part.stop
    stripped = gain_maps.reindexed(b"".join([*kept, data[end:]]))
    removed = len(data) - len(stripped)
    return stripped, [f"{source}: {removed} bytes removed" if kept else f"{source}: there is nothing of rawback's in it"]


def strip_to(source: str, output: Path | None, into_folder: bool, allowed: Allowed, hdr: bool = False) -> str:
    """Write the stripped file to `output` (a file or folder; None: NAME.stripped.jpg beside it); returns what is to be said."""
    location = paths.parse(source)
    data, notes = strip(location, hdr)
    name = Path(str(source)).name
    if output is None:
        target = Path(str(source)).with_suffix(f".stripped{jxl.SUFFIX if jxl.is_jxl(data) else '.jpg'}")
    else:
        target = output / name if into_folder or output.is_dir() else output
    places.check(target, places.identities([location]))
    if not _is_there(target, data):
        replacement.save(target, data, replacement.decide(target, allowed))
    return f"{notes[0]}; now {target}"


def _is_there(target: Path, data: bytes) -> bool:
    """Whether a file of just these bytes lies there: it has no seal by which it would be known for rawback's own."""
    try:
        return target.is_file() and target.stat().st_size == len(data) and target.read_bytes() == data
    except OSError:
        return False


def _without_layer(marker: int, payload: bytes, ours: set[tuple[int, bytes]]) -> bytes:
    """Nothing for a part of a box of ours; `ours` remembers which boxes those are."""
    if jumbf.is_ours(marker, payload):
        ours.add(jumbf.identity(payload))
    part = marker == APP11 and len(payload) >= jumbf.SEGMENT.size and jumbf.identity(payload) in ours
    return b"" if part else payload


def _without_recipe(payload: bytes) -> bytes:
    """An XMP segment without rawback's properties; nothing if it holds no others."""
    left = xmp.without_recipe(payload[len(XMP) :])
    if left == payload[len(XMP) :]:
        return payload
    return XMP + left if left and len(left) <= MAX_XMP else b""
