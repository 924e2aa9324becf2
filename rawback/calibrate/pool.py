"""Looks of many pictures of one camera, or family, in one: what the pictures inside its RAW files agree on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rawback.calibrate import align
from rawback.cameras import look_fit, look_model, preview_look
from rawback.cameras.laid import Laid
from rawback.cameras.look_fit import Priors, Samples
from rawback.cameras.look_model import Model
from rawback.cameras.looks import Look
from rawback.errors import RawbackError
from rawback.files import embedded, encoder
from rawback.files.embedded import Picture
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.isp.colour import SRGB_TO_XYZ, d65_tags

EACH, ALL = 1500, 60_000
"""Samples of a picture, and of all that are fitted at once."""
BRIGHTEST = 0.95
"""Light that the sensor may have clipped."""
IDENTITY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
PEAK = 99.9
"""Percentile of the light that counts as its peak in dB."""


@dataclass(frozen=True)
class Member:
    """One RAW with a picture of its camera's."""

    raw: RawFile
    samples: Samples
    size: tuple[int, int]
    """Width and height of the picture."""
    encoder: str = ""
    """The tables of its JPEG, as `looks.Origin.encoder`."""


def member(raw: RawFile, picture: Picture | None = None) -> Member | str:
    """A RAW and its picture (None: the one inside), laid upon each other; or why they cannot be."""
    reason, which = preview_look.NO_PICTURE[preview_look.INSIDE], "the picture" if picture else "the picture inside"
    light = preview_look.light_of(raw.mosaic, raw.recipe)
    for tried in [picture] if picture else raw.pictures:
        found = _samples(raw, light, tried)
        if isinstance(found, Samples):
            return Member(raw, found, (tried.width, tried.height), encoder.fingerprint(JpegFile(tried.data)))
        reason = f"{which} {found}"
    return reason


def _samples(raw: RawFile, light: np.ndarray, picture: Picture) -> Samples | str:
    """What a picture shows of light (H, W, 3); or what is the matter with it."""
    if picture.edited:
        return preview_look.OTHER_PROGRAM
    codes = embedded.decode(picture, preview_look.COLUMNS, raw.exif)
    if codes is None:
        return preview_look.DAMAGED
    laid = Laid.upon(light, codes, raw.recipe.orientation)
    if isinstance(laid, str):
        return laid
    samples = laid.samples(light)
    if not samples.are_enough:
        return preview_look.UNTOLD
    explained = -10 * np.log10(look_fit.error(look_fit.fit(samples), samples)) >= preview_look.LEAST_LIKE
    return samples if explained else preview_look.UNEXPLAINED


def without_lens(members: Iterable[Member]) -> tuple[list[Samples], np.ndarray]:
    """Their samples with light as the camera evened it out, and the mean of what it did against its lens (FALLOFF_TERMS,)."""
    evened, terms = [], []
    for one in members:
        falloff = look_fit.fit(one.samples, priors=look_fit.WITH_LENS).falloff
        gain = look_model.lens_gain(falloff, one.samples.radius2)
        evened.append(replace(one.samples, light=one.samples.light * gain[:, None]))
        terms.append(falloff)
    return evened, np.mean(terms, axis=0)


def pooled(groups: Sequence[Sequence[Samples]], priors: Priors = look_fit.PLAIN, levelled: bool = False) -> Model:
    """One model for all pictures, every group counting alike, and in it every picture.

    levelled: each picture is brought to one exposure first, and the model's is the mean of theirs: for a look that is to hold
    for cameras that expose differently.
    """
    levels = [[_level(one) if levelled else 1.0 for one in group] for group in groups]
    mean = float(np.exp(np.mean([float(np.mean(np.log(row))) for row in levels])))
    each = max(min(EACH, ALL // max(sum(map(len, groups)), 1)), 1)
    parts = []
    for group, row in zip(groups, levels, strict=True):
        for one, level in zip(group, row, strict=True):
            few = one.thinned(each)
            weight = few.weight / (max(float(few.weight.sum()), 1e-9) * len(group))
            parts.append(replace(few, light=few.light * (mean / level), weight=weight))
    everything = Samples(*(np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])))
    return look_fit.fit(everything, most=len(everything.light), priors=priors)


