"""RAW files through LibRaw: the visible mosaic, and a recipe that says what it means."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import numpy as np
import rawpy

from rawback.errors import RawbackError
from rawback.files import dng, dng_levels, embedded, libraw, raw_colours, raw_exif, tiff
from rawback.files.dng import DngTags
from rawback.files.exif import Exif
from rawback.files.libraw import Unpacked
from rawback.files.original.collect import collect
from rawback.files.original.metadata import Original
from rawback.files.original.packed import MAX_VALUES
from rawback.isp.mosaic import RGGB
from rawback.recipe import Recipe

FLIP_TO_ORIENTATION = {0: 1, 1: 2, 3: 3, 2: 4, 4: 5, 6: 6, 7: 7, 5: 8}
"""LibRaw's flip bits (1 mirror columns, 2 mirror rows, 4 transpose) -> EXIF orientation."""

DAMAGED = "is damaged"
MAX_CAMERA = 200
"""Characters of a camera's name: it goes into one segment of the JPEG, with all else that the recipe says."""
UNUSUAL_CFA = (
    "has an unusual colour filter array; expected Bayer (2x2), quad Bayer (4x4) or X-Trans (6x6): "
    "develop it, and export a 16-bit TIFF, which `rawback recover` takes"
)
DEMOSAICED = "expected a Bayer, X-Trans or monochrome RAW; of others export a 16-bit TIFF, which `rawback recover` takes"


@dataclass
class RawFile:
    """A RAW file as `render` needs it."""

    mosaic: np.ndarray
    """(H, W) uint16, the visible area in DN, sensor order."""
    recipe: Recipe
    """What the file says of itself; exposure and curve still at their defaults."""
    exif: Exif | None
    notes: list[str] = field(default_factory=list)
    """What the user should know, a sentence each."""
    frame: np.ndarray | None = None
    """All photosites, those outside the visible area included (`Recipe.margins` says where it lies); where asked for."""
    pictures: list[embedded.Picture] = field(default_factory=list)
    """JPEGs inside that may be the camera's picture of it, the one to ask first in front."""
    original: Original | None = None
    """All that the file says beside its pixels; where asked for."""
    data: bytes = b""
    """The file; where asked for, and empty where there is none."""
    name: str = ""
    """Of the file, without folders."""


def read(
    data: bytes, name: str, *, whole: bool = False, metadata: bool = False, linear: bool = False,
    unpacking: Future[Unpacked] | None = None,
) -> RawFile:  # fmt: skip
    """Read a RAW file of any format that LibRaw knows.

    whole: with the photosites around the visible area. metadata: with all that the file says, in each of its directories;
    very large values only together with `whole`. linear: whether RAW that is demosaiced already will do, three values a pixel.
    unpacking: what `libraw.unpack` is making of the data already; it is closed.

    Raises RawbackError for what is no mosaic of red, green and blue.
    """
    digest, pictures = hashlib.sha256(data).hexdigest(), embedded.pictures(data)  # while LibRaw unpacks
    unpacked = unpacking.result() if unpacking else libraw.unpack(data, name)
    try:
        with unpacked.raw as raw:
            file = _linear(raw, data, name) if linear and _is_linear(raw) else _read(raw, data, name)
            file.recipe, file.pictures = replace(file.recipe, source_sha256=digest), pictures
            if whole:
                file.frame = np.array(raw.raw_image[..., :3] if file.recipe.linear else raw.raw_image, np.uint16)
            if metadata:
                limit = MAX_VALUES if whole else tiff.MAX_VALUE
                file.original = collect(data, file.exif, (raw.sizes.raw_width, raw.sizes.raw_height), limit)
            if unpacked.damage:
                file.notes.append(f"{name} {DAMAGED} ({unpacked.damage}); what can be read is used")
            return file
    except NotImplementedError as error:  # rawpy's, of some colour filter arrays
        raise RawbackError(f"{name} {UNUSUAL_CFA}") from error
    except rawpy.LibRawError as error:
        raise libraw.problem(error, data, name) from error


def _read(raw: rawpy.RawPy, data: bytes, name: str) -> RawFile:
    if raw.raw_type == rawpy.RawType.Flat and raw.num_colors == 1 and raw.raw_image_visible.ndim == 2:
        return _monochrome(raw, data, name)
    if raw.raw_type != rawpy.RawType.Flat or raw.num_colors != 3 or raw.raw_image_visible.ndim != 2:
        raise RawbackError(f"{name} holds no mosaic (it is demosaiced already, or Foveon); {DEMOSAICED}")
    cfa, mosaic = _pattern(raw, data, name), np.array(raw.raw_image_visible, np.uint16)  # before LibRaw renders, if it must
    colours, notes = _colours(raw, data, name)
    return _file(raw, data, name, mosaic, cfa, colours, notes)


def _colours(raw: rawpy.RawPy, data: bytes, name: str) -> tuple[dict, list[str]]:
    """White balance and matrix, as fields of a recipe, and what the user should know of them."""
    tags = dng.read_tags(data) or DngTags()
    neutral, origin = raw_colours.neutral(raw, tags)
    matrix, numbers = raw_colours.matrix(raw, tags)
    notes = [] if origin == "camera" else [f"{name} has no white balance of its own"]
    if matrix is None:
        matrix = raw_colours.measured_matrix(raw)
        notes.append(f"{name}: the colours of this camera are not documented; they are taken as LibRaw renders them")
    rows = tuple(tuple(row) for row in matrix.tolist())
    return {"neutral": neutral, "white_balance_from": origin, "matrix": rows, "dng": numbers}, notes


