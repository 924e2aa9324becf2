"""A small run's start: what it does not import, and that values are read without it."""

import subprocess
import sys

import pytest
from small import ENVIRONMENT, ROOT

SAMPLE = ROOT / "tests" / "data" / "sample.dng"
SLOW = ("pydantic", "importlib.metadata", "numpy.ma", "torch", "onnxruntime", "scipy")
"""What takes long to import, and rendering with a camera's look, say, does without."""


@pytest.mark.parametrize("command", [["render", "--exposure", "0", str(SAMPLE)], ["--help"]])
def test_slow_packages_are_not_imported(command: list[str], tmp_path):
    ending = ["-o", str(tmp_path / "a.jpg")] if command[0] == "render" else []
    script = f"import sys, atexit; atexit.register(lambda: print('LOADED', [m for m in {SLOW} if m in sys.modules]))\n"
    script += f"sys.argv = ['rawback', *{command + ending}]\nfrom rawback.cli.main import main\nmain()"
    ended = subprocess.run([sys.executable, "-c", script], env=ENVIRONMENT, capture_output=True, text=True)
    assert ended.returncode == 0 and "LOADED []" in ended.stdout, ended.stderr


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [("--quality", "x", "'x' is not a whole number"), ("--jobs", "1.5", "'1.5' is not a whole number"),
     ("--exposure", "bright", "bright"), ("--timeout", "soon", "'soon' is not a number")],
)  # fmt: skip
def test_values_that_cannot_be_are_named(run, option: str, text: str, message: str):
    code, _, error = run("render", SAMPLE, option, text)
    assert code == 2 and message in " ".join(error.replace("│", " ").split()), error


def test_several_values_and_names_of_files_are_read(run, tmp_path):
    code, out, _ = run("info", SAMPLE, SAMPLE, "--json")
    assert code == 0 and out.count("\n") == 2
