"""The refinement layer of a file: its boxes, what they must agree on, and what is done when some are damaged."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field, replace

import numpy as np

from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files.jumbf import Box
from rawback.files.layer_header import intact, with_crc
from rawback.isp.parallel import in_threads
from rawback.lossless.refinement import strip_coder
from rawback.lossless.refinement.picture import UNIT, coarse_strip, fine_steps, in_natural_order, strips
from rawback.lossless.refinement.tables import CellTables
from rawback.picture import Coefficients

LABEL, STRIP_LABEL = "rawback.refinement", "rawback.refinement.strip"
VERSION = 1
HEADER = struct.Struct("<H32sIIHH6h")
"""Version, sha256 of the coarse picture, rows and columns of luma's blocks, steps of AC levels and of means in 64ths, and the
centroids of both quantisers in thousandths; tables follow."""
THOUSAND = 1000


@dataclass
class Layer:
    """What a file carries beside its picture."""

    picture_sha256: str
    blocks: tuple[int, int]
    """Rows and columns of luma."""
    steps: np.ndarray
    """(64,) int64, natural order, in UNITths."""
    centroids: tuple[float, ...]
    by: CellTables
    strips: dict[int, bytes] = field(default_factory=dict)
    """Those that are intact."""
    stored_bytes: int = 0
    """What it takes in the file."""

    @property
    def count(self) -> int:
        """How many strips there should be."""
        return len(strips(*self.blocks))


def to_boxes(layer: Layer) -> list[Box]:
    """As it travels; `read` is the inverse."""
    centroids = np.rint(np.array(layer.centroids) * THOUSAND).astype(int).tolist()
    steps = int(layer.steps[1]), int(layer.steps[0])
    head = HEADER.pack(VERSION, bytes.fromhex(layer.picture_sha256), *layer.blocks, *steps, *centroids)
    parts = [(LABEL, head + layer.by.to_bytes())]
    parts += [(STRIP_LABEL, struct.pack("<I", number) + code) for number, code in sorted(layer.strips.items())]
    return [Box(label, with_crc(body)) for label, body in parts]


def read(boxes: list[Box]) -> Layer | None:
    """The layer of a file; None if it has none whose header is intact. Raises RawbackError for one of a later version."""
    contents = intact(boxes, (LABEL, STRIP_LABEL))
    if not contents[LABEL]:
        return None
    layer = _header(contents[LABEL][0])
    layer.strips = {int.from_bytes(body[:4], "little"): body[4:] for body in contents[STRIP_LABEL]}
    layer.stored_bytes = sum(len(box.content) for box in boxes if box.label in contents)
    return layer


def _header(body: bytes) -> Layer:
    if len(body) < HEADER.size or int.from_bytes(body[:2], "little") != VERSION:
        raise RawbackError("the refinement layer inside is of a later version; update rawback")
    _, picture, rows, columns, step, mean, *centroids = HEADER.unpack_from(body)
    if not (rows and columns and step and mean):
        raise RawbackError("the refinement layer inside has impossible sizes; it is damaged")
    by = CellTables.from_bytes(body[HEADER.size :])
    shifts = tuple(number / THOUSAND for number in centroids)
    return Layer(picture.hex(), (rows, columns), fine_steps(step, mean), shifts, by)


def applied(
    layer: Layer, picture: Coefficients, picture_sha256: str, progress: Progress = lambda share: None
) -> tuple[Coefficients, list[tuple[int, int]]]:
    """The fine picture, and first row and row after the last of strips that had to be taken from the coarse one alone.

    picture_sha256: that of the coarse picture, which has been computed already.
    Raises RawbackError for a layer that belongs to another picture, or whose tables are damaged.
    """
    luma, height = picture.planes[0], picture.height
    if layer.blocks != luma.shape[:2] or layer.picture_sha256 != picture_sha256:
        raise RawbackError("the refinement layer belongs to another picture")
    if (layer.steps > UNIT * picture.tables[0].astype(np.int64)).any():
        raise RawbackError("the refinement layer is coarser than its picture; it is damaged")
    _ = layer.by.tables  # raises for those that cannot be
    fine, rows = np.empty_like(luma), strips(*layer.blocks)

    def strip(job: tuple[int, tuple[int, int]]) -> bool:
        number, (start, stop) = job
        coarse, near = coarse_strip(picture, (start, stop), layer.steps)
        try:
            levels, good = strip_coder.decode(layer.strips.get(number, b""), coarse, near, layer.by), True
        except RawbackError:
            levels, good = near.astype(np.int16), False
        fine[start:stop] = in_natural_order(levels)
        return good

    intact = in_threads(strip, list(enumerate(rows)), progress)
    return refined(picture, fine, layer), [
        (8 * start, min(8 * stop, height)) for (start, stop), good in zip(rows, intact, strict=True) if not good
    ]


def refined(picture: Coefficients, levels: np.ndarray, layer: Layer) -> Coefficients:
    """The coarse picture with fine luma (rows, columns, 64) int16 in its place."""
    return replace(
        picture, planes=[levels, *picture.planes[1:]], tables=[layer.steps / UNIT, *picture.tables[1:]],
        centroids=layer.centroids, dependent=True,
    )  # fmt: skip
