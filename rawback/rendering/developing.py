"""RAW -> JPEG that contains its RAW, from one end to the other."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from os import PathLike

from PIL import Image

from rawback import provenance
from rawback.cameras import preview_look
from rawback.cores import Progress
from rawback.errors import UsageError
from rawback.files import embedded, jpeg, jxl, parity, seal, sidecar, sources, tiff_png16, wide_chroma
from rawback.files import save as saving
from rawback.files.file_type import PICTURES_16
from rawback.files.jpeg_file import SOF2, JpegFile
from rawback.files.raw import RawFile
from rawback.files.raw import read as read_raw
from rawback.files.sources import Given, Source
from rawback.isp import closed_loop, full_colour, mosaic, remaining_error, stages
from rawback.isp.coding import Coding
from rawback.lossless.refinement.picture import boxes_of, coarse_of
from rawback.options import conflicts
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe
from rawback.rendering.assembly import as_written, assembled, file_of, layer_of
from rawback.rendering.decisions import decided, gain_map
from rawback.rendering.picture_coding import coded

STARTS = {".jpg": b"\xff\xd8", ".png": b"\x89PNG", jxl.SUFFIX: b"\0\0\0\x0cJXL "}
SUFFIXES = {".jpg": (".jpg", ".jpeg"), jxl.SUFFIX: (jxl.SUFFIX,), ".tif": (".tif", ".tiff"), ".png": (".png",)}
"""Of file names, by kind."""


@dataclass(repr=False)
class Rendered:
    """A finished picture."""

    data: bytes
    """The file."""
    recipe: Recipe
    notes: list[str]

    @property
    def kind(self) -> str:
        """Its suffix: ".jpg", ".jxl", ".tif" or ".png"."""
        return next((suffix for suffix, start in STARTS.items() if self.data.startswith(start)), ".tif")

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the file. Raises RawbackError where the name is taken, UsageError where it is that of another kind of file.

        force: replaces what rawback itself wrote and nobody has edited since.
        """
        saving.save(path, self.data, SUFFIXES[self.kind], force)

    def to_pil(self) -> Image.Image:
        """The picture, decoded as viewers show it, 8 bits (of a TIFF or PNG as Pillow reads it)."""
        data = jxl.jpeg_inside(self.data, "the picture") if self.kind == jxl.SUFFIX else self.data
        return Image.open(io.BytesIO(data))

    def __repr__(self) -> str:
        size = f"{self.recipe.width} x {self.recipe.height}"
        return f"<Rendered {self.kind[1:]} of {size} photosites, {len(self.data)} bytes, {len(self.notes)} notes>"


def render(
    source: Given | Source | RawFile, options: RenderOptions = RenderOptions(), *, kind: str = ".jpg",
    progress: Progress = lambda share: None,
) -> Rendered:  # fmt: skip
    """Develop a RAW file: a path, a URL, "-" for standard input, all its bytes, an open binary file, or a RawFile.

    A RawFile is a mosaic (H, W) uint16 with its recipe. What lies beside a file (XMP, JPEG) is looked for beside paths only.

    kind: ".jpg" for a JPEG that contains its RAW, ".jxl" for one coated in JPEG XL; ".tif" or ".png" for a 16-bit picture that
    contains none.
    Raises RawbackError for what cannot be read, UsageError for options that say nothing about such a picture.
    """
    if kind in PICTURES_16:
        conflicts.check_picture(options)
    if kind == jxl.SUFFIX:
        conflicts.check_jxl(options)
    if isinstance(source, RawFile):
        raw, name, location = source, source.recipe.camera or "the RAW", None
    else:
        given = sources.read(source)
        raw, name, location = _read(given, options), given.name, given.location
    if options.layered and raw.recipe.linear:
        raise UsageError(f"{name} is a linear RAW, which has no mosaic whose luma --layered could refine; leave out --layered")
    with ThreadPoolExecutor(1) as pool:
        digest = pool.submit(mosaic.sha256, raw.mosaic)  # while looks are fitted, which keeps one core busy
        recipe, notes = decided(raw, options)
    has_no_look = recipe.look != preview_look.NAME and not recipe.monochrome
    if options.look == "auto" and has_no_look and location and sidecar.jpeg(location):
        notes.append("a JPEG of its name lies beside it: --look sidecar renders as that")
    raw = replace(raw, notes=[*raw.notes, *(f"{name}: {note}" for note in notes)])
    if kind in PICTURES_16:
        return _render16(raw, recipe, kind)
    rendered = develop(raw, recipe, options, progress, digest=digest.result(), as_jxl=kind == jxl.SUFFIX)
    return replace(rendered, data=jxl.transcoded(rendered.data, name)) if kind == jxl.SUFFIX else rendered


