"""Frames of a clip averaged with those beside them, along their motion (`recover --denoise temporal`)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from rawback.errors import RawbackError, UsageError
from rawback.files.jpeg import Photo
from rawback.isp.video import temporal
from rawback.recovering import Recovered

REACH = 2
"""Frames on each side that are averaged."""
NOTE = f"each frame is averaged with up to {REACH} on each side: less noise, so no longer quite the RAW it was made from"


def check(fields: dict[str, str], movie: str) -> None:
    """Raise UsageError for a movie whose recipe tells that its frames are no Bayer mosaics."""
    if fields.get("CFAPattern", "").count(";") > 1:
        raise UsageError(f"{movie} was no Bayer mosaic; --denoise temporal finds motion in cells of 2x2 only")


class Window:
    """Frames of a movie that were recovered lately: each is asked for by those beside it too."""

    def __init__(self, movie: str) -> None:
        self.movie = movie
        self.frames: dict[str, Recovered] = {}

    def averaged(self, name: str, names: list[str], recover: Callable[[str], Recovered]) -> Recovered:
        """The frame of that name, averaged with those of `names`; all others are forgotten.

        Those that cannot be recovered, or are of another size, are left out. Of a lossless layer only the mosaic is
        kept. Raises RawbackError if the frame itself cannot be recovered, or is no Bayer mosaic.
        """
        self.frames = {each: self.frames[each] for each in names if each in self.frames}
        frame = self._frame(name, recover)
        recipe, shape = frame.recipe, frame.mosaic.shape
        if len(recipe.cfa) != 2:
            raise RawbackError(f"{self.movie}, frame {name} is no Bayer mosaic; leave --denoise out")
        for each in names:
            with suppress(RawbackError):
                self._frame(each, recover)
        others = [(f.mosaic, f.recipe) for each, f in self.frames.items() if each != name]
        alike = [(other, its) for other, its in others if (other.shape, its.cfa) == (shape, recipe.cfa)]
        mosaic, recipe = temporal.merged(frame.mosaic, recipe, alike)
        return replace(frame, mosaic=mosaic, recipe=recipe, whole=None, exact=False)

    def _frame(self, name: str, recover: Callable[[str], Recovered]) -> Recovered:
        if name not in self.frames:
            frame = recover(name)
            self.frames[name] = replace(frame, photo=Photo(None, frame.photo.exif, None, b""))
        return self.frames[name]
