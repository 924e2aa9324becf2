"""Learn a camera's look from RAW files and the pictures that the camera made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawback import looks, pairs
from rawback.errors import RawbackError, UsageError
from rawback.files import kinds, paths
from rawback.files.jpeg import Photo
from rawback.files.raw import RawFile
from rawback.isp import tone
from rawback.isp.colour import CURVES, SRGB_TO_XYZ
from rawback.looks import Look
from rawback.pairs import Samples
from rawback.recipe import Recipe

KNOTS = 33
ROUNDS = 12
MOST_SAMPLES = 30000
STIFFNESS, TRUST_IN_PRIOR = 300.0, 0.02
"""How much the tone curve is held smooth, and to the generic one where no sample says otherwise."""
NOISE_FLOOR = 0.3
"""Light at which an error counts half as much as at black: between the eye's measure and that of the light."""
WHITE_STAYS = 0.5
LARGEST_VIGNETTE = 2.0
COLOURFUL = 8
"""CIELAB chroma from which a hue is worth comparing."""


@dataclass(frozen=True)
class Fit:
    """light = matrix @ curve(code) / (1 + vignette * radius^2)."""

    matrix: np.ndarray
    """(3, 3) picture's linear light -> linear sRGB of the RAW."""
    curve: np.ndarray
    """(KNOTS,) linear light at the picture's codes, evenly spaced; 1 at code 1."""
    vignette: float

    def light(self, codes: np.ndarray, radius2: np.ndarray) -> np.ndarray:
        """(N, 3) codes -> (N, 3) linear sRGB."""
        return self._linear(codes) @ self.matrix.T / (1 + self.vignette * radius2)[:, None]

    def _linear(self, codes: np.ndarray) -> np.ndarray:
        return np.interp(codes, np.linspace(0, 1, KNOTS), self.curve)


@dataclass(frozen=True)
class Calibration:
    """A look and how well it does on what it was not made from."""

    look: Look
    held_out: list[dict]
    """For each pair, or each part of a single one: samples, dB, hue error in degrees."""
    notes: list[str]


def calibrate(sources: Sequence[str | Path], name: str) -> Calibration:
    """Fit the look of the camera that made `sources`: RAW files, each followed by its JPEG unless that is inside.

    Raises RawbackError for files that do not fit together, UsageError for a JPEG without its RAW.
    """
    found = [_read(pair) for pair in paired(sources)]
    raws, photos, samples = (list(part) for part in zip(*found, strict=True))
    cameras = {raw.recipe.camera for raw in raws}
    if len(cameras) > 1:
        raise RawbackError(f"the RAW files come from {', '.join(sorted(cameras))}; expected one camera")
    whole = fit(samples)
    notes = [
        f"{raw.recipe.camera}: {len(one.light)} samples, the picture lies {one.shift} rows and columns of CFA cells off"
        for raw, one in zip(raws, samples, strict=True)
    ]
    return Calibration(_look(whole, raws, photos, name), _check(samples), notes)


def paired(sources: Sequence[str | Path]) -> list[tuple[Path, Path | None]]:
    """RAW files and the JPEGs that follow them. Raises UsageError for a JPEG that follows none."""
    found: list[tuple[Path, Path | None]] = []
    for source in map(Path, sources):
        if kinds.of(paths.load(source)) != "jpeg":
            found.append((source, None))
        elif found and found[-1][1] is None:
            found[-1] = (found[-1][0], source)
        else:
            raise UsageError(f"{source} has no RAW before it; expected RAW JPEG [RAW JPEG ...]")
    if not found:
        raise UsageError("name at least one RAW and its JPEG")
    return found


def _read(pair: tuple[Path, Path | None]) -> tuple[RawFile, Photo, Samples]:
    raw, jpeg = pair
    return pairs.read_pair(paths.load(raw), str(raw), paths.load(jpeg) if jpeg else None, str(jpeg))


