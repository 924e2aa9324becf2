"""RAW -> JPEG that contains its RAW."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import PathLike

import numpy as np
from PIL import Image

from rawback import provenance, rate_control
from rawback.cameras import choice, preview_look
from rawback.cameras.cards import NO_WEIGHTS, weights_for
from rawback.cameras.choice import Wanted
from rawback.cameras.looks import Origin
from rawback.cameras.preview_look import Shown
from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import embedded, exif, jpeg, jpeg_metadata, jumbf, parity, seal, sidecar, sources, tiff_png16
from rawback.files import save as saving
from rawback.files.file_type import PICTURES_16
from rawback.files.gain_map.write import map_file
from rawback.files.original import carried, shown
from rawback.files.original.carried import Carried
from rawback.files.raw import RawFile
from rawback.files.raw import read as read_raw
from rawback.files.sources import Given, Source
from rawback.isp import closed_loop, exposure, full_colour, grey, lit_map, mosaic, noise, remaining_error, stages
from rawback.isp.coding import Coding
from rawback.isp.quantisation_tables import NORMAL_PRICE, SUBSAMPLING, coding, dependent
from rawback.lossless import layer
from rawback.lossless.original import contents, kept
from rawback.lossless.original.give_back import skeleton
from rawback.lossless.original.keep import keep
from rawback.lossless.original.kept import Kept
from rawback.nets.parts import Demosaicer, FlowPart
from rawback.nets.weights import load as load_weights
from rawback.options import conflicts
from rawback.options.option import as_text
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.version import __version__

SMALLER = "the largest picture inside was made by another program than its camera; the camera's own smaller one is taken"
THUMBNAIL_FROM = 1 << 20  # smaller pictures are their own thumbnail: it would cost more than the RAW gains
THUMBNAIL_SIDE = 160
METADATA_SHARE = 0.25
"""Of a file whose size is given: small ones are for the picture first."""
LEAST_BESIDE_LAYER = 1.2
"""Steps of a coefficient that a picture keeps beside a lossless layer, which codes what is smaller in fewer bits."""
STARTS = {".jpg": b"\xff\xd8", ".png": b"\x89PNG"}
SUFFIXES = {".jpg": (".jpg", ".jpeg"), ".tif": (".tif", ".tiff"), ".png": (".png",)}
"""Of file names, by kind."""
HASHES = 700
"""Bytes that the recipe grows by at most once the picture is known: its hash, thumbnail, centroids and error."""


@dataclass(repr=False)
class Rendered:
    """A finished picture."""

    data: bytes
    """The file."""
    recipe: Recipe
    notes: list[str]

    @property
    def kind(self) -> str:
        """Its suffix: ".jpg", ".tif" or ".png"."""
        return next((suffix for suffix, start in STARTS.items() if self.data.startswith(start)), ".tif")

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the file. Raises RawbackError where the name is taken, UsageError where it is that of another kind of file.

        force: replaces what rawback itself wrote and nobody has edited since.
        """
        saving.save(path, self.data, SUFFIXES[self.kind], force)

    def to_pil(self) -> Image.Image:
        """The picture, decoded as viewers show it, 8 bits (of a TIFF or PNG as Pillow reads it)."""
        return Image.open(io.BytesIO(self.data))

    def __repr__(self) -> str:
        size = f"{self.recipe.width} x {self.recipe.height}"
        return f"<Rendered {self.kind[1:]} of {size} photosites, {len(self.data)} bytes, {len(self.notes)} notes>"


def render(
    source: Given | Source | RawFile, options: RenderOptions = RenderOptions(), *, kind: str = ".jpg",
    progress: Progress = lambda share: None,
) -> Rendered:  # fmt: skip
    """Develop a RAW file: a path, a URL, "-" for standard input, all its bytes, an open binary file, or a RawFile.

    A RawFile is a mosaic (H, W) uint16 with its recipe. What lies beside a file (XMP, JPEG) is looked for beside paths only.

    kind: ".jpg" for a JPEG that contains its RAW; ".tif" or ".png" for a 16-bit picture that does not.
    Raises RawbackError for what cannot be read, UsageError for options that say nothing about such a picture.
    """
    if kind in PICTURES_16:
        conflicts.check_picture(options)
    if isinstance(source, RawFile):
        raw, name = source, source.recipe.camera or "the RAW"
    else:
        raw, name = _read(source, options)
    recipe, notes = decided(raw, options)
    raw = replace(raw, notes=[*raw.notes, *(f"{name}: {note}" for note in notes)])
    return _render16(raw, recipe, kind) if kind in PICTURES_16 else develop(raw, recipe, options, progress)


