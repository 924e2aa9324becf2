"""Whether a JPEG restores a RAW: to the last bit, or how nearly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rawback import metrics
from rawback.errors import RawbackError
from rawback.files import paths, raw
from rawback.files.original_metadata import load as load_metadata
from rawback.files.raw import RawFile
from rawback.recovering import Recovered, recover


@dataclass(frozen=True)
class Verdict:
    """What came of comparing a recovery with its RAW."""

    exact: bool
    """Whether every photosite is the same, those outside the visible area too."""
    complete: bool
    """Whether the RAW's metadata is kept whole."""
    raw_db: float
    """PSNR as the InvISP paper measures RAW; 120 where nothing differs."""
    mosaic_db: float
    """PSNR of the mosaics."""
    largest: int
    """Largest difference in DN."""
    said: str
    """In a sentence."""


def verify(photo: str | paths.Location, original: str | paths.Location) -> Verdict:
    """Recover a JPEG in memory and compare it with the RAW file it was rendered from.

    Raises RawbackError if either cannot be read, or the photo was not made from a RAW of that size.
    """
    file = raw.read(paths.load(original), str(original), whole=True)
    recovered = recover(photo)
    found, true = recovered.mosaic, file.mosaic
    if found.shape != true.shape or recovered.recipe.cfa != file.recipe.cfa:
        sizes = f"{true.shape[1]} x {true.shape[0]} photosites and it gives back {found.shape[1]} x {found.shape[0]}"
        raise RawbackError(f"{photo} was not rendered from {original}: that has {sizes}, or another colour filter array")
    largest = int(np.abs(found.astype(np.int32) - true).max())
    exact = largest == 0 and _same_frame(recovered, file)
    raw_db, mosaic_db = (measure(true, found, file.recipe) for measure in (metrics.paper_psnr, metrics.mosaic_psnr))
    complete = recovered.original is not None and recovered.original == load_metadata(file.original)
    return Verdict(exact, complete, raw_db, mosaic_db, largest, _said(exact, complete, raw_db, mosaic_db, largest))


def delete_original(photo: Path, original: Path) -> None:
    """Delete a RAW file once the JPEG on the disk is found to restore it bit by bit.

    Raises RawbackError if it does not, or if the RAW cannot be read without loss itself.
    """
    if damage := [note for note in raw.read(paths.load(original), str(original)).notes if raw.DAMAGED in note]:
        raise RawbackError(f"{original} is kept: {damage[0]}")
    verdict = verify(photo, original)
    if not (verdict.exact and verdict.complete):
        raise RawbackError(f"{original} is kept, as {photo} does not restore all of it ({verdict.said})")
    try:
        original.unlink()
    except OSError as error:
        raise RawbackError(f"{original} could not be deleted: {error.strerror or error}") from error


def _same_frame(recovered: Recovered, file: RawFile) -> bool:
    whole = recovered.whole
    return whole is not None and file.frame is not None and np.array_equal(whole.frame, file.frame)


def _said(exact: bool, complete: bool, raw_db: float, mosaic_db: float, largest: int) -> str:
    if exact:
        return "bit-exact, margins included" + (", and all metadata" if complete else "; not all metadata is kept")
    if largest == 0:
        return "the visible photosites are bit-exact; those around them are not kept"
    return f"not bit-exact: raw {raw_db:.2f} dB, mosaic {mosaic_db:.2f} dB, largest difference {largest} DN"
