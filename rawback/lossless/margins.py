"""The photosites around the visible area: masked ones, which hold the noise of darkness, and a few that see light.

No picture foretells them. Each line of one colour is coded against its own median or against the photosite before,
whichever leaves less.
"""

from __future__ import annotations

import zlib

import numpy as np

from rawback.errors import RawbackError
from rawback.lossless import residuals
from rawback.lossless.foretelling import CLASS_OF_SLOPE, LOW_OF_CLASS, SLOPES
from rawback.lossless.residuals import Model

Area = tuple[int, int, int, int]
"""Top, left, bottom, right of the visible mosaic in the whole frame."""
SLOPE_PER_ERROR = 69
"""Of noise with a mean error of 1 DN, in the units of `foretelling.CLASS_OF_SLOPE`."""
BEFORE = 1
"""The way of a line that is coded against the photosite before; 0: against the median."""
LINE = np.dtype([("start", "<u2"), ("way", "u1"), ("kind", "u1")])
"""What is told of a line: its first value, its way, the class of its noise."""


def encode(frame: np.ndarray, area: Area) -> bytes:
    """What lies outside `area` of a frame (H, W) or (H, W, 3) uint16; nothing if that is nothing."""
    heads, codes = [], []
    for lines in _groups(frame, area):
        head, left = _coded(lines.astype(np.int32))
        heads.append(head)
        codes.append((left, np.repeat(head["kind"], lines.shape[1])))
    if not heads:
        return b""
    packed = zlib.compress(np.concatenate(heads).tobytes(), 9)
    kinds = np.concatenate([kind for _, kind in codes])
    body = residuals.pack(np.concatenate([left.ravel() for left, _ in codes]), _model(kinds))
    return len(packed).to_bytes(4, "little") + packed + body


def decode(data: bytes, frame: np.ndarray, area: Area) -> None:
    """Fill what lies outside `area`. Raises RawbackError for what `encode` did not make."""
    groups = _groups(frame, area)
    count = sum(len(lines) for lines in groups)
    if not groups:
        return
    size = int.from_bytes(data[:4], "little")
    try:
        raw = zlib.decompressobj().decompress(data[4 : 4 + size], count * LINE.itemsize + 1)
    except zlib.error as error:
        raise RawbackError("the lossless layer's margins are damaged") from error
    if len(raw) != count * LINE.itemsize:
        raise RawbackError("the lossless layer's margins have the wrong size")
    heads = np.split(np.frombuffer(raw, LINE), np.cumsum([len(lines) for lines in groups])[:-1])
    kinds = np.concatenate([np.repeat(head["kind"], lines.shape[1]) for head, lines in zip(heads, groups, strict=True)])
    if (kinds >= len(LOW_OF_CLASS)).any():
        raise RawbackError("the lossless layer's margins are damaged")
    values = residuals.unpack(data[4 + size :], _model(kinds))
    position = 0
    for head, lines in zip(heads, groups, strict=True):
        left = values[position : position + lines.size].reshape(lines.shape).astype(np.int64)
        position += lines.size
        before = head["way"][:, None] == BEFORE
        lines[:] = (np.where(before, np.cumsum(left, 1), left) + head["start"][:, None]) & 0xFFFF


def _groups(frame: np.ndarray, area: Area) -> list[np.ndarray]:
    """Views of the margins as lines along their longer side, every other photosite of a line; colour by colour of pixels."""
    if frame.ndim == 3:
        return [group for colour in range(frame.shape[2]) for group in _groups(frame[..., colour], area)]
    top, left, bottom, right = area
    parts = [frame[:top], frame[bottom:], frame[top:bottom, :left], frame[top:bottom, right:]]
    turned = [part if part.shape[0] <= part.shape[1] else part.T for part in parts]
    return [part[:, phase::2] for part in turned for phase in (0, 1) if part[:, phase::2].size]


def _coded(lines: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lines, n) int32 -> heads of the lines, and residuals of the same shape."""
    head = np.zeros(len(lines), LINE)
    middle = np.median(lines, axis=1).astype(np.int32)
    ways = np.stack([lines - middle[:, None], np.diff(lines, axis=1, prepend=lines[:, :1])])
    errors = np.abs(ways).mean(2)
    head["way"] = errors.argmin(0)
    head["start"] = np.where(head["way"] == BEFORE, lines[:, 0], middle)
    head["kind"] = CLASS_OF_SLOPE[np.minimum(errors.min(0) * SLOPE_PER_ERROR, SLOPES - 1).astype(int)]
    return head, np.take_along_axis(ways, head["way"][None, :, None].astype(int), 0)[0]


def _model(kinds: np.ndarray) -> Model:
    return Model(kinds.astype(np.uint16), LOW_OF_CLASS[kinds])
