"""The lossless layer of a file: its boxes, what they must agree on, and what is done when some are damaged."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, fields, replace

import numpy as np

from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import recipe_xmp
from rawback.files.jumbf import Box
from rawback.files.layer_header import FIRST, HEADER, OF_PIXELS, VERSION, intact, with_crc
from rawback.files.layer_header import LABEL as HEADER_LABEL
from rawback.isp.mosaic import sha256
from rawback.isp.parallel import in_threads
from rawback.lossless import margins
from rawback.lossless.coder import Coder, MosaicCoder, encode
from rawback.lossless.colour_coder import ColourCoder
from rawback.lossless.margins import Area
from rawback.picture import Coefficients
from rawback.recipe import Provenance, Recipe
from rawback.recipe_text import to_fields

BLOCK_LABEL = "rawback.lossless.block"
"""JUMBF label; blocks have a box each."""
MARGINS_LABEL, RECIPE_LABEL = "rawback.lossless.margins", "rawback.lossless.recipe"
LABELS = (HEADER_LABEL, MARGINS_LABEL, RECIPE_LABEL, BLOCK_LABEL)
CODERS: dict[int, type[Coder]] = {FIRST: Coder, OF_PIXELS: ColourCoder, VERSION: MosaicCoder}
"""By the version that the header says."""
UNHASHED = {entry.name: entry.default for entry in fields(Provenance)}
LARGEST_FRAME = 1 << 29
"""Photosites; and a frame has no more than four times those that are visible, and SPARE."""
SPARE = 1 << 22
"""See LARGEST_FRAME."""
PIXELS_PER_BYTE = 64
"""Wide margins hold the noise of darkness: more photosites to a byte than that no sensor's take, but a forger's."""


@dataclass
class Layer:
    """What a file carries beside its picture."""

    picture_sha256: str
    frame_sha256: bytes
    """Of the whole frame, row by row, uint16 little-endian."""
    size: tuple[int, int]
    """Width and height of the visible mosaic."""
    area: Area
    frame: tuple[int, int]
    """Height and width of the frame."""
    version: int
    """Of `layer_header`."""
    count: int
    """How many blocks there should be."""
    tables: bytes
    blocks: dict[int, bytes] = field(default_factory=dict)
    """Those that are whole."""
    margins: bytes | None = None
    recipe_sha256: bytes | None = None
    """`recipe_sha256` of the recipe; None in layers of release 0.1.0."""
    stored_bytes: int = 0
    """What it takes in the file."""


@dataclass
class Restored:
    """The frame that a layer and its picture make."""

    frame: np.ndarray
    """(height, width) or (height, width, 3) uint16 with the margins, or the visible part alone where they are lost."""
    area: Area
    """The visible mosaic within it."""
    exact: bool
    """Whether it is the original to the last bit: its hash says so."""
    damaged: list[tuple[int, int]]
    """First row and row after the last of visible blocks that had to be recovered without the layer."""

    @property
    def mosaic(self) -> np.ndarray:
        """The visible part."""
        top, left, bottom, right = self.area
        return self.frame[top:bottom, left:right]


def make(frame: np.ndarray, area: Area, picture: Coefficients, recipe: Recipe) -> list[Box]:
    """The boxes for a frame (H, W) or, of a linear RAW, (H, W, 3) uint16 whose visible `area` was rendered as `picture`."""
    top, left, bottom, right = area
    mosaic = frame[top:bottom, left:right]
    if frame.ndim == 3:
        version, coder = OF_PIXELS, ColourCoder.of(mosaic, picture, recipe)
        codes = in_threads(lambda rows: coder.encode(mosaic[rows[0] : rows[1]], rows[0]), coder.blocks())
        tables = coder.to_bytes()
    else:
        version, (by, codes) = VERSION, encode(mosaic, picture, recipe)
        tables = by.to_bytes()
    sizes = (right - left, bottom - top, top, left, frame.shape[1], frame.shape[0], len(codes), 0)
    picture_sha256 = bytes.fromhex(recipe.picture_sha256 or picture.sha256())
    head = HEADER.pack(version, picture_sha256, bytes.fromhex(sha256(frame)), *sizes)
    parts = [(HEADER_LABEL, head + tables)]
    if frame.shape != mosaic.shape:
        parts.append((MARGINS_LABEL, margins.encode(frame, area)))
    parts.append((RECIPE_LABEL, recipe_sha256(recipe)))
    parts += [(BLOCK_LABEL, struct.pack("<I", number) + code) for number, code in enumerate(codes)]
    return [Box(label, with_crc(body)) for label, body in parts]


def recipe_sha256(recipe: Recipe) -> bytes:
    """Hash of what a recipe says of sensor, rendering and decoding, as its text in the file says it."""
    texts = recipe_xmp.parse(recipe_xmp.build(to_fields(replace(recipe, **UNHASHED))))  # type: ignore[arg-type]
    return hashlib.sha256("\n".join(f"{name}={texts[name]}" for name in sorted(texts)).encode()).digest()


def read(boxes: list[Box]) -> Layer | None:
    """The layer of a file; None if it has none whose header is whole. Raises RawbackError for one of a later version."""
    contents = intact(boxes, LABELS)
    if not contents[HEADER_LABEL]:
        return None
    layer = _header(contents[HEADER_LABEL][0])
    layer.margins = next(iter(contents[MARGINS_LABEL]), None)
    layer.recipe_sha256 = next(iter(contents[RECIPE_LABEL]), None)
    around = layer.frame[0] * layer.frame[1] - layer.size[0] * layer.size[1]
    if around > layer.size[0] * layer.size[1] // 4 + SPARE and around > PIXELS_PER_BYTE * len(layer.margins or b""):
        raise RawbackError("the lossless layer inside has impossible margins; it is damaged")
    layer.blocks = {int.from_bytes(body[:4], "little"): body[4:] for body in contents[BLOCK_LABEL]}
    layer.stored_bytes = sum(len(box.content) for box in boxes)
    return layer


def restore(
    layer: Layer, picture: Coefficients, picture_sha256: str, fallback: Callable[[], np.ndarray],
    progress: Progress = lambda share: None,
) -> Restored:  # fmt: skip
    """The frame. Where blocks are damaged, rows of `fallback()`, the visible mosaic as the picture alone gives it.

    picture_sha256: the picture's hash, which `provenance.examine` has computed already.
    Raises RawbackError for a layer that belongs to another picture, or whose tables are damaged.
    """
    if layer.size != (picture.width, picture.height) or layer.picture_sha256 != picture_sha256:
        raise RawbackError("the lossless layer belongs to another picture")
    by = CODERS[layer.version].from_bytes(layer.tables, picture)
    rows = by.blocks()
    frame = np.zeros((*layer.frame, 3) if layer.version == OF_PIXELS else layer.frame, np.uint16)
    restored = Restored(frame, layer.area, False, [])
    mosaic = restored.mosaic

    def block(job: tuple[int, tuple[int, int]]) -> bool:
        number, (start, stop) = job
        try:
            mosaic[start:stop] = by.decode(layer.blocks.get(number, b""), start, stop)
        except RawbackError:
            return False
        return True

    intact = in_threads(block, list(enumerate(rows)), progress)
    restored.damaged = [where for where, good in zip(rows, intact, strict=True) if not good]
    if restored.damaged:
        plain = fallback()
        for start, stop in restored.damaged:
            mosaic[start:stop] = plain[start:stop]
    if not _fill_margins(layer, frame):
        return Restored(mosaic.copy(), (0, 0, *mosaic.shape[:2]), False, restored.damaged)
    restored.exact = not restored.damaged and sha256(frame) == layer.frame_sha256.hex()
    return restored


def _fill_margins(layer: Layer, frame: np.ndarray) -> bool:
    """Whether they are there."""
    if layer.area == (0, 0, *layer.frame):
        return True
    try:
        margins.decode(layer.margins or b"", frame, layer.area)
    except RawbackError:
        return False
    return True


def _header(body: bytes) -> Layer:
    if len(body) < HEADER.size or int.from_bytes(body[:2], "little") not in CODERS:
        raise RawbackError("the lossless layer inside is of a later version; update rawback")
    version, picture, frame, width, height, top, left, frame_width, frame_height, count, _ = HEADER.unpack_from(body)
    area = (top, left, top + height, left + width)
    fits = area[2] <= frame_height and area[3] <= frame_width and width > 0 < height
    if not fits or frame_height * frame_width > min(LARGEST_FRAME, 4 * width * height + SPARE):
        raise RawbackError("the lossless layer inside has impossible sizes; it is damaged")
    tables = body[HEADER.size :]
    return Layer(picture.hex(), frame, (width, height), area, (frame_height, frame_width), version, count, tables)
