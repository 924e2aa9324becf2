"""A picture as linear light that may go on above its white, as gain maps and HDR codes tell it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rawback.isp import colour_profile, inverse_pass
from rawback.isp.colour_profile import Profile
from rawback.isp.gain_map import GainMap
from rawback.picture import Coefficients, Pixels

LEAST = 0.05
"""Stops above white that are worth the room."""


@dataclass(frozen=True)
class Light:
    """What a picture tells of the light of its scene."""

    picture: Coefficients | Pixels
    profile: Profile
    gain_map: GainMap | None = None

    @cached_property
    def stops(self) -> float:
        """log2 of the brightest light against white: the headroom that a RAW of it needs. At least 0."""
        if self.gain_map:
            return self.gain_map.stops
        return float(max(np.log2(self._brightest()), 0.0))

    def message(self) -> str:
        """What is done with it, in words."""
        source = "by its gain map" if self.gain_map else f"as {self.profile.name} codes it"
        dark = "; where a developer shows that dark, brighten it by as much, or take --no-gain-map" if self.gain_map else ""
        return f"the scene's light {source}, {self.stops:.1f} stops of it above the picture's white{dark}"

    def strip(self, start: int, stop: int) -> np.ndarray:
        """Rows start..stop as linear sRGB planes (3, rows, width) float32, white 1, nothing clipped."""
        return self.of_codes(decoded(self.picture, start, stop), start)

    def of_codes(self, codes: np.ndarray, start: int) -> np.ndarray:
        """The same of the picture's codes (3, rows, width) float32 from row `start` on, as decoded or restored."""
        light = self.profile.light(codes)
        if self.gain_map is None:
            return self.profile.linear_srgb(light)
        if self.gain_map.to_d50 is None:
            return self.profile.linear_srgb(self.gain_map.apply(light, start, self.picture.height))
        theirs = replace(self.profile, to_d50=self.gain_map.to_d50)
        mixed = (np.linalg.inv(theirs.to_d50) @ self.profile.to_d50).astype(np.float32)
        light = np.einsum("ij,jhw->ihw", mixed, light)
        return theirs.linear_srgb(self.gain_map.apply(light, start, self.picture.height))

    def _brightest(self) -> float:
        """Of the largest code that is there, were it that of all channels."""
        if isinstance(self.picture, Coefficients):
            return self.profile.peak
        code = np.float32(self.picture.values.max() / self.picture.white)
        return float(self.profile.light(np.full((3, 1, 1), code)).max())


def of(picture: Coefficients | Pixels, profile: Profile | None, gain_map: GainMap | None) -> Light | None:
    """The light that a picture tells beyond its codes; None where it tells none, or none that would matter."""
    lit = gain_map if gain_map and gain_map.stops > LEAST else None
    bright = isinstance(picture, Pixels) and picture.values.dtype.kind == "f" and picture.values.max() > 2**LEAST
    if lit is None and not bright and (profile is None or profile.peak < 2**LEAST):
        return None
    return Light(picture, profile or colour_profile.srgb(), lit)


def decoded(picture: Coefficients | Pixels, start: int, stop: int) -> np.ndarray:
    """Rows start..stop of a picture, its codes as planes (3, rows, width) float32."""
    return picture.strip(start, stop) if isinstance(picture, Pixels) else inverse_pass.decoded_strip(picture, start, stop)
