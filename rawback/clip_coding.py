"""Frames of a clip for video codecs: their planes by the open loop."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rawback.clips import Clip, fields_of
from rawback.files import picture_planes
from rawback.isp import video_signal
from rawback.recipe import from_fields, to_fields
from rawback.rendering import RenderOptions

TO_YCC = np.linalg.inv(picture_planes.to_rgb_matrix(picture_planes.BT709))


@dataclass(frozen=True)
class Shown:
    """A frame as it goes to the encoder."""

    codes: np.ndarray
    """(3, H, W) uint16, 10 bits of limited range."""
    recipe: dict[str, str]
    """As XMP properties."""
    moment: dict[str, str]
    """What is of this frame alone, as XMP properties."""
    notes: list[str]


def fitted(clip: Clip) -> Clip:
    """The clip with a curve that fits into the range of a video signal."""
    recipe = video_signal.fitted(from_fields(clip.fields), TO_YCC[0])
    shared = clip.shared | {"shoulder": recipe.shoulder, "refined": False}
    return replace(clip, shared=shared, fields=clip.fields | to_fields(replace(recipe, refined=False)))


def show(source: Path, clip: Clip, options: RenderOptions) -> Shown:
    """Develop one frame."""
    raw, recipe, moment = clip.load(source, options)
    codes = picture_planes.codes_of(video_signal.picture(raw.mosaic, recipe, TO_YCC))
    shared = fields_of(recipe, moment)
    own = {name: text for name, text in moment.to_fields().items() if name not in shared}
    return Shown(codes, shared, own, raw.notes)
