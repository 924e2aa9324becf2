"""What the command line says of itself: help in groups, on a screen; versions; what an installation can do."""

import json
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
import typer
from scenes import Run

import rawback
from rawback.cli import doctor
from rawback.cli.help import EXAMPLES
from rawback.cli.main import app
from rawback.options.batch import BatchOptions
from rawback.options.clips import FrameOptions, MovieOptions
from rawback.options.files import FileOptions
from rawback.options.option import GROUPS, Option, declared, spelled
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions

ROOT = Path(__file__).parents[1]
RENDER = (RenderOptions, ArchiveOptions, MovieOptions, FileOptions, BatchOptions)
RECOVER = (RecoverOptions, FrameOptions, FileOptions, BatchOptions)
COMMANDS = [command.callback.__name__ for command in app.registered_commands]


@pytest.fixture
def shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`shown("render", "--help")` as a terminal of 100 columns shows it."""
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *arguments: run(*arguments)[1]


@pytest.mark.parametrize("verb", ["render", "recover"])
def test_help_is_a_screen_in_groups(shown, verb: str):
    text = shown(verb, "--help")
    assert len(text.splitlines()) <= 60
    groups = [group for group in GROUPS if re.search(rf"─ {group} ─", text)]
    assert groups == sorted(groups, key=lambda group: text.index(f"─ {group} ─")) and groups[0] == "Common" and len(groups) > 4
    assert all(example in text for example in EXAMPLES[verb])


@pytest.mark.parametrize(
    "verb", [(), *((command,) for command in COMMANDS)], ids=lambda words: words[0] if words else "rawback"
)
def test_no_line_of_help_is_too_long_or_speaks_of_types(shown, verb: tuple[str, ...]):
    text = shown(*verb, "--help")
    assert max(map(len, text.splitlines())) <= 100
    assert not re.search(r"<\w+(\[\w+\])?>|BOOLEAN|FLAG", text)


@pytest.mark.parametrize(("verb", "classes"), [("render", RENDER), ("recover", RECOVER)], ids=["render", "recover"])
def test_all_options_have_a_group_and_can_be_shown(shown, verb: str, classes: tuple[type, ...]):
    text, rare = shown(verb, "--help-all"), 0
    for options in classes:
        for name, (_, option) in declared(options).items():
            if isinstance(option, Option):
                assert option.group in GROUPS and spelled(options, name) in text, name
                assert option.help[0].isalnum() and option.help.endswith("."), name
                rare += option.rare
    assert rare and max(map(len, text.splitlines())) <= 100


def test_the_version_names_core_python_and_libraries(shown):
    lines = shown("--version").splitlines()
    assert lines[0] == f"rawback {rawback.__version__}" and "core" in lines[1]
    assert all(name in lines[3] for name in ("numpy", "rawpy", "pillow", "jpeglib", "onnxruntime"))


def test_the_doctor_tells_what_is_missing_and_a_command_for_it(run, monkeypatch: pytest.MonkeyPatch):
    real = metadata.version

    def without(package: str) -> str:
        if package in ("pi-heif", "torch"):
            raise metadata.PackageNotFoundError(package)
        return real(package) if package in doctor.LIBRARIES else "1"

    monkeypatch.setattr(metadata, "version", without)
    code, text, _ = run("doctor")
    assert code == 0 and "python -m pip install pi-heif\n" in text and "python -m pip install torch safetensors onnx" in text
    assert "pip install av" not in text and max(map(len, text.splitlines()[5:])) <= 100
    facts = json.loads(run("doctor", "--json")[1])
    assert {name for name, told in facts["extras"].items() if not told["installed"]} == {"heif", "train"}


def test_the_doctor_knows_all_extras_and_what_they_bring():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {n: {re.split("[>=<~]", p)[0] for p in packages} for n, packages in project["optional-dependencies"].items()}
    told = {name: set(packages) for name, packages in doctor.extras.PACKAGES.items()}
    assert told == {name: packages for name, packages in extras.items() if name not in ("dev", "docs")}
    assert set(doctor.GAINED) == set(told)


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("render --camera can", {"canon-powershot-s40", "canon-eos-5d"}), ("render --look ", {"auto", "sidecar", "libraw"}),
        ("render --tables ", {"raw", "standard"}), ("render --codec h", {"h264", "hevc"}),
        ("recover --dng ", {"cfa", "linear"}),
        ("render --keep ", {"lossless", "original"}), ("recover --weights ", {"generic-2", "photo-2"}),
        ("render --qual", {"--quality"}),
    ],
)  # fmt: skip
def test_a_shell_completes_values(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: str, offered: set[str]
):
    """As bash asks: by these variables."""
    monkeypatch.setenv("_RAWBACK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"rawback {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" "))))
    with pytest.raises(SystemExit):
        typer.main.get_command(app).main(args=[], prog_name="rawback")
    found = capfd.readouterr().out.split()
    assert offered <= set(found) and all(value.startswith(words.split(" ")[-1]) for value in found)
