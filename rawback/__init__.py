"""rawback turns JPEGs back into RAW: one invertible image signal processor, run in both directions.

    import rawback
    picture = rawback.render("IMG.CR2")          # picture.data is a JPEG that contains its RAW
    raw = rawback.recover("photo.jpg")           # raw.mosaic (H, W) uint16, raw.recipe, raw.dng() the file

Both take paths, URLs and "-" for standard input.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from rawback.version import __version__

if TYPE_CHECKING:
    from rawback.recovering import Recovered, recover
    from rawback.rendering import Rendered, RenderOptions, render


__all__ = ["Recovered", "RenderOptions", "Rendered", "__version__", "recover", "render"]


def __getattr__(name: str):
    """Import the verbs when they are asked for: `rawback --help` must not wait for LibRaw."""
    if name not in __all__:
        raise AttributeError(f"module 'rawback' has no attribute {name!r}")
    return getattr(import_module("rawback.recovering" if name.lower().startswith("recover") else "rawback.rendering"), name)
