"""JPEG -> DNG."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike, fspath
from pathlib import PurePath
from typing import Any

import numpy as np

from rawback.cameras.cards import NO_WEIGHTS, weights_for
from rawback.cores import Progress
from rawback.errors import RawbackError
from rawback.files import dng, jpeg, jumbf, preview, seal, sidecar, sources, xmp
from rawback.files import photo as photos
from rawback.files import save as saving
from rawback.files.dng_pixels import Whole
from rawback.files.file_type import ARRAYS
from rawback.files.gain_map import numbers as gain_maps
from rawback.files.jpeg import Photo
from rawback.files.jpeg_file import SOF0, JpegFile
from rawback.files.original import edits, write_back
from rawback.files.original.metadata import Original
from rawback.files.sources import Given
from rawback.files.tiff import Buffer
from rawback.foreign import sensor, sharpening
from rawback.foreign.plan import Plan, bright, error_left, plan
from rawback.isp import full_colour, headroom, inverse_pass
from rawback.isp import mosaic as mosaics
from rawback.lossless.original import contents
from rawback.lossless.refinement import restore as refinement
from rawback.messages import printable
from rawback.nets.parts import Restorer
from rawback.nets.weights import flow_inverse, photo_restorer
from rawback.nets.weights import load as load_weights
from rawback.options.option import as_text
from rawback.options.recover import REAL, RecoverOptions
from rawback.picture import Coefficients
from rawback.provenance import State
from rawback.recipe import Recipe
from rawback.version import __version__

TOO_WIDE = "LibRaw, and with it most developers, opens no RAW of more than 64000 rows or columns; scale the picture down"
QUAD_BAYER = "its filters are 4 x 4 (quad Bayer), which few developers know; --dng linear is for all others"
SEED_DIGITS = 8
"""Of the file's SHA-256, by which noise is drawn: the same photo gets the same."""
LINEAR_LAYER = "its lossless layer is of the mosaic, and not used for demosaiced colours"


@dataclass(repr=False)
class Recovered:
    """A mosaic with all that makes it a RAW."""

    mosaic: np.ndarray
    """(H, W) uint16 in DN, of a RAW that was demosaiced already (H, W, 3); or (H, W, 3) camera RGB, 0 black, 65535 white."""
    recipe: Recipe
    photo: Photo
    state: State | None
    """What became of the JPEG since rawback rendered it; None: it did not."""
    notes: list[str]
    whole: Whole | None = None
    """What is stored and said around the mosaic: margins that a lossless layer kept, tags of the original."""
    exact: bool = False
    """Whether every photosite is the original's: the layer's hash says so."""
    original: Original | None = None
    """The metadata of the RAW that was rendered, with what was edited since."""
    options: RecoverOptions = field(default_factory=RecoverOptions)
    """How it was recovered."""

    def dng(self, compress: bool | None = None) -> list[Buffer]:
        """The DNG file, as chunks of bytes; compress: as lossless JPEG, or plain; None: as `recover` was asked."""
        options = self.options if compress is None else replace(self.options, compress=compress)
        return dng.encode(
            self.mosaic, self.recipe, self.photo.exif, self._preview(), compress=options.compress,
            software=f"rawback {__version__}", mark=self._mark(options), whole=self.whole,
        )  # fmt: skip

    def save(self, path: str | PathLike[str], *, force: bool = False) -> None:
        """Write the DNG; with NAME.npz the mosaic and what is known of it, with NAME.npy the mosaic alone (see `array`).

        Raises RawbackError where the name is taken.

        force: replaces what rawback itself wrote and nobody has edited since; a .npy is not known again, and never replaced.
        """
        kind = PurePath(fspath(path)).suffix.lower()
        data = self.array(kind) if kind in ARRAYS else self.dng()
        saving.save(path, b"".join(data), (".dng", *ARRAYS), force)

    def array(self, kind: str = ".npz") -> list[Buffer]:
        """The mosaic and what is known of it as a file of numpy's, ".npz", or the mosaic alone, ".npy"; see `files.arrays`."""
        from rawback.files import arrays

        return arrays.encode(kind, self.mosaic, self.recipe, self._mark(self.options))

    def linear(self) -> np.ndarray:
        """The mosaic as light: float32 of its shape, 0 at black level and 1 at white level; below 0 is noise."""
        if self.recipe.linear and self.state not in (None, State.EDITED):
            black, span = full_colour.levels(self.recipe)  # (3,)
            return (self.mosaic - black) / span
        if self.mosaic.ndim == 3:
            return self.mosaic.astype(np.float32) / np.float32(65535)  # (H, W, 3)
        height, width = self.mosaic.shape
        black = mosaics.tile(mosaics.black_pattern(self.recipe).astype(np.float32), height, width)  # (H, W)
        return (self.mosaic - black) / (np.float32(self.recipe.white) - black)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.mosaic.shape))
        state = self.state.name.lower() if self.state else "not of rawback's"
        camera = printable(self.recipe.camera or "unknown camera")[:40]
        return f"<Recovered {shape} {self.mosaic.dtype}, {camera}, {state}{', exact' if self.exact else ''}>"

    @cached_property
    def source_sha256(self) -> str:
        """Of the photo's file."""
        return hashlib.sha256(self.photo.data).hexdigest()

    def _mark(self, options: RecoverOptions) -> str:
        """Of which file, and if that is as it was rendered, of which picture, by which options."""
        recipe, as_rendered = self.photo.recipe, self.state in (State.UNTOUCHED, State.ROTATED)
        picture = recipe.picture_sha256 if recipe and as_rendered else ""
        return seal.mark({"SourceSha256": self.source_sha256, "PictureSha256": picture, "Options": as_text(options)})

    def _preview(self) -> JpegFile | None:
        """The photo itself where a viewer can decode it; of one that rawback rendered, its picture: the DNG says the rest."""
        try:
            shown = preview.baseline(self.photo.viewable)
        except RawbackError:
            return None
        if self.photo.exif is None:
            return preview.bare(shown)
        return preview.bare(shown, preview.WITH_PROFILE) if self.photo.recipe else shown


