"""What many tests need: the sample, developed once, and the command as a stranger calls it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from scenes import SAMPLE

import rawback


@pytest.fixture(scope="session")
def sample_jpeg() -> rawback.Rendered:
    """The sample rendered with the defaults, exposure as the RAW says."""
    return rawback.render(SAMPLE, rawback.RenderOptions(exposure=0.0))


@pytest.fixture(scope="session")
def sample_file(sample_jpeg: rawback.Rendered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered sample on disk. Not to be changed."""
    path = tmp_path_factory.mktemp("sample") / "sample.jpg"
    path.write_bytes(sample_jpeg.data)
    return path


@pytest.fixture
def command(tmp_path: Path):
    """`command("render", path, ...)` runs rawback in a process of its own, in an empty folder; stdin=b"" pipes."""

    def run(*arguments: object, stdin: bytes | None = None, cwd: Path = tmp_path) -> subprocess.CompletedProcess[bytes]:
        line = [sys.executable, "-m", "rawback", *map(str, arguments)]
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        environment = os.environ | {"PYTHONPATH": str(Path(rawback.__file__).parents[1])}
        return subprocess.run(line, capture_output=True, cwd=cwd, env=environment, timeout=120, **source)

    return run
