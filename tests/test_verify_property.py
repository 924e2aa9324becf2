"""Nothing is lost in silence: of any tags in any directory, what the recovered DNG does not hold is named, and blocks."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_verify_files import lost
from tiff_maker import CODES, SIZES, Ifd, Value, camera, dng, mosaic_ifd, mosaic_of, packed, tiff

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.files import tiff as own_reader
from rawback.verify import written_anew
from rawback.verify.deletion import delete_original
from rawback.verify.verdict import verify

UNTOUCHED = frozenset({*camera(), *mosaic_ifd(mosaic_of(0)).tags, 273, 279, 330, 34665, 34853, 40965, 50933, 33424, 65024})
"""What the file needs to be one, and pointers."""
SHIFTS_LEVELS = frozenset({*range(50712, 50721), 50829, 50830, 50730, 50729, 254, 266, 322})
"""By which LibRaw would read other photosites or levels, or refuse the file: tested by themselves."""
LISTED = frozenset({
    *written_anew.CONTAINER, *written_anew.MOSAIC, *written_anew.PREVIEWS, *written_anew.THUMBNAILS,
})  # fmt: skip
KNOWN = st.sampled_from([
    1, 2, 27, 269, 270, 285, 305, 306, 315, 316, 700, 4096, 33425, 33432, 33723, 34675, 36867, 37121, 37377, 37385, 37500,
    37510, 40962, 41730, 42033, 42036, 50709, 50731, 50735, 50738, 50739, 50740, 50781, 50827, 50828, 50931, 50932, 50936,
    50964, 51008, 51041, 51107, 51125, 52525, 52529, 52551, 65000,
])  # fmt: skip
NUMBERS = (KNOWN | st.integers(1, 65535)).filter(lambda number: number not in UNTOUCHED | SHIFTS_LEVELS)


@st.composite
def values(draw: st.DrawFn) -> Value:
    kind = draw(st.sampled_from(sorted(SIZES)))
    count = draw(st.integers(1, 12) | st.just(300))
    data = draw(st.binary(min_size=count * SIZES[kind], max_size=count * SIZES[kind]))
    assert kind in CODES
    return kind, data


TAGS = st.dictionaries(NUMBERS, values(), max_size=6)


@st.composite
def files(draw: st.DrawFn) -> Ifd:
    """A DNG with tags of any number and type in its directories."""
    order = draw(st.sampled_from("<>"))
    file = dng(draw(st.integers(0, 9)), ifd0=draw(TAGS), raw=draw(TAGS), order=order)
    if draw(st.booleans()):
        file.subs[34665] = [Ifd(draw(TAGS))]
    if draw(st.booleans()):
        file.subs[34853] = [Ifd(draw(TAGS))]
    if draw(st.booleans()):
        file.next = Ifd(draw(TAGS))
    file.order = order  # type: ignore[attr-defined]
    return file


def silent(file: Ifd, kept: bytes, phrases: tuple[str, ...]) -> list[tuple[str, int]]:
    """Tags that are neither in the DNG, as rawback's own reader sees it, nor named, nor listed."""
    order = file.order  # type: ignore[attr-defined]
    read = [directory.entries for directory in own_reader.read(kept).walk()] + [following(kept)]
    there = {(n, ended(entry.type, entry.data)) for entries in read for n, entry in entries.items()}
    directories = {"IFD0": file, "IFD0/SubIFD0": file.subs[330][0], "IFD1": file.next}
    directories |= {f"IFD0/{name}": file.subs[n][0] for n, name in ((34665, "Exif"), (34853, "GPS")) if n in file.subs}
    found = []
    for path, directory in ((path, d) for path, d in directories.items() if d is not None):
        for number, value in directory.tags.items():
            named = any(phrase.startswith((f"{path} {number}", f"{path}:")) for phrase in phrases)
            if (number, ended(value[0], little(value, order))) not in there and not named and number not in LISTED:
                found.append((path, number))
    return found


def following(data: bytes) -> own_reader.Entries:
    """The directory after IFD0, which rawback's reader does not look for."""
    order = "<" if data[:2] == b"II" else ">"
    (first,) = struct.unpack_from(order + "I", data, 4)
    (count,) = struct.unpack_from(order + "H", data, first)
    (after,) = struct.unpack_from(order + "I", data, first + 2 + 12 * count)
    return own_reader.read_directory(data, after) if after else {}


def ended(kind: int, data: bytes) -> bytes:
    """A text without the NULs at its end, of which there may be more or fewer."""
    return data.rstrip(b"\0") if kind == 2 else data


def little(value: Value, order: str) -> bytes:
    """The bytes of a value, each number little-endian."""
    kind, data = value[0], packed(value, order)
    word = 4 if kind in (5, 10) else SIZES[kind]
    if order == "<" or word == 1:
        return data
    return b"".join(data[i : i + word][::-1] for i in range(0, len(data), word))


@given(files())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_no_tag_is_lost_in_silence(tmp_path: Path, file: Ifd):
    raw, photo = tmp_path / "a.dng", tmp_path / "a.jpg"
    raw.write_bytes(tiff(file, file.order))  # type: ignore[attr-defined]
    try:
        photo.write_bytes(rawback.render(raw, RenderOptions(lossless=True, quality=75)).data)
    except RawbackError:
        return  # refused: nothing is lost
    verdict = verify(photo, raw)
    assert silent(file, b"".join(map(bytes, rawback.recover(photo).dng())), verdict.missing) == []
    if verdict.exact and verdict.complete:
        assert "all metadata" in verdict.message
        return
    assert "all metadata" not in verdict.message.replace("not all metadata", "")
    with pytest.raises(RawbackError, match="is kept"):
        delete_original(photo, raw)
    assert raw.exists()


@given(files(), st.data())
@settings(max_examples=100, deadline=None)
def test_what_is_taken_away_is_named(file: Ifd, data: st.DataObject):
    """One tag of any directory is removed, or a bit of it changed."""
    order = file.order  # type: ignore[attr-defined]
    before = tiff(file, order)
    assert lost(before, before) == ()
    directory = data.draw(st.sampled_from(file.below()))
    number = data.draw(st.sampled_from(sorted({*directory.tags} - LISTED) or [None]))
    if number is None or sum(number in d.tags for d in file.below()) > 1:
        return
    kind, content = directory.tags[number]
    changed = bytearray(packed((kind, content), order))
    if data.draw(st.booleans()) and number not in (700, 33723) and kind != 2:  # of those the end may be padding
        changed[data.draw(st.integers(0, len(changed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        directory.tags[number] = (kind, bytes(changed))
    else:
        del directory.tags[number]
    assert lost(before, tiff(file, order)) != ()
