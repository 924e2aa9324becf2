"""What outputs are called, what becomes of names that are taken, and how often the same is said."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from scenes import Run
from small import foreign_jpeg, raw_bytes

from rawback.batch.notes import Notes
from rawback.batch.plan import Task, tasks
from rawback.errors import UsageError
from rawback.options.files import FileOptions


def plan(*inputs: object, suffix: str = ".jpg", **more: object) -> list[Task]:
    return tasks(FileOptions(tuple(map(str, inputs)), **more), suffix, "raw")


@pytest.mark.parametrize(
    ("template", "name"),
    [("{stem}_raw{suffix}", "IMG_1_raw.jpg"), ("{stem}_{ext}{suffix}", "IMG_1_CR2.jpg"), ("x-{stem}.tif", "x-IMG_1.tif"),
     ("{stem}{{}}.jxl", "IMG_1{}.jxl"), ("{stem}.JPEG", "IMG_1.JPEG")],
)  # fmt: skip
def test_a_template_names_what_rawback_names(template: str, name: str):
    assert [task.target for task in plan("in/IMG_1.CR2", name=template)] == [Path("in") / name]
    assert [task.target for task in plan("in/IMG_1.CR2", output="new/", name=template)] == [Path("new") / name]
    several = plan("a/IMG_1.CR2", "b/c/IMG_1.CR2", output="new", recursive=True, name=template)
    assert [task.target for task in several] == [Path("new/a") / name, Path("new/b/c") / name]


@pytest.mark.parametrize(
    "template",
    ["", "{stem", "{0}{suffix}", "{name}{suffix}", "{stem.x}.jpg", "{stem!r}.jpg", "{stem:>9}.jpg", "a/{stem}{suffix}",
     "..\\{stem}{suffix}", "{stem}\0.jpg", "{}{suffix}"],
)  # fmt: skip
def test_a_template_that_names_no_file_is_refused(template: str):
    with pytest.raises(UsageError, match="expected a file name with"):
        plan("a.CR2", name=template)


@pytest.mark.parametrize(("template", "says"), [("{stem}.webp", "WebP"), ("{stem}.dng", "a DNG"), ("{stem}", "no format")])
def test_a_template_that_promises_what_is_not_written_is_refused(template: str, says: str):
    with pytest.raises(UsageError, match=says):
        plan("a.CR2", name=template)


def test_a_template_is_for_files_that_are_not_named():
    with pytest.raises(UsageError, match="--name is for many files"):
        plan("a.CR2", output="b.jpg", name="{stem}{suffix}")


def test_stems_that_are_equal_are_told_how_to_differ(tmp_path: Path):
    for name in ("a.CR2", "a.DNG"):
        (tmp_path / name).write_bytes(raw_bytes())
    assert all("{stem}_{ext}{suffix}" in task.problem for task in plan(tmp_path, recursive=True))
    apart = plan(tmp_path, recursive=True, name="{stem}_{ext}{suffix}")
    assert [(task.target.name, task.problem) for task in apart] == [("a_CR2.jpg", ""), ("a_DNG.jpg", "")]


@pytest.mark.parametrize("camera", ["IMG.jpg", "IMG.JPG", "img.jpg"])
def test_the_picture_of_the_camera_keeps_its_name(tmp_path: Path, camera: str):
    (tmp_path / camera).write_bytes(foreign_jpeg())
    (tmp_path / "IMG.CR2").write_bytes(raw_bytes())
    (task,) = plan(tmp_path / "IMG.CR2")
    assert task.target.name == "IMG_raw.jpg" and camera in task.note and "IMG_raw.jpg" in task.note
    (task,) = plan(tmp_path / "IMG.CR2", replace_foreign=True)
    assert (task.target.name, task.note) == ("IMG.jpg", "")


def test_a_jpeg_of_rawback_has_its_name_again(tmp_path: Path, small: tuple[bytes, bytes]):
    """Whatever comes to lie beside it; and one that was edited is left to the rule of what may be replaced."""
    (tmp_path / "a.dng").write_bytes(small[0])
    (tmp_path / "A.JPG").write_bytes(foreign_jpeg())
    for made in (small[1], small[1] + b"edited"):
        (tmp_path / "a.jpg").write_bytes(made)
        (task,) = plan(tmp_path / "a.dng")
        assert (task.target.name, task.note) == ("a.jpg", "")


def said(notes: Notes, *pairs: tuple[str, str]) -> list[str]:
    return [note for name, note in pairs if notes.first(Path(name), note)]


def test_what_is_the_same_of_many_is_said_once_and_counted():
    notes = Notes(False)
    pairs = [(f"x/{n}.CR2", f"x/{n}.CR2: LibRaw's look is taken") for n in "abcdef"]
    pairs += [("x/a.CR2", "x/a.CR2 is deleted"), ("x/b.CR2", "x/b.CR2 is deleted"), ("x/c.CR2", "x/c.CR2: it is damaged")]
    assert said(notes, *pairs) == [pairs[0][1], *(note for _, note in pairs[6:])]
    assert notes.rest() == ["and 5 more like it (b.CR2, c.CR2, d.CR2, ...; -v says each): LibRaw's look is taken"]
    assert said(Notes(True), *pairs) == [note for _, note in pairs]


def test_figures_make_no_difference_and_are_not_taken_for_those_of_all():
    notes = Notes(False)
    said(notes, ("a.jpg", "a.jpg: within 52.0 dB"), ("b.jpg", "b.jpg: within 48.5 dB"))
    assert notes.rest() == ["and 1 more like it, with figures of their own (b.jpg; -v says each): within … dB"]


@pytest.mark.parametrize(
    ("module", "arguments", "install"),
    [("imagecodecs", ["--jxl"], "imagecodecs"), ("imagecodecs", ["-o", "a.jxl"], "imagecodecs"), ("av", ["-o", "a.mov"], "av")],
)
def test_an_extra_that_is_not_there_is_asked_for_before_any_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, module: str, arguments: list[str], install: str
):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "broken.dng").write_bytes(raw_bytes()[:2000])  # would fail if it were looked at first
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == module else real(name, *more))
    source = "in" if module == "av" else "in/broken.dng"
    code, _, errors = run("render", source, *arguments)
    assert code == 1 and errors.endswith(f"python -m pip install {install}\n") and "damaged" not in errors
