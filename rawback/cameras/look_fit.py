"""A look (`look_model`) fitted to samples of what a camera made of which light.

By Levenberg's and Marquardt's method on robust residuals of codes; where samples are silent, the curve goes on as that of
cameras does in the mean, and colours are as the mean of cameras'.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from rawback.cameras.look_model import FALLOFF_TERMS, KNOTS, PARAMETERS, Model, decoded, generic, generic_growth
from rawback.isp import tone

MOST_SAMPLES, ROUNDS, ENOUGH_GAIN = 1000, 30, 1e-3
STRAY = 0.06
"""Errors of codes beyond it lose their weight (Cauchy): what is misplaced, retouched locally, or moved."""
BLOWN, BLACK = 0.985, 0.01
"""Codes from which a channel only says that the picture is no darker there, and up to which, no brighter."""
FEWEST = 200
"""Samples that tell a look."""


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


def _start(samples: Samples) -> Model:
    """The generic look at the exposure of the samples."""
    grey, shown = samples.light.mean(1), samples.codes.mean(1)
    lit = (shown > 0.1) & (shown < 0.9) & (grey > 1e-4)
    if not lit.any():
        return generic(1.0)
    wanted = np.interp(shown[lit], generic(1.0).curve(np.linspace(0, 1, 257)), np.linspace(0, 1, 257))
    return generic(float(np.clip(np.sort(decoded(wanted) / grey[lit])[np.count_nonzero(lit) // 2], 2.0**-6, 2.0**6)))


def _equations(model: Model, samples: Samples, priors: Priors) -> tuple[float, np.ndarray, np.ndarray]:
    """The cost, and its normal matrix and gradient by the parameters."""
    codes, by = model.derivatives(samples.light, samples.radius2)
    missing = codes - samples.codes
    idle = ((samples.codes >= BLOWN) & (codes >= BLOWN)) | ((samples.codes <= BLACK) & (codes <= BLACK))
    missing[idle] = 0
    square = np.square(missing).sum(1)
    share = samples.weight / max(float(samples.weight.sum()), 1e-9) / 3
    cost = float(share @ (STRAY**2 * np.log1p(square / STRAY**2)))
    root = np.sqrt(share / (1 + square / STRAY**2))[:, None]
    by *= np.ascontiguousarray(np.where(idle, 0, root).T)[..., None]
    jacobian = by.reshape(-1, PARAMETERS)
    normal, slope = jacobian.T @ jacobian, jacobian.T @ (missing * root).T.ravel()
    return _held(model, priors, cost, normal, slope)


@dataclass(frozen=True)
class _Known:
    """What is known beforehand, as quadratic forms."""

    growth: np.ndarray
    """(KNOTS, KNOTS), of what the growth has more than the generic one."""
    matrix: np.ndarray
    """(9, 9), of the matrix at level 1."""

    @classmethod
    @cache
    def by(cls, priors: Priors) -> _Known:
        rise, bend = (np.diff(np.eye(KNOTS), order, axis=0) for order in (1, 2))
        mean = np.linalg.inv(tone.saturation_matrix(tone.GENERIC_SATURATION)).ravel()
        odd = np.eye(9) - np.outer(mean, np.eye(3).ravel()) / np.trace(mean.reshape(3, 3))
        cast = np.kron(np.eye(3) - 1 / 3, np.ones(3))  # by how much the rows' sums differ
        return cls(
            priors.smooth * bend.T @ bend + priors.generic * rise.T @ rise,
            priors.mean * odd.T @ odd + priors.neutral * cast.T @ cast,
        )


def _held(
    model: Model, priors: Priors, cost: float, normal: np.ndarray, slope: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """The equations, held to what is known beforehand."""
    of_matrix, of_growth, of_mix, of_falloff = (slice(*ends) for ends in pairwise((0, 9, 9 + KNOTS, 15 + KNOTS, PARAMETERS)))
    known, level, rises = _Known.by(priors), float(np.trace(model.matrix)) / 3, np.exp(model.growth)
    excess = float(rises.sum()) - 1
    mixed = (model.mix - np.eye(3))[:, [0, 2]].ravel()
    for part, value, form in (
        (of_matrix, model.matrix.ravel(), known.matrix / level**2), (of_growth, model.growth - generic_growth(), known.growth),
        (of_mix, mixed, priors.plain * np.eye(6)), (of_falloff, model.falloff, priors.flat * np.eye(FALLOFF_TERMS)),
    ):  # fmt: skip
        pull = form @ value
        cost += float(value @ pull)
        normal[part, part] += form
        slope[part] += pull
    cost += priors.white * excess**2
    normal[of_growth, of_growth] += priors.white * np.outer(rises, rises)
    slope[of_growth] += priors.white * excess * rises
    return cost, normal, slope
