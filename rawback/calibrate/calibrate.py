"""Learn a camera's look from RAW files and the pictures that the camera made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rawback.calibrate import align, pool, sharpness
from rawback.calibrate.align import Pair, Samples
from rawback.calibrate.fit import FALLOFF_TERMS, Fit, errors, fit, hues
from rawback.calibrate.pool import Member
from rawback.cameras import looks
from rawback.cameras.looks import Look
from rawback.errors import RawbackError, UsageError
from rawback.files import embedded, file_type, paths, seal
from rawback.isp import tone
from rawback.isp.colour import CURVES, d65_tags, xyz_from_matrix
from rawback.recipe import Recipe

ENOUGH_HUES = 4
"""Of six; with fewer, colours are largely guessed."""


@dataclass(frozen=True)
class Calibration:
    """A look and how well it does on what it was not made from."""

    look: Look
    held_out: list[dict]
    """For each pair, or each part of a single one: dB, and by `fit.errors` or `pool.errors` what else they tell."""
    notes: list[str]
    pairs: int
    """How many it was made from."""
    seen: dict
    """The range of it, as `pool.seen`."""


def calibrate(sources: Sequence[str | Path], name: str) -> Calibration:
    """Fit the look of the camera that made `sources`: RAW files, each followed by its JPEG unless that is inside.

    Pictures that all have their RAW's size are laid upon it cell by cell, and tell the lens and the CFA as well; others are
    registered, as those inside RAW files are. Raises RawbackError for files that do not fit together, UsageError for a JPEG
    without its RAW.
    """
    pairs = [_read(pair) for pair in paired(sources)]
    cameras = {pair.raw.recipe.camera for pair in pairs}
    if len(cameras) > 1:
        raise RawbackError(f"the RAW files come from {', '.join(sorted(cameras))}; expected one camera")
    return _of_full_size(pairs, name) if all(pair.is_full_size for pair in pairs) else _of_any_size(pairs, name)


def _of_full_size(pairs: Sequence[Pair], name: str) -> Calibration:
    samples = [pair.samples() for pair in pairs]
    notes = [
        f"{pair.raw.recipe.camera}: {len(own.light)} samples, the picture lies {own.shift} rows and columns of CFA cells off"
        for pair, own in zip(pairs, samples, strict=True)
    ]
    if (shown := hues(samples)) < ENOUGH_HUES:
        notes.append(f"only {shown} of 6 hues are shown; a pair with more colours would make a better card")
    look = _look(fit(samples), pairs, samples, name)
    look = replace(look, sharpening=sharpness.measured(pairs, samples, look))
    return Calibration(look, _check(samples), notes, len(samples), pool.seen(samples))


def _of_any_size(pairs: Sequence[Pair], name: str) -> Calibration:
    members = [_member(pair) for pair in pairs]
    evened, falloff = pool.without_lens(members)
    photo = pairs[0].photo
    exif = photo.exif if photo and photo.exif and photo.exif.model else None
    look = pool.as_look(pool.pooled([evened]), members, name, falloff)
    look = replace(look, make=exif.make, model=exif.model) if exif else look
    notes = [
        f"{one.raw.recipe.camera}: {len(one.samples.light)} samples of a picture of {one.size[0]} x {one.size[1]}"
        for one in members
    ]
    return Calibration(look, pool.held_out(evened), notes, len(members), pool.seen(evened))


def _member(pair: Pair) -> Member:
    given = embedded.of_file(pair.photo.data) if pair.photo and not pair.is_inside else []
    if not given and not pair.is_inside:
        raise RawbackError(
            f"{pair.names}: the picture is too small, or in no colours of a camera's; expected a JPEG of its own"
        )
    member = pool.member(pair.raw, given[0] if given else None)
    if isinstance(member, str):
        raise RawbackError(f"{pair.names}: {member}; leave this pair out, or take another picture")
    return member


def paired(sources: Sequence[str | Path]) -> list[tuple[Path, Path | None]]:
    """RAW files and the JPEGs that follow them. Raises UsageError for a JPEG that follows none."""
    pairs: list[tuple[Path, Path | None]] = []
    for source in map(Path, sources):
        if file_type.of(paths.load(source)) != "jpeg":
            pairs.append((source, None))
        elif pairs and pairs[-1][1] is None:
            pairs[-1] = (pairs[-1][0], source)
        else:
            raise UsageError(f"{source} has no RAW before it; expected RAW JPEG [RAW JPEG ...]")
    if not pairs:
        raise UsageError("name at least one RAW and its JPEG")
    return pairs


def _read(pair: tuple[Path, Path | None]) -> Pair:
    raw, jpeg = pair
    return align.read_pair(paths.load(raw), str(raw), paths.load(jpeg) if jpeg else None, str(jpeg))


def _check(samples: Sequence[Samples]) -> list[dict]:
    """Errors on what a fit has not seen: each pair in turn, or thirds of a single one."""
    if len(samples) > 1:
        return [errors(fit([s for s in samples if s is not out]), out) for out in samples]
    (single,) = samples
    rows = []
    for third in range(3):
        out = single.place % 3 == third
        if min(out.sum(), (~out).sum()) >= align.ENOUGH // 2:
            rows.append(errors(fit([single.part(~out)]), single.part(out)) | {"part": True})
    return rows


def _look(fitted: Fit, pairs: Sequence[Pair], samples: Sequence[Samples], name: str) -> Look:
    raws, photos = [pair.raw for pair in pairs], [pair.photo for pair in pairs if pair.photo]
    recipe, picture = raws[0].recipe, photos[0].picture
    exif = next((exif for exif in (photos[0].exif, raws[0].exif) if exif and exif.model), None)
    cfas = {sampled.cfa for sampled in samples}
    level = float(fitted.matrix.sum(1).mean())
    neutral = np.exp(np.mean([np.log(raw.recipe.neutral) for raw in raws], axis=0))
    neutral /= neutral.max()
    return Look(
        name=name, camera=recipe.camera, make=exif.make if exif else "", model=exif.model if exif else "",
        matrix=_rows(np.linalg.inv(fitted.matrix / level)), tone=tone.knots_of(fitted.curve, CURVES["srgb"]),
        exposure=round(float(-np.log2(level)), 4), neutral=(float(neutral[0]), float(neutral[1]), float(neutral[2])),
        camera_matrix=recipe.matrix, dng=_colour_tags(recipe), size=(picture.width, picture.height),
        vignette=(*np.round(fitted.falloff, 4).tolist(), *[0.0] * (5 - FALLOFF_TERMS)),
        code_matrix=_rows(fitted.code_matrix), cfa=cfas.pop() if len(cfas) == 1 else (),
    )  # fmt: skip


def _colour_tags(recipe: Recipe) -> dict[str, tuple[float, ...]]:
    """The RAW's own, or a matrix that stands for how LibRaw renders it."""
    if "ColorMatrix1" in recipe.dng:
        return recipe.dng
    return recipe.dng | d65_tags(xyz_from_matrix(np.array(recipe.matrix), np.array(recipe.neutral)))


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.round(matrix, 6).tolist())