def _read(source: Source, options: RenderOptions) -> RawFile:
    raw = read_raw(source.data, source.name, whole=options.lossless, metadata=True, linear=True, unpacking=source.unpacking)
    if options.original:
        raw.data, raw.name = source.data, source.file_name
    if options.look == "sidecar":
        raw.pictures = embedded.of_file(sidecar.jpeg(source.location))
    if raw.original is not None and options.keep_exif:
        raw.original = replace(raw.original, sidecar=sidecar.read(source.location))
    return raw


def develop(
    raw: RawFile, recipe: Recipe, options: RenderOptions, progress: Progress = lambda share: None,
    coding: Coding | None = None, digest: str = "", as_jxl: bool = False,
) -> Rendered:  # fmt: skip
    """Develop a mosaic by a recipe that is decided already; with `coding`, which a clip decides for all of its frames.

    digest: the mosaic's hash, where it is known. as_jxl: whether the JPEG is to be coated in JPEG XL.
    """
    lit, reached = gain_map(raw, recipe, options)
    recipe = replace(recipe, mosaic_sha256=digest or mosaic.sha256(raw.mosaic), arithmetic=2)
    if coding:
        picture = closed_loop.encode(raw.mosaic, recipe, coding, progress)
    else:
        picture, recipe, notes = coded(raw, recipe, options, progress, lit, as_jxl)
        reached += notes
    seen = coarse_of(picture)
    with ThreadPoolExecutor(1) as pool:  # coded on one core, all else meanwhile on another
        coded_picture = pool.submit(jpeg.coded_picture, as_written(seen, recipe), options.progressive)
        seen_digest = pool.submit(seen.sha256)
        rms = None if coding or not recipe.refined else remaining_error.rms(raw.mosaic, picture, recipe)
        recipe = replace(
            recipe, thumbnail=provenance.thumbnail(seen), picture_sha256=seen_digest.result(), centroids=seen.centroids,
            dependent=seen.dependent, layered=seen is not picture, wide_chroma=picture.wide is not None, rms=rms,
        )  # fmt: skip
        file = file_of(raw) if options.original else None
        layer = layer_of(raw, picture, recipe) if options.lossless and not (file and file.stream is None) else []
        beside, fine = wide_chroma.to_boxes(picture, recipe.picture_sha256), boxes_of(picture)
        boxes = [*beside, *fine, *layer]
        data, left_out = assembled(coded_picture.result, raw, seen, recipe, options, boxes, file, lit)
    if options.progressive and (frame := JpegFile(data).frame) and frame.marker != SOF2:
        reached.append("baseline: progressive scans would not make it smaller")
    if options.parity:
        data = parity.added(data, options.parity)
    if left_out:
        advice = "" if options.lossless else "; --keep lossless keeps all that can be"
        reached.append(f"left out of what the RAW says: {', '.join(left_out)}{advice}")
    if file:
        as_it_is = "" if file.stream else ", its pixels as they are coded"
        reached.append(f"kept byte for byte ({file.size} in {len(data)} bytes, SHA-256 {file.sha256}){as_it_is}")
    elif layer:
        reached.append(f"kept to the last bit, in {sum(len(box.content) for box in layer)} of {len(data)} bytes")
    if fine:
        reached.append(f"the fine part of the RAW is a layer of {sum(len(box.content) for box in fine)} of {len(data)} bytes")
    if beside:
        reached.append(f"colours beyond white are kept in {sum(len(box.content) for box in beside)} of {len(data)} bytes")
    return Rendered(data, recipe, [*raw.notes, *reached])


def _render16(raw: RawFile, recipe: Recipe, kind: str) -> Rendered:
    if recipe.linear:
        srgb = full_colour.srgb(raw.mosaic, recipe)
    else:
        srgb = stages.forward(raw.mosaic, recipe, white_at=min(1.0, 2.0**recipe.exposure))
    mark = seal.mark({"SourceSha256": recipe.source_sha256, "Options": recipe.options})
    data = tiff_png16.encode(srgb, recipe.orientation, kind, mark)
    return Rendered(data, recipe, [*raw.notes, f"a {kind[1:].upper()} carries no RAW; only a JPEG does"])
