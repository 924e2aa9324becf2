"""DNG: a mosaic with its recipe as a file that every RAW developer opens (DNG 1.7.1; DNGVersion 1.4)."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from rawback.errors import RawbackError
from rawback.files import dng_extras, dng_levels, dng_pixels, preview, seal, tiff, tiff_writer
from rawback.files.dng_levels import Levels
from rawback.files.dng_pixels import Whole
from rawback.files.exif import Exif
from rawback.files.jpeg_file import JpegFile
from rawback.files.original.written_anew import PROFILE
from rawback.files.tags import Photometric, Tag
from rawback.files.tiff import BYTE, RATIONAL, SHORT, SRATIONAL, Buffer, Directory, Entries, Entry
from rawback.files.tiff_writer import serialise
from rawback.isp.colour import d65_tags, xyz_from_matrix
from rawback.recipe import DNG_NUMBERS, Recipe

COLOUR_TYPES = {
    "ColorMatrix1": SRATIONAL, "ColorMatrix2": SRATIONAL, "ForwardMatrix1": SRATIONAL, "ForwardMatrix2": SRATIONAL,
    "CameraCalibration1": SRATIONAL, "CameraCalibration2": SRATIONAL, "CalibrationIlluminant1": SHORT,
    "CalibrationIlluminant2": SHORT, "AnalogBalance": RATIONAL, "BaselineNoise": RATIONAL, "BaselineSharpness": RATIONAL,
    "LinearResponseLimit": RATIONAL,
}  # fmt: skip
"""Type of each of the tags of the recipe's DNG_NUMBERS."""
OF_PROFILES = {
    "ColorMatrix1", "ColorMatrix2", "ForwardMatrix1", "ForwardMatrix2", "CalibrationIlluminant1", "CalibrationIlluminant2",
}  # fmt: skip
"""Those that a camera profile has of its own."""
VERSION, NEWEST = bytes([1, 4, 0, 0]), bytes([1, 7, 1, 0])
"""Of DNG: what a reader must know, and the latest whose tags are known here."""

GUESSED = ("daylight", "automatic", "preview")
"""`Recipe.white_balance_from` where the RAW told none."""


@dataclass(frozen=True)
class DngTags:
    """What a DNG says of its sensor; a field keeps its default where the file is silent or talks nonsense."""

    camera: str = ""
    """UniqueCameraModel."""
    numbers: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Those of the recipe's DNG_NUMBERS that the file has."""
    neutral: tuple[float, ...] = ()
    """AsShotNeutral as written: three numbers, largest not always 1."""
    white_xy: tuple[float, ...] = ()
    """AsShotWhiteXY: the chromaticity of white, where the file has that instead."""
    levels: Levels = field(default_factory=Levels)
    crop: tuple[float, float, float, float] | None = None
    """DefaultCrop: x, y from the top left of the active area, width, height."""
    scale: tuple[float, float] = (1.0, 1.0)
    baseline_exposure: float = 0.0
    noise: tuple[float, ...] = ()
    """NoiseProfile: scale and offset, or those of red, green and blue; the mean of pairs where there are others."""


def read_tags(data: Buffer) -> DngTags | None:
    """The tags of a DNG, from whichever directory they stand in. None if the data is not a DNG."""
    first, mosaic = directories(data)
    if not first:
        return None
    tags = first | mosaic
    origin, size = _numbers(tags, Tag.DefaultCropOrigin, 2), _numbers(tags, Tag.DefaultCropSize, 2)
    colours = {name: _numbers(tags, Tag[name], DNG_NUMBERS[name]) for name in COLOUR_TYPES}
    return DngTags(
        camera=tiff.text(tags.get(Tag.UniqueCameraModel)),
        numbers={name: values for name, values in colours.items() if values},
        neutral=_numbers(tags, Tag.AsShotNeutral, 3),
        white_xy=_numbers(tags, Tag.AsShotWhiteXY, 2),
        levels=dng_levels.read(tags),
        crop=(origin[0], origin[1], size[0], size[1]) if origin and size else None,
        scale=_pair(_numbers(tags, Tag.DefaultScale, 2)) or (1.0, 1.0),
        baseline_exposure=next(iter(_numbers(tags, Tag.BaselineExposure, 1)), 0.0),
        noise=_noise(_numbers(tags, Tag.NoiseProfile), _numbers(tags, Tag.CFAPlaneColor) or (0, 1, 2)),
    )