def recover(
    source: Given, options: RecoverOptions = RecoverOptions(), *, progress: Progress = lambda share: None,
    **changes: Any,
) -> Recovered:  # fmt: skip
    """Rebuild the RAW of a JPEG or another picture: a path, a URL, "-" for standard input, its bytes, an open binary file, or
    an image of Pillow's (read from its file where it is not loaded yet, else taken by its pixels, which the notes say).

    changes: fields of the options that are to be others, as `recover("a.jpg", linear=True)`.
    Raises RawbackError for what is no picture that can be read, or carries a recipe that cannot be.
    """
    options = replace(options, **changes)
    file = sources.read(source)
    photo = photos.read(file.data, file.name, sidecar.read(file.location) if options.keep_exif else b"")
    photo.notes[:0] = file.notes
    return from_photo(photo, file.name, options, progress=progress)


def from_photo(
    photo: Photo, source: str, options: RecoverOptions = RecoverOptions(), *, progress: Progress = lambda share: None
) -> Recovered:
    """The RAW of a photo that is read already; `source` is its name."""
    planned = plan(photo, options.camera, options.gain_map)
    recipe, weights = planned.recipe, options.weights or weights_for(options.camera)
    if recipe.flow and planned.is_own:
        planned = replace(planned, picture=replace(planned.coefficients, undo=flow_inverse(recipe, weights)))
    room = 0.0
    boxes = jumbf.find(photo.file) if photo.file else []
    layer = contents.restore(boxes, planned.state, planned.picture, recipe, progress)
    fine = refinement.restore(boxes, planned.state, planned.picture, recipe)
    demosaiced = options.linear and not (planned.is_own and (recipe.monochrome or recipe.linear))
    if demosaiced or not planned.is_own:
        sharpened = sharpening.of(photo, options.camera)
        restored = photo_restorer(planned.picture, options.weights, sharpened) if planned.state is None else None
        guessed, room = bright(planned) if options.weights != NO_WEIGHTS else (None, 0.0)
        recipe = headroom.added(recipe, room)
        mosaic = sensor.sensor(
            fine.picture, recipe, planned.profile, demosaiced, progress, planned.light, restored, guessed
        )  # fmt: skip
        if not planned.is_own:
            real = options.noise == REAL
            seed = int(hashlib.sha256(photo.data).hexdigest()[:SEED_DIGITS], 16) if real else 0
            mosaic, recipe, added = sensor.with_noise(mosaic, recipe, real, seed)
            done = [part.message() for part in (restored, guessed) if part] + [added] * bool(added)
            planned = replace(planned, message="; ".join([planned.message, *done]))
            mosaic, recipe = sensor.with_margin(mosaic, recipe)
    elif layer.mosaic is not None:
        mosaic = layer.mosaic
    else:
        restorer = _restorer(planned, weights)
        picture = fine.picture if isinstance(fine.picture, Coefficients) else planned.coefficients
        mosaic = inverse_pass.decode(picture, recipe, progress, restorer, restorer.halo if restorer else 0)
    original, told = contents.metadata(boxes, recipe) if planned.is_own else (None, [])
    if options.keep_exif:
        photo, original = _with_metadata(photo, original)
    else:
        photo, original = replace(photo, exif=None), original.anonymous() if original else None
    is_layers = mosaic is layer.mosaic
    message = planned.message if is_layers or fine.notes else f"{planned.message}{error_left(planned)}"
    layer_notes = [LINEAR_LAYER] if layer.mosaic is not None and not is_layers else layer.notes
    too_wide = [TOO_WIDE] if max(recipe.width, recipe.height) > sensor.WIDEST else []
    quad = [QUAD_BAYER] if len(recipe.cfa) == 4 and mosaic.ndim == 2 else []
    said = (*planned.notes, message, *layer_notes, *fine.notes, *told, *too_wide, *quad)
    notes = [*photo.notes, *(f"{source}: {text}" for text in said)]
    is_baseline = photo.file is None or photo.file.frame is None or photo.file.frame.marker == SOF0
    if planned.is_own and (planned.turned(photo) or not is_baseline):  # as the preview of a DNG has to be
        levels = [np.rint(plane).astype(np.int16) for plane in planned.coefficients.planes]
        photo = replace(photo, preview=jpeg.coded_picture(replace(planned.coefficients, planes=levels)))
    recovered = Recovered(mosaic, recipe, photo, planned.state, notes, options=options)
    exact = layer.exact and is_layers
    whole = replace(layer.whole, as_exposed=exact) if layer.whole and is_layers else None
    if room:
        whole = Whole(mosaic, (0, 0, *mosaic.shape[:2]), headroom=room)
    if original:
        original = write_back.by_recipe(original) if layer.recipe_is_edited else original
        whole = write_back.into(whole or Whole(mosaic, (0, 0, *mosaic.shape[:2])), original, recipe)
        recovered.notes += [f"{source}: {text}" for text in _left_out(original, whole)]
    return replace(recovered, whole=whole, exact=exact, original=original)


