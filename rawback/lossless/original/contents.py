"""What the RAW file inside a JPEG says, where nothing else in it does: its metadata, and the mosaic of one kept as it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import exif, raw, tiff
from rawback.files.dng import Whole
from rawback.files.jumbf import Box
from rawback.files.original import packed
from rawback.files.original.collect import collect
from rawback.files.original.metadata import Original
from rawback.files.tiff import Buffer
from rawback.isp.mosaic import sha256
from rawback.lossless import restore as layers
from rawback.lossless.original.give_back import assembled, skeleton
from rawback.lossless.original.kept import Kept, from_boxes, is_kept
from rawback.lossless.restore import Restoration
from rawback.picture import Coefficients, Pixels
from rawback.provenance import State
from rawback.recipe import Recipe


def metadata(boxes: list[Box], recipe: Recipe) -> tuple[Original | None, list[str]]:
    """The metadata of the RAW, from their own box, else from the file inside; and what is to be said of them."""
    original, notes = packed.find(boxes)
    return (original, notes) if original or notes else _metadata(boxes, recipe)


def _metadata(boxes: list[Box], recipe: Recipe) -> tuple[Original | None, list[str]]:
    try:
        kept = from_boxes(boxes) if is_kept(boxes) else None
        if kept is None or kept.metadata is None:
            return None, []
        original = metadata_of(skeleton(kept), recipe)
    except RawbackError as error:
        return None, [f"the metadata of its RAW are lost: {error}"]
    notes = ["the metadata of its RAW are damaged in part"] if kept.missing else []
    return (replace(original, shows_xmp=kept.metadata[0], shows_iptc=kept.metadata[1]) if original else None), notes


def metadata_of(file: Buffer, recipe: Recipe) -> Original | None:
    """All that a TIFF says beside its pixels, by the TIFF alone; None: it takes LibRaw to read it."""
    data = bytes(file)
    if not tiff.is_tiff(data):
        return None
    try:
        own = exif.find_exif(data)
    except RawbackError:
        return None
    frame = (recipe.margins[2] or recipe.width, recipe.margins[3] or recipe.height)
    return collect(data, own, frame, packed.MAX_VALUES) if own and own.make else None


def restore(
    boxes: list[Box], state: State | None, picture: Coefficients | Pixels, recipe: Recipe,
    progress: Progress = lambda share: None,
) -> Restoration:  # fmt: skip
    """What the lossless layer restores, or in its place the file inside."""
    of_layer = layers.restore(boxes, state, picture, recipe, progress)
    if of_layer.mosaic is not None or of_layer.notes:
        return of_layer
    return _restoration(boxes, state, recipe)


def _restoration(boxes: list[Box], state: State | None, recipe: Recipe) -> Restoration:
    """The mosaic of a file that is kept as it is, in place of a lossless layer; nothing where there is none."""
    if not is_kept(boxes) or state not in (State.UNTOUCHED, State.ROTATED):
        return Restoration()
    try:
        kept = from_boxes(boxes)
        if kept.stream is not None:
            return Restoration()
        frame = _frame(kept)
    except RawbackError as error:
        return Restoration(notes=[f"the original file inside cannot be used: {error}; the recipe is used alone"])
    top, left = recipe.margins[:2]
    area = (top, left, top + recipe.height, left + recipe.width)
    if area[2] > frame.shape[0] or area[3] > frame.shape[1]:
        return Restoration(notes=["the original file inside has another size; the recipe is used alone"])
    mosaic = frame[top : area[2], left : area[3]]
    return Restoration(mosaic, Whole(frame, area), True, ["it holds the original file: the RAW is bit-exact"])


def _frame(kept: Kept) -> np.ndarray:
    """All photosites. Raises RawbackError for a damaged file, or where LibRaw reads it differently now."""
    file = raw.read(bytes(assembled(kept, None)), "the original file", whole=True, linear=True)
    frame = file.mosaic if file.frame is None else file.frame
    if sha256(frame) != kept.frame_sha256:
        raise RawbackError("this version of LibRaw decodes it differently")
    return frame


def describe(boxes: list[Box], state: State | None) -> dict[str, object]:
    """Facts about the file inside, ready for JSON, without taking it out."""
    if not is_kept(boxes):
        return {}
    try:
        kept = from_boxes(boxes)
    except RawbackError as error:
        return {"original_file": str(error)}
    applies = state in (State.UNTOUCHED, State.ROTATED) and layers.is_complete(boxes)
    intact = not kept.missing and (kept.stream is None or applies)
    gives_back = "`recover --original`, byte for byte" if intact else "it is damaged, or its picture was edited"
    return {
        "original_file": kept.name, "original_bytes": kept.size, "original_sha256": kept.sha256, "original_back": gives_back,
    }  # fmt: skip