def _read(given: Given | Source, options: RenderOptions) -> tuple[RawFile, str]:
    """The RAW, and its name."""
    source = sources.read(given)
    raw = read_raw(source.data, source.name, whole=options.lossless, metadata=True, linear=True, unpacking=source.unpacking)
    if options.original:
        raw.data, raw.name = source.data, source.file_name
    if options.look == "sidecar":
        raw.pictures = embedded.of_file(sidecar.jpeg(source.location))
    if raw.original is not None and options.keep_exif:
        raw.original = replace(raw.original, sidecar=sidecar.read(source.location))
    return raw, source.name


def develop(
    raw: RawFile, recipe: Recipe, options: RenderOptions, progress: Progress = lambda share: None,
    coding: Coding | None = None,
) -> Rendered:  # fmt: skip
    """Develop a mosaic by a recipe that is decided already; with `coding`, which a clip decides for all of its frames."""
    gain_map, reached = _gain_map(raw, recipe, options)
    recipe = replace(recipe, mosaic_sha256=mosaic.sha256(raw.mosaic), arithmetic=2)
    if coding:
        picture = closed_loop.encode(raw.mosaic, recipe, coding, progress)
    else:
        picture, recipe, notes = coded(raw, recipe, options, progress, gain_map)
        reached += notes
    with ThreadPoolExecutor(1) as pool:
        written = _as_written(picture, recipe)
        coded_picture = pool.submit(jpeg.coded_picture, written)  # on one core, all else meanwhile on another
        rms = None if coding or not recipe.refined else remaining_error.rms(raw.mosaic, picture, recipe)
        recipe = replace(
            recipe, picture_sha256=picture.sha256(), thumbnail=provenance.thumbnail(picture), centroids=picture.centroids,
            dependent=picture.dependent, rms=rms,
        )  # fmt: skip
        file = _kept(raw) if options.original else None
        boxes = _layer(raw, picture, recipe) if options.lossless and not (file and file.stream is None) else []
        data, left_out = _file(coded_picture.result, raw, picture, recipe, options, boxes, file, gain_map)
    if options.parity:
        data = parity.added(data, options.parity)
    if left_out:
        advice = "" if options.lossless else "; --keep lossless keeps all that can be"
        reached.append(f"left out of what the RAW says: {', '.join(left_out)}{advice}")
    if file:
        as_it_is = "" if file.stream else ", its pixels as they are coded"
        reached.append(f"kept byte for byte ({file.size} in {len(data)} bytes, SHA-256 {file.sha256}){as_it_is}")
    elif boxes:
        reached.append(f"kept to the last bit, in {sum(len(box.content) for box in boxes)} of {len(data)} bytes")
    return Rendered(data, recipe, [*raw.notes, *reached])


