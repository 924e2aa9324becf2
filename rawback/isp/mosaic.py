"""Mosaics: levels, colour filter arrays, demosaicing that keeps the samples, and taking the samples back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from rawback.recipe import Recipe

SHARED_PIXELS = 1 << 20
"""Tiled patterns up to this size are kept for the next strip; a whole frame's would only fill memory."""
HALO = 8
"""Rows around a strip that `demosaic` needs for the strip to come out as in the whole frame."""


def tile(pattern: np.ndarray, height: int, width: int, *, top: int = 0) -> np.ndarray:
    """Repeat a CFA-shaped pattern (rows, columns, ...) over (height, width) photosites, the first row being row `top`.

    Read-only: strips of one shape share one array.
    """
    rows = pattern.shape[0]
    key = (pattern.tobytes(), pattern.dtype.str, pattern.shape, height, width, top % rows)
    return _tiled(*key) if height * width <= SHARED_PIXELS else _tiled.__wrapped__(*key)


@lru_cache(maxsize=24)
def _tiled(data: bytes, dtype: str, shape: tuple[int, ...], height: int, width: int, top: int) -> np.ndarray:
    pattern = np.frombuffer(data, dtype).reshape(shape)
    rows, columns = np.arange(top, top + height) % shape[0], np.arange(width) % shape[1]
    tiled = pattern[rows[:, None], columns[None, :]]
    tiled.flags.writeable = False
    return tiled


def black_pattern(recipe: Recipe) -> np.ndarray:
    """Black level in DN by CFA position: float32 of the CFA's shape."""
    return np.array(recipe.black, np.float32).reshape(np.shape(recipe.cfa))


def level(mosaic: np.ndarray, recipe: Recipe, top: int = 0) -> np.ndarray:
    """Sensor values (H, W) in DN -> float32, 0 black, 1 white level; values below black stay negative."""
    black = tile(black_pattern(recipe), *mosaic.shape, top=top)
    samples = np.subtract(mosaic, black, dtype=np.float32)
    samples /= tile(np.float32(recipe.white) - black_pattern(recipe), *mosaic.shape, top=top)
    samples += np.float32(recipe.pedestal)
    return samples


def unlevel(samples: np.ndarray, recipe: Recipe, top: int = 0) -> np.ndarray:
    """The way back: (H, W) float32 -> uint16 DN, rounded, clipped to 0..white level."""
    black = tile(black_pattern(recipe), *samples.shape, top=top)
    dn = (samples - np.float32(recipe.pedestal)) * (np.float32(recipe.white) - black) + black
    np.rint(dn, out=dn)
    return np.clip(dn, 0, int(recipe.white), out=dn).astype(np.uint16)


def window(mosaic: np.ndarray, start: int, stop: int, period: int) -> np.ndarray:
    """Rows start..stop of a frame; outside it the first or last `period` rows repeat, so that the CFA goes on in phase."""
    last = mosaic.shape[0] - period
    rows = np.arange(start, stop)
    if start >= 0 and stop <= mosaic.shape[0]:
        return mosaic[start:stop]
    rows = np.where(rows < 0, rows % period, rows)
    rows = np.where(rows >= last, last + (rows - last) % period, rows)
    return mosaic[np.clip(rows, 0, None)]


def demosaic(samples: np.ndarray, cfa: np.ndarray) -> np.ndarray:
    """(H, W) float32 of any range -> planes (3, H, W) float32; every measured sample is kept as it is.

    `cfa` (H, W) holds the colour of each photosite, 0 red, 1 green, 2 blue. Bayer goes by direction, others by mean.
    """
    red = np.argwhere(cfa[:2, :2] == 0)
    if len(red) == 1 and (cfa[:2, :2] == 1).trace() in (0, 2) and np.array_equal(cfa[2:4, :4], cfa[:2, :4]):
        return demosaic_bayer(samples, *red[0])
    return demosaic_mean(samples, cfa)


def mosaic_of(planes: np.ndarray, cfa: np.ndarray) -> np.ndarray:
    """The inverse of any demosaicing that keeps the samples: take them back. (3, H, W), (H, W) -> (H, W)."""
    return np.take_along_axis(planes, cfa[None].astype(np.intp), 0)[0]


def demosaic_mean(samples: np.ndarray, cfa: np.ndarray, radius: int = 2) -> np.ndarray:
    """Each missing colour is the triangle-weighted mean of its neighbours: for any CFA, X-Trans included."""
    planes = np.empty((3, *samples.shape), np.float32)
    for colour in range(3):
        mask = cfa == colour
        weight = _triangle_sum(mask.astype(np.float32), radius)
        planes[colour] = _triangle_sum(np.where(mask, samples, 0), radius) / np.maximum(weight, 1e-6)
        planes[colour][mask] = samples[mask]
    return planes


def _triangle_sum(plane: np.ndarray, radius: int) -> np.ndarray:
    for axis in (0, 1):
        padded = np.pad(plane, [(radius, radius) if a == axis else (0, 0) for a in (0, 1)], mode="reflect")
        size = plane.shape[axis]
        total = np.zeros_like(plane)
        for shift in range(-radius, radius + 1):
            at = slice(radius + shift, radius + shift + size)
            total += (padded[at] if axis == 0 else padded[:, at]) * np.float32(radius + 1 - abs(shift))
        plane = total
    return plane


