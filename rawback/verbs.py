"""The verbs as jobs of a batch: with their options, ready to be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass

from rawback.files import picture16
from rawback.files.paths import Location
from rawback.rendering import RenderOptions, render
from rawback.worker import Product, Progress


@dataclass(frozen=True)
class Render:
    """RAW -> JPEG that contains its RAW, or a 16-bit picture if the output's name asks for one."""

    options: RenderOptions

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        kind = target.suffix.lower() if target.suffix.lower() in picture16.KINDS else ".jpg"
        rendered = render(source, self.options, kind=kind, progress=progress)
        return Product([rendered.data], rendered.notes, rendered.recipe.width * rendered.recipe.height)


@dataclass(frozen=True)
class Recover:
    """JPEG -> DNG."""

    keep_exif: bool = True
    compress: bool = True

    def __call__(self, source: Location, target: Location, progress: Progress) -> Product:
        from rawback.recovering import recover

        recovered = recover(source, keep_exif=self.keep_exif, progress=progress)
        return Product(recovered.dng(compress=self.compress), recovered.notes, recovered.mosaic.size)
