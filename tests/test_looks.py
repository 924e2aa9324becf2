"""Cards of looks: learned from pictures inside RAW files, chosen by what a photo says of itself, removed again."""

from __future__ import annotations

import io
import json
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scenes import Run
from test_preview_look import camera, jpeg, look_of, shown

import rawback
from rawback.calibrate import learn, pool
from rawback.cameras import cards, look_fit, look_model, looks
from rawback.cameras.looks import Origin
from rawback.errors import RawbackError
from rawback.files import dng, embedded, encoder, exif, photo, picture_style, tiff
from rawback.files.dng_pixels import Whole
from rawback.files.jpeg_file import JpegFile
from rawback.files.raw import RawFile
from rawback.files.tags import Tag
from rawback.foreign.camera import guess

NAMES = {"ifd0": {Tag.Make: tiff.ascii_text("Maker"), Tag.Model: tiff.ascii_text("One")}}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own, empty."""
    monkeypatch.setattr(cards, "learned_folder", lambda: tmp_path / "looks")
    return tmp_path / "looks"


@pytest.fixture(scope="module")
def raw() -> RawFile:
    return camera()


@pytest.fixture(scope="module")
def member(raw: RawFile) -> pool.Member:
    found = pool.member(replace(raw, pictures=embedded.of_file(jpeg(shown(raw)))))
    assert isinstance(found, pool.Member)
    return found


def raw_with_picture(path: Path, raw: RawFile, **looks_so) -> Path:
    """A DNG of the camera's, its own picture inside."""
    picture = JpegFile(jpeg(shown(raw, look_of(raw, **looks_so), width=320)))
    path.write_bytes(b"".join(dng.encode(raw.mosaic, raw.recipe, exif.Exif(**NAMES), picture, software="Maker 1.0")))
    return path


def photo_of(path: Path, raw: RawFile, **more: tiff.Entry) -> Path:
    """The camera's JPEG, which says who it is."""
    tags = {getattr(Tag, name): entry for name, entry in more.items()}
    in_ifd0 = {tag: entry for tag, entry in tags.items() if tag in (Tag.UniqueCameraModel,)}
    told = exif.Exif(ifd0=NAMES["ifd0"] | in_ifd0, exif={tag: e for tag, e in tags.items() if tag not in in_ifd0})
    app1 = b"Exif\0\0" + exif.to_app1(told, 1, "Maker 1.0", None, size=(480, 360))
    data = jpeg(shown(raw))
    path.write_bytes(data[:2] + b"\xff\xe1" + (len(app1) + 2).to_bytes(2, "big") + app1 + data[2:])
    return path


def card_of(member: pool.Member, name: str, **values) -> Path:
    path = cards.learned_folder() / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    look = pool.as_look(look_fit.fit(member.samples), [member], name)
    path.write_bytes(looks.save(replace(look, **({"camera": "Maker One", "make": "Maker", "model": "One"} | values)), path, {}))
    return path


def test_a_look_is_learned_and_undone(tmp_path: Path, raw: RawFile):
    files = [raw_with_picture(tmp_path / f"{number}.dng", raw) for number in range(2)]
    told: list[str] = []
    (card,) = learn.learn([*files, tmp_path / "missing.dng"], told.append)
    assert card.pictures == 2 and card.held_out[0]["dB"] > 30 and "missing.dng" in told[0]
    source = photo_of(tmp_path / "a.jpg", raw)
    recovered = rawback.recover(source)
    assert recovered.recipe.look == card.path.stem and any(card.path.stem in note for note in recovered.notes)
    learned, generic = (guess(photo.read(source.read_bytes(), "a"), known) for known in (
        None, looks.Known("Maker", "One", looks.load("look-generic-1")),
    ))  # fmt: skip
    truth = look_of(raw)
    off = [abs(one.recipe.exposure - truth.exposure) for one in (learned, generic)]
    assert off[0] < 0.3
    assert learned.scope == "body" and generic.scope == "generic"


def test_nothing_is_told_while_files_are_read(tmp_path: Path, raw: RawFile):
    """Standard error is LibRaw's, then: words would be lost."""
    files, before = [raw_with_picture(tmp_path / "a.dng", raw)], threading.active_count()
    counts: list[int] = []
    learn.learn([tmp_path / "missing.dng", *files * 3], lambda text: counts.append(threading.active_count()))
    assert counts == [before]


