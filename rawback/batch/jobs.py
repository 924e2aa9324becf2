"""The verbs as jobs of a batch: with their options, ready to be sent to another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rawback.batch.worker import Product
from rawback.cores import Progress
from rawback.errors import RawbackError, UsageError
from rawback.files import tiff_png16
from rawback.files.paths import Location
from rawback.options.recover import RecoverOptions
from rawback.options.render import RenderOptions
from rawback.rendering import render


@dataclass(frozen=True)
class Render:
    """RAW -> JPEG that contains its RAW, or a 16-bit picture if the output's name asks for one.

    Raises UsageError for a wish to delete what could not be restored.
    """

    options: RenderOptions
    delete_original: bool = False
    """Whether the RAW is deleted once the JPEG, read back from the disk, is found to restore all of it."""

    def __post_init__(self) -> None:
        if self.delete_original and not (self.options.lossless and self.options.keep_exif):
            raise UsageError("--delete-original needs --keep lossless, and no --no-exif: else the RAW is lost")

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        if self.delete_original and not (isinstance(source, Path) and isinstance(target, Path) and target.suffix == ".jpg"):
            raise RawbackError(f"{source} is kept: --delete-original is for files that are rendered to .jpg files")
        kind = target.suffix.lower() if target.suffix.lower() in tiff_png16.KINDS else ".jpg"
        rendered = render(source, self.options, kind=kind, progress=progress)
        pixels = rendered.recipe.width * rendered.recipe.height
        return Product([rendered.data], rendered.notes, pixels, self._after(source, target))

    def _after(self, source: Location, target: Location) -> Callable[[], list[str]] | None:
        if not (self.delete_original and isinstance(source, Path) and isinstance(target, Path)):
            return None

        def delete() -> list[str]:
            from rawback.verify.deletion import delete_original

            return [delete_original(target, source)]

        return delete


@dataclass(frozen=True)
class Recover:
    """A JPEG or other picture -> DNG."""

    options: RecoverOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        from rawback.recovering import recover

        recovered = recover(source, self.options, progress=progress)
        return Product(recovered.dng(), recovered.notes, recovered.mosaic.size)
