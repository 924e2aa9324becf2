"""The file: a coded picture with all that goes along."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from rawback import provenance, rate_control
from rawback.errors import RawbackError
from rawback.files import exif, jpeg, jpeg_metadata, jumbf
from rawback.files.original import carried, shown
from rawback.files.original.carried import Carried
from rawback.files.raw import RawFile
from rawback.isp import grey
from rawback.lossless import layer
from rawback.lossless.original import contents, kept
from rawback.lossless.original.give_back import skeleton
from rawback.lossless.original.keep import keep
from rawback.lossless.original.kept import Kept
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.version import __version__

THUMBNAIL_FROM = 1 << 20  # smaller pictures are their own thumbnail: it would cost more than the RAW gains
THUMBNAIL_SIDE = 160
METADATA_SHARE = 0.25
"""Of a file whose size is given: small ones are for the picture first."""


def assembled(
    coding: Callable[[], bytes],
    raw: RawFile,
    picture: Coefficients,
    recipe: Recipe,
    options: RenderOptions,
    boxes: Sequence[jumbf.Box] = (),
    file: Kept | None = None,
    gain_map: bytes = b"",
) -> tuple[bytes, tuple[str, ...]]:
    """The coded picture, once it is there, with all that goes along, and what of the RAW's metadata does not."""
    large = options.thumbnail and picture.width * picture.height >= THUMBNAIL_FROM
    small, coded = _thumbnail(picture) if large else None, coding()
    take = Carried()
    exif_of_raw = raw.exif if options.keep_exif else None
    if raw.original is not None:
        original = raw.original if options.keep_exif else raw.original.anonymous()
        take = carried.fit(original, None if options.lossless else _budget(len(coded), options))
        exif_of_raw = shown.exif(original) if options.keep_exif else None
    software = f"rawback {__version__}"
    tags = exif.to_app1(exif_of_raw, recipe.orientation, software, small, size=(picture.width, picture.height))
    segments = [jpeg_metadata.iptc_segment(take.iptc)] if take.iptc else []
    carried_boxes = take.boxes
    if file and raw.original is not None and contents.metadata_of(skeleton(file), recipe) == raw.original:
        file, carried_boxes = replace(file, metadata=take.shows), ()  # they are in the file itself
    segments += jumbf.to_segments([*carried_boxes, *boxes, *(kept.to_boxes(file) if file else [])])
    return jpeg.with_metadata(coded, recipe, tags, segments, take.others, gain_map), take.left_out


def as_written(picture: Coefficients, recipe: Recipe) -> Coefficients:
    """What is coded of a picture: of a monochrome one luma alone."""
    return grey.luma_alone(picture) if recipe.monochrome else picture


def file_of(raw: RawFile) -> Kept:
    """What is kept of the file itself. Raises RawbackError for one that cannot be."""
    if not raw.data:
        raise RawbackError("there is no RAW file to keep byte for byte; --keep lossless keeps every photosite")
    return keep(raw.data, raw.name, raw.mosaic if raw.frame is None else raw.frame)


def layer_of(raw: RawFile, picture: Coefficients, recipe: Recipe) -> list[jumbf.Box]:
    """The lossless layer, with all photosites that the file has."""
    top, left = recipe.margins[:2] if raw.frame is not None else (0, 0)
    frame = raw.mosaic if raw.frame is None else raw.frame
    area = (top, left, top + recipe.height, left + recipe.width)
    return layer.make(frame, area, picture, recipe)


def _budget(size: int, options: RenderOptions) -> int:
    """Bytes for metadata: of a file whose size is given, not more than METADATA_SHARE."""
    goal = rate_control.parse(options.keep) if options.keep else None
    most = int(METADATA_SHARE * goal.value) if goal and goal.kind == "size" else size + carried.LEAST
    return min(carried.budget_of(size), most)


def _thumbnail(picture: Coefficients) -> bytes:
    """A small JPEG of the picture as viewers show it."""
    large = max(picture.width, picture.height) >= 12 * THUMBNAIL_SIDE
    planes = provenance.displayed(picture, 1 if large else 4)
    image = Image.merge("YCbCr", [Image.fromarray(np.rint(plane).astype(np.uint8)) for plane in planes])
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=70, optimize=True)
    return stream.getvalue()
