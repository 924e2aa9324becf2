"""Weights: found by name, checked against their card, and made into functions.

Weights NAME are a card NAME.json, one ONNX graph NAME.PART.onnx for each part and NAME.safetensors for torch. The
card lists the parts with their sizes and the sha256 of the files, so the hash of the card stands for all of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from rawback.cameras.cards import FORMAT, NO_WEIGHTS, PHOTO_WEIGHTS, cards, path_of, read
from rawback.errors import RawbackError
from rawback.isp.coding import Coding
from rawback.isp.sharpening import Sharpening
from rawback.nets import photo_part
from rawback.nets.parts import Demosaicer, Engine, FlowPart, Restorer, is_bayer
from rawback.nets.photo_part import PhotoRestorer
from rawback.picture import Coefficients, Pixels
from rawback.recipe import Recipe

PARTS = ("restore", "restore_open", "restore_photo", "demosaic", "flow", "flow_inverse")
"""What a card may list."""


@dataclass
class Weights:
    """A card and where it lies; parts are read when they are first asked for."""

    name: str
    folder: Path
    card: dict
    sha256: str
    """Of the card."""
    base: Weights | None = None
    """Whose parts stand for those that the card does not list."""
    _engines: dict[str, Engine] = field(default_factory=dict)

    def restorer(self, recipe: Recipe, picture: Coefficients, untouched: bool) -> Restorer | None:
        """The restoration for a JPEG with that recipe, or None where it would not help.

        An untouched closed loop needs none: what its quantiser lost is sensor noise. Nor do the nets know grey
        pictures and CFAs other than Bayer's.
        """
        kind = "open" if not recipe.refined else "untouched" if untouched else "resaved"
        name = next((name for name, part in self.card["parts"].items() if kind in part.get("use", ())), None)
        if name is None and self.base:
            return self.base.restorer(recipe, picture, untouched)
        if name is None or not is_bayer(recipe) or len(picture.planes) != 3:
            return None
        return Restorer(self.part(name), recipe, picture, self.card["parts"][name]["config"]["depth"])

    def demosaicer(self, recipe: Recipe, coding: Coding) -> Demosaicer | None:
        """The learned demosaicing for that recipe, or None: the closed loop needs none, X-Trans has none."""
        part = self.card["parts"].get("demosaic")
        if part is None and self.base:
            return self.base.demosaicer(recipe, coding)
        if part is None or recipe.refined or not is_bayer(recipe):
            return None
        return Demosaicer(self.part("demosaic"), recipe, coding, part["config"]["depth"])

    def photo_restorer(self, picture: Coefficients, sharpening: Sharpening) -> PhotoRestorer | None:
        """The restoration for a photo that rawback did not render, or None where these weights know no such picture."""
        part = self.card["parts"].get("restore_photo")
        if part is None or not photo_part.knows(picture):
            return None
        return PhotoRestorer(self.part("restore_photo"), picture, part["config"]["depth"], sharpening)

    def flow(self, recipe: Recipe) -> FlowPart | None:
        """The flow for that recipe, or None: the closed loop goes without, X-Trans has none."""
        if "flow" not in self.card["parts"] or recipe.refined or not is_bayer(recipe):
            return None
        return FlowPart(self.part("flow"), recipe, self.card["parts"]["flow"]["config"])

    def flow_inverse(self, recipe: Recipe) -> FlowPart:
        """The way back through the flow. Raises RawbackError where these weights, or that recipe, can have none."""
        if not is_bayer(recipe):
            raise RawbackError("the recipe inside is not valid (a flow without a Bayer pattern); was the file tampered with?")
        return FlowPart(self.part("flow_inverse"), recipe, self.card["parts"]["flow_inverse"]["config"])

    def part(self, name: str) -> Engine:
        """A part of the card as a function of float32 arrays, its file verified. Raises RawbackError."""
        if name not in self._engines:
            self._engines[name] = self._load(name)
        return self._engines[name]

    def _load(self, name: str) -> Engine:
        listed = self.card["parts"].get(name)
        if listed is None:
            raise RawbackError(
                f"weights {self.name} have no part {name!r}; they have {', '.join(self.card['parts']) or 'none'}"
            )
        from rawback.nets.run_onnx import OnnxPart

        path = self.folder / f"{self.name}.{name}.onnx"
        return OnnxPart(verified(path, listed["sha256"]), str(path))


def verified(path: Path, sha256: str) -> bytes:
    """The file's bytes. Raises RawbackError where it is missing or is not the one that the card lists."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RawbackError(f"{path}: cannot be read ({error.strerror}); the weights' files belong together") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RawbackError(f"{path} is not the file that its card lists (sha256 differs); get the weights again")
    return data


def load(name_or_path: str) -> Weights:
    """Weights by name, or by the path of a card. Raises RawbackError that lists the known names."""
    loaded = _read(path_of(name_or_path))
    if "base" in loaded.card:
        loaded.base = _read(path_of(str(loaded.card["base"])))
    return loaded


def _read(path: Path) -> Weights:
    card = read(path)
    try:
        version, parts = card["format"], card["parts"]
        well_formed = all(name in PARTS and isinstance(part["config"], dict) and part["sha256"] for name, part in parts.items())
    except (KeyError, TypeError, AttributeError) as error:
        raise RawbackError(
            f"{path} is no card of weights ({error}); expected the NAME.json that `rawback export` writes"
        ) from error
    if not parts and "weights" in card:
        raise RawbackError(f"{path} has no learned parts of its own; use the weights {card['weights']}")
    if version != FORMAT or not well_formed:
        raise RawbackError(
            f"{path} is a card of format {version} with parts {sorted(parts)}; this rawback knows format {FORMAT}; update it"
        )
    return Weights(path.stem, path.parent, card, hashlib.sha256(path.read_bytes()).hexdigest())


def photo_restorer(
    picture: Coefficients | Pixels, weights: str | None, sharpening: Sharpening = Sharpening()
) -> PhotoRestorer | None:
    """The restoration for a photo that rawback did not render; None where there is none, or `weights` are "none".

    Those that are named, by name or path, if they know such photos; else PHOTO_WEIGHTS.
    """
    if weights == NO_WEIGHTS or not isinstance(picture, Coefficients):
        return None
    named = load(weights).photo_restorer(picture, sharpening) if weights else None
    return named or load(PHOTO_WEIGHTS).photo_restorer(picture, sharpening)


def flow_inverse(recipe: Recipe, weights: str) -> FlowPart:
    """The way back through the flow of the recipe's weights: those that are named, or installed, and no others will do.

    Raises RawbackError where they are not to be had.
    """
    if Path(weights).stem != recipe.weights:
        weights = recipe.weights
        if weights not in [card["name"] for card in cards()]:  # a recipe is from anybody: no path
            raise RawbackError(
                f"rendered with the flow of the weights {weights[:60]!r}, which are not installed; name their card (--weights)"
            )
    loaded = load(weights)
    if loaded.sha256 != recipe.weights_sha256:
        raise RawbackError(f"the weights {weights} are not those that it was rendered with (sha256 differs); get the same")
    return loaded.flow_inverse(recipe)
