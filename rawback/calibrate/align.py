"""A RAW and the camera's own picture of it, laid upon each other: samples of what the camera made of which light."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from rawback.errors import RawbackError
from rawback.files import photo as photos
from rawback.files import raw as raws
from rawback.files import tiff
from rawback.files.jpeg import Photo
from rawback.files.raw import RawFile
from rawback.files.tags import Tag
from rawback.isp import inverse_pass, vignetting
from rawback.isp.mosaic import black_pattern
from rawback.picture import Pixels, upright
from rawback.recipe import Recipe

BLOCK = 4
"""Cells of the CFA a sample is the mean of, each way: noise and sharpening are averaged out."""
LARGEST_SHIFT = 1 / 8
"""Of the picture's side: beyond it the two do not match."""
SAME_SCALE = 0.06
"""Sizes that differ by less are of one scale, cropped differently."""
DARKEST, BRIGHTEST_CODE, BLOWN = 0.012, 0.975, 0.95
"""Codes that the camera may have clipped, and light (of the white level) that the sensor may have."""
FLAT = 0.06
"""Spread of codes within a sample, above which it lies on an edge: there shifts and sharpening matter."""
ENOUGH = 200
"""Samples that a pair must have."""
TEXTURE = 0.25
"""Correlation of gradients from which two pictures are of one scene."""


@dataclass(frozen=True)
class Samples:
    """What one pair has to say."""

    codes: np.ndarray
    """(N, 3) the picture's codes, 0..1."""
    light: np.ndarray
    """(N, 3) linear sRGB of the RAW as LibRaw renders it, white balance applied."""
    radius2: np.ndarray
    """(N,) squared distance from the centre of the picture, 1 in the corners."""
    place: np.ndarray
    """(N,) which ninth of the picture, 0..8: for checks on what was held out."""
    shift: tuple[int, int]
    """Rows and columns, in cells of the CFA, by which the picture lies on the RAW."""
    cfa: tuple[tuple[int, ...], ...] = ()
    """What colour of photosite lies under the top left pixels of the upright picture, (2, 2); empty where that is not known."""

    def part(self, chosen: np.ndarray | slice) -> Samples:
        """Some of them."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in ("codes", "light", "radius2", "place")})


@dataclass(frozen=True)
class Pair:
    """A RAW and a picture of it."""

    raw: RawFile
    photo: Photo | None
    """None: pictures inside the RAW, of which none can be read at its full size."""
    names: str
    """Of the two, for messages."""
    is_inside: bool = False
    """Whether the picture is in the RAW's file."""

    @property
    def is_full_size(self) -> bool:
        """Whether the picture has the RAW's size, but for what cameras cut off: then it can be laid upon it cell by cell."""
        if self.photo is None:
            return False
        picture, recipe = self.photo.picture, self.raw.recipe
        sides = zip(sorted((picture.width, picture.height)), sorted((recipe.width, recipe.height)), strict=True)
        return all(abs(of_picture / of_raw - 1) < SAME_SCALE for of_picture, of_raw in sides)

    def samples(self) -> Samples:
        """What a picture of full size shows of which light. Raises RawbackError if it does not match."""
        if self.photo is None:
            raise RawbackError(f"{self.names}: expected a picture of the RAW's size")
        return sample(self.raw, self.photo, self.names)


def read_pair(raw_data: bytes, raw_name: str, jpeg_data: bytes | None, jpeg_name: str) -> Pair:
    """A RAW and its picture; None: the one inside the RAW. Raises RawbackError for what cannot be read."""
    raw = raws.read(raw_data, raw_name)
    if jpeg_data is not None:
        return Pair(raw, photos.read(jpeg_data, jpeg_name), f"{raw_name} and {jpeg_name}")
    names = f"{raw_name} and the picture inside it"
    try:
        return Pair(raw, _inside(raw, raws.embedded_jpeg(raw_data, raw_name), names), names, is_inside=True)
    except RawbackError:
        if not raw.pictures:
            raise
        return Pair(raw, None, names, is_inside=True)


def _inside(raw: RawFile, data: bytes, name: str) -> Photo:
    """The camera's picture inside its RAW, with the RAW's EXIF where it has none: it lies as the RAW does, then."""
    photo = photos.read(data, name)
    if raw.exif and not (photo.exif and Tag.Orientation in photo.exif.ifd0):
        photo.exif = replace(raw.exif, ifd0=raw.exif.ifd0 | {Tag.Orientation: tiff.pack(tiff.SHORT, [raw.recipe.orientation])})
    return photo


