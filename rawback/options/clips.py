"""The options about clips: movies made of frames, and frames made of movies."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from rawback.errors import UsageError
from rawback.options.option import VIDEO, Option, check_choices

CODECS = ("mjpeg", "h264", "hevc", "ffv1")
CODEC = "mjpeg (default, with the RAW in each frame), h264, hevc or ffv1."
AVERAGED = "Average each frame with those beside it, along their motion: temporal."


def _rate(text: str) -> Fraction:
    from rawback.files.video import cinema_dng

    rate = cinema_dng.rate_of(text)
    if rate is None:
        raise UsageError(f"fps is {text}; expected frames a second, e.g. 25, 23.976 or 24000/1001")
    return rate


@dataclass(frozen=True)
class MovieOptions:
    """How `render` makes a movie of a folder of frames. Raises UsageError for a codec that is not known."""

    codec: Annotated[str | None, Option(CODEC, choices=CODECS, group=VIDEO)] = None
    """None: mjpeg."""
    fps: Annotated[
        Fraction | None,
        Option("Frames a second, where the frames do not tell, e.g. 23.976.", read=_rate, group=VIDEO, metavar="N"),
    ] = None

    def __post_init__(self) -> None:
        check_choices(self)


@dataclass(frozen=True)
class FrameOptions:
    """How `recover` makes frames of a movie, beside what holds for photos too. Raises UsageError for values that cannot be."""

    packed: Annotated[bool, Option("Write samples of 12 bits, and all frames of one size.", group=VIDEO)] = False
    denoise: Annotated[str | None, Option(AVERAGED, choices=("temporal",), group=VIDEO)] = None
    """"temporal", or None: frames as they are."""

    def __post_init__(self) -> None:
        check_choices(self)
