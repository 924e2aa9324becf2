"""The planes of a video frame as R'G'B' and back, in floating point: swscale rounds, and clips what is beyond white."""

from __future__ import annotations

from typing import Any

import numpy as np

from rawback.isp.matmul import mix

BT709, BT470BG, SMPTE170M, SMPTE240M, BT2020 = 1, 5, 6, 7, 9
FULL_RANGE, ALWAYS_FULL = 2, ("yuvj", "gray", "ya")
LUMA_WEIGHTS = {BT709: (0.2126, 0.0722), BT470BG: (0.299, 0.114), SMPTE170M: (0.299, 0.114), SMPTE240M: (0.212, 0.087),
                BT2020: (0.2627, 0.0593)}  # fmt: skip
"""Shares of red and blue in luma, by FFmpeg's (and ITU-T H.273's) number of the matrix."""
HD_ROWS = 576
"""A picture with more rows is BT.709 where nobody says."""
BITS = 10
PIXEL_FORMAT = "yuv444p10le"
SCALE = np.array([876, 896, 896], np.float32)[:, None, None]
OFFSET = np.array([64, 512, 512], np.float32)[:, None, None]


def to_rgb_matrix(space: int) -> np.ndarray:
    """(3, 3): Y, Cb, Cr (Y 0..1, chroma -0.5..0.5) -> R'G'B'."""
    red, blue = LUMA_WEIGHTS[space]
    green = 1 - red - blue
    cr, cb = 2 * (1 - red), 2 * (1 - blue)
    return np.array([[1, 0, cr], [1, -cb * blue / green, -cr * red / green], [1, cb, 0]])


def ycc_of(frame: Any, centred: bool = False) -> tuple[np.ndarray, int]:
    """Y, Cb, Cr (3, H, W) float32 of a frame of any YUV format, chroma at full size, and the number of its matrix.

    centred: half as many columns of chroma lie between those of luma, as in JPEGs, also where the range is limited.
    """
    if frame.format.is_rgb or len(frame.planes) < min(len(frame.format.components), 3):
        frame = _reformatted(frame)
    depth = frame.format.components[0].bits
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith(ALWAYS_FULL)
    scale = np.float32(1 / ((1 << depth) - 1) if full else 1 / (219 << depth - 8))
    chroma_scale = scale if full else np.float32(1 / (224 << depth - 8))
    black = np.float32(0 if full else 16 << depth - 8)
    ycc = np.zeros((3, frame.height, frame.width), np.float32)
    ycc[0] = (_samples(frame, 0, depth) - black) * scale
    for number in range(1, min(len(frame.planes), 3)):
        small = (_samples(frame, number, depth) - np.float32(1 << depth - 1)) * chroma_scale
        ycc[number] = _enlarged(small, frame.height, frame.width, centred or full)
    known = frame.colorspace if frame.colorspace in LUMA_WEIGHTS else BT709 if frame.height > HD_ROWS else SMPTE170M
    return ycc, known


def rgb(frame: Any, centred: bool = False) -> np.ndarray:
    """Extended R'G'B' planes (3, H, W) float32, 1 = white, of a frame of any format; `centred` as in `ycc_of`."""
    ycc, space = ycc_of(frame, centred)
    return mix(to_rgb_matrix(space).astype(np.float32), ycc)


def codes_of(ycc: np.ndarray) -> np.ndarray:
    """Y, Cb, Cr (3, H, W), or Y alone, -> uint16 10-bit codes, limited range: 64 is black, 940 white, 4 to 1019 are kept."""
    return np.clip(np.rint(ycc * SCALE[: len(ycc)] + OFFSET[: len(ycc)]), 4, 1019).astype(np.uint16)


def ycc_of_codes(codes: np.ndarray) -> np.ndarray:
    """The way back: float32."""
    return (codes - OFFSET) / SCALE


def to_frame(library: Any, codes: np.ndarray) -> Any:
    """Codes (3, H, W) uint16 of 10 bits -> a frame to be encoded, marked as BT.709."""
    _, height, width = codes.shape
    frame = library.VideoFrame(width, height, PIXEL_FORMAT)
    for plane, values in zip(frame.planes, codes, strict=True):
        row = np.zeros((height, plane.line_size // 2), "<u2")
        row[:, :width] = values
        plane.update(row)
    frame.colorspace, frame.color_range = BT709, 1
    return frame


def _reformatted(frame: Any) -> Any:
    """Packed formats and RGB as 16-bit planar YUV: rare, and so left to swscale."""
    return frame.reformat(format="yuv444p16le", dst_colorspace=BT709, dst_color_range=1)


def _samples(frame: Any, number: int, depth: int) -> np.ndarray:
    plane = frame.planes[number]
    kind = np.dtype("u1" if depth <= 8 else ">u2" if frame.format.name.endswith("be") else "<u2")
    rows = np.frombuffer(plane, kind).reshape(-1, plane.line_size // kind.itemsize)
    return rows[: plane.height, : plane.width].astype(np.float32)


def _enlarged(small: np.ndarray, height: int, width: int, centred: bool) -> np.ndarray:
    """Chroma at full size, linearly: rows lie between those of luma, columns on every other one (`centred`: between, too)."""
    if small.shape[0] < height:
        small = _doubled(small, True)[:height]
    if small.shape[1] < width:
        small = _doubled(small.T, centred).T[:, :width]
    return small


def _doubled(small: np.ndarray, between: bool) -> np.ndarray:
    """Twice the rows."""
    before, after = np.concatenate([small[:1], small[:-1]]), np.concatenate([small[1:], small[-1:]])
    even, odd = ((3 * small + before) / 4, (3 * small + after) / 4) if between else (small, (small + after) / 2)
    return np.stack([even, odd], 1).reshape(-1, small.shape[1])
