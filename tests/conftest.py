"""What many tests need: the sample, developed once, and the command as a stranger calls it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import small as small_files
from hypothesis import HealthCheck, settings
from scenes import SAMPLE, Run, raw_file

import rawback
from rawback import RenderOptions
from rawback.cli import main
from rawback.files import dng, raw
from rawback.files.raw import RawFile
from rawback.isp.native import library

# the same examples on every machine, however slow it is
settings.register_profile("rawback", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rawback")


@pytest.fixture
def ends() -> Iterator[None]:
    """Fails a test that would go on for ever: what takes milliseconds when all is well has minutes. No measure of speed."""

    def late(number: int, frame: object) -> None:
        pytest.fail("still at it after five minutes")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """A function that turns to a variant of the compiled core ("", "plain"), or to numpy ("off")."""

    def to(variant: str) -> None:
        monkeypatch.setenv(library.VARIABLE, variant)
        library.library.cache_clear()
        if variant != "off" and library.library() is None:
            pytest.skip("there is no compiled core: python hatch_build.py")

    yield to
    monkeypatch.undo()
    library.library.cache_clear()


@pytest.fixture
def no_core(core: Callable[[str], None]) -> None:
    """Numpy and libjpeg alone."""
    core("off")


@pytest.fixture(scope="session")
def sample() -> RawFile:
    """The sample as `render` takes it. Not to be changed."""
    return raw.read(SAMPLE.read_bytes(), SAMPLE.name)


@pytest.fixture(scope="session")
def part(sample: RawFile) -> RawFile:
    """720 x 960 photosites out of the sample. Not to be changed."""
    mosaic = np.ascontiguousarray(sample.mosaic[200:920, 600:1560])
    return RawFile(mosaic, replace(sample.recipe, height=720, width=960, crop=None), sample.exif)


@pytest.fixture(scope="session")
def sample_jpeg() -> rawback.Rendered:
    """The sample rendered with the defaults, exposure as the RAW says."""
    return rawback.render(SAMPLE, RenderOptions(exposure=0.0))


@pytest.fixture(scope="session")
def sample_file(sample_jpeg: rawback.Rendered, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The rendered sample on disk. Not to be changed."""
    path = tmp_path_factory.mktemp("sample") / "sample.jpg"
    path.write_bytes(sample_jpeg.data)
    return path


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """`command("render", path, ...)` runs rawback in a process of its own, in an empty folder; stdin=b"" pipes."""

    def run(*arguments: object, stdin: bytes | None = None, cwd: Path = tmp_path) -> subprocess.CompletedProcess[bytes]:
        source = {"stdin": subprocess.DEVNULL} if stdin is None else {"input": stdin}
        return small_files.rawback(*arguments, cwd=cwd, **source)

    return run


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Iterator[Run]:
    """`run("render", path, ...)` in this process, in an empty folder: exit code, standard output and standard error."""
    monkeypatch.chdir(tmp_path)
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["rawback", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main.main()
        return int(ended.value.code or 0), *capfd.readouterr()

    yield call
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture(scope="module")
def small() -> tuple[bytes, bytes]:
    """A DNG of 120 x 88 photosites, and the JPEG rendered from it."""
    file = raw_file(88, 120)
    data = b"".join(dng.encode(file.mosaic, file.recipe, None, None))
    return data, rawback.render(file, RenderOptions(exposure=0.0)).data


@pytest.fixture
def files(small: tuple[bytes, bytes], tmp_path: Path) -> tuple[Path, Path]:
    """Both on disk, in a folder of their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    paths = folder / "a.dng", folder / "b.jpg"
    for path, data in zip(paths, small, strict=True):
        path.write_bytes(data)
    return paths
