"""The looks of cameras: what a camera does to its picture beyond the standard rendering, kept in a small JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from rawback.cameras import sensors
from rawback.cameras.cards import FORMAT, card_of, cards
from rawback.errors import RawbackError
from rawback.isp.mosaic import BAYER
from rawback.isp.sharpening import OCTAVES
from rawback.recipe import DNG_NUMBERS, MAX_CONDITION, Recipe, is_tone_curve, mixes

MOST_SHARPENED = 4.0
"""Shares of octaves beyond that no camera has, sharp or soft."""
SCOPES = ("body", "family", "maker", "generic")
"""What a look may stand for, the nearest first."""


@dataclass(frozen=True)
class Origin:
    """What a photo says of its making."""

    make: str = ""
    model: str = ""
    """As EXIF has them."""
    from_dng: bool = False
    """Whether a program has developed it from a DNG."""
    style: str = ""
    """Settings of the camera, as `Look.style`."""
    encoder: str = ""
    """The tables of its JPEG (`files.encoder`), by which a photo that names no camera may still be known."""


@dataclass(frozen=True)
class Look:
    """One camera's look, as `calibrate` finds it."""

    name: str
    camera: str
    """Make and model as one name (UniqueCameraModel)."""
    make: str
    model: str
    matrix: tuple[tuple[float, ...], ...]
    """Linear sRGB as LibRaw renders the RAW -> linear light before the camera's tone curve, its white point included."""
    tone: tuple[float, ...]
    """`Recipe.tone`, upon the sRGB curve."""
    exposure: float
    """EV by which the camera's picture is brighter than the RAW."""
    neutral: tuple[float, float, float]
    """As-shot neutral where a picture does not tell its own."""
    camera_matrix: tuple[tuple[float, ...], ...]
    """White-balanced camera RGB -> linear sRGB."""
    dng: dict[str, tuple[float, ...]] = field(default_factory=dict)
    """Colour tags for the DNG."""
    vignette: tuple[float, ...] = ()
    """`Recipe.vignette`, for whole pictures, whose shape is that of the size below."""
    code_matrix: tuple[tuple[float, ...], ...] = ()
    """`Recipe.code_matrix`."""
    cfa: tuple[tuple[int, ...], ...] = ()
    """Colours of the photosites from the top left of such a picture, seen upright; empty where that is not known."""
    size: tuple[int, int] = (0, 0)
    """Width and height of the pictures it was measured on."""
    white: float = 16383.0
    """White level of the camera's RAW in DN."""
    scope: str = "body"
    """For which cameras it stands: one of SCOPES."""
    models: tuple[str, ...] = ()
    """Of a family: patterns of the models it is for, by their EXIF names (`fnmatch`)."""
    style: str = ""
    """Which of the camera's styles it is of, by EXIF's contrast and saturation; empty: its normal one."""
    from_dng: bool = False
    """Whether it is that of pictures which a program has developed from the camera's DNG: their EXIF has DNG's tags."""

    encoders: tuple[str, ...] = ()
    """The tables of the JPEGs it was learned from, as `Origin.encoder`."""
    sharpening: tuple[float, ...] = ()
    """`Sharpening.octaves` of its pictures; empty: not measured."""

    def to_card(self) -> dict:
        """As JSON; `from_card` is the inverse."""
        values = {name: value for name, value in vars(self).items() if name not in ("name", "camera", "make", "model")}
        return {"format": FORMAT, "parts": {}, "camera": self.camera, "make": self.make, "model": self.model, "look": values}

    def upon(self, recipe: Recipe) -> Recipe:
        """The recipe of a RAW with this look. What the camera does against the falling off of its lens is left to it."""
        matrix = np.array(self.matrix) @ np.array(recipe.matrix)
        rows = tuple(map(tuple, matrix.tolist()))
        return replace(recipe, matrix=rows, tone=self.tone, code_matrix=self.code_matrix, curve="srgb", look=self.name)

    def fits(self, origin: Origin) -> bool:
        """Whether it is for the photos of a camera, by its EXIF names; by its tables where a photo has none."""
        make, model = origin.make.strip().lower(), origin.model.strip().lower()
        if self.scope == "generic":
            return True
        if not make and not model:
            return bool(origin.encoder) and origin.encoder in self.encoders
        if make != self.make.lower():
            return False
        if self.scope == "body":
            return bool(model) and model == self.model.lower()
        return self.scope == "maker" or any(fnmatchcase(model, pattern.lower()) for pattern in self.models)


