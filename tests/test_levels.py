"""Levels, active areas and white balances as the tags of a DNG say them, whatever LibRaw makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import recipe_of

from rawback.errors import RawbackError
from rawback.files import dng, dng_levels, raw, tiff
from rawback.files.tags import Tag
from rawback.files.tiff import LONG, RATIONAL, SHORT, SRATIONAL, Entries
from rawback.files.tiff_writer import serialise

HEIGHT, WIDTH = 96, 128
MATRIX = (0.9, -0.3, -0.1, -0.5, 1.3, 0.2, -0.1, 0.2, 0.6)


def read(first: Entries | None = None, mosaic: Entries | None = None, without: tuple[int, ...] = ()) -> raw.RawFile:
    """A DNG, 14 bits RGGB, with these tags in its IFD0 and in its mosaic's directory."""
    values = np.random.default_rng(0).integers(2000, 12000, (HEIGHT, WIDTH)).astype(np.uint16)
    recipe = recipe_of(HEIGHT, WIDTH, black=(512.0,) * 4, white=16383.0, dng={"ColorMatrix1": MATRIX})
    whole = tiff.read(b"".join(dng.encode(values, recipe, None, None, compress=False)))
    about = {tag: entry for tag, entry in whole.entries.items() if tag >= Tag.DNGVersion or tag in (Tag.Make, Tag.Model)}
    strips = (Tag.StripOffsets, Tag.StripByteCounts)
    sensor = {tag: entry for tag, entry in whole.child(Tag.SubIFDs).items() if tag not in strips}
    entries = (
        {t: e for t, e in (own | (more or {})).items() if t not in without} for own, more in ((about, first), (sensor, mosaic))
    )
    top, below = (tiff.Directory(own) for own in entries)
    below.strips, top.children = {Tag.StripOffsets: [values.tobytes()]}, {Tag.SubIFDs: [below]}
    data = b"".join(serialise(top))
    return raw.read(data, "drawn")


def pattern(rows: int, columns: int, levels: list[float]) -> Entries:
    return {Tag.BlackLevelRepeatDim: tiff.pack(SHORT, [rows, columns]), Tag.BlackLevel: tiff.rationals(levels, RATIONAL)}


@pytest.mark.parametrize(("repeat", "levels", "expected"), [
    ((1, 1), [100.4], [100.4] * 4),
    ((2, 2), [100.5, 200.25, 300.75, 400.125], [100.5, 200.25, 300.75, 400.125]),
    ((1, 2), [100, 200], [100, 200, 100, 200]),
    ((2, 1), [100, 200], [100, 100, 200, 200]),
    ((4, 4), list(range(100, 116)), [105, 106, 109, 110]),
    ((3, 1), [100, 200, 300], [200] * 4),
])  # fmt: skip
def test_black_of_any_pattern(repeat: tuple[int, int], levels: list[float], expected: list[float]):
    assert read(mosaic=pattern(*repeat, levels)).recipe.black == pytest.approx(expected, abs=1e-3)


def test_black_of_rows_and_columns():
    rows = {Tag.BlackLevelDeltaV: tiff.rationals([512.0] * HEIGHT, SRATIONAL)}
    assert read(mosaic=pattern(1, 1, [0]) | rows).recipe.black == (512.0,) * 4
    columns = {Tag.BlackLevelDeltaH: tiff.rationals([-20.0, 20.0] * (WIDTH // 2), SRATIONAL)}
    assert read(mosaic=pattern(1, 1, [100]) | columns).recipe.black == (80.0, 120.0, 80.0, 120.0)


@pytest.mark.parametrize(("area", "black", "crop"), [
    ((0, 0, 96, 128), (1, 2, 3, 4), (6, 4, 100, 80)),
    ((1, 0, 95, 128), (3, 4, 1, 2), (6, 3, 100, 80)),
    ((0, 1, 96, 127), (2, 1, 4, 3), (5, 4, 100, 80)),
    ((3, 5, 90, 120), (4, 3, 2, 1), (5, 3, 100, 80)),
])  # fmt: skip
def test_an_active_area_may_begin_anywhere(area: tuple[int, ...], black: tuple[int, ...], crop: tuple[int, ...]):
    """LibRaw lets it begin at an even row and column; black and crop count from where the file says."""
    tags = pattern(2, 2, [1, 2, 3, 4]) | {
        Tag.ActiveArea: tiff.pack(LONG, area),
        Tag.DefaultCropOrigin: tiff.pack(LONG, [6, 4]), Tag.DefaultCropSize: tiff.pack(LONG, [100, 80]),
    }  # fmt: skip
    recipe = read(mosaic=tags).recipe
    assert (recipe.black, recipe.crop) == (black, crop)
    top, left = recipe.margins[:2]
    assert recipe.cfa[0][0] == [[0, 1], [1, 2]][(top - area[0]) % 2][(left - area[1]) % 2]


@pytest.mark.parametrize(("top", "left"), [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_levels_move_with_the_mosaic(top: int, left: int):
    """What is written beside the visible mosaic says of each photosite what the original said of it."""
    rng = np.random.default_rng(1)
    entries = pattern(4, 2, [100, 110, 120, 130, 140, 150, 160, 170]) | {
        Tag.BlackLevelDeltaV: tiff.rationals(rng.integers(0, 9, 40).tolist(), SRATIONAL),
        Tag.BlackLevelDeltaH: tiff.rationals(rng.integers(0, 9, 60).tolist(), SRATIONAL),
        Tag.ActiveArea: tiff.pack(LONG, [3, 5, 43, 65]),
    }  # fmt: skip
    before = dng_levels.read(entries)
    size = (40 - top, 60 - left)
    after = dng_levels.read(dng_levels.moved(entries, (3 + top, 5 + left), size))
    for y, x in rng.integers(0, (39 - top, 59 - left), (50, 2)).tolist():
        true = before.pattern[(y + top) % 4][(x + left) % 2] + before.delta_v[y + top] + before.delta_h[x + left]
        assert after.pattern[y % 4][x % 2] + after.delta_v[y] + after.delta_h[x] == pytest.approx(true)
    assert (len(after.delta_v), len(after.delta_h)) == size


def test_white_balance_by_chromaticity():
    xyz = np.array([0.3457 / 0.3585, 1, (1 - 0.3457 - 0.3585) / 0.3585])
    answer = np.reshape(MATRIX, (3, 3)) @ xyz
    recipe = read({Tag.AsShotWhiteXY: tiff.rationals([0.3457, 0.3585])}, without=(Tag.AsShotNeutral,)).recipe
    assert recipe.neutral == pytest.approx(answer / answer.max(), abs=2e-4)
    assert recipe.white_balance_from == "camera"


def test_impossible_levels_are_said():
    with pytest.raises(RawbackError, match="drawn says of its sensor what cannot be \\(white level\\)"):
        read(mosaic=pattern(1, 1, [20000]))