def sample(raw: RawFile, photo: Photo, names: str) -> Samples:
    """Lay the picture on the RAW and take samples where both are flat, lit and not blown."""
    recipe = raw.recipe
    cells = cells_of(raw.mosaic, recipe)
    saturated = cells.max(-1) > BLOWN
    light = upright(cells @ np.array(recipe.matrix, np.float32).T, recipe.orientation)
    saturated = upright(saturated, recipe.orientation)
    pixels = upright(decoded(photo), photo.exif.orientation if photo.exif else 1)
    codes, spread = _reduced(pixels, light.shape[:2], len(recipe.cfa), names)
    shift = _shift(codes[..., 1], light[..., 1], names)
    pixel_for_pixel = len(recipe.cfa) == 2 and pixels.shape[:2] == (2 * codes.shape[0], 2 * codes.shape[1])
    cfa = _cfa(pixels[..., 1], light[..., 1], shift, recipe) if pixel_for_pixel else ()
    (cy, cx), (ly, lx) = zip(*(_overlap(*sizes) for sizes in zip(codes.shape, light.shape, shift, strict=False)), strict=True)
    height, width = codes.shape[:2]
    radius2 = vignetting.radius2(height, width)[cy, cx]
    place = (np.arange(height) * 3 // height)[cy, None] * 3 + (np.arange(width) * 3 // width)[None, cx]
    codes, spread, light, saturated = codes[cy, cx], spread[cy, cx], light[ly, lx], saturated[ly, lx]
    usable = (spread < FLAT) & (codes.min(-1) > DARKEST) & (codes.max(-1) < BRIGHTEST_CODE) & ~saturated
    return replace(_blocks(codes, light, radius2, place, usable, shift, names), cfa=cfa)


def cells_of(mosaic: np.ndarray, recipe: Recipe) -> np.ndarray:
    """White-balanced camera RGB, one pixel for each whole CFA cell: (H / period, W / period, 3) float32."""
    pattern = np.array(recipe.cfa)
    height, width = (side // len(pattern) for side in mosaic.shape)
    rgb = np.zeros((height, width, 3), np.float32)
    for (row, column), black in np.ndenumerate(black_pattern(recipe)):
        part = mosaic[row :: len(pattern), column :: len(pattern)][:height, :width].astype(np.float32)
        rgb[..., pattern[row, column]] += (part - black) / (recipe.white - black)
    return rgb * (recipe.gains / np.bincount(pattern.ravel(), minlength=3)).astype(np.float32)


def decoded(photo: Photo) -> np.ndarray:
    """The whole picture as extended sRGB (H, W, 3) float32."""
    picture = photo.picture
    strip = picture.strip if isinstance(picture, Pixels) else partial(inverse_pass.decoded_strip, picture)
    planes, profile = strip(0, picture.height), photos.profile(photo)
    return np.moveaxis(profile.to_srgb(planes) if profile else planes, 0, -1)


def _reduced(codes: np.ndarray, cells: tuple[int, ...], period: int, names: str) -> tuple[np.ndarray, np.ndarray]:
    """The picture at the scale of the CFA's cells: mean codes (h, w, 3) and their spread (h, w)."""
    ratio = codes.shape[1] / (cells[1] * period), codes.shape[0] / (cells[0] * period)
    if abs(ratio[0] / ratio[1] - 1) > 2 * SAME_SCALE:
        raise RawbackError(f"{names} have different shapes; expected the camera's own picture of that RAW, not cropped")
    if max(abs(r - 1) for r in ratio) < SAME_SCALE:
        height, width = codes.shape[0] // period, codes.shape[1] // period
    else:
        height, width = cells
    rows = np.linspace(0, codes.shape[0], height + 1).astype(int)
    columns = np.linspace(0, codes.shape[1], width + 1).astype(int)
    if min(np.diff(rows).min(), np.diff(columns).min()) < 1:
        raise RawbackError(f"{names}: the picture is much smaller than the RAW; expected the full-size one")
    area = np.diff(rows)[:, None, None] * np.diff(columns)[None, :, None]
    total, squares = (_sums(values, rows, columns) / area for values in (codes, codes**2))
    return total, np.sqrt(np.maximum(squares - total**2, 0)).max(-1)


def _sums(values: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.add.reduceat(np.add.reduceat(values, rows[:-1], 0), columns[:-1], 1)


def _shift(codes: np.ndarray, light: np.ndarray, names: str) -> tuple[int, int]:
    """Rows and columns (dy, dx) with codes[y + dy, x + dx] ~ light[y, x]: phase correlation of gradients of the logarithm."""
    height, width = (max(sides) for sides in zip(codes.shape, light.shape, strict=True))
    spectra = [np.fft.rfft2(_gradient(np.log(np.maximum(x, 0) + 3e-3)), s=(height, width)) for x in (codes, light)]
    cross = spectra[0] * np.conj(spectra[1])
    peak = np.fft.irfft2(cross / (np.abs(cross) + 1e-9), s=(height, width))
    dy, dx = (int(v) for v in np.unravel_index(np.argmax(peak), peak.shape))
    dy, dx = dy - height if dy > height // 2 else dy, dx - width if dx > width // 2 else dx
    if abs(dy) > height * LARGEST_SHIFT or abs(dx) > width * LARGEST_SHIFT:
        raise RawbackError(f"{names} do not show the same; expected the camera's own picture of that RAW")
    (cy, ly), (cx, lx) = _overlap(codes.shape[0], light.shape[0], dy), _overlap(codes.shape[1], light.shape[1], dx)
    laid = (np.log(np.maximum(x, 0) + floor) for x, floor in ((codes[cy, cx], 0.03), (light[ly, lx], 0.01)))
    alike = np.corrcoef(np.stack([_gradient(x).ravel() for x in laid]))[0, 1]
    if not alike > TEXTURE:
        raise RawbackError(f"{names} do not show the same; expected the camera's own picture of that RAW")
    return dy, dx


def _cfa(green: np.ndarray, light: np.ndarray, shift: tuple[int, int], recipe: Recipe) -> tuple[tuple[int, ...], ...]:
    """The CFA as it lies under the picture, whose green codes (2 H, 2 W) are laid on the RAW's green (H, W) to a pixel.

    Green is sampled evenly about the middle of a cell, so its gradients agree best where the cells are the RAW's own.
    """
    best, moves = -1.0, (0, 0)
    wanted = _gradient(np.log(np.maximum(light, 0) + 0.01))
    for offset in np.ndindex(3, 3):
        moved = np.roll(green, [1 - o for o in offset], (0, 1))
        cells = (moved[::2, ::2] + moved[1::2, ::2] + moved[::2, 1::2] + moved[1::2, 1::2]) / 4
        laid = _gradient(np.log(np.maximum(cells, 0) + 0.03))
        (cy, ly), (cx, lx) = (_overlap(*sizes) for sizes in zip(laid.shape, wanted.shape, shift, strict=True))
        alike = float(np.corrcoef(laid[cy, cx].ravel(), wanted[ly, lx].ravel())[0, 1])
        if alike > best:
            best, moves = alike, (2 * shift[0] + offset[0] - 1, 2 * shift[1] + offset[1] - 1)
    seen = upright(np.array(recipe.cfa), recipe.orientation)
    return tuple(tuple(row) for row in np.roll(seen, moves, (0, 1)).tolist())


def _gradient(plane: np.ndarray) -> np.ndarray:
    slope = np.zeros_like(plane)
    slope[:-1, :-1] = np.hypot(np.diff(plane, axis=0)[:, :-1], np.diff(plane, axis=1)[:-1])
    return slope - slope.mean()


def _overlap(first: int, second: int, shift: int) -> tuple[slice, slice]:
    """Where two lines of samples overlap when first[i + shift] lies on second[i]."""
    start = max(0, -shift)
    stop = min(second, first - shift)
    return slice(start + shift, stop + shift), slice(start, stop)


def _blocks(
    codes: np.ndarray, light: np.ndarray, radius2: np.ndarray, place: np.ndarray, usable: np.ndarray, shift: tuple[int, int],
    names: str,
) -> Samples:  # fmt: skip
    """Means over blocks of which every cell is usable; all (H, W) or (H, W, 3)."""
    height, width = (side // BLOCK * BLOCK for side in usable.shape)

    def mean(x: np.ndarray) -> np.ndarray:
        parts = x[:height, :width].reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK, *x.shape[2:])
        return parts.mean((1, 3)).reshape(-1, *x.shape[2:])

    keep = (mean(usable.astype(np.float32)) == 1) & (mean(light).min(-1) > 1e-4)
    if np.count_nonzero(keep) < ENOUGH:
        raise RawbackError(f"{names} have too little in common that is neither blown nor black; take another pair")
    return Samples(mean(codes)[keep], mean(light)[keep], mean(radius2)[keep], np.rint(mean(place)[keep]).astype(int), shift)
