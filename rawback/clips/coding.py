"""Frames of a clip for video codecs: their planes, luma chosen for the chroma that the codec was found to make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rawback.clips.clip import Clip, fields_of
from rawback.files.video import planes
from rawback.isp.video import signal
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.recipe_text import from_fields, to_fields

TO_RGB = planes.to_rgb_matrix(planes.BT709)
TO_YCC = np.linalg.inv(TO_RGB)


@dataclass(frozen=True)
class CodedFrame:
    """A frame as it goes to the encoder."""

    codes: np.ndarray
    """(3, H, W) uint16, 10 bits of limited range."""
    recipe: dict[str, str]
    """As XMP properties."""
    metadata: dict[str, str]
    """What is of this frame alone, as XMP properties."""
    notes: list[str]


def fitted(clip: Clip) -> Clip:
    """The clip with a curve that fits into the range of a video signal."""
    recipe = signal.fitted(from_fields(clip.fields), TO_YCC[0])
    shared = clip.shared | {"shoulder": recipe.shoulder, "refined": False}
    return replace(clip, shared=shared, fields=clip.fields | to_fields(replace(recipe, refined=False)))


def codes_of(mosaic: np.ndarray, recipe: Recipe, coded: np.ndarray | None = None) -> np.ndarray:
    """Mosaic (H, W) uint16 -> 10-bit codes (3, H, W) uint16; `coded` as in `code_frame`."""
    ycc = signal.picture(mosaic, recipe, TO_YCC) if coded is None else coded
    codes = planes.codes_of(ycc)
    luma = signal.luma_under(planes.ycc_of_codes(codes)[1:], mosaic, recipe, TO_RGB)
    codes[0] = planes.codes_of(luma[None])[0]
    return codes


def code_frame(source: Path, clip: Clip, options: RenderOptions, coded: np.ndarray | None = None) -> CodedFrame:
    """Develop one frame. coded: the frame as it came back from the codec, Y'CbCr (3, H, W), whose chroma is to be kept."""
    raw, recipe, metadata = clip.load(source, options)
    codes = codes_of(raw.mosaic, recipe, coded)
    shared = fields_of(recipe, metadata)
    own = {name: text for name, text in metadata.to_fields().items() if name not in shared}
    return CodedFrame(codes, shared, own, raw.notes)