def fit(samples: Sequence[Samples]) -> Fit:
    """Matrix, tone curve and vignette by turns, robustly: samples that do not fit (retouched by local tone mapping,
    misaligned) lose their weight."""
    codes, light, radius2 = _gathered(samples)
    curve = tone.generic_light(CURVES["srgb"].decode(np.linspace(0, 1, KNOTS))[0])
    found = Fit(np.eye(3) * 2.0**-tone.GENERIC_EXPOSURE, curve, 0.0)
    eye = 1 / (light.mean(1) + NOISE_FLOOR)
    for _ in range(ROUNDS):
        residual = np.abs(found.light(codes, radius2) - light).mean(1) * np.sqrt(eye)
        weight = eye / (1 + (residual / (2 * np.median(residual) + 1e-9)) ** 2)
        matrix = _fit_matrix(found, codes, light, radius2, weight)
        curve = _fit_curve(matrix, found.vignette, codes, light, radius2, weight)
        found = Fit(matrix * curve[-1], curve / curve[-1], found.vignette)
        found = Fit(found.matrix, found.curve, _fit_vignette(found, codes, light, radius2, weight))
    return found


def _gathered(samples: Sequence[Samples]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of all pairs as many samples, spread evenly."""
    share = max(MOST_SAMPLES // len(samples), 1)
    picked = [slice(None, None, max(len(s.light) // share, 1)) for s in samples]
    parts = [[getattr(s, name)[p] for s, p in zip(samples, picked, strict=True)] for name in ("codes", "light", "radius2")]
    codes, light, radius2 = (np.concatenate(part).astype(np.float64) for part in parts)
    return codes, light, radius2


def _fit_matrix(found: Fit, codes, light, radius2, weight) -> np.ndarray:
    """Least squares, white drawn to white: a camera balances it, and the cast of one picture is not that of the next."""
    linear = found.light(codes, radius2) @ np.linalg.inv(found.matrix).T
    root = np.sqrt(weight)[:, None]
    level = np.linalg.lstsq(linear * root, light * root, rcond=None)[0].sum(0).mean()
    white = np.full((1, 3), WHITE_STAYS * np.linalg.norm(linear * root))
    design, target = np.concatenate([linear * root, white]), np.concatenate([light * root, white * level])
    return np.linalg.lstsq(design, target, rcond=None)[0].T


def _fit_curve(matrix: np.ndarray, vignette: float, codes, light, radius2, weight) -> np.ndarray:
    """Light at the knots: weighted least squares, held smooth against the generic curve, then made to rise."""
    at = np.clip(codes, 0, 1) * (KNOTS - 1)
    left = np.minimum(at.astype(int), KNOTS - 2)
    share = at - left
    normal, target = np.zeros((KNOTS, KNOTS)), np.zeros(KNOTS)
    rows = np.arange(len(codes))
    gain = np.sqrt(weight) / (1 + vignette * radius2)
    for channel in range(3):
        design = np.zeros((len(codes), KNOTS))
        for k in range(3):
            design[rows, left[:, k]] += matrix[channel, k] * gain * (1 - share[:, k])
            design[rows, left[:, k] + 1] += matrix[channel, k] * gain * share[:, k]
        normal += design.T @ design
        target += design.T @ (light[:, channel] * np.sqrt(weight))
    prior = tone.generic_light(CURVES["srgb"].decode(np.linspace(0, 1, KNOTS))[0])
    bend = np.diff(np.eye(KNOTS), 2, axis=0)
    bend /= np.maximum(prior[1:-1], 0.02)[:, None]  # curvature counts by its share of the light
    scale = normal.trace() / KNOTS
    hold = scale * (1e-3 * STIFFNESS * bend.T @ bend * 1e-2 + 1e-3 * TRUST_IN_PRIOR * np.eye(KNOTS))
    curve = np.linalg.solve(normal + hold, target + hold @ prior)
    return np.maximum.accumulate(curve)


def _fit_vignette(found: Fit, codes, light, radius2, weight) -> float:
    """The one number of the falling off, not negative: the linear least squares of light * (1 + v r^2) = unfallen."""
    unfallen = found.light(codes, radius2) * (1 + found.vignette * radius2)[:, None]
    slope = light * radius2[:, None]
    value = (weight[:, None] * slope * (unfallen - light)).sum() / (weight[:, None] * slope**2).sum()
    return float(np.clip(value, 0, LARGEST_VIGNETTE))


def _check(samples: Sequence[Samples]) -> list[dict]:
    """Errors on what a fit has not seen: each pair in turn, or thirds of a single one."""
    if len(samples) > 1:
        return [_errors(fit([s for s in samples if s is not out]), out) for out in samples]
    (one,) = samples
    rows = []
    for third in range(3):
        out = one.place % 3 == third
        if min(out.sum(), (~out).sum()) >= pairs.ENOUGH // 2:
            rows.append(_errors(fit([_part(one, ~out)]), _part(one, out)))
    return rows


def _part(samples: Samples, chosen: np.ndarray) -> Samples:
    return Samples(samples.codes[chosen], samples.light[chosen], samples.radius2[chosen], samples.place[chosen], samples.shift)


def _errors(found: Fit, samples: Samples) -> dict:
    """PSNR in linear light (peak: the 99.9th percentile) and median CIELAB hue error of colourful samples."""
    light = np.clip(found.light(samples.codes, samples.radius2), 0, 1)
    peak = float(np.percentile(samples.light, 99.9))
    error = np.mean(((light - samples.light) / peak) ** 2)
    (a1, b1), (a2, b2) = (_lab_chroma(x / peak) for x in (light, samples.light))
    turn = np.degrees(np.arctan2(b1, a1) - np.arctan2(b2, a2))
    strong = np.hypot(a2, b2) > COLOURFUL
    hue = float(np.median(np.abs((turn[strong] + 180) % 360 - 180))) if strong.any() else float("nan")
    return {"samples": len(light), "dB": round(float(-10 * np.log10(max(error, 1e-12))), 2), "hue": round(hue, 2)}


def _lab_chroma(light: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """CIELAB a and b of linear sRGB (N, 3)."""
    f = np.cbrt(np.clip(light @ (SRGB_TO_XYZ / SRGB_TO_XYZ.sum(1, keepdims=True)).T, 1e-6, None))
    return 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])


def _look(found: Fit, raws: Sequence[RawFile], photos: Sequence[Photo], name: str) -> Look:
    recipe, exif, picture = raws[0].recipe, photos[0].exif or raws[0].exif, photos[0].picture
    level = float(found.matrix.sum(1).mean())
    neutral = np.exp(np.mean([np.log(raw.recipe.neutral) for raw in raws], axis=0))
    neutral /= neutral.max()
    return Look(
        name=name, camera=recipe.camera, make=exif.make if exif else "", model=exif.model if exif else "",
        matrix=_rows(np.linalg.inv(found.matrix / level)), tone=tone.knots_of(found.curve, CURVES["srgb"]),
        exposure=round(float(-np.log2(level)), 4), neutral=(float(neutral[0]), float(neutral[1]), float(neutral[2])),
        camera_matrix=recipe.matrix, dng=_colour_tags(recipe), vignette=(round(found.vignette, 4), 0.0, 0.0, 0.0, 0.0),
        size=(picture.width, picture.height),
    )  # fmt: skip


def _colour_tags(recipe: Recipe) -> dict[str, tuple[float, ...]]:
    """The RAW's own, or a matrix that stands for how LibRaw renders it."""
    if "ColorMatrix1" in recipe.dng:
        return recipe.dng
    camera = np.array(recipe.neutral)[:, None] * np.linalg.inv(np.array(recipe.matrix)) @ np.linalg.inv(SRGB_TO_XYZ)
    return recipe.dng | {"ColorMatrix1": tuple(camera.ravel().tolist()), "CalibrationIlluminant1": (21.0,)}


def _rows(matrix: np.ndarray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in np.round(matrix, 6).tolist())


def card(found: Calibration, path: Path) -> bytes:
    """The JSON file of a calibration."""
    return looks.save(found.look, path, {"held_out": found.held_out})


def report(found: Calibration) -> str:
    """What was found and how well it does, a line each."""
    several = len(found.notes) > 1
    lines = [*found.notes, f"the camera's picture is {found.look.exposure:.2f} EV brighter than the RAW"]
    for number, row in enumerate(found.held_out, 1):
        what = f"pair {number}, from the others" if several else f"third {number}, from the rest"
        lines.append(f"held out: {what}: {row['dB']:.1f} dB, hue {row['hue']:.1f} degrees ({row['samples']} samples)")
    return "\n".join(lines)
