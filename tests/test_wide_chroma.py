"""Chroma beyond white: put aside where colours are blown, added by the decoder, and never seen by viewers."""

from __future__ import annotations

import hashlib
import io
import random
import shutil
import subprocess
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import CFAS, RED, coded_alike, flower, mosaic_db, raw_file

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError, RecipeError
from rawback.files import jpeg, jumbf, wide_chroma
from rawback.files.jpeg_file import JpegFile
from rawback.files.layer_header import with_crc
from rawback.files.raw import RawFile
from rawback.isp import stages
from rawback.isp import wide_chroma as choice
from rawback.isp.quantisation_tables import coding
from rawback.provenance import State
from rawback.recipe import Recipe
from rawback.recipe_text import from_fields, to_fields

FIXTURE = Path(__file__).parent / "data" / "format" / "wide.jpg"
PLAIN = RenderOptions(quality=90, look="libraw", exposure=0.0, thumbnail=False)


@pytest.fixture(scope="module")
def salmon() -> RawFile:
    return flower(128, 160)


@pytest.fixture(scope="module")
def data(salmon: RawFile) -> bytes:
    return rawback.render(salmon, PLAIN).data


def target(file: RawFile, recipe: Recipe) -> np.ndarray:
    """The picture with blown photosites white, (H, W, 3)."""
    return np.clip(stages.forward(file.mosaic, recipe, white_at=1.0), 0, 1).transpose(1, 2, 0)


def shown(jpeg: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(jpeg)) as picture:
        return np.asarray(picture.convert("RGB"), float) / 255


@pytest.mark.parametrize("lossless", [False, True])
def test_what_viewers_show_right_needs_no_box(monkeypatch: pytest.MonkeyPatch, lossless: bool):
    """A red above white is clamped to red: its chroma is the picture's, for any rawback that reads it."""
    rose, options = flower(96, 128, colour=RED), replace(PLAIN, compatible=True, lossless=lossless)
    ours = rawback.render(rose, options)
    monkeypatch.setattr(choice, "LEAST_SHARE", 2)
    theirs = rawback.render(rose, options)
    assert to_fields(ours.recipe)["Version"] == "1" and len(ours.data) < (0.9 if lossless else 0.7) * len(theirs.data)
    assert rawback.recover(ours.data).exact == lossless
    errors = [np.square(shown(r.data) - target(rose, r.recipe)).mean() for r in (ours, theirs)]
    assert errors[0] < 1.05 * errors[1]


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
@pytest.mark.parametrize("effort", ["normal", "best"])
def test_blown_colours_cost_fewer_bits_and_look_as_good(salmon: RawFile, subsampling: str, effort: str):
    options = replace(PLAIN, subsampling=subsampling, effort=effort)
    with_it, without = rawback.render(salmon, options), rawback.render(salmon, replace(options, compatible=True))
    assert with_it.recipe.wide_chroma and not without.recipe.wide_chroma
    assert len(with_it.data) < 0.97 * len(without.data)
    assert any("colours beyond white" in note for note in with_it.notes)
    ours, theirs = (rawback.recover(r.data) for r in (with_it, without))
    assert (to_fields(ours.recipe)["Version"], ours.state) == ("3", State.UNTOUCHED)
    saved = 8 * (len(without.data) - len(with_it.data)) / salmon.mosaic.size
    decibels = [mosaic_db(r.mosaic, salmon.mosaic, salmon.recipe) for r in (ours, theirs)]
    assert decibels[0] + 5 * saved > decibels[1] + 0.3  # a bit per photosite is worth 5 dB at least
    errors = [np.square(shown(r.data) - target(salmon, r.recipe)).mean() for r in (with_it, without)]
    assert errors[0] < 1.05 * errors[1]


def test_nothing_is_put_aside_where_little_is_blown_or_others_are_to_read_it(salmon: RawFile):
    pale = raw_file(64, 96)
    assert choice.share(pale.mosaic, pale.recipe, 1.0) == 0
    assert choice.share(salmon.mosaic, salmon.recipe, 1.0) > 0.3
    assert choice.share(salmon.mosaic[:1], salmon.recipe, 1.0) == 0
    same = [rawback.render(pale, replace(PLAIN, compatible=c)) for c in (False, True)]
    assert same[0].recipe == replace(same[1].recipe, options=same[0].recipe.options)
    for options in (replace(PLAIN, effort="fast"), replace(PLAIN, lossless=True), replace(PLAIN, refine=False)):
        assert not rawback.render(salmon, options).recipe.wide_chroma


def test_a_size_is_kept_with_it(salmon: RawFile):
    made = rawback.render(salmon, replace(PLAIN, keep="14kB"))
    assert made.recipe.wide_chroma and 12_500 < len(made.data) <= 14_000


@pytest.mark.parametrize("variant", ["", "plain"])
@pytest.mark.parametrize("cfa", ["GBRG", "X-Trans"])
def test_the_choice_is_that_of_numpy(core, variant: str, cfa: str):
    file = flower(96, 160, CFAS[cfa])
    how = replace(coding(90, "4:2:0", "raw", True), beyond_white=True, wide=True)
    assert coded_alike(core, variant, file.mosaic, replace(file.recipe, arithmetic=2), how).wide is not None