def _level(samples: Samples) -> float:
    """Light of the RAW over what a generic look makes of the picture, where neither is clipped."""
    told = (samples.codes.max(1) < look_fit.BLOWN) & (samples.light.max(1) < BRIGHTEST)
    picture, light = look_model.generic_light(samples.codes[told]), samples.light[told]
    return float((picture * light).sum() / max(float((picture * picture).sum()), 1e-12))


def errors(model: Model, samples: Samples) -> dict:
    """How well light is found from codes: dB after one gain and as it is (peak: PEAK), and dB of the picture's codes.

    What is blown in the picture nobody can tell; it counts in its codes alone.
    """
    picture = look_fit.error(model, samples)
    told = samples.codes.max(1) < look_fit.BLOWN
    samples = replace(samples, light=samples.light[told], codes=samples.codes[told])
    got = np.clip(model.light(samples.codes), 0, None)
    peak = float(np.percentile(samples.light, PEAK))
    usable = samples.light.max(1, keepdims=True) < BRIGHTEST
    gain = float((got * samples.light * usable).sum() / max(float((got * got * usable).sum()), 1e-12))
    real = np.clip(samples.light / peak, 0, 1)
    matched, as_is = (np.mean((np.clip(got * by / peak, 0, 1) - real) ** 2) for by in (gain, 1.0))
    return {"dB": _db(matched), "as is": _db(as_is), "EV off": round(float(np.log2(gain)), 2), "picture dB": _db(picture)}


def _db(square: float | np.floating) -> float:
    return round(float(-10 * np.log10(max(float(square), 1e-12))), 2)


def held_out(samples: Sequence[Samples]) -> list[dict]:
    """Errors on each picture of a look fitted to the others; of a single one, on itself, which says so."""
    if len(samples) == 1:
        return [errors(pooled([samples]), samples[0]) | {"itself": True}]
    return [errors(pooled([[other for other in samples if other is not one]]), one) for one in samples]


def as_look(model: Model, members: Sequence[Member], name: str, falloff: np.ndarray | None = None) -> Look:
    """The model as the look of the camera of the first of the members."""
    recipe, exif = members[0].raw.recipe, members[0].raw.exif
    found = preview_look.as_look(model, replace(recipe, matrix=IDENTITY), 0.0)
    if not preview_look.is_sound(found):
        raise RawbackError("the pictures have colours that no look can make and unmake")
    neutral = np.exp(np.mean([np.log(one.raw.recipe.neutral) for one in members], axis=0))
    vignette = () if falloff is None else (*np.round(falloff, 4).tolist(), 0.0, 0.0)
    red, green, blue = np.round(neutral / neutral.max(), 6).tolist()
    return Look(
        name=name, camera=recipe.camera, make=exif.make if exif else "", model=exif.model if exif else "",
        matrix=found.matrix, tone=found.tone, exposure=found.exposure, neutral=(red, green, blue),
        camera_matrix=tuple(tuple(round(v, 6) for v in row) for row in recipe.matrix), dng=_colour_tags(members[0]),
        vignette=vignette, code_matrix=found.code_matrix, size=members[0].size, white=recipe.white,
        encoders=tuple(sorted({one.encoder for one in members} - {""})),
    )  # fmt: skip


def _colour_tags(one: Member) -> dict[str, tuple[float, ...]]:
    """The RAW's own, or a matrix that stands for how LibRaw renders it."""
    recipe = one.raw.recipe
    if "ColorMatrix1" in recipe.dng:
        return recipe.dng
    from_srgb = np.array(recipe.neutral)[:, None] * np.linalg.inv(np.array(recipe.matrix))
    return recipe.dng | d65_tags(from_srgb @ np.linalg.inv(SRGB_TO_XYZ))


def seen(samples: Sequence[Samples | align.Samples]) -> dict:
    """The range that a look was seen over: light from dark to bright, and codes (1st and 99th percentile)."""
    light, codes = (np.concatenate([getattr(one, name) for one in samples]).mean(1) for name in ("light", "codes"))
    ends = {name: np.percentile(values, (1, 99)) for name, values in (("light", light), ("codes", codes))}
    return {name: np.round(values, 4).tolist() for name, values in ends.items()}