def test_figures_are_of_what_was_left_out(member: pool.Member):
    model = pool.pooled([[member.samples]])
    figures = pool.errors(model, member.samples)
    assert figures["dB"] > 30 and abs(figures["EV off"]) < 0.05 and figures["as is"] > 29
    assert pool.held_out([member.samples])[0]["itself"]
    assert "itself" not in pool.held_out([member.samples, replace(member.samples)])[0]


def test_a_lens_is_found_and_left_out_of_the_colours(member: pool.Member):
    falloff = np.array([0.2, 0.1, 0.1])
    gain = look_model.lens_gain(falloff, member.samples.radius2)
    darker = replace(member.samples, light=member.samples.light / gain[:, None])
    (evened,), found = pool.without_lens([replace(member, samples=darker)])
    assert abs(look_model.lens_gain(found, np.array([1.0]))[0] - 1.4) < 0.06
    assert pool.errors(look_fit.fit(evened), evened)["dB"] > 30


def test_the_nearest_card_is_taken(member: pool.Member):
    assert looks.find(Origin("Maker", "One")).scope == "generic"
    card_of(member, "maker", scope="maker")
    assert looks.find(Origin("Maker", "One")).name == "maker" and looks.find(Origin("Other", "One")).scope == "generic"
    card_of(member, "family", scope="family", models=("O*",))
    assert looks.find(Origin("MAKER", "one")).name == "family" and looks.find(Origin("Maker", "Two")).name == "maker"
    card_of(member, "body")
    assert looks.find(Origin("Maker", "One")).name == "body"
    card_of(member, "dng", from_dng=True)
    assert looks.find(Origin("Maker", "One", from_dng=True)).name == "dng" and looks.find(Origin("Maker", "One")).name == "body"
    card_of(member, "vivid", style="vivid")
    assert looks.find(Origin("Maker", "One", style="vivid")).name == "vivid"
    assert looks.find(Origin("Maker", "One", style="pale")).name == "body"
    card_of(member, "tables", scope="family", models=("X*",), encoders=("abc",))
    assert looks.find(Origin(encoder="abc")).name == "tables" and looks.find(Origin(encoder="abd")).scope == "generic"
    assert looks.find(Origin("Other", "One", encoder="abc")).scope == "generic", "what a photo says goes before its tables"


