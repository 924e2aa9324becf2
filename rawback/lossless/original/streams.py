"""How the pixels of a RAW file are coded: what is needed to code them again, byte for byte, from its frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from rawback.errors import RawbackError
from rawback.files.tiff import Buffer
from rawback.isp.parallel import in_threads
from rawback.lossless.original import canon, lossless_jpeg, packing
from rawback.lossless.original.grid import PADDINGS, Grid, in_slices

Span = tuple[int, int]
"""Where bytes of the file begin and end."""


class Stream(Protocol):
    """The coded pixels of one file."""

    @property
    def spans(self) -> Sequence[Span]:
        """Where they lie, in rising order."""
        ...

    @property
    def frame(self) -> tuple[int, int]:
        """Height and width of the frame."""
        ...

    def code(self, frame: np.ndarray, file: Buffer) -> list[bytes]:
        """What belongs into each span, nothing where it cannot be coded so; file: of which all outside the spans is there."""
        ...

    def facts(self) -> dict[str, Any]:
        """Ready for JSON; `from_facts` is the inverse."""
        ...


@dataclass(frozen=True)
class Packed:
    """Not compressed, with samples of 8 to 16 bits."""

    grid: Grid
    bits: int
    order: str
    spans: tuple[Span, ...]
    """One for each piece; or, where rows have bytes between them, for each row of a single piece."""

    @property
    def frame(self) -> tuple[int, int]:
        """As `Stream.frame`."""
        return self.grid.frame

    def code(self, frame: np.ndarray, file: Buffer) -> list[bytes]:
        """As `Stream.code`."""
        if len(self.spans) == len(self.grid.corners):
            return in_threads(
                lambda n: packing.packed(self.grid.piece(frame, n), self.bits, self.order), range(len(self.spans))
            )
        rows = packing.packed(frame, self.bits, self.order)
        size = packing.row_bytes(frame.shape[1], self.bits)
        return [rows[start : start + size] for start in range(0, len(rows), size)]

    def facts(self) -> dict[str, Any]:
        """As `Stream.facts`."""
        return {"coder": "packed", "bits": self.bits, "order": self.order, **_grid_facts(self.grid), **_span_facts(self.spans)}


@dataclass(frozen=True)
class LosslessJpeg:
    """Lossless JPEGs, one for each piece."""

    grid: Grid
    starts: tuple[int, ...]
    """Of the JPEGs, whose headers are no part of the spans."""
    spans: tuple[Span, ...]
    """Of their scans."""
    slices: tuple[int, int] = (0, 0)
    """Canon's CR2: as `grid.in_slices`; (0, 0): there are none."""
    ones: bool = True
    """What the last byte is filled up with."""

    @property
    def frame(self) -> tuple[int, int]:
        """As `Stream.frame`."""
        return self.grid.frame

    def code(self, frame: np.ndarray, file: Buffer) -> list[bytes]:
        """As `Stream.code`."""
        return in_threads(lambda number: self.code_one(frame, file, number), range(len(self.spans)))

    def code_one(self, frame: np.ndarray, file: Buffer, number: int) -> bytes:
        """One of them; nothing where frame and header do not fit together."""
        piece = in_slices(frame, self.slices) if self.slices[1] else self.grid.piece(frame, number)
        try:
            header = lossless_jpeg.read_header(memoryview(file)[self.starts[number] : self.spans[number][0]])
            fits = piece.size == header.height * header.width * header.components
            return lossless_jpeg.encode(piece.reshape(header.shape), header, self.ones) if fits else b""
        except RawbackError:
            return b""

    def facts(self) -> dict[str, Any]:
        """As `Stream.facts`."""
        own = {"coder": "lossless jpeg", "starts": _steps(self.starts), "slices": list(self.slices), "ones": self.ones}
        return {**own, **_grid_facts(self.grid), **_span_facts(self.spans)}


@dataclass(frozen=True)
class Canon:
    """Canon's CRW."""

    frame: tuple[int, int]
    table: int
    low: int
    """Where the lowest bits lie; 0: samples have ten bits only."""
    spans: tuple[Span, ...]
    """Of the lowest bits, where there are any, and of the code."""

    def code(self, frame: np.ndarray, file: Buffer) -> list[bytes]:
        """As `Stream.code`."""
        low = [canon.low_bits(frame)] if self.low else []
        try:
            return [*low, canon.encode(frame >> 2 if self.low else frame, self.table)]
        except RawbackError:
            return [*low, b""]

    def facts(self) -> dict[str, Any]:
        """As `Stream.facts`."""
        frame = {"frame": list(self.frame)}
        return {"coder": "canon crw", "table": self.table, "low": self.low, **frame, **_span_facts(self.spans)}


