"""rawback turns JPEGs back into RAW: one invertible image signal processor, run in both directions.

    import rawback
    picture = rawback.render("IMG.CR2")          # picture.data is a JPEG that contains its RAW
    raw = rawback.recover("photo.jpg")           # raw.mosaic (H, W) uint16, raw.recipe, raw.dng() the file

Both take paths, URLs, "-" for standard input, all bytes of a file, and open binary files. `picture.save("a.jpg")` and
`raw.save("a.dng")` write files. What cannot be done is a RawbackError that says why.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from rawback.version import __version__

if TYPE_CHECKING:
    from rawback.errors import RawbackError, UsageError
    from rawback.files.raw import RawFile
    from rawback.lossless.original.give_back import OriginalFile, original_file
    from rawback.options.recover import RecoverOptions
    from rawback.options.render import RenderOptions
    from rawback.recipe import Recipe
    from rawback.recovering import Recovered, recover
    from rawback.rendering.developing import Rendered, render


PLACES = {
    "recover": "rawback.recovering", "Recovered": "rawback.recovering", "RecoverOptions": "rawback.options.recover",
    "RawFile": "rawback.files.raw", "Recipe": "rawback.recipe", "RawbackError": "rawback.errors",
    "UsageError": "rawback.errors",
    "OriginalFile": "rawback.lossless.original.give_back",
    "original_file": "rawback.lossless.original.give_back",
    "render": "rawback.rendering.developing", "Rendered": "rawback.rendering.developing",
    "RenderOptions": "rawback.options.render",
}  # fmt: skip
__all__ = [
    "OriginalFile", "RawFile", "RawbackError", "Recipe", "RecoverOptions", "Recovered", "RenderOptions", "Rendered",
    "UsageError", "__version__", "original_file", "recover", "render",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Import the verbs when they are asked for: `rawback --help` must not wait for LibRaw."""
    if name not in PLACES:
        raise AttributeError(f"module 'rawback' has no attribute {name!r}")
    return getattr(import_module(PLACES[name]), name)


def __dir__() -> list[str]:
    """With what is imported when it is asked for."""
    return sorted({*globals(), *__all__})
