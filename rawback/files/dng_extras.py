"""What a DNG says beside its mosaic and its colours: packets carried from the photo, and the look of the photo."""

from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np

from rawback.files import makernote, tiff
from rawback.files.exif import MAKER_NOTE, SOFTWARE, Exif, closed, metadata
from rawback.files.tiff import BYTE, FLOAT, LONG, UNDEFINED, Entry
from rawback.isp.colour import CURVES, curve_of, matrix_from_xyz
from rawback.recipe import Recipe

XMP, IPTC, PRIVATE = 700, 33723, 50740
PROFILE_NAME, TONE_CURVE, EMBED_POLICY, BLACK_RENDER = 50936, 50940, 50941, 51110
HUE_SAT_DIMS, HUE_SAT_DATA = 50937, (50938, 50939)
ALLOW_COPYING, NO_BLACK_SUBTRACTION = 0, 1
TONE_POINTS = 64
STRUCTURAL = {
    *range(254, 260), 262, *range(264, 267), 273, 277, 278, 279, 280, 281, 284, 288, 289, SOFTWARE, 317, 320,
    *range(322, 326), 330, 332, 334, 336, 338, 339, 340, 341, 347, *range(512, 522), 530, 700, 33421, 33422, 33723,
    34675, 34864, *range(50706, 51200), *range(52525, 52560),
}  # fmt: skip
"""IFD0 tags that describe the pixels of the file they stand in, or that are written anew: sizes, strips, Software,
XMP, IPTC, the ICC profile, everything of DNG."""


def carried(exif: Exif | None) -> Exif:
    """What goes from a photo into its DNG: all but what describes the pixels, and the MakerNote."""
    if exif is None:
        return Exif()
    return replace(
        metadata(exif),
        ifd0={tag: closed(entry) for tag, entry in exif.ifd0.items() if tag not in STRUCTURAL},
        interop={tag: closed(entry) for tag, entry in exif.interop.items()},
    )


def attached(exif: Exif) -> dict[int, Entry]:
    """XMP, IPTC and the MakerNote: the last as Adobe's block, which tells its byte order and where it used to stand."""
    found = {XMP: Entry(BYTE, len(exif.xmp), exif.xmp), IPTC: Entry(UNDEFINED, len(exif.iptc), exif.iptc)}
    note = exif.exif.get(MAKER_NOTE)
    if note and makernote.has_directory(note.data):
        body = exif.order.encode() + struct.pack(">I", makernote.origin(exif)) + note.data
        block = b"Adobe\0MakN" + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
        found[PRIVATE] = Entry(BYTE, len(block), block)
    return {tag: entry for tag, entry in found.items() if entry.data}


def plain_note(exif: Exif) -> dict[int, Entry]:
    """A MakerNote without a directory, and so without offsets, in its usual place: Adobe's block is for the others."""
    note = exif.exif.get(MAKER_NOTE)
    return {MAKER_NOTE: note} if note and not makernote.has_directory(note.data) else {}


def look(recipe: Recipe) -> dict[int, Entry]:
    """An embedded profile with which developers show the mosaic as the photo looked; nothing for a standard rendering."""
    if not recipe.tone:
        return {}
    light = np.linspace(0, 1, TONE_POINTS + 1) ** 2
    shown = np.clip(CURVES[recipe.curve].decode(curve_of(recipe).encode(light.astype(np.float32)))[0], 0, 1)
    shown[0], shown[-1] = 0, 1
    maps = HUE_SAT_DATA if "ColorMatrix2" in recipe.dng else HUE_SAT_DATA[:1]
    saturation = [0.0, 1.0, 1.0, 0.0, _saturation(recipe), 1.0]  # hue, saturation, value at no and at full saturation
    return {
        PROFILE_NAME: tiff.ascii_text(f"rawback {recipe.look} look"),
        TONE_CURVE: tiff.pack(FLOAT, np.stack([light, np.maximum.accumulate(shown)], 1).ravel().tolist()),
        EMBED_POLICY: tiff.pack(LONG, [ALLOW_COPYING]), BLACK_RENDER: tiff.pack(LONG, [NO_BLACK_SUBTRACTION]),
        HUE_SAT_DIMS: tiff.pack(LONG, [1, 2, 1]), **{tag: tiff.pack(FLOAT, saturation) for tag in maps},
    }  # fmt: skip


def _saturation(recipe: Recipe) -> float:
    """How much more colourful the look is than the camera's matrix alone (exact where the look is but a saturation).

    What is mixed after the curve counts as much as in light.
    """
    numbers = recipe.dng.get("ColorMatrix2") or recipe.dng.get("ColorMatrix1")
    if not numbers:
        return 1.0
    mix = np.array(recipe.matrix) @ np.linalg.inv(matrix_from_xyz(np.reshape(numbers, (3, 3))))
    mixed_later = np.linalg.inv(recipe.code_matrix) if recipe.code_matrix else np.eye(3)
    amount = (np.trace(mix / mix.sum(1, keepdims=True)) - 1) / 2 * (np.trace(mixed_later) - 1) / 2
    return float(np.clip(amount, 0.8, 1.3))
