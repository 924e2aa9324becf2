"""Movies written through PyAV (FFmpeg): coded frames muxed as they are, or planes encoded; sound and time code beside them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from rawback.errors import RawbackError, UsageError
from rawback.files import recipe_xmp, seal
from rawback.files.file_type import MOVIES
from rawback.files.video import frame_fields, movie, planes
from rawback.files.video.soundtrack import Sound

XMP_UUID = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""Of the box that holds XMP in MP4 and QuickTime (XMP part 3, 2.1.9)."""


@dataclass(frozen=True)
class Codec:
    """How planes are encoded."""

    encoder: str
    """FFmpeg's name."""
    options: dict[str, str]
    tag: str = ""
    """The four letters by which players know it, where FFmpeg's own are not the best."""
    containers: tuple[str, ...] = tuple(MOVIES)
    steered_by: str = "crf"
    """The encoder's option for the quality; empty: it knows none."""
    passes: int = 1
    """How often a clip is encoded: from the second time on its chroma is known, and luma chosen for it."""


X264 = "aq-mode=0:mbtree=0:psy=0:qcomp=0.99:ipratio=0.9:bframes=0:rc-lookahead=1:chroma-qp-offset=8"
X265 = "aq-mode=0:cutree=0:qcomp=1:ipratio=0.82:pbratio=1:cbqpoffs=8:crqpoffs=8:rc-lookahead=5:frame-threads=1:log-level=error"
"""All frames and blocks are kept alike, where encoders favour what the eye sees or what others are predicted from: x264's
frames between two others came out 0.5 to 0.9 dB worse whatever their quantiser, its key frames up to 1 dB better and x265's
1.5 than the rest (with qcomp=1 x264 forgets ipratio). Chroma is coarser than luma, which makes its errors good. Few frames
are looked ahead to: each takes 12 MB."""
CODECS = {
    "mjpeg": Codec("mjpeg", {}),
    "h264": Codec("libx264", {"tune": "grain", "x264-params": X264}, passes=2),
    "hevc": Codec("libx265", {"tune": "psnr", "x265-params": X265}, "hvc1", steered_by="qp", passes=2),
    "ffv1": Codec("ffv1", {"level": "3", "slices": "4", "coder": "range_def"}, "", (".mkv",), ""),
}
MARKED = frame_fields.HEADERS
"""Codecs into whose frames fields can be written."""


@dataclass(frozen=True)
class Form:
    """What a movie is."""

    codec: str
    """A key of CODECS."""
    container: str
    """A key of MOVIES: the suffix of its file."""
    width: int
    height: int
    rate: Fraction
    coarseness: int = 18
    """Constant rate factor, or quantiser, of the encoders that have one: 0 to 51."""
    time_code: str = ""

    def check(self) -> Form:
        """Return self, or raise UsageError where the container cannot hold the codec."""
        possible = CODECS[self.codec].containers
        if self.container not in possible:
            raise UsageError(f"{self.codec} in {self.container} is played by nobody; name the output {' or '.join(possible)}")
        return self


class Writer:
    """A movie being written into an open file; close it by leaving the context. One whose `fields` ask for it is sealed."""

    def __init__(self, file: BinaryIO, form: Form, fields: dict[str, str], audio: Path | None = None) -> None:
        self.av, self.form, self.file, self.count = movie.library(), form.check(), file, 0
        self.packet_of_fields = recipe_xmp.build(fields)
        with self._errors():
            plain = {"write_crc32": "0"} if form.container == ".mkv" else {}  # the seal would not fit the checksums
            self.container = self.av.open(file, "w", format=MOVIES[form.container], options=plain)
            self.container.metadata["comment"] = self.packet_of_fields.decode()
            if form.time_code:
                self.container.metadata["timecode"] = form.time_code
            self.stream = self._coded_stream() if form.codec == "mjpeg" else self._encoder()
            self.sound = Sound(audio, self.container, form.container) if audio else None
        self.pending: dict[int, tuple[dict[str, str], dict[str, str], bool]] = {}
        self.last_recipe: dict[str, str] = {}

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is not None:
            with contextlib.suppress(RawbackError):
                self._close()
            return
        with self._errors():
            for packet in self.stream.encode(None) if self.form.codec != "mjpeg" else ():
                self._mux(packet)
            if self.sound:
                self.sound.write_until(None)
        self._close()
        if self.form.container != ".mkv":
            self.file.seek(0, 2)
            self.file.write((24 + len(self.packet_of_fields)).to_bytes(4, "big") + b"uuid" + XMP_UUID + self.packet_of_fields)
        if seal.TEXT.encode() in self.packet_of_fields:
            seal.seal_file(self.file)

    def add_coded(self, data: bytes) -> None:
        """The next frame, coded already."""
        packet = self.av.Packet(data)
        packet.pts = packet.dts = self.count
        packet.duration, packet.time_base, packet.is_keyframe, packet.stream = 1, 1 / self.form.rate, True, self.stream
        self._add(packet)

    def add_codes(self, codes: np.ndarray, recipe: dict[str, str], metadata: dict[str, str]) -> None:
        """The next frame as 10-bit codes (3, H, W), with its recipe and metadata as XMP properties."""
        frame = planes.to_frame(self.av, codes)
        frame.pts, frame.time_base = self.count, 1 / self.form.rate
        self.pending[self.count] = recipe, metadata, recipe != self.last_recipe
        self.last_recipe = recipe
        with self._errors():
            packets = self.stream.encode(frame)
        self._add(*packets)

    def _add(self, *packets: Any) -> None:
        with self._errors():
            if self.sound:
                self.sound.write_until(self.count / self.form.rate)
            for packet in packets:
                self._mux(packet)
        self.count += 1

    def _mux(self, packet: Any) -> None:
        """Each frame says its name, each key frame the whole recipe, so that clips can be cut anywhere."""
        pending = self.pending.pop(round(packet.pts * packet.time_base * self.form.rate), None)
        if pending and self.form.codec in MARKED:
            recipe, metadata, is_new = pending
            fields = recipe | metadata if is_new or packet.is_keyframe else metadata
            marked = self.av.Packet(frame_fields.into_nal(bytes(packet), fields, self.form.codec))
            for name in ("pts", "dts", "duration", "time_base", "is_keyframe", "stream"):
                setattr(marked, name, getattr(packet, name))
            packet = marked
        self.container.mux_one(packet)

    def _coded_stream(self) -> Any:
        size = {"width": self.form.width, "height": self.form.height}
        return self.container.add_mux_stream(self.form.codec, rate=self.form.rate, time_base=1 / self.form.rate, **size)

    def _encoder(self) -> Any:
        codec = CODECS[self.form.codec]
        options = codec.options | ({codec.steered_by: str(self.form.coarseness)} if codec.steered_by else {})
        stream = self.container.add_stream(codec.encoder, rate=self.form.rate, options=options)
        stream.width, stream.height, stream.pix_fmt = self.form.width, self.form.height, planes.PIXEL_FORMAT
        context = stream.codec_context
        if codec.tag and self.form.container != ".mkv":
            context.codec_tag = codec.tag
        context.color_range, context.colorspace = 1, planes.BT709
        context.color_primaries = context.color_trc = planes.BT709
        return stream

    def _close(self) -> None:
        with self._errors():
            self.container.close()
        if self.sound:
            self.sound.close()

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (self.av.error.FFmpegError, ValueError) as error:
            raise RawbackError(f"the clip cannot be written ({movie.reason(error)})") from error
