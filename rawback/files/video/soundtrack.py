"""The sound of a clip: from a file beside the frames into the movie, and out of a movie into a WAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from rawback.errors import RawbackError
from rawback.files.video import movie, timecode

WIDE = 16
"""Bits of a sample above which 32 are written."""
UNREADABLE = "{} holds no sound that FFmpeg can read; take it out of the folder"
MAX_DIGITS = 16
LAYOUTS = {1: "mono", 2: "stereo"}


class Sound:
    """The sound of another file, copied; coded without loss where the container holds no PCM (players of MP4 take FLAC)."""

    def __init__(self, source: Path, output: Any, container: str) -> None:
        av = movie.library()
        try:
            self.input = movie.open_file(source)
            track = self.input.streams.audio[0]
        except (av.error.FFmpegError, IndexError) as error:
            raise RawbackError(UNREADABLE.format(source)) from error
        self.output, self.copied = output, container != ".mp4" or not track.codec_context.name.startswith("pcm")
        self.stream = output.add_stream_from_template(track) if self.copied else _encoder(output, "flac", track)
        self.packets = iter(self.input.demux(track))
        self.written = Fraction(0)

    def write_until(self, time: Fraction | None) -> None:
        """Write what is heard until then, in seconds (None: all), so that the muxer need not keep frames waiting."""
        while time is None or self.written <= time:
            packet = next(self.packets, None)
            if packet is None:
                break
            if packet.pts is not None:
                self.written = packet.pts * packet.time_base
            _write(packet, self.stream, self.output, self.copied)

    def close(self) -> None:
        """Let go of the file."""
        self.input.close()


def time_code(source: Path, rate: Fraction) -> str:
    """When a broadcast WAV begins (bext's TimeReference, EBU Tech 3285), for frames of that rate; empty if it does not tell."""
    av = movie.library()
    try:
        with movie.open_file(source) as known:
            reference, track = known.metadata.get("time_reference", ""), known.streams.audio[0]
            per_second = track.rate or 0
    except (av.error.FFmpegError, IndexError) as error:
        raise RawbackError(UNREADABLE.format(source)) from error
    if not (reference.isdecimal() and len(reference) < MAX_DIGITS and int(reference) and per_second):
        return ""
    return timecode.later("00:00:00:00", int(reference) * rate // per_second, rate)


def extract(source: Path, file: BinaryIO) -> None:
    """The sound of a movie as a WAV: PCM copied, all else decoded to 16 or 32 bits. Raises RawbackError."""
    av = movie.library()
    try:
        with movie.open_file(source) as known, av.open(file, "w", format="wav") as wav:
            track = known.streams.audio[0]
            copied = track.codec_context.name in ("pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le")
            deep = track.codec_context.format.bits > WIDE and not track.codec_context.format.name.startswith("flt")
            coder = "pcm_s32le" if deep else "pcm_s16le"
            stream = wav.add_stream_from_template(track) if copied else _encoder(wav, coder, track)
            for packet in known.demux(track):
                _write(packet, stream, wav, copied)
    except (av.error.FFmpegError, IndexError) as error:
        raise RawbackError(f"the sound of {source} cannot be read ({movie.reason(error)})") from error


def _encoder(output: Any, coder: str, track: Any) -> Any:
    context = track.codec_context
    stream = output.add_stream(coder, rate=track.rate)
    stream.codec_context.format = "s32" if context.format.bits > WIDE and coder != "pcm_s16le" else "s16"
    stream.codec_context.layout = LAYOUTS.get(context.channels, context.layout.name)
    return stream


def _write(packet: Any, stream: Any, output: Any, copied: bool) -> None:
    for ready in _coded(packet, stream, copied):
        ready.stream = stream
        output.mux_one(ready)


def _coded(packet: Any, stream: Any, copied: bool) -> Iterator[Any]:
    """What becomes of a packet; of the empty one at the end, what the coder has kept back."""
    last = packet.dts is None
    if copied:
        yield from () if last else (packet,)
        return
    for frame in packet.decode():
        yield from stream.encode(frame)
    if last:
        yield from stream.encode(None)
