"""docs/FORMAT.md followed to the letter: layer, RAW file and recovery data read by other code than rawback's.

Only the quantised levels of the JPEG are taken from rawback. Everything is scalar and slow, on files of 60 x 40 photosites.
"""

from __future__ import annotations

import base64
import bisect
import hashlib
import itertools
import json
import lzma
import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rawpy
from long_division import remainder

import rawback
from rawback.files import jpeg
from rawback.isp import inverse_pass
from rawback.isp.levels import ZIGZAG
from rawback.lossless.original.give_back import from_data

FOLDER = Path(__file__).parent / "data" / "format"
NAMES = ("packed", "margins")
OURS = bytes.fromhex("AEFE8EA5127750439170 62B5F2F6C41B")
COSINES = (2896, 4017, 3784, 3406, 2896, 2276, 1567, 799)
"""round(2^13 cos(k pi / 16) / 2), and for k = 0 that of 4."""


def boxes(data: bytes) -> list[tuple[str, bytes]]:
    """Label and content of each box."""
    parts: dict[tuple[int, int], dict[int, bytes]] = {}
    at = 2
    while data[at + 1] != 0xDA:
        marker, size = data[at + 1], struct.unpack_from(">H", data, at + 2)[0]
        if marker == 0xEB and data[at + 4 : at + 6] == b"JP":
            number, part, length = struct.unpack_from(">HII", data, at + 6)
            parts.setdefault((number, length), {})[part] = data[at + 20 : at + 2 + size]
        at += 2 + size
    found = []
    for (_, length), pieces in parts.items():
        body = b"".join(pieces[n] for n in sorted(pieces))
        assert len(body) == length - 8
        first = struct.unpack_from(">I", body)[0]
        label = body[8 + 17 : first].rstrip(b"\0").decode()
        assert body[first + 4 : first + 8] == b"uuid"
        assert body[first + 8 : first + 24] == OURS
        content = body[first + 24 :]
        if label.startswith(("rawback.lossless", "rawback.refinement", "rawback.wide")):
            assert struct.unpack_from("<I", content)[0] == zlib.crc32(content[4:])
            content = content[4:]
        found.append((label, content))
    return found


