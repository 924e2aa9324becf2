"""DNG 1.7: mosaics coded with JPEG XL are read as the DNGs that they were before."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from small import mutants, raw_bytes

from rawback import RenderOptions, render
from rawback.errors import RawbackError
from rawback.files import jxl_dng, raw, tiff
from rawback.files import photo as photos
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.recovering import from_photo
from rawback.verify.verdict import verify

codecs = pytest.importorskip("imagecodecs")
SIDE = 32


def coded(plain: bytes, fields: int = 1, bits: int = 16, **options) -> bytes:
    """A DNG of ours with its mosaic as tiles of JPEG XL, rows and columns in so many fields."""
    mosaic = raw.read(plain, "plain").mosaic
    order = [np.concatenate([np.arange(n)[field::fields] for field in range(fields)]) for n in mosaic.shape]
    stored = np.pad(mosaic[np.ix_(*order)], [(0, -n % SIDE) for n in mosaic.shape], mode="edge")
    tiles = [
        bytes(codecs.jpegxl_encode(np.ascontiguousarray(stored[y : y + SIDE, x : x + SIDE]), bitspersample=bits, **options))
        for y in range(0, stored.shape[0], SIDE) for x in range(0, stored.shape[1], SIDE)
    ]  # fmt: skip
    first = tiff.read(plain)
    below = first.children[Tag.SubIFDs][0]
    for tag in (Tag.TileOffsets, Tag.TileByteCounts, Tag.StripOffsets, Tag.StripByteCounts):
        below.entries.pop(tag, None)
        first.entries.pop(tag, None)
    below.entries |= {
        Tag.Compression: tiff.pack(tiff.SHORT, [52546]), Tag.TileWidth: tiff.pack(tiff.LONG, [SIDE]),
        Tag.TileLength: tiff.pack(tiff.LONG, [SIDE]), Tag.JXLDistance: tiff.pack(tiff.FLOAT, [0.0]),
    }  # fmt: skip
    if fields > 1:
        below.entries |= {tag: tiff.pack(tiff.SHORT, [fields]) for tag in (Tag.RowInterleaveFactor, Tag.ColumnInterleaveFactor)}
    below.strips = {Tag.TileOffsets: tiles}
    first.entries[Tag.DNGVersion] = tiff.pack(tiff.BYTE, [1, 7, 0, 0])
    return b"".join(serialise(first))


@pytest.mark.parametrize(("fields", "bits"), [(1, 16), (2, 16), (1, 14), (2, 14)])
def test_a_mosaic_comes_out_as_it_went_in(fields, bits):
    plain = raw_bytes(2, 100, 70)
    before, after = raw.read(plain, "plain"), raw.read(coded(plain, fields, bits, lossless=True), "coded")
    assert np.array_equal(before.mosaic, after.mosaic)
    assert (before.recipe.black, before.recipe.white, before.recipe.neutral) == (
        after.recipe.black, after.recipe.white, after.recipe.neutral,
    )  # fmt: skip


def test_the_round_trip_is_verified(tmp_path):
    (tmp_path / "a.dng").write_bytes(coded(raw_bytes(3), 2, lossless=True))
    jpeg = render(tmp_path / "a.dng", RenderOptions(lossless=True)).data
    (tmp_path / "a.jpg").write_bytes(jpeg)
    assert from_photo(photos.read(jpeg, "x"), "x").exact
    verdict = verify(tmp_path / "a.jpg", tmp_path / "a.dng")
    assert verdict.exact
    assert verdict.missing == ()


def test_other_files_stay_as_they_are():
    plain = raw_bytes(1)
    assert jxl_dng.plain(plain, "x") is plain
    assert jxl_dng.plain(b"\xff\xd8\xff", "x") == b"\xff\xd8\xff"


def test_damaged_ones_and_a_missing_decoder_are_named(monkeypatch):
    data = coded(raw_bytes(1), lossless=True)
    with pytest.raises(RawbackError, match="cannot be decoded"):
        raw.read(data[:-500] + bytes(500), "a.dng")
    with pytest.raises(RawbackError, match="`rawback render` takes those"):
        photos.read(data, "a.dng")
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(RawbackError, match=r"needs the extra \[jxl\]: python -m pip install imagecodecs$"):
        raw.read(data, "a.dng")


def test_mutants_raise_nothing_but_errors_of_ours(ends):
    data = coded(raw_bytes(1), lossless=True)
    for mutant in mutants(data, (8, 3000), 4, 200, seed=5):
        try:
            jxl_dng.plain(mutant, "x")
        except RawbackError:
            continue
