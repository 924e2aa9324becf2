"""A look fitted to samples of what a camera made of which light: matrix, one monotone tone curve, one mix of codes after it.

picture = A . F(srgb(M . light)): the forward model of `isp.stages`, with A the inverse of `Recipe.code_matrix` and F the
inverse of `Recipe.tone`. What a camera does against the falling off of its lens may be fitted too: light is then brighter by
1 + k0 r^2 + k1 r^4 + k2 r^6, r being 1 in the corners. By Levenberg's and Marquardt's method on robust residuals of codes;
where samples are silent, the curve goes on as that of cameras does in the mean, and colours are as the mean of cameras'.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from rawback.isp import tone
from rawback.isp.colour import CURVES, srgb_light
from rawback.isp.tone import ToneCurve

KNOTS = 24
"""Pieces of F, evenly spaced over the sRGB codes of light 0..1; beyond, it goes on by its last slope."""
POINTS = 33
"""Of the table that is kept, over the picture's codes."""
MOST_SAMPLES, ROUNDS, ENOUGH_GAIN = 1500, 30, 1e-3
STRAY = 0.06
"""Errors of codes beyond it lose their weight (Cauchy): what is misplaced, retouched locally, or moved."""
BLOWN, BLACK = 0.985, 0.01
"""Codes from which a channel only says that the picture is no darker there, and up to which, no brighter."""
FEWEST = 200
"""Samples that tell a look."""
FALLOFF_TERMS = 3
PARAMETERS = 9 + KNOTS + 6 + FALLOFF_TERMS
DARKEST_CORNER = 0.2
"""Share of the light of the middle that is left where the lens lets through least."""


@dataclass(frozen=True)
class Priors:
    """How much a fit is held to what is known beforehand, in squared codes: the mean squared error of a good fit is 3e-4."""

    smooth: float = 3e-4
    """The curve, to none that bends from knot to knot otherwise than the generic one does."""
    generic: float = 1e-5
    """The curve, to the generic one's shape."""
    mean: float = 2e-4
    """Colours, to those of the mean of cameras."""
    neutral: float = 1e-3
    """White, to white."""
    plain: float = 1e-4
    """The mix after the curve, to none."""
    white: float = 1e-3
    """The curve's end, to 1."""
    flat: float = 1e6
    """The falling off of the lens, to none."""


PLAIN = Priors()
WITH_LENS = Priors(flat=1e-4)
POOLED = Priors(smooth=1e-2, plain=1e-2)
"""For what is to hold for cameras that were not seen."""