def rans(code: bytes, of: list[int], tables: list[list[int]], precision: int = 12) -> tuple[list[int], bytes]:
    """Symbols, and the bytes that the states began with."""
    lanes = min(max(len(of) // 512, 1), 1024 if precision == 12 else 128)
    states = list(struct.unpack_from(f"<{lanes}I", code))
    words = iter(struct.unpack(f"<{(len(code) - 4 * lanes) // 2}H", code[4 * lanes :]))
    symbols = []
    for start in range(0, len(of), lanes):
        short = []
        for lane, table in enumerate(of[start : start + lanes]):
            slot, first = states[lane] & (1 << precision) - 1, 0
            symbol = 0
            while slot >= first + tables[table][symbol]:
                first += tables[table][symbol]
                symbol += 1
            frequency = tables[table][symbol]
            symbols.append(symbol)
            states[lane] = frequency * (states[lane] >> precision) + slot - first
            short += [lane] if states[lane] < 65536 else []
        for lane in short:
            states[lane] = states[lane] << 16 | next(words)
    return symbols, b"".join(struct.pack("<H", state - 65536) for state in states)


def unpacked(data: bytes, contexts: list[int]) -> list[int]:
    """Residuals."""
    code_size, table_size, count, escapes = struct.unpack_from("<IIHH", data)
    at = 12 + 2 * (count - 1)
    bounds = struct.unpack_from(f"<{count - 1}H", data, 12)
    numbers = struct.unpack(f"<{256 * count}H", zlib.decompress(data[at : at + table_size]))
    tables = [list(numbers[t::count]) for t in range(count)]
    at += table_size
    symbols, first = rans(data[at : at + code_size], [sum(c >= b for b in bounds) for c in contexts], tables)
    return with_bits(symbols, first + data[at + code_size :], [c & 63 for c in contexts], escapes)


def with_bits(symbols: list[int], bits: bytes, classes: list[int], escapes: int) -> list[int]:
    """Residuals, from symbols, and classes of slopes."""
    assert symbols.count(255) == escapes
    text = "".join(f"{byte:08b}" for byte in bits[2 * escapes :])
    escaped, residuals = struct.iter_unpack("<H", bits[: 2 * escapes]), []
    for symbol, kind in zip(symbols, classes, strict=True):
        low = min(max(kind // 4 - 8, 0), 7)
        number, text = int(text[:low] or "0", 2), text[low:]
        residuals.append(next(escaped)[0] if symbol == 255 else (symbol - 128 << low) + number)
    return residuals


def of_version_3(data: bytes, cells: list[int], tables: bytes) -> list[int]:
    """Residuals of a block, by the tables in the header."""
    _, count, size = struct.unpack_from("<HBI", tables)
    table_of = zlib.decompress(tables[7 : 7 + size])
    assert len(table_of) == 16 * 3 * 64 * 8
    numbers = struct.unpack(f"<{256 * count}H", zlib.decompress(tables[7 + size :]))
    code_size, escapes = struct.unpack_from("<II", data)
    by = [list(numbers[t::count]) for t in range(count)]
    symbols, first = rans(data[8 : 8 + code_size], [table_of[cell] for cell in cells], by, 14)
    return with_bits(symbols, first + data[8 + code_size :], [cell >> 3 & 63 for cell in cells], escapes)


def idct(block: list[int]) -> list[list[int]]:
    """64 coefficients in sixteenths -> 8 x 8 samples in sixteenths."""

    def once(x: list[int], shift: int) -> list[int]:
        out = []
        for n in range(8):
            total = 1 << shift - 1
            for k in range(8):
                angle = (2 * n + 1) * k % 32
                sign = -1 if 8 < angle < 24 else 1
                folded = min(angle, 32 - angle)
                folded = 16 - folded if folded > 8 else folded
                total += x[k] * (sign * COSINES[folded] if k else COSINES[0]) if folded != 8 else 0
            out.append(total >> shift)
        return out

    columns = [[max(-65535, min(65535, v)) for v in once([block[8 * k + x] for k in range(8)], 12)] for x in range(8)]
    return [once([columns[x][y] for x in range(8)], 14) for y in range(8)]


def plane(levels: np.ndarray, table: np.ndarray, centroids: list[int]) -> list[list[int]]:
    rows = []
    for line in levels.tolist():
        strip: list[list[int]] = [[] for _ in range(8)]
        for block in line:
            coefficients = []
            for k, level in enumerate(block):
                shift = centroids[min(abs(level), 3) - 1] if k and level else 0
                value = (16 * level + (shift if level > 0 else -shift)) * int(table[k])
                coefficients.append(max(-65535, min(65535, value)))
            for row, samples in zip(strip, idct(coefficients), strict=True):
                row += samples
        rows += strip
    return rows


def doubled(samples: list[list[int]]) -> list[list[int]]:
    """Upsampled by 2 in both directions, 16 times as large."""

    def line(x: list[int]) -> list[int]:
        return [3 * x[i // 2] + x[min(max(i // 2 + 2 * (i % 2) - 1, 0), len(x) - 1)] for i in range(2 * len(x))]

    down = zip(*(line(list(column)) for column in zip(*samples, strict=True)), strict=True)
    return [line(list(row)) for row in down]


class Ranks:
    """The values that a colour uses."""

    def __init__(self, used: list[int]) -> None:
        self.used = used

    def sixteenths(self, dn: int) -> int:
        below = max(bisect.bisect_right(self.used, max(0, min(dn, 65536))) - 1, 0)
        above = min(below + 1, len(self.used) - 1)
        gap = max(self.used[above] - self.used[below], 1)
        return 16 * below + 16 * max(0, min(dn - self.used[below], gap)) * (above - below) // gap

    def converted(self, value: int, slope: int) -> tuple[int, int]:
        dn = value >> 4
        low, high = self.sixteenths(dn), self.sixteenths(dn + 1)
        density = max(1, min(256, self.sixteenths(dn + 8) - self.sixteenths(dn - 8)))
        return low + ((high - low) * (value & 15) >> 4), max(min(slope, 65535) * density >> 8, 1)


class Tables:
    """Those of a layer, and the picture that foretells by them."""

    def __init__(self, header: bytes, picture) -> None:
        tables = header[struct.calcsize("<H32s32s8I") :]
        (size,) = struct.unpack_from("<I", tables)
        predictor = zlib.decompress(tables[4 : 4 + size])
        values, self.more = tables[4 + size :], b""
        if header[0] == 3:
            size = int.from_bytes(values[:4], "little")
            values, self.more = values[4 : 4 + size], values[4 + size :]
        self.used = np.unpackbits(np.frombuffer(zlib.decompress(values), np.uint8)).reshape(3, 65536)
        self.ranks = [Ranks(np.flatnonzero(line).tolist()) for line in self.used]
        *numbers, self.white, self.rows, self.columns = struct.unpack_from("<9q3iHBB", predictor)
        n, at = self.rows * self.columns, struct.calcsize("<9q3iHBB")
        self.weights, self.cfa = numbers[:9], predictor[at : at + n]
        self.black = struct.unpack_from(f"<{n}i", predictor, at + n)
        self.light, total = [], 0
        for step in struct.unpack_from("<1025i", predictor, at + 5 * n):
            total = (total + step + 2**31) % 2**32 - 2**31
            self.light.append(total)
        self.picture, self.chroma = picture, []
        self.luma = plane(picture.planes[0], picture.tables[0], numbers[9:])
        for c in (1, 2):
            small = plane(picture.planes[c], picture.tables[c], [0, 0, 0])
            cut = [[max(-(1 << 14), min(1 << 14, v)) for v in row] for row in small]
            self.chroma.append(doubled(cut) if picture.factors == (2, 2) else [[16 * v for v in row] for row in cut])

    def foretold(self, y: int, x: int, position: int) -> tuple[int, int]:
        """Value and slope of a pixel for a position of the CFA."""
        value, slope = self.black[position], 0
        largest = min(int(self.picture.tables[0][1:].max()), 255)
        for channel, (wb, wr) in enumerate(((0, 11485), (-2819, -5850), (14516, 0))):
            of_chroma = (self.chroma[0][y][x] >> 2) * wb + (self.chroma[1][y][x] >> 2) * wr >> 15
            code = max(0, min(16383, self.luma[y][x] + 16 * (128 + 256) + of_chroma))
            weight, j, part = self.weights[3 * self.cfa[position] + channel], code >> 4, code & 15
            value += (self.light[j] * (16 - part) + self.light[j + 1] * part >> 4) * weight >> 28
            slope += max(-(1 << 21), min(1 << 21, (self.light[j + 1] - self.light[j]) * weight >> 28))
        value, slope = max(0, min(16 * self.white, value)), max(slope * largest, 1)
        return (value, slope) if self.used.all() else self.ranks[self.cfa[position]].converted(value, slope)

    def context(self, y: int, x: int, value: int, slope: int) -> tuple[int, int, int]:
        """Rank, sign and context."""
        rank = value + 8 >> 4
        rest = value - 16 * rank
        octave = slope.bit_length() - 1
        kind = 4 * octave + (slope >> octave - 2 & 3 if octave >= 2 else 0)
        active = int(np.count_nonzero(self.picture.planes[0][y // 8, x // 8, 1:]))
        side = slope < 64 and abs(rest) > 3
        return rank, -1 if rest < 0 else 1, 128 * sum(active >= a for a in (1, 4, 10)) + 64 * side + kind

    def cell(self, rank: int, context: int, colour: int) -> int:
        """Context of version 3 from that of version 1."""
        highest = int.from_bytes(self.more[:2], "little")
        brightness = min(rank, highest) * 16 // (highest + 1)
        return ((3 * brightness + colour) * 64 + context % 64) * 8 + context // 64

    def value(self, colour: int, rank: int) -> int:
        return rank if self.used.all() else self.ranks[colour].used[rank]


def colour_layer(content: dict[str, list[bytes]], picture) -> np.ndarray:
    """The frame of a linear RAW, which has no margins here."""
    header = content["rawback.lossless"][0]
    version, sha_picture, sha_frame, width, height, top, left, w, h, count, _ = struct.unpack_from("<H32s32s8I", header)
    assert (version, sha_picture.hex(), top, left, w, h, count) == (2, picture.sha256(), 0, 0, width, height, 1)
    tables = Tables(header, picture)
    assert (tables.rows, tables.columns, tuple(tables.cfa)) == (1, 3, (0, 1, 2))
    pixels = [(y, x) for y in range(height) for x in range(width)]
    planes = [[tables.foretold(y, x, colour) for y, x in pixels] for colour in range(3)]
    planes = [[(value, min(slope, 65535)) for value, slope in foretold] for foretold in planes]
    checksum = 0
    for foretold in planes:
        for part in zip(*foretold, strict=True):
            checksum = zlib.crc32(np.array(part, "<i4").tobytes(), checksum)
    block = content["rawback.lossless.block"][0]
    assert struct.unpack_from("<II", block) == (0, checksum)
    frame, at, off = np.zeros((height, width, 3), "<u2"), 12, [0] * len(pixels)
    for colour in (1, 0, 2):
        size, share, narrower = struct.unpack_from("<IBB", block, at)
        ranks, signs, contexts = [], [], []
        for (y, x), (value, slope), (_, of_green), green_off in zip(pixels, planes[colour], planes[1], off, strict=True):
            if share:
                value = max(0, min(16 * 65536 - 1, value + green_off * slope * share // (of_green * 16)))
            rank, sign, context = tables.context(y, x, value, slope)
            kind = context % 64
            kind = max(kind - narrower, 24) if kind > 24 else kind
            ranks.append(rank)
            signs.append(sign)
            contexts.append(context - context % 64 + kind)
        residuals = unpacked(block[at + 6 : at + 6 + size], contexts)
        true = [rank + residual * sign & 65535 for rank, residual, sign in zip(ranks, residuals, signs, strict=True)]
        if colour == 1:
            off = [16 * rank - value for rank, (value, _) in zip(true, planes[1], strict=True)]
        frame[..., colour] = np.array([tables.value(colour, rank) for rank in true]).reshape(height, width)
        at += 6 + size
    assert zlib.crc32(frame.tobytes()) == struct.unpack_from("<I", block, 8)[0]
    assert hashlib.sha256(frame.tobytes()).digest() == sha_frame
    return frame


def layer(content: dict[str, list[bytes]], picture) -> np.ndarray:
    """The frame."""
    header = content["rawback.lossless"][0]
    version, sha_picture, sha_frame, width, height, top, left, w, h, count, _ = struct.unpack_from("<H32s32s8I", header)
    assert version in (1, 3)
    assert (sha_picture.hex(), count) == (picture.sha256(), 1)
    tables = Tables(header, picture)
    rows, columns = tables.rows, tables.columns
    foretold = [
        tables.context(y, x, *tables.foretold(y, x, y % rows * columns + x % columns))
        for y in range(height) for x in range(width)
    ]  # fmt: skip
    ranks, signs, contexts = (list(part) for part in zip(*foretold, strict=True))
    if version == 3:
        colours = [tables.cfa[y % rows * columns + x % columns] for y in range(height) for x in range(width)]
        contexts = [tables.cell(*both) for both in zip(ranks, contexts, colours, strict=True)]
    number, of_foretold, of_samples = struct.unpack_from("<III", content["rawback.lossless.block"][0])
    checksum = zlib.crc32(np.array(contexts, "<u2").tobytes(), zlib.crc32(np.array(ranks, "<i4").tobytes()))
    assert (number, of_foretold) == (0, checksum)
    packed = content["rawback.lossless.block"][0][12:]
    residuals = of_version_3(packed, contexts, tables.more) if version == 3 else unpacked(packed, contexts)
    values = []
    for i, (rank, residual, sign) in enumerate(zip(ranks, residuals, signs, strict=True)):
        true = rank + residual * sign & 65535
        position = i // width % rows * columns + i % width % columns
        values.append(tables.value(tables.cfa[position], true))
    mosaic = np.array(values, "<u2").reshape(height, width)
    assert zlib.crc32(mosaic.tobytes()) == of_samples
    frame = np.zeros((h, w), "<u2")
    frame[top : top + height, left : left + width] = mosaic
    if "rawback.lossless.margins" in content:
        margins(content["rawback.lossless.margins"][0], frame, (top, left, top + height, left + width))
    assert hashlib.sha256(frame.tobytes()).digest() == sha_frame
    return frame


def margins(data: bytes, frame: np.ndarray, area: tuple[int, int, int, int]) -> None:
    top, left, bottom, right = area
    parts = [frame[:top], frame[bottom:], frame[top:bottom, :left], frame[top:bottom, right:]]
    turned = [part if part.shape[0] <= part.shape[1] else part.T for part in parts]
    groups = [part[:, phase::2] for part in turned for phase in (0, 1) if part[:, phase::2].size]
    (size,) = struct.unpack_from("<I", data)
    heads = list(struct.iter_unpack("<HBB", zlib.decompress(data[4 : 4 + size])))
    lines = [(group, i) for group in groups for i in range(len(group))]
    contexts = [kind for (_, _, kind), (group, _) in zip(heads, lines, strict=True) for _ in range(group.shape[1])]
    residuals = iter(unpacked(data[4 + size :], contexts))
    for (start, way, _), (group, i) in zip(heads, lines, strict=True):
        total = start
        for x in range(group.shape[1]):
            residual = next(residuals)
            total += residual if way else 0
            group[i, x] = (total if way else start + residual) % 65536


@pytest.mark.parametrize("name", [*NAMES, "contexts"])
def test_the_lossless_layer(name: str):
    data = (FOLDER / f"{name}.jpg").read_bytes()
    content: dict[str, list[bytes]] = {}
    for label, body in boxes(data):
        content.setdefault(label, []).append(body)
    picture = jpeg.read(data, name).coefficients
    assert picture is not None
    with rawpy.imread(str(FOLDER / f"{name}.dng")) as raw:
        assert np.array_equal(layer(content, picture), raw.raw_image)


def test_chroma_beyond_white():
    data = (FOLDER / "wide.jpg").read_bytes()
    body = dict(boxes(data))["rawback.wide"]
    version, sha256, size = struct.unpack_from("<H32sI", body)
    assert version == 1 and f'PictureSha256="{sha256.hex()}"'.encode() in data
    picture = jpeg.read(data, "wide").coefficients
    assert picture is not None
    bits = "".join(f"{byte:08b}" for byte in zlib.decompress(body[38 : 38 + size]))
    added = jpeg.read(body[38 + size :], "added").coefficients
    assert added is not None and len(added.planes) == 1
    blocks, at = added.planes[0].reshape(-1, 64), 0
    wide = [np.zeros_like(plane) for plane in picture.planes[1:]]
    for plane in wide:
        for block in plane.reshape(-1, 64):
            if bits[at] == "1":
                block[:] = blocks[bits[:at].count("1")]
            at += 1
    assert set(bits[at:]) <= {"0"} and -(-at // 8) * 8 == len(bits) and bits.count("1") > 20
    recovered = rawback.recover(data)
    assert recovered.recipe.wide_chroma and recovered.exact is False
    by_hand = replace(picture, wide=tuple(wide), centroids=recovered.recipe.centroids)
    assert np.array_equal(inverse_pass.decode(by_hand, recovered.recipe), recovered.mosaic)


def test_the_lossless_layer_of_linear_raw():
    data = (FOLDER / "linear.jpg").read_bytes()
    content: dict[str, list[bytes]] = {}
    for label, body in boxes(data):
        content.setdefault(label, []).append(body)
    picture = jpeg.read(data, "linear").coefficients
    assert picture is not None
    with rawpy.imread(str(FOLDER / "linear.dng")) as raw:
        assert np.array_equal(colour_layer(content, picture), raw.raw_image[..., :3])


class Refinement:
    """A strip of a refinement layer, level by level."""

    def __init__(self, header: bytes, strip: bytes, picture) -> None:
        version, self.sha256, self.rows, self.columns, step, mean = struct.unpack_from("<H32sIIHH", header)
        assert version == 1
        self.steps, self.centroids = [mean] + [step] * 63, [n / 1000 for n in struct.unpack_from("<6h", header, 46)]
        count, size = struct.unpack_from("<BI", header, 58)
        self.table_of = zlib.decompress(header[63 : 63 + size])
        codes = zlib.decompress(header[63 + size :])
        assert len(self.table_of) == 149 and len(codes) == 256 * count
        self.tables = [self.frequencies(list(codes[t::count])) for t in range(count)]
        self.coarse = [[block.tolist() for block in row] for row in picture.planes[0]]
        self.table = picture.tables[0].tolist()
        self.levels = [[[0] * 64 for _ in range(self.columns)] for _ in range(self.rows)]
        self.known = {(y, x): [0] * 64 for y in range(self.rows) for x in range(self.columns)}
        self.state = dict.fromkeys(self.known, 0)
        number, self.crc, size, escapes = struct.unpack_from("<IIII", strip)
        self.code, rest = strip[16 : 16 + size], strip[16 + size :]
        self.escapes, self.rest = list(struct.unpack_from(f"<{escapes}h", rest)), rest[2 * escapes :]
        assert number == 0

    @staticmethod
    def frequencies(codes: list[int]) -> list[int]:
        by = [(16 + (c & 15) << (c >> 4)) >> 4 if c else 0 for c in codes]
        largest = by.index(max(by))
        by[largest] += 16384 - sum(by)
        return by

    def around(self, of, y: int, x: int) -> int:
        places = ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
        return sum(of(place if place in self.known else (y, x)) for place in places)

    def cell(self, p: int, y: int, x: int) -> int:
        at = lambda place: self.coarse[place[0]][place[1]][int(SCAN[p])]  # noqa: E731
        if p == 0:
            d = self.around(at, y, x) - 4 * at((y, x))
            return 144 + max(-4, min(4, d + 2 >> 2))
        v, u = divmod(int(SCAN[p]), 8)
        near, far, side = (self.inside(p, u, v, offsets) for offsets in OFFSETS)

        def mean(block: tuple[int, int], places: list[int]) -> int:
            return sum(self.known[block][q] for q in places) * (12 // len(places)) if places else 0

        def window(block: tuple[int, int]) -> int:
            return 12 * sum(self.known[block][max(p - 8, 1) : p]) // max(min(p - 1, 8), 1)

        a, b, c, d, e, f, *g = WEIGHTS[min(u + v, 10)][(y + x) % 2]
        expected = a * mean((y, x), near) + b * mean((y, x), far) + c * (self.around(lambda at: mean(at, side), y, x) >> 2)
        expected += d * window((y, x)) + e * (self.around(window, y, x) >> 2) + 768 * f // 1024
        if g:
            expected += 3 * g[0] * self.around(lambda at: self.known[at][p], y, x)
        k = sum(min(expected // 3, 16383) >= int(2 * 2 ** (i / 3) + 0.5) for i in range(39))
        size = min(abs(at((y, x))), 3)
        return 2 * (40 + 10 * (size - 1) + k // 4 if size else k) + self.state[y, x] % 2

    @staticmethod
    def inside(p: int, u: int, v: int, offsets: list[tuple[int, int]]) -> list[int]:
        places = [8 * (v + dv) + u + du for du, dv in offsets if 0 <= u + du < 8 and 0 <= v + dv < 8]
        return [q for q in (SCAN.index(place) for place in places) if 0 < q < p]

    def decode(self) -> None:
        """All levels, in the order of the page."""
        open_: list[tuple[int, int, int]] = []
        lanes = min(max(64 * self.rows * self.columns // 512, 1), 64)
        states, at, count = list(struct.unpack_from(f"<{lanes}I", self.code)), 4 * lanes, 0
        order = [[block for block in self.known if sum(block) % 2 == half] for half in (0, 1)]
        for p, half in itertools.product(range(64), (0, 1)):
            cells = [self.cell(p, y, x) for y, x in order[half]]
            for (y, x), cell in zip(order[half], cells, strict=True):
                state, table = states[count % lanes], self.tables[self.table_of[cell]]
                slot, symbol, first = state & 16383, 0, 0
                while slot >= first + table[symbol]:
                    first, symbol = first + table[symbol], symbol + 1
                state = table[symbol] * (state >> 14) + slot - first
                if state < 65536:
                    state, at = state << 16 | struct.unpack_from("<H", self.code, at)[0], at + 2
                states[count % lanes], count = state, count + 1
                coarse, step = self.coarse[y][x][SCAN[p]], self.steps[p]
                near = min((64 * abs(coarse) * self.table[SCAN[p]] + step // 2) // step, 16384)
                is_open, sign = p > 0 and not coarse, -1 if coarse < 0 and near else 1
                level = symbol if is_open else sign * (symbol - 128 + near)
                if symbol == 255:
                    level = self.escapes.pop(0)
                elif is_open and symbol:
                    open_.append((y, x, p))
                self.levels[y][x][p] = level
                self.known[y, x][p] = min(abs(level), 255) if p else 0
            if half and p:
                for y, x in self.known:
                    s = self.state[y, x]
                    self.state[y, x] = 2 * s % 8 + (self.levels[y][x][p] + bin(s).count("1")) % 2
        assert at == len(self.code) and not self.escapes
        bits = b"".join(struct.pack("<H", state - 65536) for state in states) + self.rest
        text = "".join(f"{byte:08b}" for byte in bits)
        for (y, x, p), bit in zip(open_, text, strict=False):
            self.levels[y][x][p] *= -1 if bit == "1" else 1


SCAN = ZIGZAG.tolist()
OFFSETS = (
    [(-1, 0), (0, -1), (-1, -1)], [(-2, 0), (0, -2), (-1, -2), (-2, -1)], [(-1, 0), (0, -1), (1, -1), (-1, 1)],
)  # fmt: skip
PAGE = (Path(__file__).parent.parent / "docs" / "FORMAT.md").read_text()
WEIGHTS = {
    int(sum_): [[int(n) for n in even.split()], [int(n) for n in odd.split()]]
    for sum_, even, odd in re.findall(r"^\| (\d+)[ a-z]* \| ((?:\d+ ){5}\d+) \| ((?:\d+ ){6}\d+) \|$", PAGE, re.MULTILINE)
}
"""From the page itself."""


def test_the_refinement_layer():
    data = (FOLDER / "layered.jpg").read_bytes()
    content: dict[str, list[bytes]] = {}
    for label, body in boxes(data):
        content.setdefault(label, []).append(body)
    picture = jpeg.read(data, "layered").coefficients
    assert picture is not None and b'rawback:Version="3"' in data
    strip = Refinement(content["rawback.refinement"][0], content["rawback.refinement.strip"][0], picture)
    assert strip.sha256.hex() == picture.sha256() and (strip.rows, strip.columns) == picture.planes[0].shape[:2]
    strip.decode()
    scanned = np.array(strip.levels, "<i2")  # (rows, columns, 64)
    assert zlib.crc32(np.moveaxis(scanned, 2, 0).tobytes()) == strip.crc
    natural = np.empty_like(scanned)
    natural[..., SCAN] = scanned
    steps = np.array(strip.steps)[[SCAN.index(at) for at in range(64)]] / 64
    by_page = replace(
        picture, planes=[natural, *picture.planes[1:]], tables=[steps, *picture.tables[1:]], centroids=tuple(strip.centroids),
        dependent=True,
    )  # fmt: skip
    recovered = rawback.recover(data)
    assert np.array_equal(inverse_pass.decode(by_page, recovered.recipe), recovered.mosaic)


def of_steps(steps: list[int]) -> list[int]:
    return np.cumsum(steps).tolist()


def bits_of_jpeg(frame: np.ndarray, head: bytes) -> bytes:
    """The scan of a lossless JPEG of predictor 1, sample by sample, from the segments before it."""
    tables, at = {}, 2
    while at < len(head):
        marker, size = head[at + 1], struct.unpack_from(">H", head, at + 2)[0]
        body, at = head[at + 4 : at + 2 + size], at + 2 + size
        if marker == 0xC3:
            precision, height, width, n = struct.unpack_from(">BHHB", body)
        elif marker == 0xC4:
            code, position, codes = 0, 17, {}
            for length, number in enumerate(body[1:17], 1):
                for symbol in body[position : position + number]:
                    codes[symbol] = f"{code:0{length}b}"
                    code += 1
                position, code = position + number, code << 1
            tables[body[0]] = codes
        elif marker == 0xDA:
            assert body[1 + 2 * n] == 1
            used = [tables[body[2 + 2 * i] >> 4] for i in range(n)]
    rows = frame.reshape(height, width, n).astype(int)
    text = []
    for y in range(height):
        for x in range(width):
            for c in range(n):
                near = rows[y, x - 1, c] if x else rows[y - 1, 0, c] if y else 1 << precision - 1
                difference = int(rows[y, x, c] - near + 32768) % 65536 - 32768
                size = abs(difference).bit_length()
                extra = difference if difference >= 0 else difference + (1 << size) - 1
                text.append(used[c][size] + (f"{extra:0{size}b}" if 0 < size < 16 else ""))
    joined = "".join(text)
    joined += "1" * (-len(joined) % 8)
    return int(joined, 2).to_bytes(len(joined) // 8, "big").replace(b"\xff", b"\xff\0")


@pytest.mark.parametrize("name", [*NAMES, "linear"])
def test_the_raw_file(name: str):
    raw_file = (FOLDER / f"{name}.dng").read_bytes()
    content = boxes((FOLDER / f"{name}.jpg").read_bytes())
    header = next(body for label, body in content if label == "rawback.lossless.file")
    assert header[:2] == b"\1\0"
    facts = json.loads(zlib.decompress(header[2:]))
    parts = {struct.unpack_from("<I", body)[0]: body[4:] for label, body in content if label == "rawback.lossless.file.part"}
    methods = {0: bytes, 1: lzma.decompress, 2: zlib.decompress}
    rest = b"".join(methods[parts[n][0]](parts[n][1:]) for n in sorted(parts))
    assert len(rest) == facts["rest"]
    stream = facts["stream"]
    places = of_steps(stream["spans"])
    spans = list(zip(places[::2], places[1::2], strict=True))
    file, at, position = bytearray(facts["size"]), 0, 0
    for start, stop in [*spans, (facts["size"], 0)]:
        file[at:start] = rest[position : position + start - at]
        at, position = stop, position + start - at
    with rawpy.imread(io_of(raw_file)) as raw:
        frame = np.array(raw.raw_image)
    if frame.ndim == 3:
        frame = frame[..., :3].reshape(len(frame), -1)
    if "values" in facts:
        frame = np.cumsum(np.frombuffer(zlib.decompress(base64.b64decode(facts["values"])), "<u2"), dtype=np.uint16)[frame]
    height, width = stream["frame"]
    rows, columns = stream["pieces"]
    pieces = [frame[y : y + rows, x : x + columns] for y in range(0, height, rows) for x in range(0, width, columns)]
    if stream["coder"] == "packed":
        assert (stream["bits"], stream["order"]) == (16, "little")
        codes = [piece.astype("<u2").tobytes() for piece in pieces]
    else:
        starts = of_steps(stream["starts"])
        missing = [(rows - piece.shape[0], columns - piece.shape[1]) for piece in pieces]
        if stream["tiles"]:
            pieces = [padded(piece, more, stream["padding"]) for piece, more in zip(pieces, missing, strict=True)]
        heads = [bytes(file[start:stop]) for start, (stop, _) in zip(starts, spans, strict=True)]
        codes = [bits_of_jpeg(piece, head) for piece, head in zip(pieces, heads, strict=True)]
    for code, (start, stop) in zip(codes, spans, strict=True):
        file[start:stop] = code
    for start, size in facts.get("patches", []):
        file[start : start + size] = rest[position : position + size]
        position += size
    assert hashlib.sha256(file).hexdigest() == facts["sha256"]
    assert bytes(file) == raw_file


def padded(piece: np.ndarray, more: tuple[int, int], way: str) -> np.ndarray:
    if way in ("zeros", "edge"):
        return np.pad(piece, [(0, more[0]), (0, more[1])], mode="constant" if way == "zeros" else "edge")
    rows, columns = piece.shape
    down = [i if i < rows else rows - 2 + (i - rows) % 2 for i in range(rows + more[0])]
    across = [i if i < columns else columns - 2 + (i - columns) % 2 for i in range(columns + more[1])]
    return piece[np.ix_(down, across)]


def io_of(data: bytes):
    import io

    return io.BytesIO(data)


def test_the_recovery_data():
    data = (FOLDER / "packed.jpg").read_bytes()
    sums: dict[int, list[bytes]] = {}
    for at in (match.start() for match in re.finditer(b"RBparity", data)):
        head = struct.Struct("<8sBQQQQHBBBHB")
        _, version, start, size, length, seal, columns, k, m, needed, column, row = head.unpack_from(data, at)
        piece = -(-4 * k // needed)
        record = data[at : at + head.size + 4 + 512 + piece]
        assert version == 1
        assert struct.unpack_from("<I", record, head.size)[0] == zlib.crc32(record[: head.size] + record[head.size + 4 :])
        body = bytearray(data[:start] + data[start + size :])
        assert len(body) == length
        digits = bytes(body[seal : seal + 64])
        body[seal : seal + 64] = b"0" * 64
        whole = bytes(body).ljust(k * columns * 512, b"\0")
        blocks = [whole[512 * (s * columns + column) :][:512] for s in range(k)]
        assert remainder([block[7] for block in blocks], m)[row] == record[head.size + 4 + 7]
        sums.setdefault(column, []).append(record[head.size + 4 + 512 :])
        if row < needed:
            expected = struct.pack(f"<{k}I", *map(zlib.crc32, blocks)).ljust(needed * piece, b"\0")
            assert sums[column][row] == expected[row * piece : (row + 1) * piece]
        else:
            first = [sums[column][r][3] for r in range(needed)]
            assert remainder(first, m - needed)[row - needed] == sums[column][row][3]
    assert {len(pieces) for pieces in sums.values()} == {m}
    blank = data.replace(digits, b"0" * 64, 1)
    assert hashlib.sha256(blank).hexdigest().encode() == digits


@pytest.mark.parametrize("name", [*NAMES, "linear"])
def test_rawback_gives_the_file_back(name: str):
    original = from_data((FOLDER / f"{name}.jpg").read_bytes(), f"{name}.jpg")
    assert original.name == f"{name}.dng"
    assert bytes(original.data) == (FOLDER / f"{name}.dng").read_bytes()
