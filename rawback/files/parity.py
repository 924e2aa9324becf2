"""Recovery data in a JPEG, by which sectors that a disk has lost cost nothing: every byte of the file but its own is protected.

The file without the recovery data is cut into blocks; block number n is in column n modulo the number of columns, and the
blocks of a column are code words of a Reed-Solomon code (`reed_solomon`), byte by byte. Each parity block is a record that is
known by its first bytes wherever they are met, so that no structure of the file must be whole to use it. Records
carry the checksums of their column's blocks, too, in pieces of which half is enough.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections import Counter, defaultdict
from dataclasses import astuple, dataclass, replace

import numpy as np

from rawback.errors import RawbackError
from rawback.files import jumbf, reed_solomon, seal
from rawback.files.jpeg_file import JpegFile
from rawback.files.jumbf import Box

LABEL = "rawback.parity"
MAGIC = b"RBparity"
VERSION = 1
BLOCK = 512
"""Bytes: a disk's smallest sector."""
HEAD = struct.Struct("<8sBQQQQHBBBHB")
"""Magic, version; where the recovery data stand and how many bytes they are; bytes of the file without them, and where in
these the digits of its seal begin; columns, blocks of data and of parity in each, pieces that are needed; column, row."""
CRC = struct.Struct("<I")
"""Of all else in a record: after its head."""
DEVIATIONS = 4.5
"""Of the number of blocks that a column loses when losses fall at random: so many more than the mean can be restored."""
FIRST_BOX = 30000
"""Number of the first box: those of other boxes are lower."""
PER_BOX = 60000
"""Bytes of records in a box, which fits into one segment."""
NO_SEAL = (1 << 64) - 1
MANY = 0.6
"""From this share of differing blocks on a file was edited, not damaged."""
NAMED = 8


