"""The directories of a DNG that hold sensor values: mosaics, and camera RGB (DNG 1.7.1, "CFA" and "LinearRaw")."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from rawback.files import ljpeg, tiff
from rawback.files.tags import Compression, Photometric, Tag
from rawback.files.tiff import BYTE, DOUBLE, LONG, SHORT, UNDEFINED, Directory, Entries, Entry
from rawback.isp import full_colour
from rawback.recipe import Recipe

TILE = 256
RECTANGULAR = 1  # CFALayout
FIX_VIGNETTE, SINCE_VERSION, OPTIONAL = 3, bytes([1, 3, 0, 0]), 1


@dataclass(frozen=True)
class Whole:
    """What a DNG holds beyond the visible mosaic and its recipe."""

    frame: np.ndarray
    """(rows, columns) or, of a linear RAW, (rows, columns, 3) uint16: the mosaic with the photosites around it."""
    area: tuple[int, int, int, int]
    """Top, left, bottom, right of the visible mosaic within the frame."""
    ifd0: Entries = field(default_factory=dict)
    """Tags of the original's IFD0 that are said again."""
    raw: Entries = field(default_factory=dict)
    """Tags of its mosaic's own directory."""
    profiles: list[bytes] = field(default_factory=list)
    """Camera profiles beside the first (ExtraCameraProfiles)."""
    chain: list[Entries] = field(default_factory=list)
    """Directories that follow IFD0."""
    order: str = ""
    """The original's byte order, in which the DNG is then written."""
    version: bytes = b""
    """The original's DNGVersion: its tags may need one above the lowest."""
    as_exposed: bool = False
    """Whether it is to be developed as the original is, not as bright as the picture."""
    headroom: float = 0.0
    """Stops that the recipe's exposure makes up for light above the picture's white, beside what its look brightens."""


SAMPLES = {"II": "<u2", "MM": ">u2"}
"""numpy's name of uncompressed samples, by the file's byte order."""


def mosaic(whole: Whole, recipe: Recipe, compress: bool, order: str = "II") -> Directory:
    """The SubIFD of a mosaic, for a file of that byte order."""
    frame = whole.frame
    height, width = frame.shape
    raw = _common(recipe, width, height, compress)
    raw.entries |= _black(recipe, whole.raw) | {
        Tag.BitsPerSample: tiff.pack(SHORT, [16]), Tag.SamplesPerPixel: tiff.pack(SHORT, [1]),
        Tag.PhotometricInterpretation: tiff.pack(SHORT, [Photometric.LINEAR_RAW if recipe.monochrome else Photometric.CFA]),
        Tag.WhiteLevel: tiff.pack(LONG, [round(recipe.white)]), Tag.ActiveArea: tiff.pack(LONG, whole.area),
    } | ({} if recipe.monochrome else _filters(recipe)) | whole.raw  # fmt: skip
    if compress:
        raw.strips[Tag.TileOffsets] = ljpeg.tiles(frame, TILE, _tile_width(width))
    else:
        raw.strips[Tag.StripOffsets] = [_plain(frame, order)]
    return raw


def _filters(recipe: Recipe) -> Entries:
    rows, columns = len(recipe.cfa), len(recipe.cfa[0])
    return {
        Tag.CFARepeatPatternDim: tiff.pack(SHORT, [rows, columns]), Tag.CFAPattern: tiff.pack(BYTE, sum(recipe.cfa, ())),
        Tag.CFAPlaneColor: tiff.pack(BYTE, [0, 1, 2]), Tag.CFALayout: tiff.pack(SHORT, [RECTANGULAR]),
    }  # fmt: skip


def linear(whole: Whole, recipe: Recipe, compress: bool, order: str = "II") -> Directory:
    """The SubIFD of camera RGB (H, W, 3) uint16: of a linear RAW with its own levels, of any other black 0 and white 65535.

    (All else is misread by some developer.)
    """
    pixels = whole.frame
    height, width = pixels.shape[:2]
    raw = _common(recipe, width, height, compress)
    raw.entries |= {
        Tag.BitsPerSample: tiff.pack(SHORT, [16] * 3), Tag.SamplesPerPixel: tiff.pack(SHORT, [3]),
        Tag.PhotometricInterpretation: tiff.pack(SHORT, [Photometric.LINEAR_RAW]),
        Tag.WhiteLevel: tiff.pack(LONG, [65535] * 3), Tag.ActiveArea: tiff.pack(LONG, whole.area),
    } | (_own_levels(recipe) if recipe.linear else {}) | whole.raw  # fmt: skip
    if compress:
        tile_width = _tile_width(width)
        framed = np.pad(pixels, [(0, -height % TILE), (0, -width % tile_width), (0, 0)], mode="edge")
        starts = [(y, x) for y in range(0, height, TILE) for x in range(0, width, tile_width)]
        raw.strips[Tag.TileOffsets] = [ljpeg.encode(framed[y : y + TILE, x : x + tile_width]) for y, x in starts]
    else:
        raw.strips[Tag.StripOffsets] = [_plain(pixels, order)]
    return raw


