"""Movie -> CinemaDNG, frame by frame."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np

from rawback import recovering
from rawback.clips.denoise import REACH, Window
from rawback.files import exif, paths, seal, tiff
from rawback.files import photo as photos
from rawback.files.jpeg import Photo
from rawback.files.tags import Tag
from rawback.files.video import cinema_dng, planes, timecode
from rawback.files.video.cinema_dng import FrameMetadata
from rawback.files.video.movie import Movie, MovieFrame
from rawback.foreign import sensor
from rawback.isp.mosaic import RGGB
from rawback.isp.video import signal
from rawback.options.clips import FrameOptions
from rawback.options.option import as_text
from rawback.options.recover import RecoverOptions
from rawback.picture import Pixels
from rawback.provenance import State
from rawback.recipe import Recipe
from rawback.recipe_text import from_fields
from rawback.recovering import Recovered
from rawback.version import __version__

LOSSLESS = ("ffv1",)
"""Codecs whose frames cannot be marked, and which nobody re-encodes to: the recipe in the comment holds."""
ROTATIONS = {0: 1, 90: 8, 180: 3, 270: 6}
"""Degrees counter-clockwise by which a player turns the picture -> EXIF orientation."""


@dataclass(frozen=True)
class MovieContents:
    """A movie and what is to become of its frames."""

    path: Path
    codec: str
    frames: dict[str, MovieFrame]
    """By the name of the frame's file."""
    recipes: list[dict[str, str]]
    fields: dict[str, str]
    """The recipe of the movie's comment."""
    fingerprint: str
    """Of the file (`paths.fingerprint`)."""
    rate: Fraction
    time_code: str
    """Of the first frame."""
    has_audio: bool
    promise: str
    """What can be expected, in a sentence."""
    notes: list[str]
    """What else the user should know, a sentence each."""

    def origin(self, name: str) -> str:
        """By which the DNG of a frame is known to be of this frame: a hash, as others have that of a whole file."""
        return hashlib.sha256(f"{self.fingerprint} {name}".encode()).hexdigest()

    def metadata(self, name: str, number: int) -> FrameMetadata:
        """What the DNG of a frame says beside its mosaic: what the frame knows, else what can be counted."""
        own = self.frames[name].metadata
        common = cinema_dng.metadata_of(self.fields)
        counted = timecode.to_bytes(timecode.later(self.time_code or "00:00:00:00", number, self.rate))
        return FrameMetadata(
            name, own.time_code or counted, own.rate or common.rate or self.rate, own.t_stop or common.t_stop,
            own.reel or common.reel, own.camera_label or common.camera_label,
        )  # fmt: skip


def contents(path: Path) -> MovieContents:
    """Look through a movie. Raises RawbackError if it cannot be read."""
    with Movie(path) as source:
        listing = source.listing()
        fields = source.fields
        names, notes = _names(listing.frames, path.stem, fields)
        promise = _promise(source, listing.frames, fields)
        return MovieContents(
            path, source.codec, dict(zip(names, listing.frames, strict=True)), listing.recipes, fields,
            paths.fingerprint([path]), source.rate, source.time_code, source.has_audio, promise, notes,
        )  # fmt: skip


def describe(path: Path) -> dict:
    """Facts about a movie, ready for JSON. Raises RawbackError if it cannot be read."""
    movie = contents(path)
    with Movie(path) as source:
        size = {"width": source.width, "height": source.height}
    recipe = {**movie.fields, **(movie.recipes[0] if movie.recipes else {})}
    return {
        "file": str(path),
        "kind": "movie",
        **size,
        "codec": movie.codec,
        "frames": len(movie.frames),
        "rate": str(movie.rate),
        "time_code": movie.time_code,
        "sound": movie.has_audio,
        "rendered_by_rawback": bool(recipe),
        "promise": movie.promise,
        "recipe": recipe,
        "notes": movie.notes,
    }


def _names(frames: list[MovieFrame], stem: str, fields: dict[str, str]) -> tuple[list[str], list[str]]:
    """As the frames were called; counted, where they do not say so or two say the same."""
    names = [frame.metadata.name for frame in frames]
    if all(names) and len({name.casefold() for name in names}) == len(names):
        return names, []
    notes = ["frames of one name come twice; all are numbered anew"] if all(names) else []
    first = fields.get(cinema_dng.FIRST_FRAME, "")
    if cinema_dng.NAME.fullmatch(first) and cinema_dng.counted(first, 0) and not any(names):
        return [cinema_dng.counted(first, number) for number in range(len(frames))], notes
    return [f"{stem}_{number:06}" for number in range(len(frames))], notes


