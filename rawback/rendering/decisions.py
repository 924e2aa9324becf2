"""What `render` decides before it codes: look, exposure, curve, noise; and what a gain map would say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.cameras import choice, preview_look
from rawback.cameras.choice import Wanted
from rawback.cameras.looks import Origin
from rawback.cameras.preview_look import Shown
from rawback.files import embedded
from rawback.files.gain_map.write import map_file
from rawback.files.raw import RawFile
from rawback.isp import full_colour, lit_map, noise
from rawback.options.option import as_text
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe

SMALLER = "the largest picture inside was made by another program than its camera; the camera's own smaller one is taken"


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


def gain_map(raw: RawFile, recipe: Recipe, options: RenderOptions) -> tuple[bytes, list[str]]:
    """A JPEG of what the RAW has above the picture's white, where that is asked for, and what is to be said of it."""
    if not options.hdr:
        return b"", []
    lit = lit_map.of(_mosaic(raw), recipe)
    if lit is None:
        return b"", ["no gain map: nothing in the RAW is brighter than the picture's white"]
    data = map_file(lit)
    return data, [f"a gain map of {lit.stops:.1f} stops above white, {len(data)} bytes"]


def _mosaic(raw: RawFile) -> np.ndarray:
    """What exposure, look and noise go by: the mosaic, of a linear RAW what one would have."""
    return full_colour.sampled(raw.mosaic, raw.recipe) if raw.recipe.linear else raw.mosaic