def card(calibration: Calibration, path: Path) -> bytes:
    """The JSON file of a calibration, sealed."""
    more = {"pictures": calibration.pairs, "held_out": calibration.held_out, "seen": calibration.seen, "seal": seal.TEXT}
    return b"".join(seal.sealed([looks.save(calibration.look, path, more)]))


def report(calibration: Calibration) -> str:
    """What was learned and how well it does, a line each."""
    brightness = f"the camera's picture is {calibration.look.exposure:.2f} EV brighter than the RAW"
    (dark, bright), codes = calibration.seen["light"], calibration.seen["codes"]
    seen = f"seen: light from {dark:.2g} to {bright:.2g} of white, codes from {codes[0]:.2f} to {codes[1]:.2f}"
    rows = [_row(number, row) for number, row in enumerate(calibration.held_out, 1)]
    return "\n".join([*calibration.notes, brightness, _sharpened(calibration.look.sharpening), seen, *rows])


def _sharpened(octaves: tuple[float, ...]) -> str:
    if not octaves:
        return "how far its pictures are sharpened could not be measured: `recover` goes by what they say"
    shares = ", ".join(f"{share:.0%}" for share in octaves)
    return f"sharpening: {shares} of its pictures' detail of 1, 2 and 4 pixels, which `recover` undoes"


def _row(number: int, row: dict) -> str:
    if row.get("itself"):
        what = "on that pair itself"
    else:
        what = f"held out: third {number}, from the rest" if "part" in row else f"held out: pair {number}, from the others"
    if "hue" in row:
        return f"{what}: {row['dB']:.1f} dB, hue {row['hue']:.1f} degrees ({row['samples']} samples)"
    return f"{what}: {row['dB']:.1f} dB ({row['as is']:.1f} as it is), the picture within {row['picture dB']:.1f} dB"
