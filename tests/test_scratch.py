"""Files for libraries that take paths: in memory, or in a folder that the next run sweeps; and what is said without them."""

import io
import os
import resource
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from rawback.errors import MachineError
from rawback.files import jpeg, photo, scratch, stderr

pytestmark = pytest.mark.usefixtures("no_core")
linux = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory")


@contextmanager
def no_handles():
    """As if all file handles were taken."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, limits[1]))
        with pytest.raises(OSError, match="open files"):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        yield
    finally:
        for handle in taken:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A system without files in memory, and its temporary folder."""
    monkeypatch.delattr(os, "memfd_create", raising=False)
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(tmp_path))
    scratch._swept.cache_clear()
    return tmp_path


def small_jpeg() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 100, 50)).save(stream, "JPEG", quality=90)
    return stream.getvalue()


@linux
def test_no_temporary_folder_is_needed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", "/nowhere")
    read = jpeg.read(small_jpeg(), "a.jpg")
    assert jpeg.read(jpeg.coded_picture(read.coefficients), "b.jpg").coefficients.sha256() == read.coefficients.sha256()
    with stderr.captured() as messages:
        os.write(2, b"a word\nand another\n")
        assert messages() == "a word and another"


def test_a_folder_serves_as_well_and_is_left_empty(in_folder: Path):
    read = jpeg.read(small_jpeg(), "a.jpg")
    assert jpeg.read(jpeg.coded_picture(read.coefficients), "b.jpg").coefficients.sha256() == read.coefficients.sha256()
    with scratch.scratch([b"a photo"]) as file:
        assert Path(file.path).parent == in_folder and Path(file.path).stat().st_mode & 0o077 == 0
    assert not list(in_folder.iterdir())


def test_what_a_killed_run_left_is_swept(in_folder: Path):
    program = f"""
import os, tempfile, time
from rawback.files import scratch
del os.memfd_create
tempfile.tempdir = {str(in_folder)!r}
with scratch.scratch([b"a photo"]):
    print("there", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"there\n"
        with scratch.scratch():
            assert len(list(in_folder.iterdir())) == 2, "the other still uses its own"
        process.send_signal(signal.SIGKILL)
    scratch._swept.cache_clear()
    with scratch.scratch():
        assert len(list(in_folder.iterdir())) == 1
    assert not list(in_folder.iterdir())


def test_without_handles_no_photo_counts_as_damaged():
    data = small_jpeg()
    picture = photo.read(data, "a.jpg").coefficients  # modules that open files of their own are loaded
    with no_handles(), pytest.raises(MachineError, match="no file handles left"):
        photo.read(data, "a.jpg")
    with no_handles(), pytest.raises(MachineError, match="no file handles left"):
        jpeg.coded_picture(picture)


@linux
def test_without_a_handle_for_the_library_it_is_not_to_blame():
    with scratch.scratch([b"a"]) as file:
        file.check()
        with no_handles(), pytest.raises(MachineError, match="no file handles left"):
            file.check()


@linux
def test_a_full_memory_is_named():
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        with pytest.raises(MachineError, match="no room in memory"):
            photo.read(small_jpeg(), "a.jpg")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_or_missing_folder_is_named(in_folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scratch.tempfile, "tempdir", str(in_folder / "gone"))
    with pytest.raises(MachineError, match=r"gone cannot be used .*TMPDIR"):
        photo.read(small_jpeg(), "a.jpg")


def test_captured_holds_with_standard_error_closed():
    program = """
import os
os.close(2)
from rawback.files import stderr
with stderr.captured() as messages:
    os.write(2, b"heard")
    assert messages() == "heard"
try:
    os.fstat(2)
except OSError:
    print("closed again")
"""
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, check=True)
    assert done.stdout == b"closed again\n"
