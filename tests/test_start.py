"""A small run's start: what it does not import, and that values are read without it."""

import os
import subprocess
import sys

import pytest
from small import ENVIRONMENT, ROOT

from rawback.files import ahead

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


def test_the_only_file_of_a_command_line_is_begun(tmp_path):
    raw, other, there = (tmp_path / name for name in ("a.dng", "b.dng", "a.jpg"))
    for path in (raw, other, there):
        path.write_bytes(b"II*\0")
    options = ["-q", "--quality", "90", "-o", str(there)]
    assert ahead.only_file([*options, str(raw)]) == raw
    assert ahead.only_file([*options, str(raw), str(other)]) is None
    assert ahead.only_file([str(tmp_path), str(tmp_path / "none.dng"), "-", "https://a.example/a.dng", os.devnull]) is None
    assert ahead.only_file(["--memory", "100", str(raw)]) is None


def test_a_file_that_was_begun_is_taken_once_and_only_unchanged(tmp_path):
    path = tmp_path / "a.dng"
    path.write_bytes(SAMPLE.read_bytes())
    ahead.begin(path)
    data, unpacking = ahead.take(path) or (b"", None)
    assert data == path.read_bytes() and unpacking is not None
    unpacking.result().raw.close()
    assert ahead.take(path) is None
    ahead.begin(path)
    os.utime(path, ns=(1, 1))
    assert ahead.take(path) is None


def test_what_is_wrong_is_said_while_a_file_is_unpacked(tmp_path):
    for line, message in ((["--quality", "x"], "is not a whole number"), (["-o", str(tmp_path / "a.txt")], "a.txt")):
        command = [sys.executable, "-m", "rawback", "render", str(SAMPLE), *line]
        ended = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True)
        assert ended.returncode == 2 and message in " ".join(ended.stderr.replace("│", " ").split()), ended.stderr
