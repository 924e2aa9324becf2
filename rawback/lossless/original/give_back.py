"""`recover --original`: the RAW file that a JPEG holds, byte for byte, or an error; never another file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from rawback import provenance
from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import jumbf, sources
from rawback.files import photo as photos
from rawback.files.jpeg import Photo
from rawback.files.jumbf import Box
from rawback.files.layer_header import OF_PIXELS
from rawback.files.sources import Given
from rawback.lossless import layer, restore
from rawback.lossless.original.grid import flat
from rawback.lossless.original.kept import Kept, from_boxes, is_kept, outside
from rawback.provenance import State

NONE = "{} does not hold the original file; `render --keep original` makes JPEGs that do"
NAMED_ROWS = 8


@dataclass(frozen=True)
class OriginalFile:
    """The file itself."""

    name: str
    """Of the file when it was rendered, without folders; not to be trusted (`names.safe`)."""
    sha256: str
    """Of `data`, in 64 hexadecimal digits: that was compared."""
    data: bytearray = field(repr=False)
    """The whole file."""


def original_file(source: Given) -> OriginalFile:
    """The RAW file inside a JPEG (a path, "-" for standard input, bytes, a file object) that was rendered with `original`.

    Raises RawbackError where there is none, or it does not come out equal to what went in.
    """
    file = sources.read(source)
    return from_data(file.data, file.name)


def from_data(data: bytes, name: str, progress: Progress = lambda share: None) -> OriginalFile:
    """As `original_file`, of a JPEG that is in memory already."""
    return from_photo(photos.read(data, name), name, progress)


def from_photo(photo: Photo, name: str, progress: Progress = lambda share: None) -> OriginalFile:
    """As `original_file`, of a photo that is read already."""
    boxes = jumbf.find(photo.file) if photo.file else []
    if not is_kept(boxes):
        raise RawbackError(NONE.format(name))
    try:
        kept = from_boxes(boxes)
        frame = _frame(boxes, photo, progress) if kept.stream else None
        return OriginalFile(kept.name, kept.sha256, assembled(kept, frame))
    except RawbackError as error:
        raise RawbackError(f"{name} does not give back the original file: {error}") from error


def assembled(kept: Kept, frame: np.ndarray | None) -> bytearray:
    """The file, of what is kept of it and its frame, (H, W) or (H, W, 3) uint16.

    Raises RawbackError unless its hash is that of the file.
    """
    if kept.missing:
        parts = ", ".join(map(str, kept.missing[:NAMED_ROWS]))
        raise RawbackError(f"parts {parts} of what is kept beside its pixels are damaged")
    file = skeleton(kept)
    if kept.stream is not None and frame is not None:
        frame = flat(frame)
        stored = frame if kept.values is None else kept.values.take(frame)
        codes = kept.stream.code(stored, file) if kept.stream.frame == frame.shape else []
        if len(codes) != len(kept.stream.spans):
            raise RawbackError("what is said of its pixels does not fit its mosaic; it is damaged")
        for code, (start, stop) in zip(codes, kept.stream.spans, strict=True):
            file[start:stop] = code[: stop - start].ljust(stop - start, b"\0")
    position = len(kept.rest) - sum(stop - start for start, stop in kept.patches)
    for start, stop in kept.patches:
        file[start:stop] = kept.rest[position : position + stop - start]
        position += stop - start
    if hashlib.sha256(file).hexdigest() != kept.sha256:
        raise RawbackError("what comes out is not the original file, its SHA-256 is another")
    return file


def skeleton(kept: Kept) -> bytearray:
    """The file with zeros in place of its coded pixels."""
    file, position = bytearray(kept.size), 0
    for start, stop in outside(list(kept.stream.spans) if kept.stream else [], kept.size):
        file[start:stop] = kept.rest[position : position + stop - start]
        position += stop - start
    return file


def _frame(boxes: list[Box], photo: Photo, progress: Progress) -> np.ndarray:
    """The frame that layer and picture make. Raises RawbackError unless it is exact."""
    stored, notes = restore.find(boxes)
    if stored is None or photo.recipe is None or photo.coefficients is None:
        raise RawbackError(notes[0] if notes else "its recipe or its lossless layer was removed")
    state, picture = provenance.examine(photo.coefficients, photo.recipe)
    if state not in (State.UNTOUCHED, State.ROTATED):
        raise RawbackError("its picture was edited or saved again since it was rendered")
    size = (picture.height, picture.width, *((3,) if stored.version == OF_PIXELS else ()))
    restored = layer.restore(stored, picture, photo.recipe.picture_sha256, lambda: np.zeros(size, np.uint16), progress)
    if not restored.exact:
        rows = ", ".join(f"{start}-{stop - 1}" for start, stop in restored.damaged[:NAMED_ROWS])
        where = f"rows {rows} of its lossless layer are damaged" if rows else "its lossless layer is damaged in the margins"
        raise RawbackError(where)
    return restored.frame