def directories(data: Buffer) -> tuple[Entries, Entries]:
    """The entries of IFD0 and of the mosaic's directory of a DNG; nothing if the data is not a DNG."""
    first = tiff.read(data) if tiff.is_tiff(data) else tiff.Directory()
    if Tag.DNGVersion not in first.entries:
        return {}, {}
    raws = {
        kind: [d.entries for d in first.walk() if _numbers(d.entries, Tag.PhotometricInterpretation, 1) == (kind,)]
        for kind in (Photometric.CFA, Photometric.LINEAR_RAW)
    }
    return first.entries, next(iter(raws[Photometric.CFA] or raws[Photometric.LINEAR_RAW]), {})


def _numbers(tags: Entries, tag: int, count: int | None = None) -> tuple[float, ...]:
    """The numbers of a tag; nothing if it is missing, has another count, or one of them is not finite."""
    values = tiff.numbers(tags[tag]) if tag in tags else ()
    fits = count in (None, len(values)) and all(map(math.isfinite, values))
    return values if fits else ()


def _pair(values: tuple[float, ...]) -> tuple[float, float] | None:
    return (float(values[0]), float(values[1])) if values and min(values) > 0 else None


def _noise(values: tuple[float, ...], planes: tuple[float, ...]) -> tuple[float, ...]:
    if len(values) == 2 or (len(values) == 6 and planes == (0, 1, 2)):
        return values
    return (float(np.mean(values[::2])), float(np.mean(values[1::2]))) if values and len(values) % 2 == 0 else ()


def encode(
    mosaic: np.ndarray, recipe: Recipe, exif: Exif | None, picture: JpegFile | None,
    *, compress: bool = True, software: str = "rawback", mark: str = "", whole: Whole | None = None,
) -> list[Buffer]:  # fmt: skip
    """A DNG as chunks to be written one after the other.

    mosaic: (height, width) uint16 of the visible area, in DN; or (height, width, 3) uint16 of camera RGB, white at
    65535, which makes a LinearRaw. picture: a JPEG, shown by viewers until they have
    developed the mosaic; None: a small one is made. compress: lossless JPEG tiles instead of one plain strip.
    mark: of what the file was made, with the seal that it then gets (`files.seal`).
    whole: what is stored around the mosaic, and said beside it. Raises RawbackError if mosaic and recipe do not fit together.
    """
    if mosaic.shape[:2] != (recipe.height, recipe.width) or mosaic.shape[2:] not in ((), (3,)) or mosaic.dtype != np.uint16:
        expected = f"{(recipe.height, recipe.width)} uint16, the visible mosaic"
        raise RawbackError(f"the mosaic is {mosaic.shape} {mosaic.dtype}, the recipe expects {expected}")
    whole = whole or Whole(mosaic, (0, 0, recipe.height, recipe.width))
    said, below = described(recipe, exif, software, mark, whole)
    first = preview.directory(preview.baseline(picture) if picture else preview.small_picture(mosaic, recipe))
    first.entries |= said
    if mosaic.ndim == 3:
        pixels = dng_pixels.linear(whole, recipe, compress, below.order)
    else:
        pixels = dng_pixels.mosaic(whole, recipe, compress, below.order)
    first.children = {Tag.SubIFDs: [pixels], **below.directories()}
    first.blocks, first.next = profiles(whole, recipe), chain(whole)
    return seal.sealed(serialise(first, below.order))


