"""The options about clips: movies made of frames, and frames made of movies."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from rawback.errors import UsageError
from rawback.options.option import Option, check_choices

CODECS = ("mjpeg", "h264", "hevc", "ffv1")
AVERAGED = "Of clips: temporal averages each frame with those beside it, along their motion."


def _rate(text: str) -> Fraction:
    from rawback.files.video import cinema_dng

    rate = cinema_dng.rate_of(text)
    if rate is None:
        raise UsageError(f"fps is {text}; expected frames a second, e.g. 25, 23.976 or 24000/1001")
    return rate


@dataclass(frozen=True)
class MovieOptions:
    """How `render` makes a movie of a folder of frames. Raises UsageError for a codec that is not known."""

    codec: Annotated[
        str | None, Option("Of clips: mjpeg (default: each frame contains its RAW), h264, hevc or ffv1.", choices=CODECS)
    ] = None
    """None: mjpeg."""
    fps: Annotated[
        Fraction | None, Option("Of clips whose frames do not tell: frames a second, e.g. 25 or 23.976.", read=_rate)
    ] = None  # fmt: skip

    def __post_init__(self) -> None:
        check_choices(self)


@dataclass(frozen=True)
class FrameOptions:
    """How `recover` makes frames of a movie, beside what holds for photos too. Raises UsageError for values that cannot be."""

    packed: Annotated[bool, Option("Of clips: samples of 12 bits, and all frames of one size.")] = False
    denoise: Annotated[str | None, Option(AVERAGED, choices=("temporal",))] = None
    """"temporal", or None: frames as they are."""

    def __post_init__(self) -> None:
        check_choices(self)
