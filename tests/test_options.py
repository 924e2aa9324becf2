"""Options: one object for each verb, declared once; what would have no effect is refused in one line."""

from dataclasses import fields
from pathlib import Path

import pytest
from movies import clip_folder, need_av, pictures, recovered_frames
from scenes import Run, mosaic_db

import rawback
from rawback import RecoverOptions, RenderOptions
from rawback.errors import RawbackError, UsageError
from rawback.options.batch import BatchOptions
from rawback.options.clips import CODECS, FrameOptions, MovieOptions
from rawback.options.files import FileOptions
from rawback.options.option import declared, spelled
from rawback.options.render import ArchiveOptions

CLIP = ("render", "clip", "-o", "a.mov")
SETTINGS = {
    "quality": ("70", 70), "subsampling": ("444", "4:4:4"), "tables": ("standard",) * 2, "exposure": ("-1.5", -1.5),
    "look": ("camera",) * 2, "camera": ("card.json",) * 2, "effort": ("best",) * 2, "weights": ("none",) * 2,
    "keep": ("2bpp",) * 2, "parity": ("5", 5), "linear": ("linear", True), "noise": ("real",) * 2,
}  # fmt: skip
"""What the user writes after an option, and its value; a switch has nothing, and stands for what is not the default."""


def given(monkeypatch: pytest.MonkeyPatch, run: Run, verb: str, *arguments: str) -> RenderOptions | RecoverOptions:
    """The options that the command line makes of these arguments."""
    seen: list[RenderOptions | RecoverOptions] = []
    monkeypatch.setattr(f"rawback.batch.photos.{verb}", lambda files, options, *rest: seen.append(options) or 0)
    assert run(verb, "a", *arguments)[0] == 0
    return seen[0]


@pytest.mark.parametrize("options", [RenderOptions, RecoverOptions])
def test_the_command_line_makes_every_option_what_the_library_takes(options: type, monkeypatch, run: Run):
    verb = "render" if options is RenderOptions else "recover"
    assert given(monkeypatch, run, verb) == options()
    defaults = {field.name: field.default for field in fields(options)}
    for name in declared(options):
        text, value = SETTINGS.get(name, ("", not defaults[name]))
        made = given(monkeypatch, run, verb, spelled(options, name), *filter(None, [text]))
        assert made == options(**{name: value}) != options()


def test_lossless_is_a_way_to_keep(monkeypatch, run: Run):
    assert given(monkeypatch, run, "render", "--keep", "lossless") == RenderOptions(lossless=True)


def test_no_option_stands_for_two_things():
    for verb in ((RenderOptions, ArchiveOptions, MovieOptions), (RecoverOptions, FrameOptions)):
        names = [name for options in (*verb, FileOptions, BatchOptions) for name in declared(options)]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "make",
    [
        lambda: RenderOptions(quality=0), lambda: RenderOptions(look="mine"), lambda: RenderOptions(keep="much"),
        lambda: RenderOptions(keep="2bpp", refine=False), lambda: RenderOptions(exposure=11), lambda: FileOptions(),
        lambda: FileOptions(("a",), files_from=Path("b")), lambda: FileOptions(("a",), null=True),
        lambda: FileOptions(("a",), include=("*.CR2",)), lambda: BatchOptions(jobs=-1), lambda: BatchOptions(timeout=0),
        lambda: BatchOptions(memory=1), lambda: MovieOptions(codec="av1"), lambda: FrameOptions(denoise="spatial"),
    ],
)  # fmt: skip
def test_values_that_cannot_be_are_refused_where_they_are_made(make):
    with pytest.raises(UsageError):
        make()