@dataclass(frozen=True)
class Samples:
    """What pictures show of which light."""

    light: np.ndarray
    """(N, 3) linear sRGB, white balance applied, 1 where the sensor's least sensitive channel saturates."""
    codes: np.ndarray
    """(N, 3) the picture's sRGB codes, 0..1."""
    weight: np.ndarray
    """(N,) how much each counts, 1 at most."""
    radius2: np.ndarray
    """(N,) squared distance from the middle of the picture, 1 in the corners."""

    @property
    def are_enough(self) -> bool:
        """Whether those that are neither blown nor black can tell a look."""
        return bool(((self.codes.max(1) < BLOWN) & (self.codes.min(1) > BLACK)).sum() >= FEWEST)

    def thinned(self, most: int) -> Samples:
        """At most so many, evenly spread."""
        step = slice(None, None, max(-(-len(self.light) // most), 1))
        return Samples(self.light[step], self.codes[step], self.weight[step], self.radius2[step])


@dataclass(frozen=True)
class Model:
    """M, F and A."""

    matrix: np.ndarray
    """(3, 3) linear sRGB of the RAW -> light before the curve."""
    growth: np.ndarray
    """(KNOTS,) logarithms of what F grows by from knot to knot; F(0) = 0."""
    mix: np.ndarray
    """(3, 3) codes of the curve -> the picture's; rows sum to 1."""
    falloff: np.ndarray = field(default_factory=lambda: np.zeros(FALLOFF_TERMS))
    """(FALLOFF_TERMS,) k0, k1, k2."""

    def codes(self, light: np.ndarray, radius2: np.ndarray | None = None) -> np.ndarray:
        """(N, 3) linear sRGB -> (N, 3) codes, not clipped; radius2 (N,): None leaves the lens out."""
        linear = light @ self.matrix.T
        if radius2 is not None:
            linear *= lens_gain(self.falloff, radius2)[:, None]
        return self.curve(_encoded(linear)) @ self.mix.T

    def curve(self, standard: np.ndarray) -> np.ndarray:
        """F: sRGB codes of any shape -> codes."""
        rises = np.exp(self.growth)
        heights = np.concatenate([[0.0], np.cumsum(rises)])
        at = np.clip((standard * KNOTS).astype(int), 0, KNOTS - 1)
        return heights[at] + (standard * KNOTS - at) * rises[at]

    def stepped(self, step: np.ndarray) -> Model:
        """With a step (PARAMETERS,) of matrix, growth, mix and falloff."""
        matrix, growth, mix, falloff = np.split(step, (9, 9 + KNOTS, PARAMETERS - FALLOFF_TERMS))
        red, blue = mix.reshape(3, 2).T
        change = np.stack([red, -red - blue, blue], 1)
        return Model(
            self.matrix + matrix.reshape(3, 3), self.growth + np.clip(growth, -1, 1), self.mix + change, self.falloff + falloff
        )  # fmt: skip

    def derivatives(self, light: np.ndarray, radius2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Codes (N, 3), and their derivatives by the parameters (N, 3, PARAMETERS)."""
        powers = _powers(radius2)
        gain = lens_gain(self.falloff, radius2)[:, None]
        light = light * gain
        linear = light @ self.matrix.T
        standard = _encoded(linear)
        rises = np.exp(self.growth)
        passed = np.clip(standard[..., None] * KNOTS - np.arange(KNOTS), 0, 1)  # (N, 3, KNOTS)
        passed[..., -1] = np.minimum(standard * KNOTS - (KNOTS - 1), 1e3).clip(0)
        by_growth = passed * rises
        shown = by_growth.sum(-1)
        slope = rises[np.clip((standard * KNOTS).astype(int), 0, KNOTS - 1)] * KNOTS * _slope(linear)
        by = np.zeros((*light.shape, PARAMETERS))
        of_light = self.mix * slope[:, None]  # (N, 3, 3)
        by[..., :9] = (of_light[..., None] * light[:, None, None]).reshape(len(light), 3, 9)
        for channel, row in enumerate(self.mix):
            by[:, channel, 9 : 9 + KNOTS] = sum(share * by_growth[:, i] for i, share in enumerate(row))
        for channel in range(3):
            at = 9 + KNOTS + 2 * channel
            by[:, channel, at : at + 2] = shown[:, [0, 2]] - shown[:, 1:2]
        by[..., -FALLOFF_TERMS:] = ((of_light * (linear / gain)[:, None]).sum(-1))[..., None] * powers[:, None]
        return shown @ self.mix.T, by

    def white(self) -> float:
        """Light of the RAW from which on a grey is white in the picture."""
        return float(self.tone_light()[-1] / self.matrix.sum(1).mean())

    def light(self, codes: np.ndarray) -> np.ndarray:
        """(N, 3) codes -> (N, 3) linear sRGB, the lens left as it is: the way back, as a recipe goes it."""
        curve = ToneCurve(CURVES["srgb"], tone.knots_of(self.tone_light(), CURVES["srgb"]))
        standard = curve.light((codes @ np.linalg.inv(self.mix).T).astype(np.float32))
        return standard @ np.linalg.inv(self.matrix).T

    def tone_light(self) -> np.ndarray:
        """(POINTS,) light before the curve at the picture's codes, evenly spaced: F undone, its corners rounded."""
        rises = np.exp(self.growth)
        beyond = np.append(np.cumsum(rises), rises.sum() + rises[-1] * np.arange(1, KNOTS))  # to twice the light that it is for
        fine = np.linspace(0, 1, 64 * (2 * KNOTS - 1) + 1)
        heights = tone.monotone_cubic(np.concatenate([[0.0], beyond]), fine)
        return _decoded(np.interp(np.linspace(0, 1, POINTS), heights, fine * (2 * KNOTS - 1) / KNOTS))


def fit(samples: Samples, start: Model | None = None, most: int = MOST_SAMPLES, priors: Priors = PLAIN) -> Model:
    """The model with the least robust error on samples, `most` of them; `start`: one that cannot be far."""
    some = samples.thinned(most)
    found, damping = start or _start(some), 1e-3
    cost, normal, slope = _equations(found, some, priors)
    for _ in range(ROUNDS):
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal)), -slope)
        tried = found.stepped(step)
        new, new_normal, new_slope = _equations(tried, some, priors)
        if new < cost:
            enough = cost - new < ENOUGH_GAIN * cost
            found, cost, normal, slope, damping = tried, new, new_normal, new_slope, damping / 5
            if enough:
                break
        else:
            damping *= 8
            if damping > 1e6:
                break
    return found


def error(model: Model, samples: Samples) -> float:
    """Mean squared error of what is shown, in codes, every sample alike."""
    return float(np.mean((np.clip(model.codes(samples.light), 0, 1) - samples.codes) ** 2))


@cache
def generic_growth() -> np.ndarray:
    """Of the generic look's curve."""
    light = tone.generic_light(CURVES["srgb"].decode(np.linspace(0, 1, 1025))[0])
    heights = np.interp(np.linspace(0, 1, KNOTS + 1), _encoded(light), np.linspace(0, 1, 1025))
    return np.log(np.diff(heights))


def generic_light(codes: np.ndarray) -> np.ndarray:
    """The generic look undone: (N, 3) codes -> linear sRGB at exposure 0."""
    standard = np.linspace(0, 1, 257)
    light = _decoded(np.interp(codes, generic(1.0).curve(standard), standard))
    return light @ tone.saturation_matrix(tone.GENERIC_SATURATION).T


def generic(level: float) -> Model:
    """What cameras do in the mean, at an exposure."""
    colours = np.linalg.inv(tone.saturation_matrix(tone.GENERIC_SATURATION))
    return Model(level * colours, generic_growth(), np.eye(3))


def _start(samples: Samples) -> Model:
    """The generic look at the exposure of the samples."""
    grey, shown = samples.light.mean(1), samples.codes.mean(1)
    lit = (shown > 0.1) & (shown < 0.9) & (grey > 1e-4)
    if not lit.any():
        return generic(1.0)
    wanted = np.interp(shown[lit], generic(1.0).curve(np.linspace(0, 1, 257)), np.linspace(0, 1, 257))
    return generic(float(np.clip(np.sort(_decoded(wanted) / grey[lit])[np.count_nonzero(lit) // 2], 2.0**-6, 2.0**6)))


def _equations(model: Model, samples: Samples, priors: Priors) -> tuple[float, np.ndarray, np.ndarray]:
    """The cost, and its normal matrix and gradient by the parameters."""
    codes, by = model.derivatives(samples.light, samples.radius2)
    missing = codes - samples.codes
    idle = ((samples.codes >= BLOWN) & (codes >= BLOWN)) | ((samples.codes <= BLACK) & (codes <= BLACK))
    missing[idle] = 0
    by[idle] = 0
    square = np.square(missing).sum(1)
    share = samples.weight / max(float(samples.weight.sum()), 1e-9) / 3
    cost = float(share @ (STRAY**2 * np.log1p(square / STRAY**2)))
    root = np.sqrt(share / (1 + square / STRAY**2))[:, None]
    jacobian = (by * root[..., None]).reshape(-1, PARAMETERS)
    normal, slope = jacobian.T @ jacobian, jacobian.T @ (missing * root).ravel()
    for value, change in _held(model, priors):
        cost += float(value @ value)
        normal += change.T @ change
        slope += change.T @ value
    return cost, normal, slope


def _held(model: Model, priors: Priors) -> list[tuple[np.ndarray, np.ndarray]]:
    """What is known beforehand, as residuals and their derivatives."""
    every = np.eye(PARAMETERS)
    of_matrix, of_growth, of_mix, of_falloff = np.split(every, (9, 9 + KNOTS, PARAMETERS - FALLOFF_TERMS))
    level = float(np.trace(model.matrix)) / 3
    more = model.growth - generic_growth()
    rise, bend = (np.diff(np.eye(KNOTS), order, axis=0) for order in (1, 2))
    mean = np.linalg.inv(tone.saturation_matrix(tone.GENERIC_SATURATION)).ravel()
    odd = (np.eye(9) - np.outer(mean, np.eye(3).ravel()) / np.trace(mean.reshape(3, 3))) / level
    cast = np.kron(np.eye(3) - 1 / 3, np.ones(3)) / level  # by how much the rows' sums differ
    rises = np.exp(model.growth)
    mixed = (model.mix - np.eye(3))[:, [0, 2]].ravel()
    terms = [
        (priors.smooth, bend @ more, bend @ of_growth), (priors.generic, rise @ more, rise @ of_growth),
        (priors.mean, odd @ model.matrix.ravel(), odd @ of_matrix),
        (priors.neutral, cast @ model.matrix.ravel(), cast @ of_matrix), (priors.plain, mixed, of_mix),
        (priors.white, np.array([rises.sum() - 1]), rises[None] @ of_growth), (priors.flat, model.falloff, of_falloff),
    ]  # fmt: skip
    return [(np.sqrt(weight) * value, np.sqrt(weight) * change) for weight, value, change in terms]


def lens_gain(falloff: np.ndarray, radius2: np.ndarray) -> np.ndarray:
    """What a camera gives against its lens at squared distances (N,) from the middle."""
    return np.maximum(1 + _powers(radius2) @ falloff, DARKEST_CORNER)


def _powers(radius2: np.ndarray) -> np.ndarray:
    """r^2, r^4, r^6: (N, FALLOFF_TERMS)."""
    return radius2[:, None] ** np.arange(1, FALLOFF_TERMS + 1)


def _encoded(linear: np.ndarray) -> np.ndarray:
    """sRGB's codes, its power going on above 1."""
    x = np.abs(linear)
    code = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)
    return np.copysign(code, linear)


def _slope(linear: np.ndarray) -> np.ndarray:
    x = np.abs(linear)
    return np.where(x <= 0.0031308, 12.92, 1.055 / 2.4 * np.maximum(x, 1e-9) ** (1 / 2.4 - 1))


def _decoded(code: np.ndarray) -> np.ndarray:
    return np.copysign(srgb_light(np.abs(code)), code)
