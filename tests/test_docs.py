"""README and docs say what is so: their commands run, their options are there, their links lead somewhere."""

import glob
import json
import re
import runpy
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
import rawpy
import typer
from scenes import Run

from rawback.cli.main import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
COMMANDS = typer.main.get_command(app).commands
"""By name, as Typer makes them."""


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text()) if kind == language]


def anchors(page: Path) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def test_the_readme_is_a_screen_and_a_half():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120


@pytest.mark.slow
def test_what_the_readme_prints_runs_in_its_order(run: Run, capfd: pytest.CaptureFixture[str], tmp_path: Path):
    """In this process; `.ci/errands.py` does it in a clean environment."""
    for name in ("tests/data/sample.dng", "docs/before_after.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    ran = 0
    for line in "\n".join(blocks(ROOT / "README.md", "sh")).splitlines():
        for part in line.split(" && "):
            if part.startswith("rawback "):
                assert run(*shlex.split(part, comments=True)[1:])[0] == 0, part
                ran += 1
    assert ran >= 8
    assert (tmp_path / "back/sample.dng").read_bytes() == (ROOT / "tests/data/sample.dng").read_bytes()
    with rawpy.imread("sample.dng") as back, rawpy.imread("tests/data/sample.dng") as original:
        error = back.raw_image_visible.astype(float) - original.raw_image_visible
        assert np.sqrt(np.mean(error**2)) < 0.003 * (4095 - 256)
    for text in blocks(ROOT / "README.md", "python") + blocks(ROOT / "docs/python.md", "python"):
        capfd.readouterr()
        exec(compile(text, "README", "exec"), {})
        assert all(told in text for told in capfd.readouterr().out.splitlines())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_are_there(page: Path):
    text = page.read_text()
    lines = "\n".join(blocks(page, "sh")).splitlines() + re.findall(r"`(rawback [^`\n]+)`", text)
    for line in lines:
        for part in re.split(r"\||&&|;", line.partition("  #")[0]):
            words = part.split()
            if "rawback" not in words[:1] or len(words) < 2 or not words[1].isalpha() or words[1].isupper():
                continue
            known = {name for parameter in COMMANDS[words[1]].params for name in parameter.opts} | {"--help"}
            assert {word.split("=")[0] for word in words if re.match(r"--\w", word)} <= known, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path):
    for link in LINK.findall(page.read_text()):
        if re.match(r"https?://|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name) if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.slow
def test_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """Its cells, one after the other in one namespace, as a kernel runs them."""
    (tmp_path / "tests" / "data").mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "data" / "sample.dng", tmp_path / "tests" / "data")
    monkeypatch.chdir(tmp_path)
    cells = json.loads((ROOT / "docs" / "there_and_back.ipynb").read_text())["cells"]
    namespace: dict[str, object] = {}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), namespace)
    said = capsys.readouterr().out
    assert namespace["decibels"] > 50 and "clipped" in said and "mosaic" in said and "95: " in said


def test_every_page_is_in_the_index():
    listed = (ROOT / "mkdocs.yml").read_text()
    assert [page.name for page in PAGES if page.parent.name == "docs" and f" {page.name}\n" not in listed] == []


def test_the_page_of_options_is_what_is_declared():
    """`python docs/make_options.py` writes it."""
    page = runpy.run_path(str(ROOT / "docs" / "make_options.py"))["page"]()
    assert (ROOT / "docs" / "options.md").read_text() == page


def test_the_man_page_is_what_is_declared():
    """`python docs/make_man.py` writes it; no line of it is taken for a request of roff's."""
    page = runpy.run_path(str(ROOT / "docs" / "make_man.py"))["page"]()
    assert (ROOT / "docs" / "rawback.1").read_text() == page
    requests = {line.split()[0] for line in page.splitlines() if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".nf", ".fi"}


def test_the_reference_is_what_docstrings_say():
    """`python docs/make_reference.py` writes it."""
    page = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["page"]()
    assert (ROOT / "docs" / "reference.md").read_text() == page


NAMED = {
    "IMG_0001.CR2", "a.CR2", "b.NEF", "night.dng", "x.raf", "x.cr3", "x.nef", "photo.jpg", "jpegs/c.jpg",
}  # fmt: skip
"""Files that the guide's first two sections name; what becomes of them goes where the guide says."""


@pytest.mark.slow
def test_the_first_sections_of_the_guide_run(run: Run, small: tuple[bytes, bytes], tmp_path: Path):
    """Line by line, with small files of these names, in a folder of its own each where lines are alternatives."""
    lines = [line for text in blocks(ROOT / "docs" / "guide.md", "sh")[:2] for line in text.splitlines()]
    lines = [line for line in lines if line.startswith("rawback ") and "evaluate" not in line]
    kept = ""
    for name in NAMED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(small[1] if name.endswith("jpg") else small[0])
    for line in lines:
        words = [found for word in shlex.split(line, comments=True)[1:] for found in sorted(glob.glob(word)) or [word]]
        if words[:2] in (["recover", "--original"], ["verify", "a.jpg"]):
            assert kept == "original"
        force = [] if words[0] in ("info", "verify") else ["--force", "--replace-archive"]
        code, _, errors = run(*words, *force)
        assert code == 0, (line, errors)
        kept = words[words.index("--keep") + 1] if "--keep" in words else kept
    assert (tmp_path / "a.CR2").read_bytes() == small[0]


def test_python_of_the_guide_runs(small: tuple[bytes, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "IMG_0001.CR2").write_bytes(small[0])
    monkeypatch.chdir(tmp_path)
    for text in blocks(ROOT / "docs" / "guide.md", "python"):
        exec(compile(text, "guide", "exec"), {})
    assert Path("a.dng").is_file()
