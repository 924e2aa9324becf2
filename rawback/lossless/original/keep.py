"""`render --keep original`: a RAW file taken apart so that it comes out again byte for byte, or the reason why not."""

from __future__ import annotations

import hashlib

import numpy as np

from rawback.errors import RawbackError
from rawback.isp.mosaic import sha256
from rawback.lossless.original import containers
from rawback.lossless.original.grid import flat
from rawback.lossless.original.kept import Kept, outside
from rawback.lossless.original.streams import LosslessJpeg, Span, Stream

MAX_DIFFERENCE = 0.03
"""Share of a file that may be kept as what differs from its pixels coded again."""
RUN_COST, GAP, MAX_RUNS = 6, 8, 20_000
"""Bytes that it takes to say where differing bytes are; equal ones between them that are not worth it; and runs at most."""
SMALL = 1 << 20
"""Bytes of a file that is kept as it is, however its pixels are coded."""
UNKNOWN = "its pixels are coded in a way that is not known here"
DIFFERENT = "its pixels, coded again, differ from the file in {:.0%} of it"
REFUSED = "{} cannot be kept byte for byte: {}; --keep lossless keeps every photosite"


def keep(data: bytes, name: str, frame: np.ndarray) -> Kept:
    """What is to be kept of a file beside its frame, (H, W) or of a linear RAW (H, W, 3) uint16, as LibRaw reads it.

    The coder is run, and compared with the file. A file of at most a megabyte, or with deflated pixels (which no two
    versions of zlib code alike), is kept as it is. Raises RawbackError for any other that does not come out equal.
    """
    shape, frame = (frame.shape[0], frame.shape[1]), flat(frame)
    own = {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    values = _values(data, shape)
    stored = frame if values is None else values.take(frame)
    best: tuple[int, Stream, list[Span]] | None = None
    for stream in _likely(data, stored):
        patches, size = _differences(stream.code(stored, data), stream.spans, data)
        if best is None or size < best[0]:
            best = size, stream, patches
        if not size:
            break
    if best and best[0] <= MAX_DIFFERENCE * len(data) and len(best[2]) <= MAX_RUNS:
        _, stream, patches = best
        rest = b"".join(data[start:stop] for start, stop in [*outside(list(stream.spans), len(data)), *patches])
        return Kept(**own, stream=stream, rest=rest, values=values, patches=tuple(patches))  # type: ignore[arg-type]
    if len(data) <= SMALL or containers.is_deflated(data, shape):
        return Kept(**own, stream=None, rest=data, frame_sha256=sha256(frame))  # type: ignore[arg-type]
    raise RawbackError(REFUSED.format(name, DIFFERENT.format(best[0] / len(data)) if best else UNKNOWN))


def _values(data: bytes, size: tuple[int, int]) -> np.ndarray | None:
    """(65536,) uint16: the stored value that became each value of the frame of that height and width; None: itself."""
    table = containers.linearisation(data, size)
    if table is None or not len(table) or len(table) > 1 << 16:
        return None
    stored = np.zeros(1 << 16, np.uint16)
    stored[table[::-1]] = np.arange(len(table), dtype=np.uint16)[::-1]  # the lowest of those that become the same
    return stored


def _likely(data: bytes, frame: np.ndarray) -> list[Stream]:
    """The candidates, those first of which more trial pieces come out equal; of many JPEGs only the best of each layout."""
    streams: list[tuple[int, Stream]] = []
    best: tuple[int, Stream] | None = None
    for stream in containers.candidates(data, frame):
        if not isinstance(stream, LosslessJpeg) or len(stream.spans) == 1:
            streams.append((0, stream))
            continue
        across = -(-stream.grid.frame[1] // stream.grid.columns)
        trials = {0, across - 1, len(stream.spans) - 1}
        equal = sum(_is_equal(stream, frame, data, number) for number in trials)
        if best is None or equal > best[0]:
            best = equal, stream
        if equal == len(trials):
            break
    return [stream for _, stream in ([best] if best else []) + streams]


def _is_equal(stream: LosslessJpeg, frame: np.ndarray, data: bytes, number: int) -> bool:
    start, stop = stream.spans[number]
    return stream.code_one(frame, data, number) == data[start:stop]


def _differences(codes: list[bytes], spans: object, data: bytes) -> tuple[list[Span], int]:
    """Where the file differs from what its pixels were coded to, and what it takes to keep that."""
    patches: list[Span] = []
    for code, (start, stop) in zip(codes, spans, strict=True):  # type: ignore[call-overload]
        if code != data[start:stop]:
            patches += [(start + a, start + b) for a, b in _runs(code, data[start:stop])]
    return patches, sum(stop - start + RUN_COST for start, stop in patches)


def _runs(code: bytes, true: bytes) -> list[Span]:
    """Bytes that differ, from first to last, those near each other as one run."""
    got = np.frombuffer(code[: len(true)].ljust(len(true), b"\0"), np.uint8)
    at = np.flatnonzero(got != np.frombuffer(true, np.uint8))
    if not len(at):
        return []
    breaks = np.flatnonzero(np.diff(at) > GAP) + 1
    firsts, lasts = at[np.append(0, breaks)], at[np.append(breaks, len(at)) - 1]
    return [(int(a), int(b) + 1) for a, b in zip(firsts, lasts, strict=True)]