def _file(
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


def _mosaic(raw: RawFile) -> np.ndarray:
    """What exposure, look and noise go by: the mosaic, of a linear RAW what one would have."""
    return full_colour.sampled(raw.mosaic, raw.recipe) if raw.recipe.linear else raw.mosaic


def _as_written(picture: Coefficients, recipe: Recipe) -> Coefficients:
    return grey.luma_alone(picture) if recipe.monochrome else picture


def _gain_map(raw: RawFile, recipe: Recipe, options: RenderOptions) -> tuple[bytes, list[str]]:
    """A JPEG of what the RAW has above the picture's white, where that is asked for, and what is to be said of it."""
    if not options.hdr:
        return b"", []
    lit = lit_map.of(_mosaic(raw), recipe)
    if lit is None:
        return b"", ["no gain map: nothing in the RAW is brighter than the picture's white"]
    data = map_file(lit)
    return data, [f"a gain map of {lit.stops:.1f} stops above white, {len(data)} bytes"]


def _budget(size: int, options: RenderOptions) -> int:
    """Bytes for metadata: of a file whose size is given, not more than METADATA_SHARE."""
    goal = rate_control.parse(options.keep) if options.keep else None
    most = int(METADATA_SHARE * goal.value) if goal and goal.kind == "size" else size + carried.LEAST
    return min(carried.budget_of(size), most)


def coded(
    raw: RawFile, recipe: Recipe, options: RenderOptions, progress: Progress = lambda share: None, gain_map: bytes = b""
) -> tuple[Coefficients, Recipe, list[str]]:
    """The coded picture at the quality asked for, the recipe with what that took, and what is to be said of it."""
    effort = options.effort_taken
    optimise = effort != "fast"
    is_dependent = effort == "best" and options.refine and not (options.compatible or options.lossless or recipe.linear)
    if not options.keep:
        tables = coding(options.quality, options.subsampling, options.tables, optimise, exposure.is_dim(recipe))
        price = tables.price if effort == "best" else NORMAL_PRICE
        least = LEAST_BESIDE_LAYER if options.lossless else 0.0
        tables = replace(tables, thorough=effort == "best", price=price, least=least)
        tables = dependent(tables) if is_dependent else tables
        demosaicer, flow, recipe = _learned(recipe, tables, options.weights or weights_for(options.camera))
        return closed_loop.encode(raw.mosaic, recipe, tables, progress, demosaicer, flow), recipe, []

    def file_size(picture: Coefficients) -> int:
        written = jpeg.coded_picture(_as_written(picture, recipe))
        return len(_file(lambda: written, raw, picture, recipe, options, gain_map=gain_map)[0]) + HASHES

    factors, goal = SUBSAMPLING[options.subsampling], rate_control.parse(options.keep)
    search = rate_control.Search(
        raw.mosaic, recipe, goal, factors, optimise, effort == "best", is_dependent, closed_loop.encode, file_size
    )
    picture, recipe, reached = search.run()
    return picture, recipe, [reached]


def _learned(recipe: Recipe, tables: Coding, weights: str) -> tuple[Demosaicer | None, FlowPart | None, Recipe]:
    """The learned demosaicing or the flow, where they help: the closed loop makes up for any. The recipe says whose it is."""
    if weights == NO_WEIGHTS or recipe.refined or recipe.monochrome or recipe.linear:
        return None, None, recipe
    loaded = load_weights(weights)
    flow = loaded.flow(recipe)
    demosaicer = None if flow else loaded.demosaicer(recipe, tables)
    if flow or demosaicer:
        recipe = replace(recipe, weights=loaded.name, weights_sha256=loaded.sha256, flow=flow is not None)
    return demosaicer, flow, recipe


def _kept(raw: RawFile) -> Kept:
    """What is kept of the file itself. Raises RawbackError for one that cannot be."""
    if not raw.data:
        raise RawbackError("there is no RAW file to keep byte for byte; --keep lossless keeps every photosite")
    return keep(raw.data, raw.name, raw.mosaic if raw.frame is None else raw.frame)


def _layer(raw: RawFile, picture: Coefficients, recipe: Recipe) -> list[jumbf.Box]:
    """The lossless layer, with all photosites that the file has."""
    top, left = recipe.margins[:2] if raw.frame is not None else (0, 0)
    frame = raw.mosaic if raw.frame is None else raw.frame
    area = (top, left, top + recipe.height, left + recipe.width)
    return layer.make(frame, area, picture, recipe)


def decide(raw: RawFile, options: RenderOptions) -> Recipe:
    """The recipe with what `render` may choose: look, exposure and the curve that holds it, and the noise that it finds."""
    return decided(raw, options)[0]


def decided(raw: RawFile, options: RenderOptions) -> tuple[Recipe, list[str]]:
    """As `decide`, and what is to be said of it."""
    photosites = _mosaic(raw)
    measured = raw.recipe.noise or noise.estimate(photosites, raw.recipe)
    recipe = replace(raw.recipe, refined=options.refine, noise=measured, options=as_text(options))
    look = "libraw" if recipe.monochrome else options.look  # the others are of colours
    wanted = Wanted(look, options.camera, options.exposure)
    origin = Origin(raw.exif.make, raw.exif.model) if raw.exif else Origin()
    pictures = (Shown(embedded.decode(p, preview_look.COLUMNS, raw.exif), p.edited) for p in raw.pictures)
    recipe, notes = choice.developed(photosites, recipe, origin, pictures, wanted)
    if recipe.look == preview_look.NAME and any(picture.edited for picture in raw.pictures):
        notes.insert(0, SMALLER)
    return recipe.validate(), notes


def _thumbnail(picture: Coefficients) -> bytes:
    """A small JPEG of the picture as viewers show it."""
    large = max(picture.width, picture.height) >= 16 * THUMBNAIL_SIDE
    planes = provenance.displayed(picture, 1 if large else 4)
    image = Image.merge("YCbCr", [Image.fromarray(np.rint(plane).astype(np.uint8)) for plane in planes])
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=70, optimize=True)
    return stream.getvalue()


def _render16(raw: RawFile, recipe: Recipe, kind: str) -> Rendered:
    if recipe.linear:
        srgb = full_colour.srgb(raw.mosaic, recipe)
    else:
        srgb = stages.forward(raw.mosaic, recipe, white_at=min(1.0, 2.0**recipe.exposure))
    mark = seal.mark({"SourceSha256": recipe.source_sha256, "Options": recipe.options})
    data = tiff_png16.encode(srgb, recipe.orientation, kind, mark)
    return Rendered(data, recipe, [*raw.notes, f"a {kind[1:].upper()} carries no RAW; only a JPEG does"])
