"""Movies read through PyAV (FFmpeg): facts, the frames in order, any one of them coded or decoded."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from rawback.errors import RawbackError
from rawback.files import extras
from rawback.files.video import cinema_dng, frame_fields, planes
from rawback.files.video.cinema_dng import FrameMetadata
from rawback.recipe import MAX_SIDE

MAX_PIXELS = 1 << 27
MAX_FRAMES = 1 << 22
"""Two days at 24 frames a second."""
MAX_RECIPES = 1 << 10
"""Different recipes in one clip: there is one, unless clips were joined."""
NEAR = 64
"""So many frames ahead it is quicker to read on than to seek."""
TEXTS = ("FrameName", "TimeCodes")
"""Fields that are of one frame only, and so no part of the recipe."""
SEEK_BACK = (0, 1, 10, 100)
"""Seconds before the wanted frame to seek to, one after the other: transport streams have no index, and are missed."""
DEFAULT_RATE = Fraction(24)


@dataclass(frozen=True)
class MovieFrame:
    """One frame of a movie."""

    pts: int
    """When it is shown, in the stream's time base: its name for the demuxer."""
    metadata: FrameMetadata
    marked: bool
    """Whether the coded frame itself says that rawback made it."""
    recipe: int | None = None
    """Which of `Listing.recipes` it was made by: what it says, or the frame before it."""


@dataclass(frozen=True)
class Listing:
    """All frames of a movie, in the order they are shown."""

    frames: list[MovieFrame]
    recipes: list[dict[str, str]]
    """The different recipes that stand in the stream (of MJPEG none is kept: each frame has its own)."""


def library() -> Any:
    """PyAV. Raises RawbackError where it is not installed."""
    try:
        import av
        import av.error
    except ImportError as error:
        raise RawbackError(f"clips need PyAV, of the extra [video]: {extras.command('video')}") from error
    av.logging.set_level(None)
    return av


