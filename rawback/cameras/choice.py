"""Which look a RAW is developed with: its own picture's, an installed card's, or LibRaw's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from rawback.cameras import looks, preview_look
from rawback.cameras.looks import Look, Origin
from rawback.cameras.preview_look import PreviewLook, Shown
from rawback.errors import RawbackError
from rawback.isp import exposure, white_balance
from rawback.recipe import Recipe

FROM_PICTURE = ("auto", "sidecar")
"""Looks that are fitted to a picture that the camera made of the very RAW."""
BALANCE = {
    "preview": "that of the camera's picture is taken", "automatic": "LibRaw's automatic one is taken",
    "daylight": "daylight is taken", "assumed": "none is applied",
}  # fmt: skip
"""By `Recipe.white_balance_from`, where the RAW told none."""


@dataclass(frozen=True)
class Wanted:
    """What was asked for."""

    look: str
    """auto, sidecar, libraw, camera, or a card's name or path."""
    camera: str | None
    """The card that stands for the RAW's own camera."""
    exposure: float | None
    """EV upon the look; None: as it is, LibRaw's until little clips."""


def developed(
    mosaic: np.ndarray, recipe: Recipe, origin: Origin, pictures: Iterable[Shown], wanted: Wanted
) -> tuple[Recipe, list[str]]:
    """The recipe with a look, exposure and the curve that holds it; and what is to be said of that.

    mosaic: (H, W) uint16 in DN. Raises RawbackError for a card that is not installed.
    """
    look = _look(mosaic, recipe, origin, pictures, wanted)
    if isinstance(look, str):
        recipe = _balanced(mosaic, recipe) if look else recipe
        notes = [f"{look}; LibRaw's look is taken"] if look else []
        return exposure.expose(mosaic, recipe, wanted.exposure), notes + _balance_notes(recipe)
    brightened = replace(look.upon(recipe), exposure=float(look.exposure + (wanted.exposure or 0.0)))
    return exposure.with_shoulder(brightened), _balance_notes(brightened)


def _look(
    mosaic: np.ndarray, recipe: Recipe, origin: Origin, pictures: Iterable[Shown], wanted: Wanted
) -> Look | PreviewLook | str:  # fmt: skip
    """The look asked for; a text where it is LibRaw's: why, or nothing where that was asked for."""
    if wanted.look == "libraw":
        return ""
    if wanted.look in FROM_PICTURE:
        where = preview_look.INSIDE if wanted.look == "auto" else preview_look.BESIDE
        return preview_look.of_pictures(mosaic, recipe, pictures, where)
    named = wanted.camera if wanted.look == "camera" else wanted.look
    look = looks.known(named, origin).look
    if look is None or look.scope == "generic":
        missing = named or recipe.camera or "this camera"
        raise RawbackError(f"no look of {missing} is installed; make one with `rawback calibrate`")
    return look


def _balanced(mosaic: np.ndarray, recipe: Recipe) -> Recipe:
    """The recipe with the automatic balance where its RAW tells none."""
    neutral = None if recipe.white_balance_from == "camera" else white_balance.automatic(mosaic, recipe)
    return replace(recipe, neutral=neutral, white_balance_from="automatic") if neutral else recipe


def _balance_notes(recipe: Recipe) -> list[str]:
    """Where the white balance comes from that the RAW does not tell."""
    return [f"no white balance is told; {BALANCE[recipe.white_balance_from]}"] if recipe.white_balance_from in BALANCE else []
