"""What a file is, what it carries, and what `recover` would make of it."""

from __future__ import annotations

from pathlib import Path

from rawback import recovering
from rawback.coefficients import Coefficients
from rawback.files import jpeg, paths, raw
from rawback.recipe import Recipe, to_fields

NOT_SHOWN = ("Thumbnail", "Version")


def describe(source: Path) -> dict:
    """Facts about a JPEG or RAW file, ready for JSON. Raises RawbackError for what is neither."""
    data = paths.load(source)
    return _describe_jpeg(data, str(source)) if jpeg.is_jpeg(data) else _describe_raw(data, str(source))


def _describe_jpeg(data: bytes, name: str) -> dict:
    photo = jpeg.read(data, name)
    state, picture, recipe = recovering.plan(photo)
    return {
        "file": name,
        "kind": "JPEG",
        "width": photo.coefficients.width,
        "height": photo.coefficients.height,
        "bytes": len(data),
        "subsampling": subsampling(photo.coefficients),
        "luma_step": int(photo.coefficients.tables[0][0]),
        "camera": _camera(photo.exif, recipe),
        "rendered_by_rawback": photo.recipe is not None,
        "state": state.value if state else "foreign",
        "promise": recovering.SAID[state],
        "recipe": _shown(recipe),
        "notes": photo.notes,
    }


def _describe_raw(data: bytes, name: str) -> dict:
    file = raw.read(data, name)
    return {
        "file": name,
        "kind": "RAW",
        "width": file.recipe.width,
        "height": file.recipe.height,
        "bytes": len(data),
        "camera": _camera(file.exif, file.recipe),
        "recipe": _shown(file.recipe),
        "notes": file.notes,
    }


def subsampling(picture: Coefficients) -> str:
    """The usual name of a picture's chroma subsampling."""
    names = {(1, 1): "4:4:4", (1, 2): "4:2:2", (2, 2): "4:2:0", (2, 1): "4:4:0", (1, 4): "4:1:1"}
    return "grey" if len(picture.planes) == 1 else names.get(picture.factors, "x".join(map(str, picture.factors)))


def _camera(exif, recipe: Recipe) -> str:
    return f"{exif.make} {exif.model}".strip() if exif and exif.make else recipe.camera


def _shown(recipe: Recipe) -> dict[str, str]:
    return {name: text for name, text in to_fields(recipe).items() if name not in NOT_SHOWN}
