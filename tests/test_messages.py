"""Closed streams, terminals and encodings: what is said goes where it may, and never into a file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small import ENVIRONMENT, RAWBACK, foreign_jpeg, raw_bytes

from rawback.messages import printable

CLOSED = ["2>&-", "0<&- 2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&-"]


@pytest.mark.parametrize("closed", CLOSED)
def test_a_closed_stream_does_not_matter(closed: str, tmp_path: Path):
    (tmp_path / "a.dng").write_bytes(raw_bytes())
    line = f"'{sys.executable}' -m rawback render a.dng -o a.jpg {closed}"
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, env=ENVIRONMENT, check=False).returncode == 0
    data = (tmp_path / "a.jpg").read_bytes()
    assert data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9" and b"rawback: " not in data


@pytest.mark.parametrize(("line", "expected"), [
    ("render - -o b.jpg 0<&-", "standard input is closed"),
    ("render --files-from - 0<&-", "standard input is closed"),
    ("render a.dng -o - 1>&-", "standard output is closed"),
])  # fmt: skip
def test_a_closed_stream_that_is_needed_is_said(line: str, expected: str, tmp_path: Path):
    (tmp_path / "a.dng").write_bytes(raw_bytes())
    shell = f"'{sys.executable}' -m rawback {line}"
    done = subprocess.run(["sh", "-c", shell], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and expected in done.stderr and "report" not in done.stderr


@pytest.mark.skipif(os.name == "nt", reason="names there are Unicode")
@pytest.mark.parametrize("encoding", ["ascii:strict", "utf-8:strict"])
def test_any_name_can_be_printed(encoding: str, tmp_path: Path):
    name = os.fsdecode(b"bad\xff\x1b[31m\xc3\xa9.jpg")
    (tmp_path / name).write_bytes(foreign_jpeg())
    options = {"cwd": tmp_path, "env": ENVIRONMENT | {"PYTHONIOENCODING": encoding}, "capture_output": True}
    for verb in ("info", "strip"):
        done = subprocess.run([*RAWBACK, verb, name], check=False, **options)
        assert done.returncode == 0 and b"\x1b" not in done.stdout + done.stderr


def test_what_commands_a_terminal_is_written_out():
    assert printable("a\x1b[2J\x07b\u202ec\udcffd\n") == "a\\x1b[2J\\x07b\\u202ec\\udcffd\\n"