def _own_levels(recipe: Recipe) -> Entries:
    black, _ = full_colour.levels(recipe)
    return {
        Tag.BlackLevelRepeatDim: tiff.pack(SHORT, (1, 1)), Tag.BlackLevel: _integers_or_rationals(map(float, black)),
        Tag.WhiteLevel: tiff.pack(LONG, [round(recipe.white)] * 3),
    }  # fmt: skip


def _plain(samples: np.ndarray, order: str) -> memoryview:
    return np.ascontiguousarray(samples, SAMPLES[order]).view(np.uint8).data.cast("B")


def _common(recipe: Recipe, width: int, height: int, compress: bool) -> Directory:
    """What mosaics and camera RGB share: sizes, layout, crop, noise."""
    x, y, w, h = recipe.crop or (0, 0, recipe.width, recipe.height)
    raw = Directory({
        Tag.NewSubfileType: tiff.pack(LONG, [0]), Tag.ImageWidth: tiff.pack(LONG, [width]),
        Tag.ImageLength: tiff.pack(LONG, [height]), Tag.PlanarConfiguration: tiff.pack(SHORT, [1]),
        Tag.Compression: tiff.pack(SHORT, [Compression.JPEG if compress else Compression.NONE]),
        Tag.DefaultScale: tiff.rationals(recipe.scale),
        Tag.DefaultCropOrigin: _integers_or_rationals((x, y)), Tag.DefaultCropSize: _integers_or_rationals((w, h)),
    })  # fmt: skip
    if recipe.noise:
        raw.entries[Tag.NoiseProfile] = tiff.pack(DOUBLE, recipe.noise)
    if recipe.vignette:
        body = struct.pack(">7d", *recipe.vignette, 0.5, 0.5)
        opcode = struct.pack(">II", 1, FIX_VIGNETTE) + SINCE_VERSION + struct.pack(">II", OPTIONAL, len(body)) + body
        raw.entries[Tag.OpcodeList3] = Entry(UNDEFINED, len(opcode), opcode)
    if compress:
        raw.entries |= {Tag.TileWidth: tiff.pack(LONG, [_tile_width(width)]), Tag.TileLength: tiff.pack(LONG, [TILE])}
    else:
        raw.entries[Tag.RowsPerStrip] = tiff.pack(LONG, [height])
    return raw


def _black(recipe: Recipe, said: Entries) -> Entries:
    """One level if all positions share it, else one for each; none where the original's own tags are said again.

    BlackLevelRepeatDim always: without it LibRaw takes four levels for none, RawTherapee misreads the one of X-Trans.
    """
    if said.keys() & {Tag.BlackLevel, Tag.BlackLevelDeltaH, Tag.BlackLevelDeltaV}:
        return {Tag.BlackLevelRepeatDim: tiff.pack(SHORT, (1, 1))}
    shared = len(set(recipe.black)) == 1
    repeat = (1, 1) if shared else (len(recipe.cfa), len(recipe.cfa[0]))
    levels = recipe.black[:1] if shared else recipe.black
    return {Tag.BlackLevelRepeatDim: tiff.pack(SHORT, repeat), Tag.BlackLevel: _integers_or_rationals(levels)}


def _integers_or_rationals(values: Iterable[float]) -> Entry:
    items = tuple(values)
    return tiff.pack(LONG, map(int, items)) if all(float(v).is_integer() for v in items) else tiff.rationals(items)


def _tile_width(width: int) -> int:
    """LibRaw wraps the rows of a tile that is wider than the mosaic, and misreads two components of half its width."""
    fitting = min(TILE, max(width // 16 * 16, 16))
    return fitting - 16 if width == 2 * fitting else fitting