def _left_out(original: Original, whole: Whole) -> list[str]:
    """What of the RAW's metadata does not come back, in sentences."""
    unfit = write_back.left_out(original, whole)
    notes = [f"left out when it was rendered: {', '.join(original.left_out)}"] if original.left_out else []
    return notes + ([f"{', '.join(unfit)} left out: right only of the whole mosaic, margins included"] if unfit else [])


def _restorer(planned: Plan, weights: str) -> Restorer | None:
    """The learned restoration, where it helps: an untouched closed loop has lost nothing that could be guessed.

    Nor has any been taught what is lost on the way through a flow.
    """
    untouched = planned.state in (State.UNTOUCHED, State.ROTATED)
    untaught = planned.recipe.flow or planned.recipe.monochrome or planned.recipe.linear
    if weights == NO_WEIGHTS or untaught or (untouched and planned.recipe.refined):
        return None
    return load_weights(weights).restorer(planned.recipe, planned.coefficients, untouched=untouched)


def _with_metadata(photo: Photo, original: Original | None) -> tuple[Photo, Original | None]:
    """The photo with what is to be said in its DNG: its own EXIF and one packet of XMP, or the original's with its edits."""
    agent = f"rawback {__version__}"
    if original:
        original = edits.merged(original, photo.exif, photo.xmp, agent)
        return replace(photo, exif=original.exif), original
    exif = replace(photo.exif, xmp=xmp.merged(photo.xmp, agent, gain_maps.PROPERTIES)) if photo.exif else None
    return replace(photo, exif=exif), None
