"""What a camera made of which light, as numbers: the fit behind `calibrate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rawback.calibrate.align import Samples
from rawback.isp import cielab, tone
from rawback.isp.colour import CURVES

KNOTS = 33
"""Of the tone curve."""
ROUNDS, ENOUGH_GAIN = 40, 1e-5
"""Steps at most, and the share of the cost from which on less is gained than a step is worth."""
MOST_SAMPLES = 6000
"""Of all pairs together: more take time and change nothing."""
LIGHT_MATTERS, STRAY_LIGHT = 100.0, 0.1
"""Weight of the error of light, of which the 99.9th percentile is 1; errors beyond the second lose theirs."""
COLOUR_MATTERS, STRAY_COLOUR = 2.0, 50.0
"""Weight of the error in CIELAB; squared errors beyond the second lose theirs: local contrast, misalignment."""
SMOOTH, NEAR_GENERIC, NEAR_WHITE, NEAR_PLAIN, NEAR_MEAN = 0.1, 0.03, 0.01, 2e-3, 0.05
"""How much the curve is held smooth and in shape like the generic one, white to white, the falling off to none, and
colours to what cameras do in the mean: a picture may show few."""
FALLOFF_TERMS = 3
"""r^2, r^4, r^6."""
COLOURFUL = 8
"""CIELAB chroma from which a hue is worth comparing."""
SEEN = 0.01
"""Share of the samples that a sixth of the hues must have to count."""


@dataclass(frozen=True)
class Fit:
    """light = matrix @ curve(code_matrix @ code) / falloff, falloff = 1 + v0 r^2 + v1 r^4 + v2 r^6."""

    matrix: np.ndarray
    """(3, 3) picture's linear light -> linear sRGB of the RAW."""
    curve: np.ndarray
    """(KNOTS,) linear light at codes, evenly spaced; 1 at code 1."""
    falloff: np.ndarray
    """(FALLOFF_TERMS,)"""
    code_matrix: np.ndarray
    """(3, 3) the picture's codes -> the curve's; rows sum to 1."""

    def light(self, codes: np.ndarray, radius2: np.ndarray) -> np.ndarray:
        """(N, 3) codes -> (N, 3) linear sRGB."""
        _, _, linear, _ = self.curved(codes)
        return linear @ self.matrix.T / self.fallen(radius2)[:, None]

    def curved(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Knot to the left (N, 3), share of the next one, linear light, and its slope."""
        at = codes @ self.code_matrix.T * (KNOTS - 1)
        left = np.clip(at.astype(int), 0, KNOTS - 2)
        share, rise = at - left, np.diff(self.curve)[left]
        return left, share, self.curve[left] + share * rise, rise * (KNOTS - 1)

    def fallen(self, radius2: np.ndarray) -> np.ndarray:
        """The camera's gain against its lens at squared distances from the middle."""
        return 1 + powers(radius2) @ self.falloff

    def stepped(self, step: np.ndarray) -> Fit:
        """With a step (PARAMETERS,) in the order of `derivatives`."""
        mix, curve, matrix, falloff = np.split(step, np.cumsum([6, KNOTS - 1, 9]))
        red_blue = mix.reshape(3, 2)
        change = np.stack([red_blue[:, 0], -red_blue.sum(1), red_blue[:, 1]], 1)
        growth = np.append(np.exp(np.clip(curve, -0.5, 0.5)), 1)
        return Fit(
            self.matrix + matrix.reshape(3, 3), self.curve * growth, self.falloff + falloff, self.code_matrix + change
        )  # fmt: skip

    def derivatives(self, codes: np.ndarray, radius2: np.ndarray) -> np.ndarray:
        """Of `light` by code matrix (red, blue columns), logarithm of the curve, matrix, falloff: (N, 3, PARAMETERS)."""
        left, share, linear, slope = self.curved(codes)
        count, rows = len(codes), np.arange(len(codes))
        inner = np.zeros((count, 3, 6 + KNOTS - 1))  # of each channel's linear light
        by_knot = np.zeros((count, KNOTS))
        for k in range(3):
            inner[:, k, 2 * k : 2 * k + 2] = slope[:, k, None] * (codes[:, [0, 2]] - codes[:, 1:2])
            by_knot[:] = 0
            by_knot[rows, left[:, k]] = self.curve[left[:, k]] * (1 - share[:, k])
            by_knot[rows, left[:, k] + 1] = self.curve[left[:, k] + 1] * share[:, k]
            inner[:, k, 6:] = by_knot[:, :-1]
        outer = np.zeros((count, 3, 9 + FALLOFF_TERMS))
        for k in range(3):
            outer[:, k, 3 * k : 3 * k + 3] = linear
        fallen = self.fallen(radius2)
        outer[..., 9:] = -(linear @ self.matrix.T / fallen[:, None])[..., None] * powers(radius2)[:, None]
        return np.concatenate([np.einsum("kj,njp->nkp", self.matrix, inner), outer], -1) / fallen[:, None, None]


PARAMETERS = 6 + KNOTS - 1 + 9 + FALLOFF_TERMS
"""Of a fit: code matrix, logarithm of the curve but for its end, matrix, falling off."""


def powers(radius2: np.ndarray) -> np.ndarray:
    """r^2, r^4, r^6: (N, FALLOFF_TERMS)."""
    return radius2[:, None] ** np.arange(1, FALLOFF_TERMS + 1)


def generic() -> Fit:
    """What cameras do in the mean."""
    curve = tone.generic_light(CURVES["srgb"].decode(np.linspace(0, 1, KNOTS))[0])
    matrix = tone.saturation_matrix(tone.GENERIC_SATURATION) * 2.0**-tone.GENERIC_EXPOSURE
    return Fit(matrix, np.maximum(curve, 1e-5), np.zeros(FALLOFF_TERMS), np.eye(3))


def fit(samples: Sequence[Samples]) -> Fit:
    """The least error of light and colour together, by Levenberg's and Marquardt's method.

    Both errors are robust (Cauchy's loss, by weights): what the camera retouched locally, or is misaligned, does not count.
    """
    codes, light, radius2 = gathered(samples)
    peak = float(np.percentile(light, 99.9))
    model, damping = generic(), 1e-3
    cost = _cost(model, codes, light, radius2, peak)
    for _ in range(ROUNDS):
        normal, slope = _equations(model, codes, light, radius2, peak)
        tried = model.stepped(-np.linalg.solve(normal + damping * np.diag(np.diag(normal)), slope))
        new = _cost(tried, codes, light, radius2, peak)
        if new < cost:
            enough = cost - new < ENOUGH_GAIN * cost
            model, cost, damping = tried, new, damping / 4
            if enough:
                break
        else:
            damping *= 8
    curve = np.maximum.accumulate(model.curve)
    return Fit(model.matrix * curve[-1], curve / curve[-1], model.falloff, model.code_matrix)


def gathered(samples: Sequence[Samples]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes, light and squared radius of all pairs, as many samples of each, spread evenly."""
    share = max(MOST_SAMPLES // len(samples), 1)
    picked = [slice(None, None, max(len(s.light) // share, 1)) for s in samples]
    parts = [[getattr(s, name)[p] for s, p in zip(samples, picked, strict=True)] for name in ("codes", "light", "radius2")]
    codes, light, radius2 = (np.concatenate(part).astype(np.float64) for part in parts)
    return codes, light, radius2


def _cost(model: Fit, codes: np.ndarray, light: np.ndarray, radius2: np.ndarray, peak: float) -> float:
    if model.fallen(np.linspace(0, 1, 9)).min() < 0.2:
        return np.inf
    got = model.light(codes, radius2)
    error = np.square((got - light) / peak).sum(1)  # (N,)
    colour = np.square(cielab.of_light(got / peak) - cielab.of_light(light / peak)).sum(1)  # (N,)
    strays = STRAY_LIGHT**2 * np.log1p(error / STRAY_LIGHT**2), np.log1p(colour / STRAY_COLOUR)
    held = sum(float(value @ value) for value, _ in _held(model))
    return float(LIGHT_MATTERS * strays[0].mean() + COLOUR_MATTERS * strays[1].mean()) + held


def _equations(
    model: Fit, codes: np.ndarray, light: np.ndarray, radius2: np.ndarray, peak: float
) -> tuple[np.ndarray, np.ndarray]:
    """Normal matrix and gradient of the cost by the parameters, each sample weighted by how well it fits."""
    got = model.light(codes, radius2)
    by = model.derivatives(codes, radius2) / peak
    error, colour = (got - light) / peak, cielab.of_light(got / peak) - cielab.of_light(light / peak)
    weight = LIGHT_MATTERS / (1 + np.square(error).sum(1) / STRAY_LIGHT**2) / len(codes)
    colour_weight = COLOUR_MATTERS / (STRAY_COLOUR + np.square(colour).sum(1)) / len(codes)
    colour_by = np.einsum("nij,njp->nip", cielab.slopes(got / peak), by)
    normal, slope = np.zeros((PARAMETERS, PARAMETERS)), np.zeros(PARAMETERS)
    for residual, jacobian, weights in ((error, by, weight), (colour, colour_by, colour_weight)):
        scaled = (jacobian * np.sqrt(weights)[:, None, None]).reshape(-1, PARAMETERS)
        normal += scaled.T @ scaled
        slope += scaled.T @ (residual * np.sqrt(weights)[:, None]).ravel()
    for value, jacobian in _held(model):
        normal += jacobian.T @ jacobian
        slope += jacobian.T @ value
    return normal, slope


def _held(model: Fit) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is known beforehand, as residuals and their derivatives: a smooth curve, white is white, little falls off."""
    growth = np.log(np.maximum(model.curve, 1e-9) / generic().curve)
    rise, bend = (np.diff(np.eye(KNOTS), order, axis=0) for order in (1, 2))
    every = np.eye(PARAMETERS)
    curve = np.vstack([every[6 : 6 + KNOTS - 1], np.zeros(PARAMETERS)])
    matrix, falloff = every[6 + KNOTS - 1 : -FALLOFF_TERMS], every[-FALLOFF_TERMS:]
    cast = np.kron(np.eye(3) - 1 / 3, np.ones(3))  # by how much the rows' sums differ
    odd = np.eye(9) - np.outer(tone.saturation_matrix(tone.GENERIC_SATURATION), np.ones(9)) / 3  # from the mean of that level
    terms = [
        (SMOOTH, bend @ growth, bend @ curve), (NEAR_GENERIC, rise @ growth, rise @ curve),
        (NEAR_PLAIN, model.falloff, falloff), (NEAR_WHITE, cast @ model.matrix.ravel(), cast @ matrix),
        (NEAR_MEAN, odd @ model.matrix.ravel(), odd @ matrix),
        (NEAR_MEAN, (model.code_matrix - np.eye(3))[:, [0, 2]].ravel(), every[:6]),
    ]  # fmt: skip
    return [(np.sqrt(weight) * value, np.sqrt(weight) * jacobian) for weight, value, jacobian in terms]


def hues(samples: Sequence[Samples]) -> int:
    """How many sixths of the circle of hues (CIELAB) hold at least a hundredth of the samples, and colourful ones."""
    light = np.concatenate([pair.light for pair in samples])
    _, a, b = cielab.of_light(light / np.percentile(light, 99.9)).T
    sixth = np.degrees(np.arctan2(b, a))[np.hypot(a, b) > COLOURFUL] % 360 // 60
    return int((np.bincount(sixth.astype(int), minlength=6) >= len(light) * SEEN).sum())


def errors(model: Fit, samples: Samples) -> dict:
    """PSNR in linear light (peak: the 99.9th percentile) and median CIELAB hue error of colourful samples."""
    light = np.clip(model.light(samples.codes, samples.radius2), 0, 1)
    peak = float(np.percentile(samples.light, 99.9))
    error = np.mean(((light - samples.light) / peak) ** 2)
    (_, a1, b1), (_, a2, b2) = (cielab.of_light(x / peak).T for x in (light, samples.light))
    turn = np.degrees(np.arctan2(b1, a1) - np.arctan2(b2, a2))
    strong = np.hypot(a2, b2) > COLOURFUL
    hue = float(np.median(np.abs((turn[strong] + 180) % 360 - 180))) if strong.any() else float("nan")
    return {"samples": len(light), "dB": round(float(-10 * np.log10(max(error, 1e-12))), 2), "hue": round(hue, 2)}
