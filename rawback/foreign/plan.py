"""What a photo is to rawback, and what is to be done with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from rawback import provenance
from rawback.cameras import looks
from rawback.errors import RawbackError
from rawback.files import jumbf, wide_chroma
from rawback.files import photo as photos
from rawback.files.jpeg import Photo
from rawback.foreign import camera as cameras
from rawback.isp import highlights, light
from rawback.isp.colour_profile import Profile
from rawback.isp.highlights import Highlights
from rawback.isp.light import Light
from rawback.isp.mosaic import RGGB
from rawback.picture import Coefficients, Pixels
from rawback.provenance import State
from rawback.recipe import Recipe

MESSAGES = {
    State.UNTOUCHED: "untouched since rawback rendered it: its RAW comes back",
    State.ROTATED: "rotated without loss since rawback rendered it: turned back, its RAW comes back",
    State.RECOMPRESSED: "saved again by another program since rawback rendered it: the fine part of the RAW is lost",
    State.EDITED: "edited since rawback rendered it: treated as any photo, with its camera and white balance",
}

OUTDATED = (
    "its chroma beyond white belongs to the picture as it was before that, and is not used: blown colours come back wrong"
)


@dataclass(frozen=True)
class Plan:
    """What is to be done with a photo."""

    state: State | None
    """What became of a JPEG since rawback rendered it; None: it did not."""
    picture: Coefficients | Pixels
    """The picture, turned as it was rendered."""
    recipe: Recipe
    profile: Profile | None
    """By which the picture must be brought to sRGB first."""
    message: str
    """All that in a sentence."""
    notes: list[str] = field(default_factory=list)
    """What else the user should know."""
    light: Light | None = None
    """Of the scene, where a photo that rawback did not render tells it."""

    @property
    def is_own(self) -> bool:
        """Whether rawback rendered the picture, and nobody edited it since."""
        return self.state not in (None, State.EDITED)

    def turned(self, photo: Photo) -> bool:
        """Whether the file shows the picture another way round than it was rendered, and than its RAW lies."""
        return photo.coefficients is not None and self.coefficients.planes is not photo.coefficients.planes

    @property
    def coefficients(self) -> Coefficients:
        """Of a picture that has them: any that rawback rendered and nobody edited."""
        if not isinstance(self.picture, Coefficients):
            raise RawbackError("the picture has pixels only; its RAW cannot be read from them")
        return self.picture


def plan(photo: Photo, camera: str | None = None, gain_map: bool = True) -> Plan:
    """Which of the kinds of photo this is, and the recipe to use.

    camera: the card of the look to undo in those that rawback did not render, by name or path; None: its camera's.
    gain_map: whether the light that a gain map tells is used.
    """
    recipe = photo.recipe
    if recipe is None and (told := light.of(photo.picture, photos.profile(photo), photo.gain_map if gain_map else None)):
        lit = cameras.in_light(photo, told)
        return Plan(None, photo.picture, lit.recipe, lit.profile, lit.message(), photos.profile_notes(photo), told)
    if recipe is None:
        guess = cameras.guess(photo, looks.known(camera, cameras.origin(photo)))
        return Plan(None, photo.picture, guess.recipe, guess.profile, guess.message(), photos.profile_notes(photo))
    if photo.coefficients is None:
        state, picture = State.EDITED, photo.picture
    else:
        state, picture = provenance.examine(photo.coefficients, recipe)
    if state in (State.UNTOUCHED, State.ROTATED) and isinstance(picture, Coefficients):
        picture = replace(picture, centroids=recipe.centroids, dependent=recipe.dependent)
        if recipe.wide_chroma:
            picture, recipe, notes = _with_wide_chroma(photo, picture, recipe)
            return Plan(state, picture, recipe, None, MESSAGES[state], notes)
    if state is not State.EDITED:
        notes = [OUTDATED] if recipe.wide_chroma else []
        return Plan(state, picture, recipe, None, MESSAGES[state], notes)
    black = float(np.mean(recipe.black))
    edited = replace(
        recipe, width=picture.width, height=picture.height, crop=None, margins=(0, 0, 0, 0), cfa=RGGB, black=(black,) * 4,
        orientation=photo.exif.orientation if photo.exif else 1, linear=False,
    )  # fmt: skip
    return Plan(state, picture, edited, photos.profile(photo), MESSAGES[state], photos.profile_notes(photo))


def _with_wide_chroma(photo: Photo, picture: Coefficients, recipe: Recipe) -> tuple[Coefficients, Recipe, list[str]]:
    """The picture with its chroma beyond white; where that is lost, the recipe without the error that was measured with it."""
    boxes = jumbf.find(photo.file) if photo.file else []
    try:
        return replace(picture, wide=wide_chroma.from_boxes(boxes, picture, recipe.picture_sha256)), recipe, []
    except RawbackError as error:
        return picture, replace(recipe, rms=None), [f"its chroma beyond white {error}: blown colours come back wrong"]


def error_left(planned: Plan) -> str:
    """How nearly the RAW of an untouched picture comes back, as `render` measured it; nothing of any other."""
    if planned.state not in (State.UNTOUCHED, State.ROTATED):
        return ""
    recipe = planned.recipe
    advice = "" if recipe.linear else "; `render --keep lossless` keeps every bit"
    if recipe.rms is None:
        return f" as nearly as the picture keeps it{advice}"
    span = recipe.white - float(np.mean(recipe.black))
    how = f" within {20 * math.log10(span / recipe.rms):.1f} dB, rms {recipe.rms:.3g} DN" if recipe.rms else " within a DN"
    return f"{how}{advice}"


def bright(planned: Plan) -> tuple[Highlights | None, float]:
    """The light guessed above the white of a photo that rawback did not render, and the stops of headroom that it needs."""
    if planned.state is not None or planned.light:
        return None, 0.0
    guessed = highlights.of(planned.picture, planned.recipe, planned.profile)
    return guessed, max(guessed.stops - planned.recipe.exposure, 0.0) if guessed else 0.0
