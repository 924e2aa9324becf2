"""How strongly a camera sharpens, against its RAW developed through its look.

Measured where its picture is busiest, at half size, tile by tile: the RAW is foretold from the picture, as `recover` will do
it, so the RAW's noise costs precision and nothing else, and what the camera smoothed counts against what it sharpened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rawback.calibrate import align
from rawback.calibrate.align import Pair, Samples
from rawback.cameras.looks import Look
from rawback.isp import sharpening, stages
from rawback.isp.colour import RGB_TO_YCC
from rawback.isp.dct import shrink
from rawback.isp.exposure import with_shoulder
from rawback.isp.matmul import mix
from rawback.isp.sharpening import OCTAVES
from rawback.picture import upright
from rawback.recipe import Recipe

TILE, MARGIN = 64, 12
"""Pixels at half size along a tile, and of context for demosaicing it."""
TILES, FEWEST = 40, 6
"""Of a picture: the busiest; and of all pictures together, with which a measurement begins."""
FARTHEST = 3.0
"""Pixels at half size that a tile may lie off its place: lenses are corrected, cells are two pixels wide."""
UNSURE = 0.1
"""Standard error from which on an amount is not known."""
SHADES, CODES = (0.015, 0.95), 0.97
"""Luma of the RAW's tiles, from and to, and of the picture's, up to which nothing is clipped."""
ALIGNED = 0.03, 0.35
"""Frequencies that tell where a tile lies, in cycles a pixel at half size."""
MOST_CONTRAST = 3.0
"""Of a tile's RAW against its picture, or the other way: locally, a look is not known to more."""
ROUNDS, STRAY = 5, 1.5
"""Of the alignment; phases beyond that many radians are not of a shift."""