def demosaic_bayer(samples: np.ndarray, red_row: int, red_column: int) -> np.ndarray:
    """Directional demosaicing of a Bayer mosaic whose first red photosite lies at (red_row, red_column).

    Green by Hamilton and Adams' filter along rows and along columns, the direction with the smoother colour
    differences in a 5x5 neighbourhood taken (Menon, Andriani and Calvagno 2007, without their refining step);
    red and blue by the mean of colour differences. (H, W) float32 -> (3, H, W) float32.
    """
    height, width = samples.shape
    pad = HALO
    rows = (pad + red_row, pad + (height + red_row) % 2)
    columns = (pad + red_column, pad + (width + red_column) % 2)
    framed = np.pad(samples, (rows, columns), mode="reflect")  # red at the top left, whole quads
    quads = _Quads(framed)
    planes = quads.planes()
    return planes[:, rows[0] : rows[0] + height, columns[0] : columns[0] + width]


class _Quads:
    """A Bayer frame as four planes of half size: red, the green beside it, the green below it, blue."""

    def __init__(self, framed: np.ndarray) -> None:
        self.shape = framed.shape
        self.red, self.beside = framed[0::2, 0::2], framed[0::2, 1::2]
        self.below, self.blue = framed[1::2, 0::2], framed[1::2, 1::2]

    def planes(self) -> np.ndarray:
        """Three full planes (3, H, W) float32."""
        red, blue = self.red, self.blue
        # along the row red stands between two `beside` greens, blue between two `below`; along the column the other way
        red_row = _between(self.beside, red, 1, -1) - red
        red_column = _between(self.below, red, 0, -1) - red
        blue_row = _between(self.below, blue, 1, 1) - blue
        blue_column = _between(self.beside, blue, 0, 1) - blue
        by_row = self._roughness(red_row, blue_row, 1)
        by_column = self._roughness(red_column, blue_column, 0)
        vertical = by_column < by_row
        green_red = np.where(vertical, red_column, red_row)  # green minus red at red, green minus blue at blue
        green_blue = np.where(vertical, blue_column, blue_row)
        return self._fill(green_red, green_blue, vertical)

    def _roughness(self, red: np.ndarray, blue: np.ndarray, axis: int) -> np.ndarray:
        step = np.abs(_shift(red, axis, 1) - red) + np.abs(_shift(blue, axis, 1) - blue)
        return step + _shift(step, 0, 1) + _shift(step, 0, -1) + _shift(step, 1, 1) + _shift(step, 1, -1)

    def _fill(self, green_red: np.ndarray, green_blue: np.ndarray, vertical: np.ndarray) -> np.ndarray:
        planes = np.empty((3, *self.shape), np.float32)
        red, green, blue = planes
        half = np.float32(0.5)
        green[0::2, 0::2], green[1::2, 1::2] = self.red + green_red, self.blue + green_blue
        green[0::2, 1::2], green[1::2, 0::2] = self.beside, self.below
        red[0::2, 0::2], blue[1::2, 1::2] = self.red, self.blue
        red[0::2, 1::2] = self.beside - (green_red + _shift(green_red, 1, 1)) * half
        red[1::2, 0::2] = self.below - (green_red + _shift(green_red, 0, 1)) * half
        blue[1::2, 0::2] = self.below - (green_blue + _shift(green_blue, 1, -1)) * half
        blue[0::2, 1::2] = self.beside - (green_blue + _shift(green_blue, 0, -1)) * half
        # at the far corner of the quad the difference comes from the two neighbours along the smoother direction
        row_red = (red[1::2, 0::2] - self.below + _shift(red[1::2, 0::2] - self.below, 1, 1)) * half
        column_red = (red[0::2, 1::2] - self.beside + _shift(red[0::2, 1::2] - self.beside, 0, 1)) * half
        red[1::2, 1::2] = green[1::2, 1::2] + np.where(vertical, column_red, row_red)
        row_blue = (blue[0::2, 1::2] - self.beside + _shift(blue[0::2, 1::2] - self.beside, 1, -1)) * half
        column_blue = (blue[1::2, 0::2] - self.below + _shift(blue[1::2, 0::2] - self.below, 0, -1)) * half
        blue[0::2, 0::2] = green[0::2, 0::2] + np.where(vertical, column_blue, row_blue)
        return planes


def _shift(plane: np.ndarray, axis: int, by: int) -> np.ndarray:
    """The plane moved so that [i] holds [i + by], the last line repeated."""
    moved = np.empty_like(plane)
    source, target = (plane, moved) if axis == 0 else (plane.T, moved.T)
    if by > 0:
        target[:-1], target[-1] = source[1:], source[-1]
    else:
        target[1:], target[0] = source[:-1], source[0]
    return moved


def _between(green: np.ndarray, centre: np.ndarray, axis: int, by: int) -> np.ndarray:
    """Green at `centre`, which lies between green[i] and green[i + by]: their mean plus the centre's own curvature."""
    laplacian = 2 * centre - _shift(centre, axis, 1) - _shift(centre, axis, -1)
    return (green + _shift(green, axis, by)) * np.float32(0.5) + laplacian * np.float32(0.25)
