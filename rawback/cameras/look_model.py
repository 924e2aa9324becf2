"""The model of a look: matrix, one monotone tone curve, one mix of codes after it, the lens.

picture = A . F(srgb(M . light)): the forward model of `isp.stages`, with A the inverse of `Recipe.code_matrix` and F the
inverse of `Recipe.tone`. What a camera does against the falling off of its lens may be part of it: light is then brighter by
1 + k0 r^2 + k1 r^4 + k2 r^6, r being 1 in the corners.
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
FALLOFF_TERMS = 3
PARAMETERS = 9 + KNOTS + 6 + FALLOFF_TERMS
MOST_STEPS = 1e3
"""Knots beyond its end that F is followed."""
DARKEST_CORNER = 0.2
"""Share of the light of the middle that is left where the lens lets through least."""


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
        return self.curve(encoded(linear)) @ self.mix.T

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
        """Codes (N, 3), and their derivatives by the parameters, channel by channel (3, N, PARAMETERS)."""
        powers = _powers(radius2)
        gain = lens_gain(self.falloff, radius2)[:, None]
        light = light * gain
        linear = light @ self.matrix.T
        standard, steep = _encoded(linear)
        shown, by_growth, rises = self._by_growth(standard)
        slope = rises * KNOTS * steep
        by = np.empty((3, len(light), PARAMETERS))
        of_light = slope[:, :, None] * light[:, None]  # (N, 3, 3): by the row of the matrix, and its column
        by[..., :9] = (self.mix[:, None, :, None] * of_light).reshape(3, -1, 9)
        np.matmul(self.mix, by_growth.reshape(3, -1), out=(mixed := np.empty((3, by_growth[0].size))))
        by[..., 9 : 9 + KNOTS] = mixed.reshape(3, -1, KNOTS)
        by[..., 9 + KNOTS : -FALLOFF_TERMS] = 0
        for channel in range(3):
            at = 9 + KNOTS + 2 * channel
            by[channel, :, at : at + 2] = shown[:, [0, 2]] - shown[:, 1:2]
        by_gain = (slope * linear / gain) @ self.mix.T  # (N, 3)
        by[..., -FALLOFF_TERMS:] = by_gain.T[..., None] * powers
        return shown @ self.mix.T, by

    def _by_growth(self, standard: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """F of sRGB codes (N, 3), its derivatives by the growths (3, N, KNOTS), and the growth (N, 3) where each code lies."""
        rises = np.exp(self.growth)
        place = np.ascontiguousarray(standard.T) * KNOTS  # (3, N)
        at = np.clip(place.astype(np.intp), 0, KNOTS - 1)
        by = (np.tri(KNOTS, k=-1) * rises)[at]  # what lies below has grown in full
        there = rises[at]
        by.reshape(-1, KNOTS)[np.arange(at.size), at.ravel()] = (there * np.clip(place - at, 0, MOST_STEPS)).ravel()
        return by.sum(2).T, by, there.T

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
        return decoded(np.interp(np.linspace(0, 1, POINTS), heights, fine * (2 * KNOTS - 1) / KNOTS))


@cache
def generic_growth() -> np.ndarray:
    """Of the generic look's curve."""
    light = tone.generic_light(CURVES["srgb"].decode(np.linspace(0, 1, 1025))[0])
    heights = np.interp(np.linspace(0, 1, KNOTS + 1), encoded(light), np.linspace(0, 1, 1025))
    return np.log(np.diff(heights))


def generic_light(codes: np.ndarray) -> np.ndarray:
    """The generic look undone: (N, 3) codes -> linear sRGB at exposure 0."""
    standard = np.linspace(0, 1, 257)
    light = decoded(np.interp(codes, generic(1.0).curve(standard), standard))
    return light @ tone.saturation_matrix(tone.GENERIC_SATURATION).T


def generic(level: float) -> Model:
    """What cameras do in the mean, at an exposure."""
    colours = np.linalg.inv(tone.saturation_matrix(tone.GENERIC_SATURATION))
    return Model(level * colours, generic_growth(), np.eye(3))


def lens_gain(falloff: np.ndarray, radius2: np.ndarray) -> np.ndarray:
    """What a camera gives against its lens at squared distances (N,) from the middle."""
    return np.maximum(1 + _powers(radius2) @ falloff, DARKEST_CORNER)


def _powers(radius2: np.ndarray) -> np.ndarray:
    """r^2, r^4, r^6: (N, FALLOFF_TERMS)."""
    return radius2[:, None] ** np.arange(1, FALLOFF_TERMS + 1)


def encoded(linear: np.ndarray) -> np.ndarray:
    """sRGB's codes, its power going on above 1."""
    return _encoded(linear)[0]


def _encoded(linear: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """sRGB's codes, and how steep they are there."""
    x = np.maximum(np.abs(linear), 1e-9)
    power, dark = 1.055 * x ** (1 / 2.4), x <= 0.0031308
    code = np.where(dark, 12.92 * np.abs(linear), power - 0.055)
    return np.copysign(code, linear), np.where(dark, 12.92, power / (2.4 * x))


def decoded(code: np.ndarray) -> np.ndarray:
    return np.copysign(srgb_light(np.abs(code)), code)