def test_recover_takes_fields_of_its_options(small: tuple[bytes, bytes], tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(small[1])
    by_name = rawback.recover(tmp_path / "a.jpg", linear=True, keep_exif=False, weights="none")
    by_object = rawback.recover(tmp_path / "a.jpg", RecoverOptions(linear=True, keep_exif=False, weights="none"))
    assert by_name.mosaic.shape == (88, 120, 3) and (by_name.mosaic == by_object.mosaic).all() and by_name.photo.exif is None
    plain = rawback.recover(tmp_path / "a.jpg", compress=False)
    files = [b"".join(chunks) for chunks in (plain.dng(), plain.dng(compress=True), plain.dng(compress=False))]
    assert [plain.mosaic.tobytes() in file for file in files] == [True, False, True]
    with pytest.raises(TypeError):
        rawback.recover(tmp_path / "a.jpg", liner=True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((*CLIP, "-r"), "--recursive is for photos"),
        ((*CLIP, "-r", "--include", "*.dng"), "is for photos"),
        ((*CLIP, "-r", "--exclude", "*.dng"), "is for photos"),
        ((*CLIP, "--keep-mtime"), "--keep-mtime is for photos"),
        (("render", "-o", "a.mov", "--files-from", "list"), "--files-from is for photos"),
        ((*CLIP, "-0"), "--null is for --files-from"),
        ((*CLIP, "--keep", "lossless", "--delete-original"), "--delete-original is for single photos"),
        ((*CLIP, "--codec", "h264", "--scheduler", "tcp://a:1"), "--scheduler is for mjpeg"),
        ((*CLIP, "--codec", "hevc", "--subsampling", "444"), "--subsampling is for mjpeg"),
        ((*CLIP, "--codec", "h264", "--keep", "lossless"), "lossless is for mjpeg"),
        (("render", "clip", "-o", "a.mkv", "--codec", "ffv1", "--quality", "90"), "ffv1, which loses nothing"),
        (("recover", "b.mkv", "-r"), "--recursive is for photos"),
        (("recover", "b.mkv", "-r", "--include", "*.dng"), "is for photos"),
        (("recover", "b.mkv", "--dng", "linear"), "--dng linear is for photos"),
        (("recover", "b.mkv", "-o", "-", "--keep-mtime"), "as a tar"),
        (("recover", "b.mkv", "-o", "-", "--json"), "as a tar"),
        (("recover", "clip/a.jpg", "--packed"), "--packed is for clips"),
        (("render", "clip/a.dng", "--fps", "24"), "--fps is for clips"),
        (("render", "clip/a.dng", "-o", "a.tif", "--keep", "lossless"), "lossless is for JPEGs"),
        (("render", "clip/a.dng", "-o", "a.png", "--quality", "90"), "--quality is for JPEGs"),
        (("render", "clip/a.dng", "-o", "-", "--skip-existing"), "--skip-existing is for files"),
        (("render", "clip/a.dng", "--include", "*.dng"), "--include is for folders"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)  # fmt: skip
def test_what_would_have_no_effect_is_refused(arguments: tuple[str, ...], says: str, tmp_path: Path, run: Run):
    (tmp_path / "clip").mkdir()
    (tmp_path / "b.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(100))
    code, out, error = run(*arguments)
    assert (code, out) == (2, "") and says in error and error.startswith("rawback: ") and error.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"clip", "b.mkv"}


def test_codecs_are_those_that_can_be_written():
    need_av()
    from rawback.files.video import writer

    assert tuple(writer.CODECS) == CODECS


def test_parts_are_those_that_can_be_trained():
    pytest.importorskip("torch", reason="needs the extra [train]")
    from rawback.learn import train
    from rawback.options.train import PARTS

    assert set(PARTS) == set(train.TASKS) == set(train.STEPS)


def test_a_picture_without_a_raw_takes_no_options_about_it():
    with pytest.raises(UsageError, match="lossless is for JPEGs"):
        rawback.render("a.dng", RenderOptions(lossless=True), kind=".tif")


def test_a_clip_of_the_open_loop_comes_back(tmp_path: Path, run: Run):
    """With the restoration that an open loop gets, and without."""
    need_av()
    clip_folder(tmp_path / "clip", 2)
    assert run("render", tmp_path / "clip", "-o", "a.mov", "--no-refine", "-q")[0] == 0
    assert run("recover", "a.mov", "-o", "restored", "-q") == (0, "", "")
    assert run("recover", "a.mov", "-o", "plain", "--weights", "none", "-q") == (0, "", "")
    original, restored, plain = (pictures(tmp_path / name) for name in ("clip", "restored", "plain"))
    for name, file in original.items():
        assert mosaic_db(restored[name].mosaic, file.mosaic, file.recipe) > 35
        assert (restored[name].mosaic != plain[name].mosaic).any()


def look_card(path: Path) -> Path:
    """A card with a look that is twice as bright as LibRaw's."""
    from rawback.cameras import looks
    from rawback.isp import tone
    from rawback.isp.colour import CURVES

    unit = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
    curve = tuple(tone.generic_knots(CURVES["srgb"]))
    look = looks.Look(path.stem, "Maker One", "Maker", "One", unit, curve, 1.0, (0.49, 1.0, 0.63), unit, size=(96, 64))
    path.write_bytes(looks.save(look, path, {}))
    return path


def test_a_clip_takes_a_camera_by_either_kind_of_card(tmp_path: Path, run: Run):
    """Cards of looks, and cards of weights only; both ways."""
    need_av()
    clip_folder(tmp_path / "clip", 2)
    card = look_card(tmp_path / "card.json")
    for number, options in enumerate((["--camera", "canon-eos-r6", "--no-refine"], ["--look", "camera", "--camera", card])):
        name = f"{number}.mov"
        assert run("render", tmp_path / "clip", "-o", name, "-q", *options) == (0, "", "")
        for camera in ("canon-eos-r6", card):
            assert run("recover", name, "-o", "back", "-q", "-f", "--camera", camera) == (0, "", "")
        for frame, file in zip(recovered_frames(tmp_path / name).values(), pictures(tmp_path / "clip").values(), strict=True):
            assert mosaic_db(frame.mosaic, file.mosaic, file.recipe) > 35


def test_the_look_of_a_foreign_clip_is_that_of_the_card(tmp_path: Path, run: Run):
    need_av()
    clip_folder(tmp_path / "clip", 1)
    assert run("render", tmp_path / "clip", "-o", "a.mov", "-q")[0] == 0
    (tmp_path / "b.mov").write_bytes((tmp_path / "a.mov").read_bytes().replace(b"rawback", b"strange"))
    card = look_card(tmp_path / "card.json")
    for name, options in (("generic", ()), ("looked", ("--camera", card))):
        assert run("recover", "b.mov", "-o", name, "-q", *options)[0] == 0
    generic, looked = (pictures(tmp_path / name).popitem()[1] for name in ("generic", "looked"))
    assert generic.mosaic.mean() > looked.mosaic.mean()


def test_a_card_that_is_not_there_is_one_line(tmp_path: Path, run: Run):
    need_av()
    clip_folder(tmp_path / "clip", 1)
    assert run("render", tmp_path / "clip", "-o", "a.mov", "-q")[0] == 0
    code, _, error = run("recover", "a.mov", "--camera", "nobody", "-q")
    assert code == 1 and "nobody" in error and error.count("\n") == 1
    code, _, error = run("render", tmp_path / "clip", "-o", "b.mov", "--look", "camera", "--camera", "canon-eos-r6", "-q")
    assert code == 1 and "no look" in error and error.count("\n") == 1
    with pytest.raises(RawbackError):
        rawback.recover(tmp_path / "clip" / "none.jpg")