def from_facts(facts: dict[str, Any]) -> Stream:
    """Raises RawbackError for facts that cannot be."""
    try:
        return _CODERS[facts["coder"]](facts)
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise RawbackError("what is said of the original file's pixels cannot be; it is damaged") from error


def with_padding(stream: LosslessJpeg | Packed, padding: str) -> LosslessJpeg | Packed:
    """The same with other samples beyond the frame."""
    return replace(stream, grid=replace(stream.grid, padding=padding))


def _packed(facts: dict[str, Any]) -> Packed:
    bits, order = int(facts["bits"]), str(facts["order"])
    if bits not in packing.BITS or order not in (packing.BIG, packing.LITTLE):
        raise ValueError
    return Packed(_grid(facts), bits, order, _spans(facts))


def _lossless_jpeg(facts: dict[str, Any]) -> LosslessJpeg:
    count, width = (int(number) for number in facts["slices"])
    grid, spans, starts = _grid(facts), _spans(facts), tuple(_sums(facts["starts"]))
    sliced = count * width < grid.frame[1] and width > 0 <= count <= grid.frame[1] if (count, width) != (0, 0) else True
    if len(starts) != len(spans) or len(spans) > len(grid.corners) or not sliced:
        raise ValueError
    return LosslessJpeg(grid, starts, spans, (count, width), bool(facts["ones"]))


def _canon(facts: dict[str, Any]) -> Canon:
    height, width = (int(number) for number in facts["frame"])
    table, low, spans = int(facts["table"]), int(facts["low"]), _spans(facts)
    if not 0 <= table <= 2 or len(spans) != (2 if low else 1) or width % 8 or height * width % canon.BLOCK:
        raise ValueError
    return Canon((height, width), table, low, spans)


_CODERS: dict[str, Callable[[dict[str, Any]], Stream]] = {
    "packed": _packed, "lossless jpeg": _lossless_jpeg, "canon crw": _canon,
}  # fmt: skip


def _grid_facts(grid: Grid) -> dict[str, Any]:
    pieces = [grid.rows, grid.columns]
    facts = {"frame": list(grid.frame), "pieces": pieces, "tiles": grid.tiles, "padding": grid.padding}
    return facts | ({"values": grid.values} if grid.values > 1 else {})


def _grid(facts: dict[str, Any]) -> Grid:
    height, width = (int(number) for number in facts["frame"])
    rows, columns = (int(number) for number in facts["pieces"])
    padding, values = str(facts["padding"]), int(facts.get("values", 1))
    if values not in (1, 3) or width % values or columns % values:
        raise ValueError
    if min(rows, columns, height, width) < 1 or max(rows, columns) > 1 << 16 or padding not in PADDINGS:
        raise ValueError
    if (height // rows + 1) * (width // columns + 1) > MAX_PIECES or (height + rows) * (width + columns) > MAX_SAMPLES:
        raise ValueError
    return Grid((height, width), rows, columns, bool(facts["tiles"]), padding, values)


MAX_PIECES, MAX_SAMPLES = 1 << 17, 1 << 30
"""Of a grid, what goes on beyond the frame included."""


def _span_facts(spans: Sequence[Span]) -> dict[str, Any]:
    flat = [place for span in spans for place in span]
    return {"spans": _steps(flat)}


def _spans(facts: dict[str, Any]) -> tuple[Span, ...]:
    places = _sums(facts["spans"])
    if len(places) % 2 or places != sorted(places) or not places or places[0] < 0:
        raise ValueError
    return tuple(zip(places[::2], places[1::2], strict=True))


def _steps(places: Sequence[int]) -> list[int]:
    """Each number less the one before it: small ones, which take little room."""
    return [place - before for place, before in zip(places, [0, *places], strict=False)]


def _sums(steps: list[int]) -> list[int]:
    total, places = 0, []
    for step in steps:
        total += int(step)
        places.append(total)
    return places