def _is_linear(raw: rawpy.RawPy) -> bool:
    return raw.raw_type == rawpy.RawType.Stack and raw.num_colors == 3 and raw.raw_image_visible.ndim == 3


def _linear(raw: rawpy.RawPy, data: bytes, name: str) -> RawFile:
    """Three values a pixel, demosaiced already."""
    values = np.array(raw.raw_image_visible[..., :3], np.uint16)
    colours, notes = _colours(raw, data, name)
    black, white = raw.black_level_per_channel, float(raw.white_level)  # of lossy DNGs not as they are said: LibRaw widens them
    file = _file(raw, data, name, values, np.array(RGGB), colours | {"linear": True}, notes)
    file.recipe = replace(file.recipe, black=tuple(float(black[c]) for c in sum(RGGB, ())), white=white)
    return file


def _monochrome(raw: rawpy.RawPy, data: bytes, name: str) -> RawFile:
    """A sensor without filters, as a mosaic whose photosites are greys."""
    identity = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    colours = {"neutral": (1.0, 1.0, 1.0), "matrix": identity, "monochrome": True}
    return _file(raw, data, name, np.array(raw.raw_image_visible, np.uint16), np.array(RGGB), colours, [])


def _file(
    raw: rawpy.RawPy, data: bytes, name: str, mosaic: np.ndarray, cfa: np.ndarray, colours: dict, notes: list[str]
) -> RawFile:
    height, width = mosaic.shape[:2]
    tags = dng.read_tags(data) or DngTags()
    exif = raw_exif.read(raw, data)
    aspect = raw.sizes.pixel_aspect
    recipe = Recipe(
        width=width,
        height=height,
        cfa=tuple(tuple(1 if c == 3 else c for c in row) for row in cfa.tolist()),
        black=_black(raw, cfa, tags),
        white=tags.levels.white or float(raw.white_level),
        camera=(tags.camera or (exif.camera if exif else ""))[:MAX_CAMERA],
        orientation=FLIP_TO_ORIENTATION.get(raw.sizes.flip, 1),
        margins=(raw.sizes.top_margin, raw.sizes.left_margin, raw.sizes.raw_width, raw.sizes.raw_height),
        crop=_crop(raw, tags, width, height),
        scale=tags.scale if tags.scale != (1.0, 1.0) else (max(aspect, 1.0), max(1 / aspect, 1.0)),
        baseline_exposure=tags.baseline_exposure,
        noise=tags.noise,
        **colours,
    )
    if problem := recipe.problem():
        raise RawbackError(f"{name} says of its sensor what cannot be ({problem}); the file is damaged")
    return RawFile(mosaic, recipe, exif, notes)


def _pattern(raw: rawpy.RawPy, data: bytes, name: str) -> np.ndarray:
    """The repeating CFA cell at the top left of the visible mosaic, LibRaw's colour numbers (3: the second green).

    Of DNGs of 4x4 filters, which LibRaw takes for something else, by the file's own tags.
    """
    if (quad := dng_levels.quad_bayer(dng.directories(data)[1], (raw.sizes.top_margin, raw.sizes.left_margin))) is not None:
        return quad
    cell = raw.raw_pattern  # of all photosites; NotImplementedError where rawpy knows none
    if cell is None or (period := len(cell)) not in (2, 6):
        raise RawbackError(f"{name} {UNUSUAL_CFA}")
    cell = np.roll(cell, (-raw.sizes.top_margin, -raw.sizes.left_margin), (0, 1))
    if raw.color_desc[:4] not in (b"RGBG", b"RGB\0") or cell.shape != (period, period):
        raise RawbackError(f"{name} has the filter colours {raw.color_desc.decode()}; expected red, green and blue")
    return cell


def _black(raw: rawpy.RawPy, cfa: np.ndarray, tags: DngTags) -> tuple[float, ...]:
    """Black level by CFA position: as a DNG's tags say it, else LibRaw's."""
    s, levels = raw.sizes, raw.black_level_per_channel
    written = tags.levels.black(len(cfa), (s.top_margin, s.left_margin), (s.height, s.width))
    return written or tuple(float(levels[c]) for c in cfa.ravel())


def _crop(raw: rawpy.RawPy, tags: DngTags, width: int, height: int) -> tuple[float, float, float, float] | None:
    """DefaultCrop within the visible mosaic; None where the file has none or one that does not fit."""
    s = raw.sizes
    x, y = float(s.crop_left_margin - s.left_margin), float(s.crop_top_margin - s.top_margin)
    w, h = float(s.crop_width), float(s.crop_height)
    if tags.crop:  # counts from the active area, which LibRaw lets begin at an even row and column
        x, y, w, h = tags.crop
        x, y = x + tags.levels.origin[1] - s.left_margin, y + tags.levels.origin[0] - s.top_margin
        x, y, w, h = max(x, 0), max(y, 0), w + min(x, 0), h + min(y, 0)
    fits = x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height
    return (x, y, w, h) if fits and (x, y, w, h) != (0, 0, width, height) else None


def embedded_jpeg(data: bytes, name: str) -> bytes:
    """The largest JPEG that a RAW file carries of itself. Raises RawbackError if it has none."""
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            thumbnail = raw_exif.thumbnail(raw)
    except rawpy.LibRawError as error:
        raise RawbackError(f"{name} holds no picture of its own; name the camera's JPEG after it") from error
    if thumbnail.format != rawpy.ThumbFormat.JPEG:
        raise RawbackError(f"{name} holds a picture that is no JPEG; name the camera's JPEG after it")
    return bytes(thumbnail.data)