def described(recipe: Recipe, exif: Exif | None, software: str, mark: str, whole: Whole) -> tuple[Entries, Exif]:
    """IFD0 but for the pixels that it may hold, and the directories below it, with the byte order of the file."""
    below = dng_extras.carried(exif)
    below = replace(below, order=whole.order or below.order)
    look = {} if PROFILE & whole.ifd0.keys() else dng_extras.look(recipe, whole.headroom)
    ifd0 = below.ifd0 | camera_tags(recipe, below, software, mark, whole) | look
    if exif is not None:
        ifd0 |= dng_extras.packets(exif)
    ifd0 |= whole.ifd0
    if Tag.AsShotWhiteXY in whole.ifd0 and Tag.AsShotNeutral not in whole.ifd0:
        ifd0.pop(Tag.AsShotNeutral, None)  # one or the other (DNG 1.7.1, AsShotWhiteXY)
    if exif is not None:
        private, notes = dng_extras.maker_note(exif, whole.ifd0.get(Tag.DNGPrivateData))
        ifd0 |= private
        below = replace(below, exif=below.exif | notes)
    return ifd0, below


def profiles(whole: Whole, recipe: Recipe) -> dict[int, list[bytes]]:
    """Those beside the first (ExtraCameraProfiles), as `tiff.Directory.blocks`; the look is one where the RAW has its own."""
    extra = list(whole.profiles)
    if recipe.tone and PROFILE & whole.ifd0.keys():
        profile = tiff_writer.profile(_colours(recipe, OF_PROFILES) | dng_extras.look(recipe, whole.headroom))
        extra += [profile] if profile not in extra else []
    return {Tag.ProfileIFD: extra} if extra else {}


def chain(whole: Whole) -> Directory | None:
    """As `tiff.Directory.next`."""
    following = None
    for entries in reversed(whole.chain):
        following = Directory(entries, next=following)
    return following


def camera_tags(recipe: Recipe, exif: Exif, software: str, mark: str, whole: Whole) -> Entries:
    """IFD0: the camera and its colours."""
    make, _, model = recipe.camera.partition(" ")
    brightened = 0.0 if whole.as_exposed else whole.headroom if recipe.tone else recipe.exposure  # a look's is in its profile
    return {
        Tag.Make: exif.ifd0.get(Tag.Make) or tiff.ascii_text(make),
        Tag.Model: exif.ifd0.get(Tag.Model) or tiff.ascii_text(model or make),
        Tag.Orientation: tiff.pack(SHORT, [recipe.orientation]),
        Tag.Software: tiff.ascii_text(software),
        Tag.DNGVersion: tiff.pack(BYTE, max(VERSION, min(whole.version, NEWEST))),
        Tag.DNGBackwardVersion: tiff.pack(BYTE, VERSION),
        Tag.UniqueCameraModel: tiff.ascii_text(recipe.camera or exif.camera or "unknown"),
        Tag.BaselineExposure: tiff.rationals([recipe.baseline_exposure + brightened], SRATIONAL),
        **_neutral(recipe),
        **_marked(mark),
    } | _colours(recipe)


def _colours(recipe: Recipe, names: Container[str] = COLOUR_TYPES) -> Entries:
    """Those tags of the recipe's numbers that have one of these names."""
    derived = {} if "ColorMatrix1" in recipe.dng or recipe.monochrome else _derived_matrix(recipe)
    numbers = recipe.dng | derived
    return {Tag[name]: _entry(COLOUR_TYPES[name], values) for name, values in numbers.items() if name in names}


def _neutral(recipe: Recipe) -> Entries:
    """AsShotNeutral, unless the original RAW had none: a developer then treats both alike, by its own automatics."""
    without = recipe.white_balance_from in GUESSED or recipe.monochrome
    return {} if without else {Tag.AsShotNeutral: tiff.rationals(recipe.neutral)}


def _marked(mark: str) -> Entries:
    return {Tag.RawbackMark: tiff.ascii_text(mark)} if mark else {}


def _entry(kind: int, values: Iterable[float]) -> Entry:
    if kind in (RATIONAL, SRATIONAL):
        return tiff.rationals((max(v, 0.0) if kind == RATIONAL else v for v in values), kind)
    return tiff.pack(kind, (min(max(round(v), 0), 65535) for v in values))


def _derived_matrix(recipe: Recipe) -> dict[str, tuple[float, ...]]:
    """ColorMatrix1, XYZ -> camera, such that white balance and rows summing to 1 bring back `recipe.matrix`.

    The scale of each row is free for LibRaw; with the as-shot neutral, every reader takes the light for D65.
    """
    return d65_tags(xyz_from_matrix(np.array(recipe.matrix), np.array(recipe.neutral)))
