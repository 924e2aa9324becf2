"""White balance as makers write it into the MakerNote (of EXIF) of their JPEGs.

Tag numbers and layouts as exiftool documents them (exiftool.org/TagNames: Canon, Nikon, Olympus, Panasonic, Pentax).
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from rawback.files import tiff
from rawback.files.exif import Exif
from rawback.files.tags import Tag
from rawback.files.tiff import Entries, Entry

MAX_ENTRIES, HEADER, MOST_BYTES = 512, 64, 1 << 24
FEWEST = 3  # entries: what looks like a directory of fewer, somewhere within a note, is chance
DIRECTORY_STARTS = (0, 6, 8, 10, 12)
"""Of notes whose offsets count from the file's header: bare, or after "AOC", "OLYMP", "Panasonic", ..."""
MIN_GAIN, MAX_GAIN = 0.2, 8.0
"""Of red and blue against green: what lies outside is no white balance."""
CANON_LEVELS = {582: 25, 653: 34, 5120: 71, **dict.fromkeys((1816, 1820, 1824), 71), **dict.fromkeys((2024, 3656), 85),
                **dict.fromkeys((3973, 3778, 4528), 105)}  # fmt: skip
"""Length of Canon's ColorData (CANON_COLOR_DATA) -> where its as-shot RGGB levels stand; 63 in all others."""
CANON_OTHERS, CANON_SHORTEST = 63, 500
CANON_COLOR_DATA, NIKON_RED_BLUE, PENTAX_WHITE_POINT = 0x4001, 0x000C, 0x0201
OLYMPUS_PROCESSING, OLYMPUS_RED_BLUE, OLYMPUS_OLD, PANASONIC_LEVELS = 0x2040, 0x0100, (0x1017, 0x1018), (0x8004, 0x8005, 0x8006)
"""Tags: levels or gains, and the directory that holds Olympus's; the old ones of red and blue; red, green and blue."""


def white_balance(exif: Exif) -> tuple[float, float, float] | None:
    """As-shot gains of red, green, blue, green 1; None where the maker does not write them, or not so that we can read."""
    entry = exif.exif.get(Tag.MakerNote)
    if entry is None or len(entry.data) < 16:
        return None
    place, order = _place(exif)
    note = _Note(entry.data, order, place)
    for start, read in READERS:
        if exif.make.upper().startswith(start) if isinstance(start, str) else entry.data.startswith(start):
            try:
                gains = read(note)
            except (struct.error, IndexError, ValueError, ZeroDivisionError):
                return None
            return gains if gains and all(MIN_GAIN < gain < MAX_GAIN for gain in gains) else None
    return None


def directory(exif: Exif, inner: int | None = None) -> tuple[str, Entries]:
    """The maker's name as in DIRECTORIES, and its directory, or (Olympus) the one that tag `inner` leads to.

    Empty where the maker is not known or its note is damaged.
    """
    entry = exif.exif.get(Tag.MakerNote)
    if entry is None or len(entry.data) < 16:
        return "", {}
    place, order = _place(exif)
    for begins, maker, start, counts_from_note in DIRECTORIES:
        if entry.data.startswith(begins) if begins else exif.make.upper().startswith(maker.upper()):
            try:
                return maker, _directory(_Note(entry.data, order, place), start, counts_from_note, inner)
            except (struct.error, IndexError, ValueError):
                return maker, {}
    return "", {}


def _directory(note: _Note, start: int, counts_from_note: bool, inner: int | None) -> Entries:
    if start < 0:  # a TIFF file of its own, whose header ends there
        inside = note.data[-start:]
        own = _Note(inside, "<" if inside[:2] == b"II" else ">", 0)
        return own.entries(tiff.offset_at(inside, 4, own.order))
    if counts_from_note:
        mark = note.data[8:10]
        note = replace(note, order=">" if mark == b"MM" else "<", offset=0)
        start = start or struct.unpack_from("<I", note.data, 8)[0]
    found = note.entries(start)
    return note.entries(int(tiff.numbers(found[inner])[0])) if inner is not None and inner in found else found


def has_directory(note: bytes) -> bool:
    """Whether a MakerNote is, or after a short header has, a TIFF directory: such notes hold offsets, others only bytes."""
    tries = ((start, order) for start in range(0, HEADER, 2) for order in "<>")
    return any(_spans(note, start, order, FEWEST if start else 1) is not None for start, order in tries)


def origin(exif: Exif) -> int:
    """Where the MakerNote stood when the camera wrote it, as its offsets tell: an editor may have moved it since.

    The place where it stands now, if the offsets fit there, or cannot be understood.
    """
    return _place(exif)[0]


def _place(exif: Exif) -> tuple[int, str]:
    """As `origin`, and the note's byte order, which editors do not change with that of the file."""
    entry = exif.exif[Tag.MakerNote]
    order = "<" if exif.order == "II" else ">"
    for start, tried in ((start, tried) for start in DIRECTORY_STARTS for tried in (order, "<>".replace(order, ""))):
        directory = _spans(entry.data, start, tried)
        if directory is None:
            continue
        spans, end = directory
        first = min((offset for offset, _ in spans), default=0)
        for place in (entry.offset, 0, first - end - 4, first - end):
            if all(place <= offset and offset + size <= place + len(entry.data) for offset, size in spans):
                return place or entry.offset, tried
        return entry.offset, tried
    return entry.offset, order