@dataclass(frozen=True)
class Layout:
    """What all records of a file say alike."""

    start: int
    size: int
    length: int
    seal: int
    columns: int
    k: int
    m: int
    needed: int

    @property
    def piece(self) -> int:
        """Bytes of a piece of a column's checksums."""
        return -(-CRC.size * self.k // self.needed)

    @property
    def record(self) -> int:
        """Bytes of a record."""
        return HEAD.size + CRC.size + BLOCK + self.piece


def added(data: bytes, percent: int) -> bytes:
    """A sealed JPEG with recovery data, and its seal anew: so many percent of its sectors may be lost."""
    at = seal.intact(data)
    body = data if at is None else data[:at] + seal.BLANK + data[at + seal.DIGITS :]
    start = next(part.start for part in JpegFile(data).segments if not 0xE0 <= part.marker <= 0xEF)
    columns, k, m = _shape(len(body), percent / 100)
    layout = Layout(start, 0, len(body), NO_SEAL if at is None else at, columns, k, m, m // 2)
    return _whole(body, replace(layout, size=len(_segments(body, layout))))


def repaired(data: bytes) -> tuple[bytes, list[str]]:
    """A file with its damage undone, as far as its recovery data go, and what is to be said of that; most files as they are."""
    if MAGIC not in data or seal.is_intact(data):
        return data, []
    layout, records = _records(data)
    if layout is None or len(data) != layout.length + layout.size:
        return data, []
    body = bytearray(data[: layout.start] + data[layout.start + layout.size :])
    if layout.seal != NO_SEAL:
        body[layout.seal : layout.seal + seal.DIGITS] = seal.BLANK
    blocks = _blocks(body, layout)
    lost, beyond = _restored(blocks, layout, records)
    if lost > MANY * layout.k * layout.columns:
        return data, []
    whole = blocks.tobytes()[: layout.length]
    if beyond:
        named = ", ".join(map(str, beyond[:NAMED])) + (", ..." if len(beyond) > NAMED else "")
        message = f"{lost} blocks of {BLOCK} bytes are damaged, more than its recovery data restore: in columns {named}"
        return whole[: layout.start] + data[layout.start : layout.start + layout.size] + whole[layout.start :], [message]
    message = f"{lost} damaged blocks of {BLOCK} bytes are restored by its recovery data"
    return _whole(whole, layout), [message] if lost else []


def describe(data: bytes) -> dict[str, object]:
    """What `info` says of it."""
    layout, _ = _records(data) if MAGIC in data else (None, {})
    if layout is None:
        return {}
    apart = f", {layout.columns} apart," if layout.columns > 1 else ""
    there = f"of each {layout.k + layout.m} blocks of {BLOCK} bytes{apart} {layout.m} may be lost"
    is_same = len(data) == layout.length + layout.size
    text = there if is_same else "of the file before it was edited, and of no use now"
    return {"recovery_data": text, "recovery_bytes": layout.size}


def _shape(length: int, share: float) -> tuple[int, int, int]:
    """Columns, and blocks of data and of parity in each."""
    count = -(-length // BLOCK)

    def spare(n: int) -> int:
        return min(max(math.ceil(n * share + DEVIATIONS * math.sqrt(n * share * (1 - share))), 2), reed_solomon.LONGEST - 1)

    columns = -(-count // (reed_solomon.LONGEST - spare(reed_solomon.LONGEST)))
    k = -(-count // columns)
    m = next(m for m in range(2, reed_solomon.LONGEST) if m >= spare(k + m) or k + m == reed_solomon.LONGEST)
    return columns, k, m


def _blocks(body: bytes | bytearray, layout: Layout) -> np.ndarray:
    """(k, columns, BLOCK) uint8, the last ones filled up with zeros."""
    size = layout.k * layout.columns * BLOCK
    return np.frombuffer(bytes(body).ljust(size, b"\0"), np.uint8).reshape(layout.k, layout.columns, BLOCK).copy()


def _whole(body: bytes, layout: Layout) -> bytes:
    """The file, of all else and with its seal."""
    file = body[: layout.start] + _segments(body, layout) + body[layout.start :]
    return b"".join(seal.sealed([file]))


def _segments(body: bytes, layout: Layout) -> bytes:
    blocks = _blocks(body, layout)
    parity = reed_solomon.parity(blocks.reshape(layout.k, -1), layout.m).reshape(layout.m, layout.columns, BLOCK)
    pieces = _pieces(blocks, layout)
    records = [
        _record(layout, column, row, parity[row, column].tobytes(), pieces[row, column].tobytes())
        for row in range(layout.m)
        for column in range(layout.columns)
    ]
    per_box = max(PER_BOX // layout.record, 1)
    boxes = [Box(LABEL, b"".join(records[n : n + per_box])) for n in range(0, len(records), per_box)]
    heads = ((marker, len(payload) + 2, payload) for marker, payload in jumbf.to_segments(boxes, FIRST_BOX))
    return b"".join(b"\xff%c" % marker + struct.pack(">H", size) + payload for marker, size, payload in heads)


def _record(layout: Layout, column: int, row: int, parity: bytes, piece: bytes) -> bytes:
    head = HEAD.pack(MAGIC, VERSION, *astuple(layout), column, row)
    return head + CRC.pack(zlib.crc32(head + parity + piece)) + parity + piece


def _pieces(blocks: np.ndarray, layout: Layout) -> np.ndarray:
    """(m, columns, piece) uint8: the checksums of each column, so coded that any `needed` pieces are enough."""
    sums = np.array([[zlib.crc32(block) for block in row] for row in blocks], "<u4")  # (k, columns)
    text = np.zeros((layout.columns, layout.needed * layout.piece), np.uint8)
    text[:, : CRC.size * layout.k] = np.ascontiguousarray(sums.T).view(np.uint8).reshape(layout.columns, -1)
    plain = text.reshape(layout.columns, layout.needed, layout.piece).swapaxes(0, 1)
    more = layout.m - layout.needed
    coded = reed_solomon.parity(plain.reshape(layout.needed, -1), more).reshape(more, layout.columns, layout.piece)
    return np.concatenate([plain, coded])


def _records(data: bytes) -> tuple[Layout | None, dict[int, dict[int, tuple[bytes, bytes]]]]:
    """What most intact records say alike, and parity and piece of each by column and row."""
    found: dict[Layout, dict[int, dict[int, tuple[bytes, bytes]]]] = {}
    counts: Counter[Layout] = Counter()
    for at in (match.start() for match in re.finditer(MAGIC, data)):
        if at + HEAD.size > len(data):
            break
        _, version, *numbers, column, row = HEAD.unpack_from(data, at)
        layout = Layout(*numbers)
        if version != VERSION or not _is_possible(layout, column, row) or at + layout.record > len(data):
            continue
        record = data[at : at + layout.record]
        body = record[HEAD.size + CRC.size :]
        if CRC.pack(zlib.crc32(record[: HEAD.size] + body)) == record[HEAD.size : HEAD.size + CRC.size]:
            found.setdefault(layout, defaultdict(dict))[column][row] = body[:BLOCK], body[BLOCK:]
            counts[layout] += 1
    if not counts:
        return None, {}
    layout = counts.most_common(1)[0][0]
    return layout, found[layout]


def _is_possible(layout: Layout, column: int, row: int) -> bool:
    counts = layout.k >= 1 and 1 <= layout.needed < layout.m and layout.k + layout.m <= reed_solomon.LONGEST
    holds = layout.columns > column and layout.m > row and layout.start <= layout.length
    exact = (layout.k - 1) * layout.columns * BLOCK < layout.length <= layout.k * layout.columns * BLOCK
    return counts and holds and exact and (layout.seal == NO_SEAL or layout.seal + seal.DIGITS <= layout.start)


def _restored(
    blocks: np.ndarray, layout: Layout, records: dict[int, dict[int, tuple[bytes, bytes]]]
) -> tuple[int, list[int]]:  # fmt: skip
    """Restore blocks in place; returns how many were damaged, and the columns in which some still are."""
    count, beyond = 0, []
    for column in range(layout.columns):
        rows = records.get(column, {})
        sums = _sums(rows, layout)
        if sums is None:
            beyond.append(column)
            continue
        lost = [i for i in range(layout.k) if zlib.crc32(blocks[i, column]) != sums[i]]
        count += len(lost)
        if not lost:
            continue
        extra = np.array([np.frombuffer(parity, np.uint8) for parity, _ in rows.values()])
        restored = blocks[:, column].copy()
        try:
            reed_solomon.restore(restored, lost, extra, list(rows), layout.m)
        except RawbackError:
            beyond.append(column)
            continue
        if all(zlib.crc32(restored[i]) == sums[i] for i in lost):
            blocks[:, column] = restored
        else:
            beyond.append(column)
    return count, beyond


def _sums(rows: dict[int, tuple[bytes, bytes]], layout: Layout) -> list[int] | None:
    """The checksums of a column's blocks; None where too few records are left."""
    if len(rows) < layout.needed:
        return None
    pieces = np.zeros((layout.needed, layout.piece), np.uint8)
    there = {row: np.frombuffer(piece, np.uint8) for row, (_, piece) in rows.items()}
    for row in range(layout.needed):
        if row in there:
            pieces[row] = there[row]
    lost = [row for row in range(layout.needed) if row not in there]
    others = [row for row in sorted(there) if row >= layout.needed]
    if lost:
        extra = np.array([there[row] for row in others])
        reed_solomon.restore(pieces, lost, extra, [row - layout.needed for row in others], layout.m - layout.needed)
    return np.frombuffer(pieces.tobytes()[: CRC.size * layout.k], "<u4").tolist()
