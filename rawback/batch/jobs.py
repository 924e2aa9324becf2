"""The verbs as jobs of a batch: with their options, ready to be sent to another process."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rawback.batch.worker import Product
from rawback.cores import Progress
from rawback.errors import RawbackError, UsageError
from rawback.files import ahead, jxl, libraw, paths
from rawback.files.file_type import ARRAYS, PICTURES_16
from rawback.files.libraw import Unpacked
from rawback.files.paths import Location
from rawback.options.conflicts import check_jxl
from rawback.options.recover import RecoverOptions
from rawback.options.render import RenderOptions


@dataclass(frozen=True)
class Render:
    """RAW -> JPEG that contains its RAW, or a 16-bit picture if the output's name asks for one.

    Raises UsageError for a wish to delete what could not be restored.
    """

    options: RenderOptions
    delete_original: bool = False
    """Whether the RAW is deleted once the JPEG, read back from the disk, is found to restore all of it."""
    jxl: bool = False
    """Whether the JPEG is written as JPEG XL, whatever the output's name."""

    def __post_init__(self) -> None:
        if self.jxl:
            check_jxl(self.options)
        if self.delete_original and not (self.options.lossless and self.options.keep_exif):
            raise UsageError("--delete-original needs --keep original or lossless, and no --no-exif: else the RAW is lost")

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        if self.delete_original:
            _files(source, target)
        suffix = target.suffix.lower()
        kind = jxl.SUFFIX if self.jxl else suffix if suffix in (jxl.SUFFIX, *PICTURES_16) else ".jpg"
        name = str(source)
        with ThreadPoolExecutor(1) as pool:
            data, unpacking = ahead.take(source) or _begun(pool, source)
            from rawback.files.sources import Source  # these take as long to import as LibRaw to unpack half a photo
            from rawback.rendering import render

            rendered = render(Source(data, name, source, unpacking=unpacking), self.options, kind=kind, progress=progress)
        pixels = rendered.recipe.width * rendered.recipe.height
        notes = [note if name in note else f"{name}: {note}" for note in rendered.notes]
        return Product([rendered.data], notes, pixels, rendered.recipe.source_sha256)

    def finish(self, source: Location, target: Location) -> list[str]:
        """Delete the original, if that is wanted and it is proved that the JPEG restores it. Raises RawbackError if not."""
        if not self.delete_original:
            return []
        from rawback.verify.deletion import delete_original

        photo, original = _files(source, target)
        return [delete_original(photo, original)]

    def intent(self, source: Location, target: Location) -> list[str]:
        """What of that would be done."""
        if not self.delete_original:
            return []
        try:
            _, original = _files(source, target)
        except RawbackError as error:
            return [str(error)]
        if original.is_symlink():
            return [f"{source} would be kept: it is a link to {os.path.realpath(original)}"]
        return [f"{source} would be deleted, if {target} is proved to restore all of it"]


def _begun(pool: ThreadPoolExecutor, source: Location) -> tuple[bytes, Future[Unpacked]]:
    """A file's bytes, and what LibRaw is making of them."""
    data = paths.load(source)
    return data, pool.submit(libraw.unpack, data, str(source))


def _files(source: Location, target: Location) -> tuple[Path, Path]:
    """The JPEG and the RAW to be deleted. Raises RawbackError where they are no such files."""
    if isinstance(source, Path) and isinstance(target, Path) and target.suffix.lower() in (".jpg", ".jpeg", ".jxl"):
        return target, source
    raise RawbackError(f"{source} is kept: --delete-original is for files that are rendered to .jpg or .jxl files")


@dataclass(frozen=True)
class Recover:
    """A JPEG or other picture -> DNG, or an array if the output's name asks for one."""

    options: RecoverOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        from rawback.recovering import recover

        recovered = recover(source, self.options, progress=progress)
        kind = target.suffix.lower()
        data = recovered.array(kind) if kind in ARRAYS else recovered.dng()
        return Product(data, recovered.notes, recovered.mosaic.size, recovered.source_sha256)


@dataclass(frozen=True)
class RecoverOriginal:
    """A JPEG that holds its RAW's file -> that file."""

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        from rawback.lossless.original.give_back import from_data

        data = paths.load(source)
        original = from_data(data, str(source), progress)
        is_called_so = target == paths.STREAM or target.name == original.name
        name = original.name if is_called_so else f"{target.name} ({original.name} when it was kept)"
        note = f"{source}: the original file {name}, byte for byte, SHA-256 {original.sha256}"
        return Product([original.data], [note], 0, hashlib.sha256(data).hexdigest())