def _spans(note: bytes, start: int, order: str, fewest: int = 1) -> tuple[list[tuple[int, int]], int] | None:
    """Offset and size of the values beside the directory at `start`, and its end; None if there is no directory."""
    if start + 2 > len(note):
        return None
    (count,) = struct.unpack_from(order + "H", note, start)
    end = start + 2 + 12 * count
    if not fewest <= count <= MAX_ENTRIES or end > len(note):
        return None
    spans = []
    for part in tiff.fields(note, start, order):
        if part.type not in tiff.SIZES or part.size > MOST_BYTES:
            return None
        if part.size > 4:
            spans.append((tiff.offset_at(note, part.place, order), part.size))
    return spans, end


@dataclass(frozen=True)
class _Note:
    data: bytes
    order: str
    """"<" or ">"."""
    offset: int
    """Subtracted from the offsets inside: where the note stood in the file, or 0 if they count from its start."""

    def entries(self, start: int) -> Entries:
        """The directory at `start`; what lies outside the note is left out."""
        entries = {}
        for part in islice(tiff.fields(self.data, start, self.order), MAX_ENTRIES):
            at = part.place
            if part.size > 4:
                at = tiff.offset_at(self.data, at, self.order) - self.offset
            if part.size > 0 and at >= 0 and at + part.size <= len(self.data):
                value = tiff.little_endian(self.data[at : at + part.size], part.type, self.order)
                entries[part.tag] = Entry(part.type, part.count, value)
        return entries


def _canon(note: _Note) -> tuple[float, float, float] | None:
    data = note.entries(0).get(CANON_COLOR_DATA)
    if data is None or data.count < CANON_SHORTEST:
        return None
    at = CANON_LEVELS.get(data.count, CANON_OTHERS)
    red, green, green2, blue = tiff.numbers(data)[at : at + 4]
    return 2 * red / (green + green2), 1.0, 2 * blue / (green + green2)


def _nikon(note: _Note) -> tuple[float, float, float] | None:
    inside = note.data[10:]
    if not tiff.is_tiff(inside):
        return None
    inner = _Note(inside, "<" if inside[:2] == b"II" else ">", 0)
    levels = inner.entries(tiff.offset_at(inside, 4, inner.order)).get(NIKON_RED_BLUE)
    if levels is None or levels.count < 2:
        return None
    red, blue = tiff.numbers(levels)[:2]
    return red, 1.0, blue


def _olympus(note: _Note) -> tuple[float, float, float] | None:
    """The newer note: its own byte order, offsets from its start; the levels in the image processing directory."""
    inner = _Note(note.data, "<" if note.data[8:10] == b"II" else ">", 0)
    processing = inner.entries(12).get(OLYMPUS_PROCESSING)
    if processing is None:
        return None
    levels = inner.entries(int(tiff.numbers(processing)[0])).get(OLYMPUS_RED_BLUE)
    if levels is None or levels.count < 2:
        return None
    red, blue = tiff.numbers(levels)[:2]
    return red / 256, 1.0, blue / 256


def _olympus_old(note: _Note) -> tuple[float, float, float] | None:
    entries = note.entries(8)
    if any(tag not in entries for tag in OLYMPUS_OLD):
        return None
    red, blue = (tiff.numbers(entries[tag])[0] for tag in OLYMPUS_OLD)
    return red / 256, 1.0, blue / 256


def _panasonic(note: _Note) -> tuple[float, float, float] | None:
    entries = note.entries(12)
    if any(tag not in entries for tag in PANASONIC_LEVELS):
        return None
    red, green, blue = (tiff.numbers(entries[tag])[0] for tag in PANASONIC_LEVELS)
    return red / green, 1.0, blue / green


def _pentax(note: _Note) -> tuple[float, float, float] | None:
    """Offsets count from the file's header under "AOC", from the note's start under "PENTAX "."""
    named = note.data.startswith(b"PENTAX \0")
    mark = note.data[8:10] if named else note.data[4:6]
    order = {b"II": "<", b"MM": ">"}.get(mark, note.order)
    levels = _Note(note.data, order, 0 if named else note.offset)
    entry = levels.entries(10 if named else 6).get(PENTAX_WHITE_POINT)
    if entry is None or entry.count < 4:
        return None
    red, green, green2, blue = tiff.numbers(entry)[:4]
    return 2 * red / (green + green2), 1.0, 2 * blue / (green + green2)


READERS: tuple[tuple[str | bytes, Callable[[_Note], tuple[float, float, float] | None]], ...] = (
    (b"Nikon\0\2", _nikon), (b"OLYMPUS\0", _olympus), (b"OLYMP\0", _olympus_old), (b"Panasonic\0", _panasonic),
    (b"AOC\0", _pentax), (b"PENTAX \0", _pentax), ("CANON", _canon),
)  # fmt: skip
"""By how the note begins, or by the maker's name where it begins with its directory."""

DIRECTORIES: tuple[tuple[bytes, str, int, bool], ...] = (
    (b"Nikon\0\2", "Nikon", -10, False), (b"OLYMPUS\0", "Olympus", 12, True), (b"Panasonic\0", "Panasonic", 12, False),
    (b"SONY DSC \0", "Sony", 12, False), (b"SONY CAM \0", "Sony", 12, False), (b"FUJIFILM", "Fujifilm", 0, True),
    (b"", "Canon", 0, False),
)  # fmt: skip
"""How a note begins, its maker, where its directory stands (below 0: where a TIFF of its own begins; Fujifilm tells it in its
header), and whether offsets count from the note's start and not from the file's header."""