def _promise(source: Movie, frames: list[MovieFrame], fields: dict[str, str]) -> str:
    marked = sum(frame.marked for frame in frames)
    if marked == len(frames) or (fields and source.codec in LOSSLESS):
        how = "" if source.codec in ("mjpeg", *LOSSLESS) else ", of which a video codec has kept a part"
        return f"rendered by rawback: its RAW comes back{how}"
    if marked:
        return f"{len(frames) - marked} of {len(frames)} frames were put in or encoded again since rawback rendered the clip"
    if fields:
        return "encoded again by another program since rawback rendered it: the fine part of the RAW is lost"
    curve = " (of its HDR curve nothing is known here)" if source.is_hdr else ""
    return f"not rendered by rawback: a generic look is undone{curve}; expect a look-alike, not the RAW"


def recover(
    movie: MovieContents, name: str, number: int, options: RecoverOptions = RecoverOptions(),
    frames: FrameOptions = FrameOptions(),
) -> tuple[Iterable, list[str], int]:  # fmt: skip
    """One frame: its DNG as chunks, what is to be said of it, and how many photosites it has."""
    if frames.denoise:
        names = list(islice(movie.frames, max(number - REACH, 0), number + REACH + 1))
        frame = _window(movie.path, options).averaged(name, names, lambda each: _recovered(movie, each, options))
    else:
        frame = _recovered(movie, name, options)
    mark = seal.mark({"SourceSha256": movie.origin(name), "Options": options_text(options, frames)})
    chunks = cinema_dng.encode(
        frame.mosaic, frame.recipe, frame.photo.exif, movie.metadata(name, number), compress=options.compress,
        packed=frames.packed, software=f"rawback {__version__}", mark=mark, whole=frame.whole,
    )  # fmt: skip
    return chunks, frame.notes, frame.mosaic.size


def options_text(options: RecoverOptions, frames: FrameOptions) -> str:
    """All that shapes a frame."""
    return " ".join(filter(None, map(as_text, (options, frames))))


@lru_cache(1)
def _open(path: Path) -> Movie:
    """A worker does one frame after another of the same movie."""
    return Movie(path)


@lru_cache(1)
def _window(path: Path, options: RecoverOptions) -> Window:
    return Window(str(path))


def _recovered(movie: MovieContents, name: str, options: RecoverOptions) -> Recovered:
    source, frame, where = _open(movie.path), movie.frames[name], f"{movie.path}, frame {name}"
    if frame.marked and movie.codec == "mjpeg":
        photo = photos.read(source.packet(frame.pts), where)
        recovered = recovering.from_photo(photo, where, options)
        changed = recovered.state is not State.UNTOUCHED
        return replace(recovered, notes=[note for note in recovered.notes if changed or "damaged" in note])
    fields = movie.recipes[frame.recipe] if frame.marked and frame.recipe is not None else movie.fields
    if "Matrix" in fields:
        untouched = frame.marked or movie.codec in LOSSLESS
        # FFmpeg leaves the chroma of JPEGs where it is when it encodes them again, and puts that of 4:4:4 in the middle
        return _by_recipe(source.planes(frame.pts, centred=not untouched), from_fields(fields), untouched)
    return replace(recovering.from_photo(_foreign(source, frame.pts), where, options), notes=[])


def _by_recipe(srgb: np.ndarray, recipe: Recipe, untouched: bool) -> Recovered:
    """From the decoded picture, by the recipe that it was rendered with."""
    height, width = srgb.shape[1:]
    state = State.UNTOUCHED if untouched else State.RECOMPRESSED
    if (width, height) != (recipe.width, recipe.height):
        state, black = State.EDITED, float(np.mean(recipe.black))
        recipe = replace(recipe, width=width, height=height, crop=None, margins=(0, 0, 0, 0), cfa=RGGB, black=(black,) * 4)
    mosaic = signal.mosaic_of(srgb, recipe)
    if state is State.EDITED:
        mosaic, recipe = sensor.with_margin(mosaic, recipe)
    return Recovered(mosaic, recipe, Photo(None, None, None, b""), state, [])


def _foreign(source: Movie, pts: int) -> Photo:
    """A frame as the photo that it would be."""
    frame = source.frame(pts)
    srgb = planes.rgb(frame)
    values = np.rint(np.clip(np.moveaxis(srgb, 0, -1), 0, 1) * 65535).astype(np.uint16)
    make, model = source.camera
    metadata = exif.from_values(make, model)
    metadata.ifd0[Tag.Orientation] = tiff.pack(tiff.SHORT, [ROTATIONS.get(frame.rotation % 360, 1)])
    return Photo(None, metadata, None, b"", pixels=Pixels(values))