class Movie:
    """An open movie, its first video stream. A context manager."""

    def __init__(self, path: Path, threads: int = 1) -> None:
        self.path, self.av = path, library()
        try:
            self.container = open_file(path)
        except (self.av.error.FFmpegError, OSError, ValueError) as error:
            raise RawbackError(f"{path} is no movie that FFmpeg can read ({reason(error)})") from error
        if not self.container.streams.video:
            self.close()
            raise RawbackError(f"{path} has no moving picture; expected a movie")
        self.stream = self.container.streams.video[0]
        context = self.stream.codec_context
        self.width, self.height, self.codec = context.width, context.height, context.name
        context.thread_count = threads
        self._position: tuple[Any, Iterator[Any], int] | None = None
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE and self.width * self.height <= MAX_PIXELS):
            self.close()
            raise RawbackError(
                f"{path} says it has {self.width} x {self.height} pixels; expected up to {MAX_PIXELS >> 20} million"
            )

    def __enter__(self) -> Movie:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self.container.close()

    @property
    def rate(self) -> Fraction:
        """Frames a second."""
        return self.stream.average_rate or self.stream.guessed_rate or DEFAULT_RATE

    @property
    def time_code(self) -> str:
        """Of the first frame, as text; empty if there is none."""
        texts = [self._text(s.metadata, "timecode") for s in self.container.streams]
        return next(filter(None, [*texts, self._text(self.container.metadata, "timecode")]), "")

    @property
    def fields(self) -> dict[str, str]:
        """The recipe in the movie's comment, where rawback wrote one."""
        return frame_fields.of_text(self._text(self.container.metadata, "comment").encode())

    @property
    def camera(self) -> tuple[str, str]:
        """Make and model, where the movie tells (QuickTime's keys)."""
        known = self.container.metadata | self.stream.metadata
        make, model = (self._text(known, f"com.apple.quicktime.{key}") or self._text(known, key) for key in ("make", "model"))
        return make, model or self._text(known, "com.android.model")

    @property
    def is_hdr(self) -> bool:
        """Whether its transfer curve is HLG's or PQ's (ITU-T H.273)."""
        return self.stream.codec_context.color_trc in (16, 18)

    @property
    def has_audio(self) -> bool:
        """Whether there is sound."""
        return bool(self.container.streams.audio)

    def _text(self, metadata: dict[str, str], key: str) -> str:
        """Matroska writes keys in capitals."""
        return next((text for name, text in metadata.items() if name.lower() == key), "")

    def listing(self) -> Listing:
        """All frames, found by reading through the file. Raises RawbackError where there are none, or too many."""
        frames: list[MovieFrame] = []
        known: dict[tuple[tuple[str, str], ...], int] = {}
        for packet in self._demuxed():
            texts = frame_fields.of_packet(bytes(packet), self.codec)
            recipe = {name: text for name, text in texts.items() if name not in TEXTS}
            number = None
            if "Matrix" in recipe and self.codec != "mjpeg" and len(known) < MAX_RECIPES:
                number = known.setdefault(tuple(sorted(recipe.items())), len(known))
            frames.append(MovieFrame(packet.pts, cinema_dng.metadata_of(texts), bool(texts), number))
            if len(frames) > MAX_FRAMES:
                raise RawbackError(f"{self.path} has more than {MAX_FRAMES} frames; cut it into parts")
        if not frames:
            raise RawbackError(f"{self.path} has no frames that can be read")
        return Listing(_filled(sorted(frames, key=lambda frame: frame.pts)), [dict(key) for key in known])

    def packet(self, pts: int) -> bytes:
        """A frame as it is coded, of a codec whose frames are all key frames. Raises RawbackError if there is none then."""
        return bytes(self._find(self._demuxed, pts))

    def frame(self, pts: int) -> Any:
        """A decoded frame (av.VideoFrame). Raises RawbackError if there is none at that time."""
        return self._find(self._decoded, pts)

    def planes(self, pts: int, centred: bool = False) -> np.ndarray:
        """A decoded frame as extended R'G'B' planes (3, H, W) float32, 1 = white; `centred` as in `picture_planes.ycc_of`."""
        return planes.rgb(self.frame(pts), centred)

    def decoded(self) -> Iterator[np.ndarray]:
        """All frames one after the other as Y'CbCr planes (3, H, W) float32, chroma centred."""
        for frame in self._decoded():
            yield planes.ycc_of(frame)[0]

    def _find(self, read: Callable[[], Iterator[Any]], pts: int) -> Any:
        """Read on to that time, or seek where it is not just ahead."""
        how, source, last = self._position or (None, iter(()), 0)
        near = how == read and 0 < (pts - last) * self.stream.time_base * self.rate < NEAR
        self._position = None
        for back in (None, *SEEK_BACK) if near else SEEK_BACK:
            if back is not None:
                with self._errors():
                    self.container.seek(pts - int(back / self.stream.time_base), stream=self.stream)
                source = read()
            frame = next((f for f in source if f.pts is not None and f.pts >= pts), None)
            if frame is not None and frame.pts == pts:
                self._position = read, source, pts
                return frame
        raise RawbackError(f"{self.path} is damaged: the frame at {float(pts * self.stream.time_base):.3f} s is missing")

    def _demuxed(self) -> Iterator[Any]:
        with self._errors():
            for packet in self.container.demux(self.stream):
                if packet.size and packet.pts is not None and not packet.is_discard:
                    yield packet

    def _decoded(self) -> Iterator[Any]:
        with self._errors():
            yield from self.container.decode(self.stream)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except self.av.error.FFmpegError as error:
            raise RawbackError(
                f"{self.path} is damaged, or coded in a way that FFmpeg cannot read ({reason(error)})"
            ) from error


def open_file(path: Path) -> Any:
    """A container to be read. `file:` keeps FFmpeg from taking the name for an address, or for a list of other files."""
    return library().open(f"file:{path}", metadata_errors="replace")


def _filled(frames: list[MovieFrame]) -> list[MovieFrame]:
    """Frames that say no recipe of their own have that of the one shown before."""
    current, filled = None, []
    for frame in frames:
        current = current if frame.recipe is None else frame.recipe
        filled.append(replace(frame, recipe=current))
    return filled


def reason(error: Exception) -> str:
    """FFmpeg's own words, without the file name that it adds."""
    return str(getattr(error, "strerror", None) or error).split(": '")[0].lower()