SLOPES = 2 * np.pi * np.stack(np.broadcast_arrays(np.fft.fftfreq(TILE)[:, None], np.fft.rfftfreq(TILE)[None]), -1)
"""Phase by shift, of each frequency: (TILE, TILE // 2 + 1, 2)."""
FREQUENCIES = np.hypot(SLOPES[..., 0], SLOPES[..., 1]) / (2 * np.pi)
TOLD = (FREQUENCIES - ALIGNED[0]) * (ALIGNED[1] - FREQUENCIES) > 0  # between the two
TWICE = np.pad(np.full((1, TILE // 2 - 1), 2.0), [(0, 0), (1, 1)], constant_values=1.0)
WINDOW = np.outer(np.hanning(TILE), np.hanning(TILE))


@dataclass(frozen=True)
class Tile:
    """What least squares need of a tile: the RAW is the picture without shares of its octaves."""

    normal: np.ndarray
    """(OCTAVES - 1, OCTAVES - 1) products of the picture's octaves at half size."""
    sharpened: np.ndarray
    """(OCTAVES - 1,) products of those with what the picture has more than the RAW."""


def measured(pairs: Sequence[Pair], samples: Sequence[Samples], look: Look) -> tuple[float, ...]:
    """`Sharpening.octaves` of the camera; nothing where the pairs, of pictures of the RAW's size, do not tell them.

    The finest octave, which is no more than noise and demosaicing in most RAW files, is taken to be sharpened as the next.
    """
    tiles = [tile for pair, own in zip(pairs, samples, strict=True) for tile in _tiles(pair, own.shift, look)]
    if len(tiles) < FEWEST:
        return ()
    weights = [1 / np.sqrt(np.trace(tile.normal)) for tile in tiles]
    inverse = np.linalg.inv(sum(w * tile.normal for w, tile in zip(weights, tiles, strict=True)))
    shares = inverse @ sum(w * tile.sharpened for w, tile in zip(weights, tiles, strict=True))
    off = np.array([w * (tile.sharpened - tile.normal @ shares) for w, tile in zip(weights, tiles, strict=True)])
    unsure = np.sqrt(np.diag(inverse @ off.T @ off @ inverse))  # of tiles that differ in more than noise, too
    first, *rest = np.round(shares, 3).tolist()
    return (first, first, *rest) if unsure.max() < UNSURE else ()


def _tiles(pair: Pair, shift: tuple[int, int], look: Look) -> Iterator[Tile]:
    """Of the busiest places of a pair. shift: rows and columns of CFA cells by which the picture lies on the RAW."""
    photo, raw = pair.photo, pair.raw
    assert photo is not None  # of full size
    recipe = with_shoulder(replace(look.upon(raw.recipe), exposure=look.exposure))
    cell = len(recipe.cfa) // 2  # pixels at half size
    pixels = upright(align.decoded(photo), photo.exif.orientation if photo.exif else 1)
    codes = _half(pixels @ RGB_TO_YCC[0].astype(np.float32))
    height, width = (side // (2 * cell) * cell for side in raw.mosaic.shape)
    places = upright(np.arange(height * width).reshape(height, width), recipe.orientation)
    moves = shift[0] * cell, shift[1] * cell
    fine = sharpening.octaves(_widened(codes), OCTAVES - 1)
    count = 0
    for y, x in _busiest(codes, places.shape, moves):
        rows, columns = divmod(places[y : y + TILE, x : x + TILE], width)
        luma = upright(_developed(raw.mosaic, recipe, int(rows.min()), int(columns.min())), recipe.orientation)
        part = np.s_[y + moves[0] : y + moves[0] + TILE, x + moves[1] : x + moves[1] + TILE]
        tile = _tile(codes[part], [octave[part] for octave in fine], luma) if _is_lit(luma) else None
        if tile is not None:
            yield tile
            count += 1
        if count == TILES:
            return


def _busiest(codes: np.ndarray, shape: tuple[int, ...], moves: tuple[int, int]) -> list[tuple[int, int]]:
    """First row and column of tiles of the RAW, whose half size is `shape`, that the picture shows, the busiest first."""
    found = []
    for y, x in ((y, x) for y in range(0, shape[0] - TILE + 1, TILE) for x in range(0, shape[1] - TILE + 1, TILE)):
        top, left = y + moves[0], x + moves[1]
        part = codes[max(top, 0) : top + TILE, max(left, 0) : left + TILE]
        if part.shape == (TILE, TILE) and part.max() < CODES:
            found.append((float(np.square(sharpening.detail(part)).mean()), y, x))
    return [(y, x) for _, y, x in sorted(found, reverse=True)[: 2 * TILES]]


def _is_lit(luma: np.ndarray) -> bool:
    return bool(luma.shape == (TILE, TILE) and luma.min() > SHADES[0] and luma.max() < SHADES[1])


def _developed(mosaic: np.ndarray, recipe: Recipe, row: int, column: int) -> np.ndarray:
    """Luma (TILE, TILE) at half size of the RAW through the look, from that row and column at half size on, as it lies."""
    cell = len(recipe.cfa) // 2
    top, left = (max(at - MARGIN, 0) // cell * cell for at in (row, column))
    part = mosaic[2 * top : 2 * (row + TILE + MARGIN), 2 * left : 2 * (column + TILE + MARGIN)]
    sized = replace(recipe, width=part.shape[1], height=part.shape[0])
    srgb = stages.forward(part, sized, white_at=min(1.0, 2.0**recipe.exposure))
    luma = _half(mix(RGB_TO_YCC, np.clip(srgb, 0, 1).astype(np.float32))[0])
    return luma[row - top : row - top + TILE, column - left : column - left + TILE]


def _half(plane: np.ndarray) -> np.ndarray:
    height, width = (side // 2 * 2 for side in plane.shape)
    return shrink(plane[:height, :width], (2, 2))


def _widened(plane: np.ndarray) -> np.ndarray:
    """(H, W) continued to whole cells of the coarsest octave."""
    return np.pad(plane, [(0, -side % 2 ** (OCTAVES - 1)) for side in plane.shape], mode="edge")


def _tile(codes: np.ndarray, fine: list[np.ndarray], luma: np.ndarray) -> Tile | None:
    """A tile of the picture, its octaves and the RAW, all (TILE, TILE); the RAW is moved by parts of a pixel.

    None where that is too far, or contrast differs by more than a factor of MOST_CONTRAST.
    """
    picture, real, *octaves = (np.fft.rfft2((plane - plane.mean()) * WINDOW) for plane in (codes, luma, *fine))
    shift = _shift(picture * np.conj(real))
    if shift is None:
        return None
    real = real * np.exp(-1j * (SLOPES @ shift))
    parts = [picture - sum(octaves), *octaves]  # what no camera sharpens, and what may be
    normal = np.array([[_product(one, other) for one in parts] for other in parts])
    seen = np.array([_product(one, real) for one in parts])
    contrast = np.linalg.solve(normal, seen)[0]
    if not 1 / MOST_CONTRAST < contrast < MOST_CONTRAST:
        return None
    return Tile(normal[1:, 1:], normal[1:].sum(1) - seen[1:] / contrast)


def _product(one: np.ndarray, other: np.ndarray) -> float:
    """Of two planes by their spectra (TILE, TILE // 2 + 1), of which half stands for the rest."""
    return float((TWICE * (one * np.conj(other)).real).sum())


def _shift(cross: np.ndarray) -> np.ndarray | None:
    """Rows and columns that the picture lies beside the RAW, by the phases of their cross spectrum; None where too many."""
    peak = np.fft.irfft2(np.where(TOLD, cross / (np.abs(cross) + 1e-12), 0), s=(TILE, TILE))
    at = np.unravel_index(int(np.argmax(peak)), peak.shape)
    shift = np.array([(int(n) + TILE // 2) % TILE - TILE // 2 for n in at], float)
    if np.abs(shift).max() > FARTHEST:
        return None
    slopes, told = SLOPES[TOLD], cross[TOLD]  # (n, 2), (n,)
    for _ in range(ROUNDS):
        phase = np.angle(told * np.exp(1j * (slopes @ shift)))
        weighted = slopes * (np.abs(told) * (np.abs(phase) < STRAY))[:, None]
        shift = shift - np.linalg.lstsq(weighted.T @ slopes, weighted.T @ phase, rcond=None)[0]
    return shift
