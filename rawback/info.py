"""What a file is, what it carries, and what `recover` would make of it."""

from __future__ import annotations

from pathlib import Path

from rawback.clips import reader
from rawback.errors import MachineError, RawbackError
from rawback.files import file_type, jumbf, jxl, parity, paths, picture_style, raw
from rawback.files import photo as photos
from rawback.files.exif import Exif
from rawback.files.jpeg import Photo
from rawback.files.jpeg_file import is_jpeg
from rawback.files.jumbf import Box
from rawback.files.original import packed
from rawback.files.original.metadata import size_text
from rawback.foreign import plan as plans
from rawback.foreign import sharpening
from rawback.isp.quantisation_tables import quality_of
from rawback.lossless import restore
from rawback.lossless.original import contents
from rawback.lossless.refinement import restore as refinement
from rawback.nets.weights import photo_restorer
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

LEFT_OUT = ("Thumbnail", "Version")


def describe(source: str | paths.Location) -> dict:
    """Facts about a photo, RAW file or movie, ready for JSON. Raises RawbackError for what is neither."""
    location = paths.parse(source)
    if isinstance(location, Path) and file_type.is_movie(location):
        return reader.describe(location)
    data = paths.load(source)
    if file_type.of(data) != "raw":
        try:
            return _describe_photo(data, str(source))
        except MachineError:
            raise
        except RawbackError:
            if is_jpeg(data) or file_type.of(data) in file_type.PHOTOS:
                raise
    return _describe_raw(data, str(source))  # LibRaw knows more kinds of RAW than can be told by their beginning


def _describe_photo(data: bytes, name: str) -> dict:
    photo = photos.read(data, name)
    planned = plans.plan(photo)
    boxes = jumbf.find(photo.file) if photo.file else []
    layer = restore.describe(boxes, planned.state) | contents.describe(boxes, planned.state)
    fine = refinement.describe(boxes, planned.state, planned.picture, planned.recipe)
    return {
        "file": name,
        "kind": kind_of_photo(data),
        "width": photo.picture.width,
        "height": photo.picture.height,
        "bytes": len(data),
        **(_coding(photo.coefficients, planned.recipe) if photo.coefficients else {}),
        "camera": _camera(photo.exif, planned.recipe),
        **_settings(photo.exif),
        "profile": planned.profile.name if planned.profile else "sRGB",
        **({"headroom": f"{planned.light.stops:.2f} stops above white"} if planned.light else {}),
        "rendered_by_rawback": photo.recipe is not None,
        "state": planned.state.value if planned.state else "foreign",
        "promise": planned.message + ("" if layer or fine.is_lost else plans.error_left(planned)),
        **(_of_camera(photo) if planned.state is None else {}),
        **layer,
        **fine.facts,
        **parity.describe(data),
        **_metadata(boxes),
        "recipe": _properties(planned.recipe),
        "notes": [*photo.notes, *planned.notes],
    }


def _of_camera(photo: Photo) -> dict[str, object]:
    """What the restoration finds in a photo that rawback did not render."""
    restorer = photo_restorer(photo.picture, None, sharpening.of(photo))
    if restorer is None:
        return {}
    left = {"sharpness_left": restorer.undone.reason} if restorer.undone.reason else {}
    measured = {"sharpening_measured": list(restorer.undone.octaves)} if restorer.undone.octaves else {}
    return {
        "quality": quality_of(restorer.picture.tables[0]), "sharpening_undone": round(restorer.sharpening(), 2), **left,
        **measured, "clipped": round(restorer.clipped(), 4),
    }  # fmt: skip


def _metadata(boxes: list[Box]) -> dict[str, object]:
    """What is said of the RAW's metadata inside: how much it is, and what is not there."""
    original, notes = packed.find(boxes)
    size = sum(len(box.content) for box in boxes if box.label in (packed.LABEL, packed.OLD_LABEL))
    if original is None:
        return {"metadata_of_raw": notes[0]} if notes else {}
    return {"metadata_of_raw": size_text(size), **({"left_out": list(original.left_out)} if original.left_out else {})}


def kind_of_photo(data: bytes) -> str:
    """JPEG, JPEG XL that holds one, or picture for all else."""
    return "JPEG" if is_jpeg(data) else "JPEG in JPEG XL" if jxl.holds_jpeg(data) else "picture"


def _coding(coefficients: Coefficients, recipe: Recipe) -> dict:
    chroma = "grey" if recipe.monochrome else subsampling(coefficients)
    return {"subsampling": chroma, "luma_step": int(coefficients.tables[0][1 if recipe.dependent else 0])}


def _describe_raw(data: bytes, name: str) -> dict:
    file = raw.read(data, name, linear=True)
    return {
        "file": name,
        "kind": "RAW",
        "width": file.recipe.width,
        "height": file.recipe.height,
        "bytes": len(data),
        "camera": _camera(file.exif, file.recipe),
        **_settings(file.exif),
        "recipe": _properties(file.recipe),
        "notes": file.notes,
    }


def subsampling(picture: Coefficients) -> str:
    """The usual name of a picture's chroma subsampling."""
    names = {(1, 1): "4:4:4", (1, 2): "4:2:2", (2, 2): "4:2:0", (2, 1): "4:4:0", (1, 4): "4:1:1"}
    return "grey" if len(picture.planes) == 1 else names.get(picture.factors, "x".join(map(str, picture.factors)))


def _camera(exif: Exif | None, recipe: Recipe) -> str:
    return (exif.camera if exif else "") or recipe.camera


def _settings(exif: Exif | None) -> dict[str, str]:
    """What is told of settings that bend tones and colours; nothing where all are normal."""
    told = [*filter(None, [picture_style.style(exif)]), *picture_style.modes(exif)] if exif else []
    return {"settings": ", ".join(told)} if told else {}


def _properties(recipe: Recipe) -> dict[str, str]:
    return {name: text for name, text in to_fields(recipe).items() if name not in LEFT_OUT}
