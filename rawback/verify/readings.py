"""A RAW file as LibRaw reads it: every photosite, and the numbers by which it is developed."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import rawpy

from rawback.errors import MachineError, RawbackError
from rawback.files import jxl_dng, stderr
from rawback.files.tags import Tag
from rawback.verify import inventory

PIXELS_PER_BYTE, SMALL = 64, 1 << 20
"""No RAW codec spends less than an eighth of a bit on a pixel: what claims more would only fill the memory."""
GREY = ((0, 1), (1, 2))
"""Stands for a sensor without filters: each photosite is compared by its place, as everywhere."""
LINEAR = ((0, 1, 2),)
"""Stands for pixels that have all three values."""
PERIOD = 12
"""Rows and columns after which every known CFA repeats: the least common multiple of 2 and 6."""
QUAD = 4
"""Rows and columns of the filters of quad Bayer sensors."""
TOLERANCE = 1e-4
"""Of white balance gains, which LibRaw keeps in single precision and files in fractions."""


@dataclass(frozen=True)
class Reading:
    """What LibRaw makes of a file."""

    frame: np.ndarray
    """(raw height, raw width) uint16: all photosites; (raw height, raw width, 3) of a linear RAW."""
    area: tuple[int, int, int, int]
    """Top, left, height, width of the visible mosaic within the frame."""
    cfa: tuple[tuple[int, ...], ...]
    """(PERIOD, PERIOD) colours from the top left of the visible mosaic: 0 red, 1 green, 2 blue."""
    levels: dict[str, tuple[float, ...]]
    """By name: black levels, white level, flip, crop, shape of the photosites."""
    gains: tuple[float, ...]
    """As-shot white balance, its largest number 1; nothing if the file has none."""
    damage: str
    """What LibRaw complains of."""

    @property
    def visible(self) -> np.ndarray:
        """(height, width) or (height, width, 3) uint16: what is visible."""
        top, left, height, width = self.area
        return self.frame[top : top + height, left : left + width]


def read(data: bytes, name: str) -> Reading:
    """Read a mosaic. Raises RawbackError for what LibRaw cannot read, what is no mosaic, or claims too many pixels."""
    try:
        with rawpy.imread(io.BytesIO(jxl_dng.plain(data, name))) as raw:
            sizes = raw.sizes
            if sizes.raw_width * sizes.raw_height > PIXELS_PER_BYTE * len(data) + SMALL:
                raise RawbackError(f"{name} says it has {sizes.raw_width} x {sizes.raw_height} pixels in {len(data)} bytes")
            with stderr.captured() as messages:
                kind = raw.raw_type  # decodes the photosites
                damage = messages()
            linear = kind == rawpy.RawType.Stack and raw.raw_image.ndim == 3 and raw.num_colors == 3
            if not linear and (kind != rawpy.RawType.Flat or raw.raw_image.ndim != 2):
                raise RawbackError(f"{name} holds neither a mosaic nor three colours a pixel; expected either")
            frame = np.array(raw.raw_image[..., :3] if linear else raw.raw_image, np.uint16)
            area = sizes.top_margin, sizes.left_margin, sizes.height, sizes.width
            cfa = LINEAR if linear else _quad_bayer(data, area) or _cfa(raw)
            return Reading(frame, area, cfa, _levels(raw), _gains(raw.camera_whitebalance), damage)
    except rawpy.LibRawUnsufficientMemoryError as error:
        raise MachineError(f"there is not enough memory to read {name}; close other programs") from error
    except (rawpy.LibRawError, NotImplementedError) as error:
        raise RawbackError(f"{name} is not a RAW file that LibRaw can read ({error})") from error


def _quad_bayer(data: bytes, area: tuple[int, int, int, int]) -> tuple[tuple[int, ...], ...]:
    """As `Reading.cfa`, of a DNG of 4x4 filters by its tags, which LibRaw does not understand; nothing of any other."""
    directory = inventory.mosaic_of(inventory.take(data), None)
    filters = [tag.integers() for tag in directory.by_number.get(Tag.CFAPattern, ())] if directory else []
    if directory is None or not filters or filters[0].size != QUAD**2:
        return ()
    active = [tag.integers() for tag in directory.by_number.get(Tag.ActiveArea, ()) if tag.count == 4]
    top, left = (int(at) - start for at, start in zip(active[0][:2], area[:2], strict=True)) if active else (-area[0], -area[1])
    rolled = np.roll(filters[0].reshape(QUAD, QUAD), (top, left), (0, 1))
    return tuple(tuple(row) for row in np.tile(rolled, (PERIOD // QUAD, PERIOD // QUAD)).tolist())


def _cfa(raw: rawpy.RawPy) -> tuple[tuple[int, ...], ...]:
    if raw.num_colors == 1:
        return GREY
    letters = raw.color_desc.decode("ascii", "replace")
    cell = raw.raw_colors_visible[:PERIOD, :PERIOD].tolist()
    return tuple(tuple("RGB".find(letters[colour]) for colour in row) for row in cell)


def _levels(raw: rawpy.RawPy) -> dict[str, tuple[float, ...]]:
    s = raw.sizes
    return {
        "black level": tuple(map(float, raw.black_level_per_channel)),
        "white level": (float(raw.white_level),),
        "orientation": (float(s.flip),),
        "crop": (s.crop_left_margin, s.crop_top_margin, s.crop_width, s.crop_height),
        "shape of the photosites": (float(s.pixel_aspect),),
    }


def _gains(numbers: list[float]) -> tuple[float, ...]:
    gains = np.array(numbers[:3], float)
    if not np.isfinite(gains).all() or gains.min() <= 0:
        return ()
    return tuple((gains / gains.max()).tolist())


def differences(original: Reading, kept: Reading) -> list[str]:
    """What is said of the photosites in one file and otherwise in the other, a phrase each."""
    found = []
    for name, numbers in original.levels.items():
        if numbers != kept.levels[name]:
            found.append(f"{name} {_text(numbers)} comes back as {_text(kept.levels[name])}")
    same_gains = len(original.gains) == len(kept.gains) and np.allclose(original.gains, kept.gains, rtol=TOLERANCE, atol=0)
    if not same_gains:
        found.append(f"white balance {_text(original.gains)} comes back as {_text(kept.gains)}")
    if original.area != kept.area and original.frame.shape == kept.frame.shape:
        found.append(f"visible area {_text(original.area)} comes back as {_text(kept.area)}")
    return found


def _text(numbers: tuple[float, ...]) -> str:
    return " ".join(f"{number:.6g}" for number in numbers) or "(none)"
