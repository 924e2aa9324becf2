"""Gain maps: how much brighter than a picture the scene was, place by place (ISO 21496-1; Ultra HDR 1.0)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TAPS = 4
"""Codes of the map that a pixel between them is made of, along each side (Catmull and Rom 1974)."""


@dataclass(frozen=True)
class GainMap:
    """A map with what its codes mean. Each number stands for red, green and blue."""

    codes: np.ndarray
    """(rows, columns, 1 or 3): uint8, or float32 0..1."""
    low: tuple[float, float, float]
    high: tuple[float, float, float]
    """log2 of the gain at codes 0 and 1."""
    gamma: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Codes are recovery to this power."""
    base_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lit_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Added to the picture's light before the gain, and subtracted after it."""
    capacity: float = 0.0
    """log2 of the brightness above white from which a screen shows all of it."""
    to_d50: np.ndarray | None = None
    """(3, 3) linear RGB -> XYZ under D50 of the primaries whose gains these are; None: the picture's."""

    @property
    def stops(self) -> float:
        """log2 of the brightest light that it can make of the picture's white, at least 0."""
        codes = self._unit(self.codes.reshape(-1, self.codes.shape[2]).max(0))
        white = np.ones((3, 1, 1), np.float32)
        return float(max(np.log2(self._lit(white, np.broadcast_to(codes, 3)[:, None, None]).max()), 0.0))

    def apply(self, light: np.ndarray, top: int, height: int) -> np.ndarray:
        """The picture's linear light (3, rows, width), its rows from `top` on of `height` -> the scene's, white being 1."""
        return self._lit(light, self._codes_at(top, light.shape[1], height, light.shape[2]))

    def _lit(self, light: np.ndarray, codes: np.ndarray) -> np.ndarray:
        low, high, gamma, base, lit = (
            np.array(v, np.float32)[:, None, None] for v in (self.low, self.high, self.gamma, self.base_offset, self.lit_offset)
        )
        recovery = codes if set(self.gamma) == {1.0} else codes ** (1 / gamma)
        return (light + base) * np.exp2(low + (high - low) * recovery) - lit

    def _unit(self, codes: np.ndarray) -> np.ndarray:
        """Codes as float32, 0..1."""
        return codes if codes.dtype == np.float32 else codes.astype(np.float32) / np.float32(255)

    def _codes_at(self, top: int, rows: int, height: int, width: int) -> np.ndarray:
        """(1 or 3, rows, width) float32: the map at the pixels of a strip, smooth."""
        map_height, map_width = self.codes.shape[:2]
        if (map_height, map_width) == (height, width):
            return np.moveaxis(self._unit(self.codes[top : top + rows]), -1, 0)
        lines, line_shares = _taps(np.arange(top, top + rows), height, map_height)
        columns, column_shares = _taps(np.arange(width), width, map_width)
        used = np.unique(lines)
        codes = self._unit(self.codes[used])
        across = sum(codes[:, columns[:, i]] * column_shares[:, i, None] for i in range(TAPS))
        at = np.searchsorted(used, lines)
        smooth = sum(across[at[:, i]] * line_shares[:, i, None, None] for i in range(TAPS))
        return np.clip(np.moveaxis(smooth, -1, 0), 0, 1)


def _taps(positions: np.ndarray, size: int, map_size: int) -> tuple[np.ndarray, np.ndarray]:
    """Where along a side of the map, and with which shares, pixels find their code: both (n, TAPS)."""
    at = (positions + 0.5) * (map_size / size) - 0.5
    first = np.floor(at).astype(int)
    t = (at - first).astype(np.float32)
    shares = [
        t * (-0.5 + t * (1 - 0.5 * t)),
        1 + t * t * (-2.5 + 1.5 * t),
        t * (0.5 + t * (2 - 1.5 * t)),
        t * t * (-0.5 + 0.5 * t),
    ]
    return np.clip(first[:, None] + np.arange(-1, TAPS - 1), 0, map_size - 1), np.stack(shares, 1)