def test_tables_of_a_maker_are_known_and_those_of_libjpeg_say_nothing():
    def of(**options: object) -> str:
        stream = io.BytesIO()
        Image.new("RGB", (64, 48)).save(stream, "JPEG", **options)
        return encoder.fingerprint(JpegFile(stream.getvalue()))

    own = [[3 + i // 8 for i in range(64)], [9] * 64]
    assert all(of(quality=quality) == "" for quality in (1, 50, 75, 95))
    assert of(qtables=own) and of(qtables=own) == of(qtables=own, comment=b"another") != of(qtables=own, subsampling=0)
    assert encoder.fingerprint(JpegFile(b"")) == encoder.fingerprint(JpegFile(b"\xff\xd8\xff\xdb\0\x03\0")) == ""


def test_a_card_that_is_damaged_holds_no_look(member: pool.Member):
    path = card_of(member, "mine")
    card = json.loads(path.read_bytes())
    for wrong in ({"scope": "world"}, {"tone": [1, 0]}, {"matrix": [[1, 0, 0]] * 3}, {"models": 3}):
        path.write_text(json.dumps(card | {"look": card["look"] | wrong}))
        with pytest.raises(RawbackError, match="holds no look"):
            looks.load("mine")
    for odd in ({"held_out": 5}, {"look": []}, {"parts": None}):
        path.write_text(json.dumps(card | odd))
        with pytest.raises(RawbackError, match="is no card: its"):
            cards.cards()


def test_settings_that_no_card_knows_are_said(tmp_path: Path, raw: RawFile):
    source = photo_of(tmp_path / "a.jpg", raw, Contrast=tiff.pack(tiff.SHORT, [2]), Saturation=tiff.pack(tiff.SHORT, [1]))
    read = photo.read(source.read_bytes(), "a.jpg")
    assert picture_style.style(read.exif) == "hard pale"
    assert "settings (hard pale)" in guess(read).message()


def test_a_named_card_of_weights_lends_its_sensor(tmp_path: Path, raw: RawFile):
    recovered = rawback.recover(photo_of(tmp_path / "a.jpg", raw), camera="gopro-hero7")
    assert "sensor of GoPro HERO7 Black" in recovered.notes[-1] and "look-gopro-hero7-1" in recovered.notes[-1]
    assert recovered.recipe.dng["ColorMatrix1"][0] == pytest.approx(1.0344, abs=0.001)


def test_a_looks_brightening_is_in_its_profile(tmp_path: Path, raw: RawFile):
    file = replace(raw, pictures=embedded.of_file(jpeg(shown(raw))), recipe=replace(raw.recipe, baseline_exposure=0.25))
    path = tmp_path / "a.jpg"
    path.write_bytes(rawback.render(file).data)
    recovered = rawback.recover(path)
    first = tiff.read(b"".join(recovered.dng())).entries
    assert tiff.numbers(first[Tag.BaselineExposure]) == (0.25,)
    assert tiff.numbers(first[Tag.BaselineExposureOffset])[0] == pytest.approx(recovered.recipe.exposure, abs=1e-4)


def test_a_look_stands_beside_a_profile_of_the_raws_own(raw: RawFile):
    recipe = look_of(raw, look="preview")
    own = {Tag.ProfileName: tiff.ascii_text("Maker Standard")}
    whole = Whole(raw.mosaic, (0, 0, recipe.height, recipe.width), ifd0=own)
    data = b"".join(map(bytes, dng.encode(raw.mosaic, recipe, None, None, whole=whole)))
    first = tiff.read(data).entries
    assert tiff.text(first[Tag.ProfileName]) == "Maker Standard" and Tag.ProfileToneCurve not in first
    assert Tag.BaselineExposureOffset not in first
    look = tiff.read_profile(data, int(tiff.numbers(first[Tag.ProfileIFD])[0]))
    assert tiff.text(look[Tag.ProfileName]) == "rawback preview look"
    assert tiff.numbers(look[Tag.BaselineExposureOffset])[0] == pytest.approx(0.6)
    assert {Tag.ProfileToneCurve, Tag.ColorMatrix1} <= look.keys() and Tag.AnalogBalance not in look


def test_from_the_command_line(run: Run, tmp_path: Path, raw: RawFile):
    inside = tmp_path / "raws" / "deeper"
    inside.mkdir(parents=True)
    raw_with_picture(inside / "a.dng", raw)
    code, _, says = run("learn", "-r", tmp_path / "raws")
    assert code == 0 and "look-maker-one: Maker One, 1 picture," in says
    assert "look-maker-one" in run("cameras")[1]
    assert run("cameras", "--forget", "look-maker-one")[0] == 0
    assert run("cameras", "--forget", "look-generic-1")[0] == 1
    assert "look-maker-one" not in run("cameras")[1]
    assert run("learn", photo_of(tmp_path / "a.jpg", raw))[0] == 1


def test_render_learns_the_looks_of_what_it_renders(run: Run, tmp_path: Path, raw: RawFile):
    source = raw_with_picture(tmp_path / "a.dng", raw)
    assert "would learn the looks of the cameras of 1 RAW file" in run("render", source, "--learn", "--dry-run")[2]
    assert not cards.learned_folder().exists()
    code, _, says = run("render", source, "--learn")
    assert code == 0 and says.count("look-maker-one: Maker One, 1 picture,") == 1
    assert looks.find(Origin("Maker", "One")).name == "look-maker-one"
    bare = tmp_path / "bare.dng"
    bare.write_bytes(b"".join(dng.encode(raw.mosaic, raw.recipe, None, None)))
    code, _, says = run("render", bare, "--learn")
    assert code == 0 and "bare.dng: the picture inside was made by another program" in says and "none of the files" in says
    assert run("render", source, "--learn", "--delete-original", "--keep", "lossless")[0] == 2
    assert run("render", "-", "-o", tmp_path / "b.jpg", "--learn")[0] == 2
    assert run("render", tmp_path, "-o", tmp_path / "b.mov", "--learn")[0] == 2
