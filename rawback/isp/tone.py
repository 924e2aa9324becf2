"""Tone curves of cameras: what their looks do beyond the standard transfer curve, as a table that can be inverted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

PIECES = 4096
"""Straight pieces that a tone curve is sampled by from code 0 to 1: sixteen for a level of 8 bits."""
STEEPEST, FAR = 4.0, 8.0
"""Above 1 the curve goes on by its slope at the end, between 1 / STEEPEST and STEEPEST; how far it is ever followed."""
GENERIC_POWER, GENERIC_TOE, GENERIC_SHOULDER = 0.78, 0.005, 0.2
"""The mean of what cameras do: midtones steeper than light by a power of 1 / 0.78, highlights compressed a little."""
GENERIC_SATURATION = 0.88
"""Chroma of light against what the standard curve alone makes of a camera's picture."""
GENERIC_EXPOSURE = 0.65
"""EV by which a camera's picture is brighter than LibRaw's plain rendering of its RAW."""
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
"""Shares of linear R, G, B in luminance (ITU-R BT.709, also of sRGB)."""


class Curve(Protocol):
    """Linear light <-> code values, as `isp.colour.Curve`."""

    def encode(self, linear: np.ndarray) -> np.ndarray: ...
    def decode(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]: ...
    def light(self, code: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class ToneCurve:
    """A standard curve, then a monotone table from its codes to the codes of the picture.

    The table is given the way back: `knots` are the standard curve's codes at the picture's codes 0..1, evenly spaced.
    Between them runs a monotone cubic (Fritsch and Carlson 1980), sampled; both directions use the samples, so that
    they are each other's inverse. Below 0 the curve is its own mirror image, as negative light is.
    """

    base: Curve
    knots: tuple[float, ...]

    def encode(self, linear: np.ndarray) -> np.ndarray:
        """Linear float32 of any shape and range -> code values, 0..1 what a viewer shows."""
        codes, standard, _ = self._table
        return np.interp(self.base.encode(linear), standard, codes).astype(np.float32)

    def decode(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Code values float32 -> (linear, d linear / d code), the inverse of `encode`."""
        standard, slope = self._standard(code)
        linear, rise = self.base.decode(standard)
        return linear, rise * slope

    def light(self, code: np.ndarray) -> np.ndarray:
        """Code values float32 -> linear, the inverse of `encode`."""
        return self.base.light(self._standard(code)[0])

    def _standard(self, code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The standard curve's codes, and how steeply they rise with the picture's."""
        codes, standard, slopes = self._table
        at = np.clip(np.floor(code * PIECES).astype(np.int32) + PIECES + 1, 0, 2 * PIECES + 1)
        slope = slopes[at]
        return (code - codes[at]) * slope + standard[at], slope

    @cached_property
    def _table(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Codes, standard codes and slopes of the pieces: from -1 to 1, and a long one beyond either end."""
        positive = monotone_cubic(np.array(self.knots), np.linspace(0, 1, PIECES + 1))
        samples = np.concatenate([2 * positive[0] - positive[:0:-1], positive])
        end = FAR * np.clip((samples[-1] - samples[-9]) * PIECES / 8, 1 / STEEPEST, STEEPEST)
        codes = np.concatenate([[-1 - FAR], np.linspace(-1, 1, 2 * PIECES + 1), [1 + FAR]])
        standard = np.concatenate([[samples[0] - end], samples, [samples[-1] + end]])
        slopes = np.diff(standard) / np.diff(codes)
        return codes.astype(np.float32), standard.astype(np.float32), slopes.astype(np.float32)


def monotone_cubic(knots: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Hermite interpolation of evenly spaced rising knots at x in 0..1, with slopes that keep it rising."""
    n = len(knots) - 1
    rise = np.diff(knots)
    inner = 2 * rise[1:] * rise[:-1] / np.maximum(rise[1:] + rise[:-1], 1e-12)  # harmonic mean
    slope = np.concatenate([rise[:1], inner, rise[-1:]])
    at = np.minimum((x * n).astype(int), n - 1)
    t = x * n - at
    left, right = knots[at], knots[at + 1]
    return (
        left * (1 + 2 * t) * (1 - t) ** 2 + slope[at] * t * (1 - t) ** 2
        + right * t**2 * (3 - 2 * t) - slope[at + 1] * t**2 * (1 - t)
    )  # fmt: skip


def generic_light(light: np.ndarray) -> np.ndarray:
    """Light as a camera's picture shows it, 0..1 -> the scene's, 0..1: the generic look undone."""
    power = (light + GENERIC_TOE) ** GENERIC_POWER - GENERIC_TOE**GENERIC_POWER
    power /= (1 + GENERIC_TOE) ** GENERIC_POWER - GENERIC_TOE**GENERIC_POWER
    return power * (1 + GENERIC_SHOULDER * power**3) / (1 + GENERIC_SHOULDER)


def knots_of(light: np.ndarray, base: Curve) -> tuple[float, ...]:
    """Knots from the scene's light at the picture's codes 0..1, evenly spaced; made to rise."""
    codes = base.encode(np.asarray(light, np.float64))
    least = 2e-5 * np.arange(len(codes))
    codes = np.maximum.accumulate(codes - least) + least
    return tuple(np.round(codes, 6).tolist())


def generic_knots(base: Curve, count: int = 33) -> tuple[float, ...]:
    """The generic look's tone curve."""
    return knots_of(generic_light(base.decode(np.linspace(0, 1, count))[0]), base)


def saturation_matrix(amount: float) -> np.ndarray:
    """Linear sRGB (3, 3) with the distance from grey of equal luminance scaled."""
    return amount * np.eye(3) + (1 - amount) * np.outer(np.ones(3), LUMINANCE)
