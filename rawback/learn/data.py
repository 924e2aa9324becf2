"""Photographs to learn from: found, read, split by name into training and validation, and listed in a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from rawback.errors import RawbackError
from rawback.files import extras
from rawback.files import raw as raw_files
from rawback.isp.exposure import small_linear
from rawback.isp.mosaic import RGGB
from rawback.recipe import Recipe

PHOTOS = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".jxl"}
"""Suffixes of photographs, developed already."""
RAW = {".arw", ".cr2", ".cr3", ".crw", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw"}
"""Suffixes of RAW files."""
VALIDATION_SHARE = 12
"""One scene in so many is kept for validation."""


@dataclass(frozen=True)
class Source:
    """One photograph and what it is used for."""

    path: Path
    scene: str
    """Photographs of one scene are never split between training and validation."""
    validation: bool

    @property
    def raw(self) -> bool:
        """Whether it is a RAW file."""
        return self.path.suffix.lower() in RAW


def find(folder: str | Path) -> list[Source]:
    """Photographs and RAW files in a folder, sorted by name; a MANIFEST.csv with columns file, scene, split is honoured.

    Raises RawbackError where there is none.
    """
    folder = Path(folder)
    listed = _manifest(folder / "MANIFEST.csv")
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in PHOTOS | RAW) if folder.is_dir() else []
    if not paths:
        raise RawbackError(f"{folder}: no photographs; expected a folder of {', '.join(sorted(PHOTOS | RAW))} files")
    sources = []
    for path in paths:
        row = listed.get(path.name, {})
        scene = row.get("scene", path.stem)
        held_out = row["split"] == "val" if row.get("split") else _held_out(scene)
        sources.append(Source(path, scene, held_out))
    return sources


def _held_out(scene: str) -> bool:
    """By the hash of the name, so that the split does not depend on what else is in the folder."""
    return hashlib.sha256(scene.encode()).digest()[0] % VALIDATION_SHARE == 0


def _manifest(path: Path) -> dict[str, dict[str, str]]:
    if not path.exists():
        return {}
    header, *rows = [line.split(",") for line in path.read_text().splitlines() if line]
    return {row[header.index("file")]: dict(zip(header, row, strict=False)) for row in rows}


def read(path: Path) -> np.ndarray:
    """A photograph as sRGB-encoded (H, W, 3), uint16 where the file has more than 8 bits, else uint8.

    JPEG XL and 16-bit PNG or TIFF need imagecodecs, of the extra "train".
    """
    if path.suffix.lower() in (".jpg", ".jpeg"):
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    try:
        import imagecodecs
    except ImportError as error:
        raise RawbackError(f"{path}: reading {path.suffix} needs imagecodecs: {extras.command('train')}") from error
    try:
        picture = imagecodecs.imread(path)
    except Exception as error:  # imagecodecs raises one class per codec
        raise RawbackError(f"{path}: cannot be read as a picture ({error})") from error
    picture = picture[..., None].repeat(3, -1) if picture.ndim == 2 else picture[..., :3]
    if picture.dtype not in (np.uint8, np.uint16) or picture.shape[-1] != 3:
        raise RawbackError(f"{path}: has {picture.dtype} {picture.shape}; expected 8 or 16 bits of RGB")
    return picture


def crop(picture: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """A square at a random place, mirrored at random; pictures smaller than `side` are continued by mirroring."""
    missing = [max(side - n, 0) for n in picture.shape[:2]]
    if any(missing):
        picture = np.pad(picture, [(0, missing[0]), (0, missing[1]), (0, 0)], mode="symmetric")
    y, x = (int(rng.integers(n - side + 1)) for n in picture.shape[:2])
    flips = rng.integers(2, size=2) * -2 + 1
    return np.ascontiguousarray(picture[y : y + side, x : x + side][:: flips[0], :: flips[1]])


def read_raw(path: Path) -> tuple[np.ndarray, Recipe]:
    """A Bayer RAW file as RGGB mosaic (H, W) uint16, sides multiples of 16, and its recipe. Raises RawbackError."""
    raw = raw_files.read(path.read_bytes(), str(path))
    if len(raw.recipe.cfa) != 2:
        raise RawbackError(f"{path}: not a Bayer mosaic; train on Bayer RAW files or on photographs")
    pattern, black = np.array(raw.recipe.cfa), np.array(raw.recipe.black).reshape(2, 2)
    y, x = np.argwhere(pattern == 0)[0]
    turn = slice(None, None, 1 - 2 * y), slice(None, None, 1 - 2 * x)
    height, width = (n // 16 * 16 for n in raw.mosaic.shape)
    recipe = replace(
        raw.recipe,
        width=width,
        height=height,
        cfa=RGGB,
        black=tuple(black[turn].ravel().tolist()),
        crop=None,
        margins=(0, 0, 0, 0),
    )
    return np.ascontiguousarray(raw.mosaic[:height, :width][turn]), recipe


def raw_crop(frame: tuple[np.ndarray, Recipe], side: int, rng: np.random.Generator) -> tuple[np.ndarray, Recipe]:
    """A square of a RGGB mosaic at a random place; smaller mosaics are continued by mirroring."""
    mosaic, recipe = frame
    missing = [(0, max(side - n, 0)) for n in mosaic.shape]
    mosaic = np.pad(mosaic, missing, mode="reflect")
    y, x = (2 * int(rng.integers((n - side) // 2 + 1)) for n in mosaic.shape)
    return np.ascontiguousarray(mosaic[y : y + side, x : x + side]), replace(recipe, width=side, height=side)


def cells_crop(frame: tuple[np.ndarray, Recipe], side: int, rng: np.random.Generator) -> np.ndarray:
    """A RAW file as a photograph with one pixel for each Bayer cell: balanced (side, side, 3) float32, 0 or more."""
    cells = small_linear(*frame)
    missing = [(0, max(side - n, 0)) for n in cells.shape[:2]]
    cells = np.pad(cells, [*missing, (0, 0)], mode="symmetric")
    y, x = (int(rng.integers(n - side + 1)) for n in cells.shape[:2])
    return np.maximum(cells[y : y + side, x : x + side], 0)


def write_manifest(sources: list[Source], path: Path) -> None:
    """What was learned from: name, scene, split and sha256 of every photograph, as JSON."""
    rows = [
        {
            "file": s.path.name,
            "scene": s.scene,
            "validation": s.validation,
            "sha256": hashlib.sha256(s.path.read_bytes()).hexdigest(),
        }
        for s in sources
    ]
    path.write_text(json.dumps(rows, indent=1))
