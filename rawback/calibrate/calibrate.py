"""Learn a camera's look from RAW files and the pictures that the camera made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawback.calibrate import align
from rawback.calibrate.align import Samples
from rawback.calibrate.fit import FALLOFF_TERMS, Fit, errors, fit, hues
from rawback.cameras import looks
from rawback.cameras.looks import Look
from rawback.errors import RawbackError, UsageError
from rawback.files import file_type, paths, seal
from rawback.files.jpeg import Photo
from rawback.files.raw import RawFile
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
    """For each pair, or each part of a single one: samples, dB, hue error in degrees."""
    notes: list[str]
    pairs: int
    """How many it was made from."""


def calibrate(sources: Sequence[str | Path], name: str) -> Calibration:
    """Fit the look of the camera that made `sources`: RAW files, each followed by its JPEG unless that is inside.

    Raises RawbackError for files that do not fit together, UsageError for a JPEG without its RAW.
    """
    pairs = [_read(pair) for pair in paired(sources)]
    raws, _, samples = (list(part) for part in zip(*pairs, strict=True))
    cameras = {raw.recipe.camera for raw in raws}
    if len(cameras) > 1:
        raise RawbackError(f"the RAW files come from {', '.join(sorted(cameras))}; expected one camera")
    fitted = fit(samples)
    notes = [
        f"{raw.recipe.camera}: {len(sampled.light)} samples, the picture lies {sampled.shift} rows and columns of CFA cells off"
        for raw, sampled in zip(raws, samples, strict=True)
    ]
    if (seen := hues(samples)) < ENOUGH_HUES:
        notes.append(f"only {seen} of 6 hues are shown; a pair with more colours would make a better card")
    return Calibration(_look(fitted, pairs, name), _check(samples), notes, len(samples))


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


def _read(pair: tuple[Path, Path | None]) -> tuple[RawFile, Photo, Samples]:
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
            rows.append(errors(fit([single.part(~out)]), single.part(out)))
    return rows


def _look(fitted: Fit, sources: Sequence[tuple[RawFile, Photo, Samples]], name: str) -> Look:
    raws, photos, samples = zip(*sources, strict=True)
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
    return b"".join(seal.sealed([looks.save(calibration.look, path, {"held_out": calibration.held_out, "seal": seal.TEXT})]))


def report(calibration: Calibration) -> str:
    """What was learned and how well it does, a line each."""
    several = calibration.pairs > 1
    lines = [*calibration.notes, f"the camera's picture is {calibration.look.exposure:.2f} EV brighter than the RAW"]
    for number, row in enumerate(calibration.held_out, 1):
        what = f"pair {number}, from the others" if several else f"third {number}, from the rest"
        lines.append(f"held out: {what}: {row['dB']:.1f} dB, hue {row['hue']:.1f} degrees ({row['samples']} samples)")
    return "\n".join(lines)
