"""JPEG -> DNG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from rawback import __version__, foreign, provenance
from rawback.coefficients import Coefficients
from rawback.files import dng, jpeg, paths
from rawback.files.jpeg import Photo
from rawback.isp import closed_loop
from rawback.provenance import State
from rawback.recipe import Recipe

SAID = {
    State.UNTOUCHED: "untouched since rawback rendered it: this is the RAW it was made from",
    State.ROTATED: "rotated without loss since rawback rendered it: turned back, this is the RAW it was made from",
    State.RECOMPRESSED: "saved again by another program since rawback rendered it: the fine part of the RAW is lost",
    State.EDITED: "edited since rawback rendered it: treated as any photo, with its camera and white balance",
    None: "not rendered by rawback: a generic look is undone, for a virtual sRGB sensor; expect a look-alike, not the RAW",
}


@dataclass
class Recovered:
    """A mosaic with all that makes it a RAW."""

    mosaic: np.ndarray
    """(H, W) uint16 in DN."""
    recipe: Recipe
    photo: Photo
    state: State | None
    """What became of the JPEG since rawback rendered it; None: it did not."""
    notes: list[str]

    def dng(self, compress: bool = True) -> list:
        """The DNG file, as chunks of bytes."""
        software = f"rawback {__version__}"
        return dng.encode(self.mosaic, self.recipe, self.photo.exif, self.photo.data, compress=compress, software=software)


Progress = Callable[[float], None]


def recover(
    source: str | paths.Location, *, keep_exif: bool = True, progress: Progress = lambda share: None
) -> Recovered:
    """Rebuild the RAW of a JPEG (a path, or "-" for standard input).

    Raises RawbackError for what is no JPEG that can be read, or carries a recipe that cannot be.
    """
    photo = jpeg.read(paths.load(source), str(source))
    state, picture, recipe = plan(photo)
    if not keep_exif:
        photo.exif = None
    mosaic = closed_loop.decode(picture, recipe, progress)
    if state in (None, State.EDITED):
        mosaic, recipe = foreign.with_margin(mosaic, recipe)
    return Recovered(mosaic, recipe, photo, state, [*photo.notes, f"{source}: {SAID[state]}"])


def plan(photo: Photo) -> tuple[State | None, Coefficients, Recipe]:
    """Which of the kinds of JPEG this is, the picture turned as it was rendered, and the recipe to use."""
    if photo.recipe is None:
        return None, photo.coefficients, foreign.generic_recipe(photo)
    state, picture = provenance.examine(photo.coefficients, photo.recipe)
    recipe = photo.recipe
    if state in (State.UNTOUCHED, State.ROTATED):
        picture = replace(picture, centroids=recipe.centroids)
    if state is State.EDITED:
        orientation = photo.exif.orientation if photo.exif else 1
        recipe = replace(
            recipe, width=picture.width, height=picture.height, crop=None, margins=(0, 0, 0, 0), orientation=orientation
        )
    return state, picture, recipe
