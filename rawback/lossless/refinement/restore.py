"""What the refinement layer of a JPEG restores: read, applied where it may be, and reported."""

from __future__ import annotations

from dataclasses import dataclass, field

from rawback.errors import RawbackError
from rawback.files.jumbf import Box
from rawback.lossless.refinement import layer
from rawback.lossless.refinement.layer import Layer
from rawback.picture import Coefficients, Pixels
from rawback.provenance import State
from rawback.recipe import Recipe

COARSE = "the RAW comes back as nearly as the coarse picture keeps it"
OUTDATED = f"its refinement layer belongs to the picture as it was before that, and is not used: {COARSE}"


@dataclass
class Refined:
    """What is to be decoded."""

    picture: Coefficients | Pixels
    """With fine luma; or as it was given, where there is no layer that fits."""
    notes: list[str] = field(default_factory=list)
    """What is missing of it, in sentences."""


@dataclass
class Facts:
    """What is said of the layer of a photo, without applying it."""

    facts: dict[str, object] = field(default_factory=dict)
    is_lost: bool = False
    """Whether there should be one, and the RAW will not come back by it."""


def restore(boxes: list[Box], state: State | None, picture: Coefficients | Pixels, recipe: Recipe) -> Refined:
    """Apply the layer, if there is one and the picture, turned as it was rendered, is still what it was made for."""
    stored, notes = _find(boxes, state, recipe)
    if stored is None or not isinstance(picture, Coefficients):
        return Refined(picture, notes)
    try:
        fine, damaged = layer.applied(stored, picture, recipe.picture_sha256)  # of an untouched picture it holds
    except RawbackError as error:
        return Refined(picture, [f"{error}; {COARSE}"])
    if not damaged:
        return Refined(fine)
    rows = ", ".join(f"{start}-{stop - 1}" for start, stop in damaged[:8]) + (", ..." if len(damaged) > 8 else "")
    return Refined(fine, [f"its refinement layer is damaged: rows {rows} come back as nearly as the coarse picture keeps them"])


def describe(boxes: list[Box], state: State | None, picture: Coefficients | Pixels, recipe: Recipe) -> Facts:
    """Facts about the layer, ready for JSON."""
    stored, notes = _find(boxes, state, recipe)
    if stored is None:
        return Facts({"refinement_layer": notes[0]} if notes else {}, bool(notes))
    there = len([number for number in stored.strips if number < stored.count])
    parts = "" if there == stored.count else f", of which {stored.count - there} of {stored.count} strips are damaged"
    seen = f"; the picture itself has luma steps of {picture.tables[0][1]}" if isinstance(picture, Coefficients) else ""
    text = f"a refinement layer of {stored.stored_bytes} bytes{parts}{seen}"
    return Facts({"refinement_layer": text, "refinement_bytes": stored.stored_bytes}, there < stored.count)


def _find(boxes: list[Box], state: State | None, recipe: Recipe) -> tuple[Layer | None, list[str]]:
    """The layer, if it can be used, and messages about one that cannot."""
    if state is None or not recipe.layered:
        return None, []
    if state not in (State.UNTOUCHED, State.ROTATED):
        return None, [OUTDATED] if state is State.RECOMPRESSED else []
    try:
        stored = layer.read(boxes)
    except RawbackError as error:
        return None, [f"{error}; {COARSE}"]
    return stored, [] if stored else [f"its refinement layer is lost; {COARSE}"]
