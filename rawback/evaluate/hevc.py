"""HEVC intra of 12 bits (x265, through PyAV), for planes that are no pictures for the eye: a constant quantiser, all that
serves the eye alone turned off."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from rawback.errors import RawbackError
from rawback.files.video.movie import library

ENCODER, PIXELS = "libx265", "gray12le"
OPTIONS = (
    "keyint=1:info=0:psy-rd=0:psy-rdoq=0:rdoq-level=2:aq-mode=0:sao=0:no-deblock=1:ipratio=1:repeat-headers=0:log-level=error:"
    "pools=none:frame-threads=1"
)


def available() -> bool:
    """Whether PyAV is there, with an x265 of 12 bits."""
    try:
        return any(form.name == PIXELS for form in library().Codec(ENCODER, "w").video_formats or ())
    except (RawbackError, ValueError):  # PyAV's error for an unknown codec is a ValueError
        return False


def round_trip(planes: np.ndarray, quantiser: int) -> tuple[int, np.ndarray]:
    """(n, H, W) uint16 below 2^12 -> bytes of n intra frames, and the planes that come back."""
    av = library()
    encoder = av.CodecContext.create(ENCODER, "w")
    encoder.height, encoder.width = planes.shape[1:]
    encoder.pix_fmt, encoder.time_base, encoder.framerate = PIXELS, Fraction(1, 25), Fraction(25)
    encoder.options = {"preset": "medium", "x265-params": f"qp={quantiser}:{OPTIONS}"}
    packets = []
    for number, plane in enumerate(planes):
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(plane), format=PIXELS)
        frame.pts = number
        packets += encoder.encode(frame)
    packets += encoder.encode(None)
    decoder = av.CodecContext.create("hevc", "r")
    decoder.extradata = encoder.extradata
    frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    return sum(packet.size for packet in packets), np.stack([frame.to_ndarray() for frame in frames])
