"""Whose photo it is, and what its camera did: what is known, or guessed, of its RAW."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from rawback.cameras import looks
from rawback.cameras.looks import Known, Look, Origin
from rawback.files import camera_table, encoder, makernote, photo, picture_style, tiff
from rawback.files.exif import Exif
from rawback.files.jpeg import Photo
from rawback.files.jpeg_file import JpegFile
from rawback.files.tags import Tag
from rawback.isp import headroom, tone
from rawback.isp.colour import CURVES, SRGB_TO_XYZ, d65_tags, matrix_from_xyz
from rawback.isp.colour_profile import Profile
from rawback.isp.light import Light
from rawback.isp.mosaic import RGGB
from rawback.picture import Coefficients, Pixels, as_stored
from rawback.recipe import Recipe

WHITE = 16383.0
SAME_SHAPE = 5e-3
"""By which the ratio of sides of a whole picture may differ from that of another size."""
NOISE_PER_ISO, READ_NOISE = 1.2e-6, 1e-13
"""Shot noise and squared read noise, as fractions of white, of a middling sensor at ISO 1; they grow by ISO and ISO^2."""
ISO_RANGE = (25, 409600)
"""Speeds that can be."""


@dataclass(frozen=True)
class Guess:
    """What is taken for the camera of a photo, and on what grounds."""

    recipe: Recipe
    colours_from: str
    """card, sensor (the table of sensors), table (LibRaw's) or assumed."""
    scope: str
    """For which cameras the look stands that is undone: one of `looks.SCOPES`."""
    profile: Profile | None
    """By which the picture is to be brought to sRGB."""
    style: str = ""
    """Settings of the camera that the look knows nothing of."""
    by_tables: bool = False
    """Whether the photo names no camera, and its JPEG's tables are those of this one."""
    light: Light | None = None
    """Of the scene, where the photo tells it."""
    modes: tuple[str, ...] = ()
    """What bent tones by the scene, or moved the exposure: no look knows of that."""

    def message(self) -> str:
        """In a sentence."""
        camera, look = self.recipe.camera, self.recipe.look
        colours = {
            "card": f"the colours of {camera}", "table": f"the colours of {camera}", "sensor": f"the sensor of {camera}",
            "assumed": "the colours of a mean camera (LibRaw knows none for this one)",
        }[self.colours_from]  # fmt: skip
        undone = {
            "body": f"its look undone by the card {look}", "family": f"the look of its family undone ({look})",
            "maker": f"the look of its maker undone ({look})", "generic": "a generic look undone",
        }[self.scope]  # fmt: skip
        if self.light:
            undone = self.light.message()
        balance = {"camera": "the white balance it tells", "card": "the white balance of the card"}
        white = balance.get(self.recipe.white_balance_from, "daylight assumed for white balance")
        known = ", known by the tables of its JPEG" if self.by_tables else ""
        brought = f", brought to sRGB from {self.profile.name or 'its profile'}" if self.profile else ""
        unknown = [*filter(None, [self.style]), *self.modes]
        settings = f", but not what its settings ({', '.join(unknown)}) did" if unknown else ""
        return (
            f"not rendered by rawback: {colours}{known}, {undone}{settings}, {white}{brought}; expect a look-alike, not the RAW"
        )


def origin(photo: Photo) -> Origin:
    """What a photo says of its making."""
    exif, file = photo.exif or Exif(), photo.file or JpegFile(b"")
    from_dng = Tag.UniqueCameraModel in exif.ifd0
    return Origin(exif.make, exif.model, from_dng, picture_style.style(exif), encoder.fingerprint(file))


def known_by_tables(origin: Origin) -> bool:
    """Whether the tables of a JPEG that names no camera are those of one."""
    look = looks.known(None, origin).look
    return look is not None and look.scope != "generic"


def guess(source: Photo, known: Known | None = None) -> Guess:
    """The recipe of a photo from what it says of itself, and from what is known of its camera (None: by its EXIF)."""
    exif = source.exif or Exif()
    known = known or looks.known(None, origin(source))
    picture, look = source.picture, known.look
    if look and look.scope == "body" and not known.from_xyz:
        colours, colours_from = _card_colours(look), "card"
    else:
        colours, colours_from = _sensor_colours(known, look, exif)
    colours |= _look(look, picture, exif.orientation) if look else _plain_look()
    gains = makernote.white_balance(exif)
    if gains:
        response = 1 / np.array(gains)
        colours |= {"neutral": tuple((response / response.max()).tolist()), "white_balance_from": "camera"}
    seen = np.array(colours.pop("light_matrix")) @ np.array(colours["matrix"])
    recipe = Recipe(
        width=picture.width, height=picture.height, black=(0.0,) * 4, curve="srgb", refined=False,
        orientation=exif.orientation, noise=_noise(exif), **(colours | {"matrix": _tuples(seen)}),
    )  # fmt: skip
    scope, settings = (look.scope, look.style) if look else ("generic", "")
    told, modes = picture_style.style(exif), tuple(picture_style.modes(exif))
    unknown, by_tables = "" if told == settings else told, scope != "generic" and not known.make and not known.model
    return Guess(recipe.validate(), colours_from, scope, photo.profile(source), unknown, by_tables, modes=modes)


def in_light(source: Photo, light: Light) -> Guess:
    """As `guess`, of a photo that tells the light of its scene: no look is undone, and its highlights get headroom."""
    camera = origin(source)
    guessed = guess(source, Known(camera.make, camera.model, None))
    red, green, blue = matrix_from_xyz(np.reshape(guessed.recipe.dng["ColorMatrix1"], (3, 3))).tolist()
    recipe = replace(
        guessed.recipe, matrix=(tuple(red), tuple(green), tuple(blue)), tone=(), code_matrix=(), vignette=(), look="",
        exposure=0.0, cfa=RGGB,
    )  # fmt: skip
    return replace(guessed, style="", recipe=headroom.added(recipe, light.stops).validate(), light=light)


def _card_colours(look: Look) -> dict:
    """Those of the RAW that a card was made from."""
    return {
        "white": look.white, "neutral": look.neutral, "white_balance_from": "card", "camera": look.camera, "dng": look.dng,
        "matrix": look.camera_matrix,
    }  # fmt: skip


def _sensor_colours(known: Known, look: Look | None, exif: Exif) -> tuple[dict, str]:
    """Those of a sensor that is known by name, in LibRaw's table, or by its family's card; else the mean of that table."""
    from_xyz, colours_from = known.from_xyz, "sensor"
    if not from_xyz:
        from_xyz, colours_from = camera_table.xyz_to_camera(known.make, known.model) or (), "table"
    if not from_xyz and look and look.scope == "family":
        return _card_colours(look), "card"
    if not from_xyz:
        from_xyz, colours_from = camera_table.MEAN_MATRIX, "assumed"
    matrix = np.array(from_xyz)
    response = matrix @ SRGB_TO_XYZ.sum(1)  # to daylight, D65
    camera = Exif(ifd0={Tag.Make: tiff.ascii_text(known.make), Tag.Model: tiff.ascii_text(known.model)}).camera
    return {
        "white": WHITE, "neutral": tuple((response / response.max()).tolist()), "white_balance_from": "assumed",
        "camera": camera or exif.camera or "unknown camera", "matrix": _tuples(matrix_from_xyz(matrix)),
        "dng": d65_tags(matrix),
    }, colours_from  # fmt: skip


def _look(look: Look, picture: Coefficients | Pixels, orientation: int) -> dict:
    """What a look does to light; a lens is undone, and the CFA lies as it did, in whole pictures alone."""
    of_size = {picture.width, picture.height} == set(look.size)
    return {
        "light_matrix": look.matrix, "tone": look.tone, "look": look.name, "exposure": look.exposure,
        "code_matrix": look.code_matrix, "vignette": look.vignette if _is_whole(picture, look.size) else (),
        "cfa": _tuples(as_stored(np.array(look.cfa), orientation)) if of_size and look.cfa else RGGB,
    }  # fmt: skip


def _is_whole(picture: Coefficients | Pixels, size: tuple[int, int]) -> bool:
    """Whether a picture has the shape of whole ones of a size, and so the middle of the lens in its own."""
    long, short = max(picture.width, picture.height) * min(size), min(picture.width, picture.height) * max(size)
    return abs(long - short) < SAME_SHAPE * short


def _plain_look() -> dict:
    """Where no card is installed at all: what cameras do, roughly."""
    return {
        "light_matrix": _tuples(np.linalg.inv(tone.saturation_matrix(tone.GENERIC_SATURATION))),
        "tone": tone.generic_knots(CURVES["srgb"]), "look": "generic", "exposure": tone.GENERIC_EXPOSURE, "cfa": RGGB,
    }  # fmt: skip


def _tuples(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in matrix.tolist())


def _noise(exif: Exif) -> tuple[float, ...]:
    """Noise by ISO (EXIF's PhotographicSensitivity); nothing where the photo does not tell."""
    values = tiff.numbers(exif.exif[Tag.PhotographicSensitivity])[:1] if Tag.PhotographicSensitivity in exif.exif else ()
    if not values or not ISO_RANGE[0] <= values[0] <= ISO_RANGE[1]:
        return ()
    return noise_at(values[0])


def noise_at(iso: float) -> tuple[float, ...]:
    """Of a middling sensor, as `Recipe.noise`."""
    return (NOISE_PER_ISO * iso, READ_NOISE * iso**2)
