"""Clips: folders of RAW frames that share one recipe, decided once, so that nothing flickers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from rawback import rendering
from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import paths
from rawback.files.raw import DAMAGED, RawFile
from rawback.files.raw import read as read_raw
from rawback.files.video import cinema_dng, timecode
from rawback.files.video.cinema_dng import FrameMetadata
from rawback.isp.coding import Coding
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields
from rawback.rendering import Rendered

SAMPLES = 5
"""Frames, spread over the clip, by which its exposure is chosen."""
DEFAULT_RATE = Fraction(24)
OF_ONE_FRAME = ("Thumbnail", "PictureSha256", "SourceSha256", "MosaicSha256", "Centroids", "FrameName", "TimeCodes")


@dataclass(frozen=True)
class Clip:
    """What all frames of a clip have in common."""

    first: Path
    width: int
    height: int
    cfa: tuple[tuple[int, ...], ...]
    rate: Fraction
    time_code: str
    """Of the first frame, as text; empty if the frames have none."""
    fields: dict[str, str]
    """The recipe of the first frame as XMP properties, without what is of that frame alone."""
    shared: dict[str, object] = field(default_factory=dict)
    """Fields of the recipe that `render` has decided, by name."""
    coding: Coding | None = None
    """Tables that were searched for; None: those of the quality."""
    notes: tuple[str, ...] = ()

    def recipe(self, raw: RawFile, name: str) -> Recipe:
        """The recipe of one frame: its own levels and white balance, the clip's exposure and curve."""
        recipe = raw.recipe
        if (recipe.width, recipe.height, recipe.cfa) != (self.width, self.height, self.cfa):
            size = f"{recipe.width} x {recipe.height}"
            raise RawbackError(f"{name} is {size} or of another CFA; the clip began with {self.width} x {self.height}")
        return replace(recipe, **self.shared).validate()  # type: ignore[arg-type]

    def load(self, source: Path, options: RenderOptions) -> tuple[RawFile, Recipe, FrameMetadata]:
        """A frame, its recipe and what else it says of itself. Raises RawbackError for one that is not like the others."""
        data = paths.load(source)
        raw = read_raw(data, str(source), whole=options.lossless, metadata=options.lossless and options.keep_exif)
        return raw, self.recipe(raw, str(source)), replace(cinema_dng.read(data, source.stem), rate=self.rate)

    def notes_of(self, source: Path, notes: list[str]) -> list[str]:
        """What is worth saying of a frame: what holds for all is said of the first."""
        return notes if source == self.first else [note for note in notes if DAMAGED in note]


def survey(frames: list[Path], options: RenderOptions, rate: Fraction | None = None) -> Clip:
    """Decide how a clip is to be rendered, by a few of its frames. rate: frames a second, where they do not tell.

    Raises RawbackError for frames that cannot be read.
    """
    step = (len(frames) - 1) / max(SAMPLES - 1, 1)
    chosen = [frames[i] for i in sorted({round(number * step) for number in range(SAMPLES)})]
    sampled = [read_raw(paths.load(path), str(path)) for path in chosen]
    if any(raw.recipe.monochrome for raw in sampled):
        raise RawbackError(f"{frames[0]} is of a monochrome sensor, of which no clips are made; render its frames one by one")
    decided, notes, middle = _decided(sampled, options)
    coding, recipe = None, decided[middle]
    if options.keep:
        picture, recipe, reached = rendering.coded(sampled[middle], decided[middle], replace(options, compatible=True))
        notes += reached
        coding = Coding(picture.tables[0], picture.tables[1], picture.factors, optimise=options.effort == "best")
    metadata = cinema_dng.read(paths.load(frames[0]), frames[0].stem)
    if rate is None and metadata.rate is None:
        notes.append(f"the frames do not tell their rate; {DEFAULT_RATE} a second is taken (see --fps)")
    rate = rate or metadata.rate or DEFAULT_RATE
    like = sampled[0].recipe
    clip = Clip(
        frames[0], like.width, like.height, like.cfa, rate, timecode.to_text(metadata.time_code), {},
        _difference(sampled[middle].recipe, recipe), coding, tuple(notes),
    )  # fmt: skip
    first = clip.recipe(sampled[0], str(frames[0]))
    name = frames[0].stem
    in_order = all(path.stem == cinema_dng.counted(name, number) for number, path in enumerate(frames))
    counted = {cinema_dng.FIRST_FRAME: name} if in_order else {}
    return replace(clip, fields=fields_of(first, replace(metadata, rate=rate)) | counted)


def _decided(sampled: list[RawFile], options: RenderOptions) -> tuple[list[Recipe], list[str], int]:
    """The recipes of frames, what is to be said of the clip's, and which of them that is.

    The first that has a camera's look, else the one of middling exposure.
    """
    decided, notes = zip(*(rendering.decided(raw, options) for raw in sampled), strict=True)
    looking = [number for number, recipe in enumerate(decided) if recipe.look]
    chosen = looking[0] if looking else sorted(range(len(decided)), key=lambda i: decided[i].exposure)[len(decided) // 2]
    return list(decided), list(notes[chosen]), chosen


def fields_of(recipe: Recipe, metadata: FrameMetadata) -> dict[str, str]:
    """A recipe and what a frame says of itself as XMP properties, without what is of one frame alone."""
    texts = to_fields(recipe) | metadata.to_fields()
    return {name: text for name, text in texts.items() if name not in OF_ONE_FRAME}


def develop(source: Path, clip: Clip, options: RenderOptions, progress: Progress) -> tuple[Rendered, FrameMetadata]:
    """One frame as a JPEG that contains its RAW."""
    raw, recipe, metadata = clip.load(source, options)
    return rendering.develop(raw, recipe, options, progress, clip.coding), metadata


def _difference(before: Recipe, after: Recipe) -> dict[str, object]:
    """The fields in which a decided recipe differs from the one that the file gave."""
    old = vars(before)
    return {name: value for name, value in vars(after).items() if value != old[name]}