def from_card(card: dict, name: str) -> Look:
    """The look of a card. Raises RawbackError for a card that has none, or one that cannot be."""
    try:
        values = dict(card["look"])
        values |= {key: str(card.get(key, "")) for key in ("camera", "make", "model")}
        dng = {k: _floats(v) for k, v in values.pop("dng", {}).items() if k in DNG_NUMBERS and len(v) == DNG_NUMBERS[k]}
        rows = {key: tuple(map(_floats, values.pop(key))) for key in ("matrix", "camera_matrix")}
        lists = {key: _floats(values.pop(key)) for key in ("tone", "neutral", "vignette")}
        rows["code_matrix"] = tuple(map(_floats, values.pop("code_matrix", ())))  # cards of the first version have none
        cfa = tuple(tuple(map(int, row)) for row in values.pop("cfa", ()))
        size, models = tuple(map(int, values.pop("size"))), tuple(map(str, values.pop("models", ())))
        encoders = tuple(map(str, values.pop("encoders", ())))
        values["sharpening"] = _floats(values.get("sharpening", ()))
        look = Look(name, dng=dng, size=size, models=models, encoders=encoders, cfa=cfa, **rows, **lists, **values)  # type: ignore[arg-type]
        if not _plausible(look):
            raise ValueError("numbers out of range")
        return look
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RawbackError(f"the card {name} holds no look ({error}); make one with `rawback calibrate`") from error


def _floats(values: Iterable[float]) -> tuple[float, ...]:
    return tuple(float(v) for v in values)


def _plausible(look: Look) -> bool:
    matrices = [np.array(m, float) for m in (look.matrix, look.camera_matrix)]
    numbers = [*look.neutral, look.exposure, look.white, *look.vignette, *(v for m in matrices for v in m.ravel())]
    return (
        look.scope in SCOPES
        and all(m.shape == (3, 3) and np.linalg.cond(m) < MAX_CONDITION for m in matrices)
        and bool(np.isfinite(numbers).all())
        and is_tone_curve(look.tone)
        and (not look.code_matrix or mixes(look.code_matrix))
        and (not look.cfa or look.cfa in BAYER.values())
        and len(look.sharpening) in (0, OCTAVES) and all(abs(share) < MOST_SHARPENED for share in look.sharpening)
        and len(look.neutral) == 3 and min(look.neutral) >= 1e-3 and max(look.neutral) <= 1
        and len(look.vignette) in (0, 5) and len(look.size) == 2 and abs(look.exposure) < 10 and 1 < look.white <= 65535
    )  # fmt: skip


def load(name_or_path: str) -> Look:
    """A look by the path of its JSON or by the name of an installed card. Raises RawbackError if there is none."""
    card = card_of(name_or_path)
    return from_card(card, card["name"])


@dataclass(frozen=True)
class Known:
    """What is known of the camera of a photo."""

    make: str
    model: str
    """As EXIF has them, of the camera that was named or that the photo names."""
    look: Look | None
    from_xyz: tuple[tuple[float, ...], ...] = ()
    """XYZ -> camera (3, 3) under D65, where its sensor is known by name; empty: LibRaw's table may know it."""


def known(camera: str | None, origin: Origin) -> Known:
    """By the card that is named, else by what a photo says of its making.

    camera: a card's name or path; one of weights only names a sensor. Raises RawbackError if there is no such card.
    """
    card = card_of(camera) if camera else {}
    if card and ("look" in card or not (card.get("parts") or "weights" in card)):
        look = from_card(card, card["name"])
        return Known(look.make, look.model, look)
    if card.get("model"):
        origin = replace(origin, make=str(card.get("make", "")), model=str(card["model"]))
    from_xyz = sensors.xyz_to_camera(card["name"]) if card and card["name"] in sensors.table() else np.zeros((0, 3))
    return Known(origin.make, origin.model, find(origin), tuple(map(tuple, from_xyz.tolist())))


def find(origin: Origin) -> Look | None:
    """The installed look that fits a photo most nearly: its camera's own, its family's, its maker's, or the generic one."""
    nearest: Look | None = None
    for card in cards():
        if "look" not in card or not _may_fit(card, origin):
            continue
        look = from_card(card, card["name"])
        fits = look.fits(origin) and look.style in ("", origin.style)
        if fits and (nearest is None or _rank(look, origin) < _rank(nearest, origin)):
            nearest = look
    return nearest


def _may_fit(card: dict, origin: Origin) -> bool:
    """Whether a card is worth being read whole."""
    look = card["look"] if isinstance(card["look"], dict) else {}
    make = str(card.get("make", "")).lower()
    right_make = look.get("scope") == "generic" or not origin.make or make == origin.make.strip().lower()
    return right_make and (origin.from_dng or not look.get("from_dng"))


def _rank(look: Look, origin: Origin) -> tuple[bool, int, bool]:
    """The nearer the less; of two as near, the one of the very style (`find` has passed by those of others)."""
    return look.from_dng != origin.from_dng, SCOPES.index(look.scope), not look.style


def save(look: Look, path: Path, more: dict) -> bytes:
    """The card as the bytes of a JSON file; `more`: what else it should tell."""
    return (json.dumps({"name": path.stem} | look.to_card() | more, indent=1) + "\n").encode()
