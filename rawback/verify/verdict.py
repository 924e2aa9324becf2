"""Whether a JPEG restores a RAW: to the last bit and with all that it says, or how nearly."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from rawback import metrics
from rawback.errors import RawbackError
from rawback.files import file_type, jumbf, paths
from rawback.files import photo as photos
from rawback.files.jpeg import Photo
from rawback.files.jpeg_file import is_jpeg
from rawback.isp.mosaic import RGGB
from rawback.lossless.original import give_back
from rawback.lossless.original.kept import is_kept
from rawback.recipe import Recipe
from rawback.recovering import from_photo
from rawback.verify import inventory, readings
from rawback.verify.missing import missing
from rawback.verify.readings import Reading

NAMED = 5
"""Of what is missing, so many are named in a sentence."""
SAME_DB = 120.0
GREY_MATRIX = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))


@dataclass(frozen=True)
class Verdict:
    """What came of comparing the DNG that a JPEG gives back with its RAW file."""

    exact: bool
    """Whether every photosite is the same, those outside the visible area too, with the same levels, CFA and white balance."""
    complete: bool
    """Whether nothing that the RAW file holds is missing in the DNG, but for what `written_anew` lists."""
    raw_db: float
    """PSNR as the InvISP paper measures RAW; 120 where nothing differs."""
    mosaic_db: float
    """PSNR of the mosaics."""
    largest: int
    """Largest difference in DN."""
    missing: tuple[str, ...]
    """All that is missing, a phrase each: directory, tag number and name."""
    message: str
    """In a sentence."""
    is_file: bool = False
    """Whether the JPEG gives back the file itself, byte for byte: nothing else was compared then."""


def verify(photo: str | paths.Location, original: str | paths.Location) -> Verdict:
    """Recover a JPEG in memory and compare the DNG with the RAW file it was rendered from.

    Sidecars are not looked at: this is what the JPEG alone gives back. Raises RawbackError if either cannot be read, or the
    photo was not made from a RAW of that size.
    """
    return compare(paths.load(photo), str(photo), paths.load(original), str(original))


def compare(jpeg: bytes, jpeg_name: str, raw: bytes, raw_name: str) -> Verdict:
    """As `verify`, of files that are in memory already. A JPEG that gives back the very file needs no other proof."""
    if file_type.of(jpeg) == "raw" and is_jpeg(raw):
        raise RawbackError(f"{jpeg_name} is a RAW file, and {raw_name} a JPEG; name the JPEG first, then its RAW")
    photo = photos.read(jpeg, jpeg_name)
    same, why = by_hash(photo, jpeg_name, raw)
    if same:
        message = f"gives back the very file, SHA-256 {hashlib.sha256(raw).hexdigest()}"
        return Verdict(True, True, SAME_DB, SAME_DB, 0, (), message, is_file=True)
    verdict = _by_content(photo, jpeg_name, raw, raw_name)
    return replace(verdict, complete=False, missing=(*verdict.missing, why)) if why else verdict


def by_hash(photo: Photo, jpeg_name: str, raw: bytes) -> tuple[bool, str]:
    """Whether a JPEG that holds the original file gives back these bytes; else why not, and nothing where it holds none."""
    if not is_kept(jumbf.find(photo.file) if photo.file else []):
        return False, ""
    try:
        if give_back.from_photo(photo, jpeg_name).data == raw:
            return True, ""
    except RawbackError as error:
        return False, f"the original file ({error})"
    return False, "the original file: that inside is another"


def _by_content(photo: Photo, jpeg_name: str, raw: bytes, raw_name: str) -> Verdict:
    """By the DNG that is recovered."""
    dng = b"".join(from_photo(photo, jpeg_name).dng())
    kept, true = readings.read(dng, f"the DNG recovered from {jpeg_name}"), readings.read(raw, raw_name)
    if kept.visible.shape != true.visible.shape or kept.cfa != true.cfa:
        sizes = [f"{width} x {height} photosites" for _, _, height, width in (true.area, kept.area)]
        reason = f"that has {sizes[0]} and it gives back {sizes[1]}, or another colour filter array"
        raise RawbackError(f"{jpeg_name} was not rendered from {raw_name}: {reason}")
    framed = kept.frame.shape == true.frame.shape and kept.area == true.area
    a, b = (true.frame, kept.frame) if framed else (true.visible, kept.visible)
    largest = int(np.abs(b.astype(np.int32) - a).max())
    meanings = readings.differences(true, kept)
    exact = largest == 0 and framed and not meanings
    raw_db, mosaic_db = (SAME_DB, SAME_DB) if largest == 0 else _decibels(true, kept)
    lost = [*_photosites(framed), *meanings, *_damage(true, raw_name), *_damage(kept, "the recovered DNG")]
    height, width = true.frame.shape[:2]
    lost += missing(inventory.take(raw), inventory.take(dng), (width, height))
    return Verdict(
        exact, not lost, raw_db, mosaic_db, largest, tuple(lost), _message(largest, framed, meanings, lost, raw_db, mosaic_db)
    )


def _photosites(framed: bool) -> list[str]:
    return [] if framed else ["the photosites outside the visible area"]


def _damage(reading: Reading, name: str) -> list[str]:
    return [f"LibRaw finds {name} damaged ({reading.damage})"] if reading.damage else []


def _decibels(true: Reading, kept: Reading) -> tuple[float, float]:
    """The two PSNR, by the levels of the original."""
    linear = true.visible.ndim == 3
    cfa = RGGB if linear else _cell(true.cfa)
    height, width = true.visible.shape[:2]
    black = true.levels["black level"]
    neutral = 1 / np.array(true.gains or (1.0, 1.0, 1.0))
    r, g, b = (float(v) for v in neutral / neutral.max())
    levels = tuple(black[colour] for row in cfa for colour in row)
    recipe = Recipe(width, height, cfa, levels, true.levels["white level"][0], (r, g, b), GREY_MATRIX, linear=linear)
    return metrics.paper_psnr(true.visible, kept.visible, recipe), metrics.mosaic_psnr(true.visible, kept.visible, recipe)


def _cell(cfa: tuple[tuple[int, ...], ...]) -> tuple[tuple[int, ...], ...]:
    """The smallest cell that repeats."""
    places = [(y, x) for y, row in enumerate(cfa) for x in range(len(row))]
    period = next((n for n in (2, 4) if all(cfa[y][x] == cfa[y % n][x % n] for y, x in places)), 6)
    return tuple(row[:period] for row in cfa[:period])


def _message(
    largest: int, framed: bool, meanings: list[str], lost: list[str], raw_db: float, mosaic_db: float
) -> str:  # fmt: skip
    if largest:
        return f"not bit-exact: raw {raw_db:.2f} dB, mosaic {mosaic_db:.2f} dB, largest difference {largest} DN"
    if not framed:
        return "the visible photosites are bit-exact; those around them are not kept"
    if meanings:
        return f"every photosite is the same, but not its meaning: {named(meanings)}"
    return "bit-exact, margins included" + ("; not all metadata is kept" if lost else ", and all metadata")


def named(phrases: list[str] | tuple[str, ...]) -> str:
    """The first of them, and how many there are more."""
    more = len(phrases) - NAMED
    return ", ".join(phrases[:NAMED]) + (f", and {more} more" if more > 0 else "")
