"""RAW of rare kinds: quad Bayer, which is one of ours, and those that no verb takes and no verb sends to the other."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rawpy
from scenes import garden, photograph, recipe_of
from small import raw_bytes

from rawback import RenderOptions, original_file, recover, render
from rawback.errors import RawbackError
from rawback.files import dng, raw, tiff
from rawback.files.dng_pixels import Whole
from rawback.files.tags import Tag
from rawback.files.tiff_writer import serialise
from rawback.metrics import mosaic_psnr
from rawback.verify.verdict import verify

QUAD = ((0, 0, 1, 1), (0, 0, 1, 1), (1, 1, 2, 2), (1, 1, 2, 2))
ODD = tuple(tuple(np.roll(QUAD, (-1, -2), (0, 1))[row].tolist()) for row in range(4))


@pytest.fixture(params=[QUAD, ODD], ids=["RRGG", "shifted"])
def file(request, tmp_path):
    recipe = recipe_of(60, 84, request.param)
    data = b"".join(map(bytes, dng.encode(garden(60, 84, recipe), recipe, None, None)))
    (tmp_path / "a.dng").write_bytes(data)
    return tmp_path / "a.dng"


def test_quad_bayer_is_read_by_its_own_filters(file):
    source = raw.read(file.read_bytes(), "a")
    assert source.recipe.cfa in (QUAD, ODD)
    assert np.array_equal(source.mosaic, garden(60, 84, source.recipe))


@pytest.mark.parametrize(("options", "least"), [({}, 48), ({"keep": "52dB"}, 51.9), ({"hdr": True}, 48), ({"quality": 96}, 58)])
def test_quad_bayer_comes_back(file, options, least):
    true = raw.read(file.read_bytes(), "a")
    back = recover(render(file, RenderOptions(**options)).data)
    assert back.recipe.cfa == true.recipe.cfa
    assert mosaic_psnr(true.mosaic, back.mosaic, true.recipe) > least
    assert any("--dng linear" in note for note in back.notes)
    again = raw.read(b"".join(map(bytes, back.dng())), "again")
    assert again.recipe.cfa == true.recipe.cfa
    assert np.array_equal(again.mosaic, back.mosaic)


@pytest.mark.parametrize("keep", ["lossless", "original"])
def test_every_bit_of_quad_bayer_can_be_kept(file, tmp_path, keep):
    (tmp_path / "a.jpg").write_bytes(render(file, RenderOptions(keep=keep)).data)
    verdict = verify(tmp_path / "a.jpg", file)
    assert (verdict.exact, verdict.missing) == (True, ())
    if keep == "original":
        assert original_file(tmp_path / "a.jpg").data == file.read_bytes()


def test_filters_count_from_the_active_area():
    recipe = recipe_of(64, 88, QUAD)
    frame = garden(64, 88, recipe)
    visible = recipe_of(58, 80, tuple(tuple(np.roll(QUAD, (-2, -6), (0, 1))[row].tolist()) for row in range(4)))
    whole = Whole(frame, (2, 6, 60, 86))
    data = b"".join(map(bytes, dng.encode(frame[2:60, 6:86].copy(), visible, None, None, whole=whole)))
    assert raw.read(data, "a").recipe.cfa == visible.cfa


def test_the_picture_of_quad_bayer_has_its_colours(tmp_path):
    """As that of a Bayer sensor with the same scene before it."""
    y, x = np.mgrid[:96, :128] / 96
    scene = 0.3 + 0.25 * np.sin(np.stack([6 * x + 5 * y + shift for shift in (0, 2, 4)], -1))
    pictures = []
    for cfa in (QUAD, ((0, 1), (1, 2))):
        recipe = recipe_of(96, 128, cfa)
        source = raw.RawFile(photograph(scene, recipe), recipe, None)
        pictures.append(np.asarray(render(source, RenderOptions(look="libraw", exposure=0.0)).to_pil()).astype(float))
    assert np.abs(pictures[0] - pictures[1]).mean() < 2


def uncompressed(values: np.ndarray, **tags: tiff.Entry) -> bytes:
    """A DNG of our small RAW's, with other values and tags in the directory of its mosaic."""
    first = tiff.read(raw_bytes(0, 64, 48))
    below = first.children[Tag.SubIFDs][0]
    stored = (Tag.TileOffsets, Tag.TileByteCounts, Tag.StripOffsets, Tag.StripByteCounts, Tag.TileWidth, Tag.TileLength)
    shown = (Tag.YCbCrSubSampling, Tag.YCbCrPositioning, Tag.ReferenceBlackWhite, Tag.PreviewColorSpace)
    for entries, gone in ((below.entries, stored), (first.entries, stored + shown)):
        for tag in gone:
            entries.pop(tag, None)
    plain = {"Compression": tiff.pack(tiff.SHORT, [1]), "RowsPerStrip": tiff.pack(tiff.LONG, [48])}
    below.entries |= {Tag[name]: entry for name, entry in (plain | tags).items()}
    below.strips = {Tag.StripOffsets: [values.tobytes()]}
    return b"".join(serialise(first))


MOSAIC = np.full((48, 64), 3000, np.uint16)
REFUSED = {
    "float.dng": (
        lambda: uncompressed(
            MOSAIC.astype(np.float32),
            SampleFormat=tiff.pack(tiff.SHORT, [3]),
            BitsPerSample=tiff.pack(tiff.SHORT, [32]),
        ),
        "floating point values .* 16-bit integers",
    ),
    "cygm.dng": (
        lambda: uncompressed(
            MOSAIC,
            CFAPattern=tiff.pack(tiff.BYTE, [3, 4, 1, 5]),
            CFAPlaneColor=tiff.pack(tiff.BYTE, [3, 4, 5, 1]),
        ),
        "other filters .* 16-bit TIFF",
    ),
    "one_colour.dng": (
        lambda: uncompressed(MOSAIC, CFAPattern=tiff.pack(tiff.BYTE, [0, 0, 0, 0])),
        "not red, green and blue .*LinearRaw",
    ),
    "gpr.gpr": (lambda: uncompressed(MOSAIC, Compression=tiff.pack(tiff.SHORT, [9])), "a GPR.* converter first"),
    "foveon.x3f": (lambda: b"FOVb" + bytes(3000), "Foveon.* 16-bit TIFF"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_verb_takes_is_named_by_both_with_what_to_do(tmp_path, name):
    make, says = REFUSED[name]
    (tmp_path / name).write_bytes(make())
    for verb in (render, recover):
        with pytest.raises(RawbackError, match=says) as caught:
            verb(tmp_path / name)
        assert "rawback render" not in str(caught.value)


def test_a_raw_that_render_takes_is_sent_there(tmp_path):
    (tmp_path / "a.dng").write_bytes(raw_bytes())
    with pytest.raises(RawbackError, match="`rawback render` takes those"):
        recover(tmp_path / "a.dng")


def test_libraw_reads_the_photosites_of_quad_bayer(file):
    with rawpy.imread(io.BytesIO(file.read_bytes())) as read:
        assert np.array_equal(read.raw_image, raw.read(file.read_bytes(), "a").mosaic)
