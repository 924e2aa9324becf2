"""The recipe as text: what travels in the JPEG as XMP. Versioned: a later one is refused, none is ever forgotten."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields, replace

from rawback.errors import RecipeError
from rawback.recipe import DNG_NUMBERS, Recipe

FIRST, OF_TWO_QUANTISERS, VERSION = 1, 2, 3
"""That which all recipes have that can do with it, for others know it longer; with `dependent`; with `wide_chroma` or
`layered`."""


def to_fields(recipe: Recipe) -> dict[str, str]:
    """The recipe as XMP properties, in the order of FORMAT: CamelCase name -> text. What has its default is left out."""
    is_latest = recipe.wide_chroma or recipe.layered
    texts = {"Version": str(VERSION if is_latest else OF_TWO_QUANTISERS if recipe.dependent else FIRST)}
    for name in FORMAT:
        value = getattr(recipe, name)
        if name == "dng":
            texts |= {tag: _numbers(numbers) for tag, numbers in value.items()}
        elif name == "black" and len(set(value)) == 1:
            texts["Black"] = _numbers(value[:1])
        elif DEFAULTS[name] is MISSING or value != DEFAULTS[name]:
            texts[_camel(name)] = _text(value)
    return texts


def from_fields(texts: dict[str, str]) -> Recipe:
    """The inverse of `to_fields`, validated. Raises RecipeError for what is missing, malformed, impossible or too new."""
    version = texts.get("Version", "")[:20]
    if not version.isdecimal() or int(version) > VERSION:
        raise RecipeError(f"the recipe inside has version {version!r}, this rawback knows {VERSION}; update rawback")
    values: dict[str, object] = {}
    for name, parse in FORMAT.items():
        text = texts.get(_camel(name))
        if text is None or name == "dng":
            continue
        try:
            values[name] = parse(text)
        except (ValueError, binascii.Error) as error:
            raise RecipeError(f"the recipe inside is not valid ({_camel(name)}); was the file tampered with?") from error
    missing = [name for name in FORMAT if DEFAULTS[name] is MISSING and name not in values and name != "dng"]
    if missing:
        raise RecipeError(f"the recipe inside lacks {', '.join(map(_camel, missing))}; was the file tampered with?")
    try:
        dng = {name: _floats(texts[name]) for name in DNG_NUMBERS if name in texts}
    except ValueError as error:
        raise RecipeError("the recipe inside is not valid (DNG tags); was the file tampered with?") from error
    return _spread_black(Recipe(**values, dng=dng)).validate()  # type: ignore[arg-type]


def _spread_black(recipe: Recipe) -> Recipe:
    """One black level stands for all CFA positions."""
    return replace(recipe, black=recipe.black * sum(map(len, recipe.cfa))) if len(recipe.black) == 1 else recipe


def _camel(name: str) -> str:
    return "CFAPattern" if name == "cfa" else "".join(part.capitalize() for part in name.split("_"))


def _numbers(values: Iterable[float]) -> str:
    return " ".join(f"{v:.9g}" for v in values)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        return "; ".join(_numbers(row) for row in value)
    if isinstance(value, tuple):
        return _numbers(value)
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value)


def _floats(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in text.split())


def _ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split())


def _rows(parse: Callable[[str], object]) -> Callable[[str], tuple]:
    return lambda text: tuple(parse(row) for row in text.split(";"))


def _base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _flag(text: str) -> bool:
    if text not in ("True", "False"):
        raise ValueError(text)
    return text == "True"


FORMAT: dict[str, Callable[[str], object]] = {
    "width": int, "height": int, "linear": _flag, "monochrome": _flag,
    "cfa": _rows(_ints), "black": _floats, "white": float, "neutral": _floats,
    "matrix": _rows(_floats), "camera": str, "white_balance_from": str, "exposure": float, "curve": str,
    "shoulder": float, "tone": _floats, "code_matrix": _rows(_floats), "look": str, "vignette": _floats,
    "pedestal": float, "refined": _flag, "centroids": _floats, "dependent": _flag, "wide_chroma": _flag,
    "layered": _flag, "arithmetic": int, "orientation": int, "margins": _ints, "crop": _floats,
    "scale": _floats, "baseline_exposure": float, "noise": _floats, "weights": str, "weights_sha256": str, "flow": _flag,
    "dng": _floats, "picture_sha256": str, "thumbnail": _base64,
    "source_sha256": str, "mosaic_sha256": str, "options": str, "rms": float,
}  # fmt: skip
"""The fields on disk, in their order there, and how each is read back from its text."""
DEFAULTS = {entry.name: entry.default for entry in fields(Recipe)}
"""By field; MISSING for those that every recipe states, and for `dng`."""
