"""What the lossless layer of a JPEG restores: read, applied where it may be, and reported."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files.dng import Whole
from rawback.files.jumbf import Box
from rawback.isp import inverse_pass
from rawback.lossless import layer
from rawback.lossless.layer import Layer, Restored
from rawback.picture import Coefficients, Pixels
from rawback.provenance import State
from rawback.recipe import Recipe

RECIPE_EDITED = (
    "its lossless layer is whole, every photosite is bit-exact; but its recipe was edited since it was rendered: "
    "levels, colours or crop are not the RAW's"
)
OUTDATED = "belongs to the picture as it was before that, and is not used"
"""How a message about a layer ends whose picture has changed."""


@dataclass
class Restoration:
    """What is there to be used; nothing of it where a photo has no layer that fits."""

    mosaic: np.ndarray | None = None
    """(H, W) uint16, the visible one."""
    whole: Whole | None = None
    exact: bool = False
    notes: list[str] = field(default_factory=list)
    recipe_is_edited: bool = False
    """Whether the recipe is another than the one that the layer was made with."""


def find(boxes: list[Box]) -> tuple[Layer | None, list[str]]:
    """The layer among the boxes of a photo, and messages about it."""
    try:
        stored = layer.read(boxes)
    except RawbackError as error:
        return None, [f"{error}; the recipe is used alone"]
    lost = stored is None and any(box.label in layer.LABELS for box in boxes)
    return stored, ["its lossless layer has lost its beginning and cannot be used; the recipe is used alone"] * lost


def describe(boxes: list[Box], state: State | None) -> dict:
    """Facts about the layer of a photo, ready for JSON, without applying it: what it is and what it would restore to."""
    stored, notes = find(boxes)
    if stored is None:
        return {"lossless_layer": notes[0]} if notes else {}
    parts = {f"{len(stored.blocks)} of {stored.count} blocks": True, "margins": _has_margins(stored)}
    applies = state in (State.UNTOUCHED, State.ROTATED)
    restores = "the RAW to the last bit" if is_complete(boxes) else "part of it to the last bit"
    return {
        "lossless_layer": ", ".join(name for name, there in parts.items() if there),
        "lossless_bytes": stored.stored_bytes,
        "lossless_frame": f"{stored.frame[1]} x {stored.frame[0]}",
        "restores": restores if applies else OUTDATED,
    }


def is_complete(boxes: list[Box]) -> bool:
    """Whether no part of the layer is missing or damaged, as far as that can be told without applying it."""
    stored, _ = find(boxes)
    return stored is not None and _has_margins(stored) and len(stored.blocks) == stored.count


def _has_margins(stored: Layer) -> bool:
    return stored.area == (0, 0, *stored.frame) or stored.margins is not None


def restore(
    boxes: list[Box], state: State | None, picture: Coefficients | Pixels, recipe: Recipe,
    progress: Progress = lambda share: None,
) -> Restoration:  # fmt: skip
    """Apply the layer, if there is one and the picture, turned as it was rendered, is still what it was made for."""
    stored, notes = find(boxes)
    if stored is None:
        return Restoration(notes=notes)
    if state not in (State.UNTOUCHED, State.ROTATED) or not isinstance(picture, Coefficients):
        return Restoration(notes=[f"its lossless layer {OUTDATED}"])
    try:
        sha256 = recipe.picture_sha256  # of an untouched picture it holds
        restored = layer.restore(stored, picture, sha256, lambda: inverse_pass.decode(picture, recipe), progress)
    except RawbackError as error:
        return Restoration(notes=[f"{error}; the recipe is used alone"])
    whole = Whole(restored.frame, restored.area)
    edited = stored.recipe_sha256 not in (None, layer.recipe_sha256(recipe))
    messages = [RECIPE_EDITED] if edited and restored.exact else _messages(stored, restored)
    return Restoration(restored.mosaic, whole, restored.exact and not edited, messages, edited)


def _messages(stored: Layer, restored: Restored) -> list[str]:
    """In sentences: whether it is exact, else what is missing."""
    if restored.exact:
        return ["its lossless layer is whole: the RAW is bit-exact"]
    messages = []
    if restored.damaged:
        rows = ", ".join(f"{start}-{stop - 1}" for start, stop in restored.damaged[:8])
        more = ", ..." if len(restored.damaged) > 8 else ""
        messages.append(f"its lossless layer is damaged: rows {rows}{more} are recovered without it")
    if restored.area != stored.area:
        messages.append("its lossless layer is damaged: the photosites outside the visible area are lost")
    return messages or ["its lossless layer does not add up: the RAW is not bit-exact"]
