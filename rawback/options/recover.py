"""The options of `recover`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rawback.errors import UsageError
from rawback.options.option import COMMON, LOOK, OUTPUT, Option, check_choices
from rawback.options.shared import Camera, KeepExif, Weights

REAL = "real"
PIXELS = {"cfa": False, "linear": True}
"""What --dng says -> `linear`."""
KIND = "Write a mosaic (cfa) or demosaiced camera colours (linear)."


def _is_linear(text: str) -> bool:
    if text not in PIXELS:
        raise UsageError(f"--dng is {text}; expected {' or '.join(PIXELS)}")
    return PIXELS[text]


@dataclass(frozen=True)
class RecoverOptions:
    """How to recover."""

    camera: Camera = None
    """The look to undo in a photo of another make, by name or by the path of its JSON; None: the installed one of its camera,
    else a generic one."""
    linear: Annotated[
        bool, Option(KIND, ("--dng",), offered=tuple(PIXELS), read=_is_linear, default="cfa", group=OUTPUT, metavar="KIND")
    ] = False  # fmt: skip
    """Camera RGB instead of a mosaic, for those who do not want to demosaic twice."""
    compress: Annotated[bool, Option("Store the mosaic without lossless JPEG.", ("--no-compress",), group=OUTPUT)] = True
    """Whether the DNG holds its mosaic as lossless JPEG."""
    weights: Weights = None
    """Of the restoration of pictures that were saved again or rendered without the closed loop, and of photos that rawback did
    not render, by name or path, or "none"; None: the camera's, else the default (for photos `photo-2`). A flow is undone by the
    weights that the recipe names."""
    gain_map: Annotated[bool, Option("Leave aside what a gain map tells above white.", ("--no-gain-map",), group=LOOK)] = True
    """Whether a photo's gain map gives the RAW its highlights, in headroom above the picture's white."""
    keep_exif: KeepExif = True
    noise: Annotated[
        str, Option("Leave noise as in the photo, or add what cameras take away (real).", choices=("photo", REAL), group=LOOK)
    ] = "photo"
    """Of photos that rawback did not render: "photo", or "real": shot and read noise of a middling sensor at its ISO, drawn by
    a seed that follows from the file."""
    original: Annotated[
        bool, Option("Give back the RAW file itself that `render --keep original` kept, byte for byte.", group=COMMON)
    ] = False  # fmt: skip

    def __post_init__(self) -> None:
        check_choices(self)