@pytest.mark.skipif(not shutil.which("jpegtran"), reason="jpegtran is not installed")
@pytest.mark.parametrize("turn", ["-transpose", "-rotate 90", "-optimize -progressive"])
def test_a_turned_picture_gives_the_same_raw(data: bytes, turn: str):
    line = ["jpegtran", "-copy", "all", *turn.split()]
    turned = rawback.recover(subprocess.run(line, input=data, capture_output=True, check=True).stdout)
    assert turned.state in (State.ROTATED, State.UNTOUCHED)
    assert np.array_equal(turned.mosaic, rawback.recover(data).mosaic)


def without_boxes(data: bytes, content: bytes | None = None) -> bytes:
    """The file without its box, or with another content in it."""
    file, kept, end = JpegFile(data), [], 0
    for part in file.segments:
        if part.marker == 0xEB and b"rawback.wide" in bytes(part.payload)[:80]:
            kept.append(data[end : part.start])
            end = part.stop
            if content is not None:
                boxes = [jumbf.Box(wide_chroma.LABEL, content)]
                kept += [jpeg.segment(*segment) for segment in jumbf.to_segments(boxes, 9)]
    return b"".join([*kept, data[end:]])


def content_of(data: bytes) -> bytes:
    return next(box.content for box in jumbf.find(JpegFile(data)) if box.label == wide_chroma.LABEL)


def test_what_is_lost_of_it_is_said(salmon: RawFile, data: bytes):
    body = content_of(data)[4:]
    cases = {
        "is missing": None,
        "is damaged": content_of(data)[:-9] + bytes(9),
        "is another picture's": with_crc(body[:2] + bytes(32) + body[34:]),
        "has version 9": with_crc(b"\x09\0" + body[2:]),
        "is of another size": with_crc(body[:34] + (9).to_bytes(4, "little") + zlib.compress(b"\xff", 9)),
    }
    whole = mosaic_db(rawback.recover(data).mosaic, salmon.mosaic, salmon.recipe)
    for message, content in cases.items():
        back = rawback.recover(without_boxes(data, content))
        name = "the bytes: its chroma beyond white "
        assert any(
            note.startswith(name) and message in note and "blown colours come back wrong" in note for note in back.notes
        ), message
        assert back.state is State.UNTOUCHED and not any("dB" in note for note in back.notes)
        assert 15 < mosaic_db(back.mosaic, salmon.mosaic, salmon.recipe) < whole - 10


def test_a_picture_saved_again_does_without_it(data: bytes):
    stream = io.BytesIO()
    with Image.open(io.BytesIO(data)) as picture:
        xmp = next(s for s in JpegFile(data).segments if bytes(s.payload).startswith(b"http://ns.adobe.com/xap"))
        picture.save(stream, "JPEG", quality=95, subsampling=0, xmp=bytes(xmp.payload).split(b"\0", 1)[1])
    again = rawback.recover(stream.getvalue())
    assert again.state is State.RECOMPRESSED and any("is not used" in note for note in again.notes)


def test_damage_ends_in_a_message(data: bytes):
    """Of boxes whose CRC holds: the JPEG and the mask within are nobody's to trust."""
    picture, body = jpeg.read(data, "a.jpg").coefficients, content_of(data)[4:]
    assert picture is not None
    sha256, rng, refused = body[2:34].hex(), random.Random(3), 0
    for _ in range(150):
        mutant = bytearray(body)
        for _ in range(rng.choice((1, 1, 3, 20))):
            mutant[rng.randrange(34, len(mutant))] = rng.choice((0, 1, 0x7F, 0xFF, rng.randrange(256)))
        mutant = mutant[: rng.randrange(38, len(mutant))] if rng.random() < 0.2 else mutant
        try:
            wide = wide_chroma.from_boxes([jumbf.Box(wide_chroma.LABEL, with_crc(bytes(mutant)))], picture, sha256)
        except RawbackError:
            refused += 1
        else:
            assert [plane.shape for plane in wide] == [plane.shape for plane in picture.planes[1:]]
    assert 20 < refused < 150


def test_what_cannot_be_is_refused(data: bytes):
    fields = to_fields(rawback.recover(data).recipe)
    assert from_fields(fields).wide_chroma
    for wrong in ({"Version": "4"}, {"Arithmetic": "1"}, {"Refined": "False"}, {"WideChroma": "yes"}):
        with pytest.raises(RecipeError):
            from_fields(fields | wrong)


@pytest.mark.parametrize("variant", ["", "plain", "off"])
def test_the_first_file_of_this_version_is_recovered_as_ever(core, variant: str):
    """The same bits, whatever computes them."""
    core(variant)
    back = rawback.recover(FIXTURE)
    digest = hashlib.sha256(back.mosaic.astype("<u2").tobytes()).hexdigest()
    assert back.recipe.wide_chroma and digest == "744359cc87e0a3b21b45894b0dc54c6a6ad0941fb4dd8f1355d082bb452b7276"
