"""Nothing is lost: originals are never touched, outputs are whole or not there, whatever happens."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small import ENVIRONMENT, RAWBACK, foreign_jpeg, is_whole, jpeg_bytes, leftovers, raw_bytes, raw_folder, rawback, segment

from rawback.errors import RawbackError
from rawback.files import atomic, exchange, jpeg, paths, raw, replacement
from rawback.files.jpeg_file import JpegFile
from rawback.files.permission import Allowed

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX")


def digests(files) -> dict[Path, str]:
    return {file: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def test_a_file_is_synced_before_it_gets_its_name(tmp_path, monkeypatch):
    calls = []
    for name in ("fsync", "link"):
        original = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, name=name, original=original: (calls.append(name), original(*a))[1])
    swap = exchange.renamed
    monkeypatch.setattr(exchange, "renamed", lambda *names: (calls.append("swap"), swap(*names))[1])
    (tmp_path / "a").write_bytes(b"0")
    atomic.save(tmp_path / "a", [b"1", b"2"], approved=lambda place: True)
    atomic.save(tmp_path / "b", [b"1", b"2"])
    assert calls == ["fsync", "swap", "fsync", "fsync", "link", "fsync"]
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes() == b"12"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_appeared_meanwhile_is_not_replaced(tmp_path):
    def chunks():
        yield b"ours"
        (tmp_path / "a").write_bytes(b"theirs")

    with pytest.raises(RawbackError, match="exists already"):
        atomic.save(tmp_path / "a", chunks())
    assert (tmp_path / "a").read_bytes() == b"theirs"
    assert not leftovers(tmp_path)


def test_an_error_while_writing_leaves_nothing(tmp_path):
    def chunks():
        yield b"half"
        raise RawbackError("no more")

    with pytest.raises(RawbackError, match="no more"):
        atomic.save(tmp_path / "a", chunks())
    assert not list(tmp_path.iterdir())


@posix
def test_sweeping_takes_what_is_abandoned_and_nothing_else(tmp_path):
    abandoned = tmp_path / f"{atomic.PREFIX}{atomic.HOST}-0123{atomic.SUFFIX}"
    elsewhere = tmp_path / f"{atomic.PREFIX}deadbeef-0123{atomic.SUFFIX}"
    elsewhere_old = tmp_path / f"{atomic.PREFIX}deadbeef-4567{atomic.SUFFIX}"
    others = [tmp_path / "a.part", tmp_path / ".rawback-notes", tmp_path / "b.jpg"]
    for file in (abandoned, elsewhere, elsewhere_old, *others):
        file.write_bytes(b"half")
    os.utime(elsewhere_old, (0, 0))
    path, file = atomic.create(tmp_path)
    with file:
        assert atomic.sweep([tmp_path, tmp_path / "none"]) == 2
        assert sorted(tmp_path.iterdir()) == sorted([path, elsewhere, *others])
    assert atomic.sweep([tmp_path]) == 1


@posix
def test_a_temporary_file_swept_before_it_was_locked_is_made_again(tmp_path, monkeypatch):
    lock, stolen = atomic.fcntl.flock, []

    def swept_first(file, how):
        if not stolen:
            stolen.extend(leftovers(tmp_path))
            stolen[0].unlink()
        lock(file, how)

    monkeypatch.setattr(atomic.fcntl, "flock", swept_first)
    atomic.save(tmp_path / "a", [b"whole"])
    assert (tmp_path / "a").read_bytes() == b"whole"


@posix
@pytest.mark.parametrize("link", [os.link, os.symlink])
def test_no_link_leads_over_an_original(tmp_path, link):
    original = raw_folder(tmp_path, 1)[0]
    before = digests([original])
    for name in ("other.jpg", "000.jpg"):
        link(original, tmp_path / name)
        done = rawback("render", original, "-o", tmp_path / name, "--force")
        assert done.returncode == 1
        assert b"is the input itself" in done.stderr
    assert digests([original]) == before


@posix
def test_a_link_at_the_output_is_replaced_and_not_followed(tmp_path):
    original, other = raw_folder(tmp_path, 2)
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    (tmp_path / "out.jpg").symlink_to(precious)
    assert rawback("render", original, "-o", tmp_path / "out.jpg", "--force").returncode == 0
    assert precious.read_text() == "mine"
    assert is_whole(tmp_path / "out.jpg")
    assert not (tmp_path / "out.jpg").is_symlink()
    assert is_whole(other)


def test_force_replaces_no_photo_that_rawback_did_not_make(tmp_path):
    (tmp_path / "a.jpg").write_bytes(jpeg_bytes())
    (tmp_path / "a.dng").write_bytes(raw_bytes(software="camera"))
    with pytest.raises(RawbackError, match="never replaced"):
        replacement.decide(tmp_path / "a.dng", Allowed(force=True))
    assert replacement.decide(tmp_path / "a.jpg", Allowed(force=True)).approved
    with pytest.raises(RawbackError, match="exists already"):
        replacement.decide(tmp_path / "a.jpg", Allowed())
    (tmp_path / "a.jpg").write_bytes(foreign_jpeg())
    with pytest.raises(RawbackError, match="never replaced"):
        replacement.decide(tmp_path / "a.jpg", Allowed(force=True))


def test_inputs_are_opened_for_reading_only(tmp_path):
    """Seen by an audit hook (PEP 578), in the process that does the work."""
    raw_folder(tmp_path, 1)
    (tmp_path / "b.jpg").write_bytes(jpeg_bytes())
    script = (
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    mine = [a for a in arguments[:2] if str(a).endswith(('000.dng', 'b.jpg'))]\n"
        "    if mine and event == 'open' and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_TRUNC):\n"
        "        print('written', mine)\n"
        "    if mine and event in ('os.rename', 'os.remove', 'os.truncate', 'os.link'):\n"
        "        print(event, mine)\n"
        "sys.addaudithook(hook)\n"
        "from rawback.cli.main import main\n"
        "main()\n"
    )
    for arguments in (["render", "000.dng"], ["recover", "b.jpg"], ["render", "000.dng", "-o", "000.dng", "-f"]):
        command = [sys.executable, "-c", script, *arguments]
        assert subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, check=False).stdout == b""


def test_modification_times_are_kept_on_demand(tmp_path):
    files = raw_folder(tmp_path, 1)
    os.utime(files[0], ns=(10**18 + 1, 10**18 + 1))
    assert rawback("render", files[0], "--keep-mtime").returncode == 0
    assert (tmp_path / "000.jpg").stat().st_mtime_ns == 10**18 + 1


@posix
def test_a_full_disk_leaves_only_whole_files(tmp_path):
    """A limit on the size of files stands for the disk: the small one fits, the large one does not."""
    import resource

    raw_folder(tmp_path / "in", 1)
    (tmp_path / "in" / "large.dng").write_bytes(raw_bytes(1, 512, 512))
    limit = 20_000

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [*RAWBACK, "render", "-q", "-r", "in", "-o", "out"],
        cwd=tmp_path, env=ENVIRONMENT, preexec_fn=full, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["000.jpg"]
    assert is_whole(tmp_path / "out" / "000.jpg")
    assert b"large" in done.stderr
    assert b"Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_standard_output_is_told(tmp_path):
    files = raw_folder(tmp_path, 1)
    with open("/dev/full", "wb") as full:
        command = [*RAWBACK, "render", files[0], "-o", "-"]
        done = subprocess.run(command, env=ENVIRONMENT, stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1
    assert b"cannot be written: No space left" in done.stderr


def test_an_output_folder_that_vanishes_is_not_made_again(tmp_path):
    """It may have been a disk; what should be on it must not go under its mount point."""
    with pytest.raises(RawbackError, match="cannot be written"):
        atomic.save(tmp_path / "gone" / "a.jpg", [b"whole"])
    assert not (tmp_path / "gone").exists()


@posix
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_signals_leave_only_whole_files(tmp_path, number, code):
    raw_folder(tmp_path / "in", 12, width=512, height=512)
    process = subprocess.Popen(
        [*RAWBACK, "render", "-q", "-r", "in", "-o", "out"],
        cwd=tmp_path, env=ENVIRONMENT, stderr=subprocess.PIPE, start_new_session=True,
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # tests may run where a shell has it ignored
    )  # fmt: skip
    while not list(tmp_path.glob("out/*.jpg")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, number)  # as a terminal does
    assert process.wait(120) == code
    assert process.stderr.read() == b""
    assert not leftovers(tmp_path)
    assert all(map(is_whole, (tmp_path / "out").iterdir()))


@posix
def test_kill_9_at_any_moment_then_a_run_makes_all_whole(tmp_path, ends):
    files = raw_folder(tmp_path / "in", 6, width=256, height=256)
    before = digests(files)
    command = [*RAWBACK, "render", "-q", "-r", "in", "-o", "out", "--skip-existing"]
    rng = random.Random(7)
    for _ in range(3):
        process = subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT)
        time.sleep(rng.uniform(0.5, 1.5))
        process.kill()
        process.wait()
        assert all(is_whole(file) for file in tmp_path.glob("out/*.jpg"))
    (tmp_path / "out").mkdir(exist_ok=True)
    (tmp_path / "out" / f"{atomic.PREFIX}{atomic.HOST}-left{atomic.SUFFIX}").write_bytes(b"half")
    assert subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=False).returncode == 0
    while leftovers(tmp_path):  # of workers that had not noticed yet that they were alone
        assert subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=False).returncode == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{file.stem}.jpg" for file in files]
    assert all(map(is_whole, (tmp_path / "out").iterdir()))
    assert digests(files) == before


@posix
def test_two_runs_into_one_folder(tmp_path):
    files = raw_folder(tmp_path / "in", 8, width=128, height=128)
    command = [*RAWBACK, "render", "-q", "-r", "in", "-o", "out", "--skip-existing"]
    runs = [subprocess.Popen(command, cwd=tmp_path, env=ENVIRONMENT) for _ in range(2)]
    assert [run.wait(120) for run in runs] == [0, 0]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [f"{file.stem}.jpg" for file in files]
    assert all(map(is_whole, (tmp_path / "out").iterdir()))


def test_no_path_from_metadata_becomes_a_name(tmp_path):
    from dataclasses import replace

    from rawback.recipe_text import from_fields, to_fields

    recipe = raw.read(raw_bytes(), "small").recipe
    evil = replace(recipe, camera="../../evil", weights="/etc/passwd")
    data = raw_bytes().replace(b"Test Camera\0", b"../../evil\0\0")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.dng").write_bytes(data)
    assert rawback("render", tmp_path / "in", "-r", "-o", tmp_path / "out").returncode == 0
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.dng", "a.jpg", "in", "out"]
    assert from_fields(to_fields(evil)).camera == "../../evil"


def forged_sizes() -> list[tuple[str, bytes]]:
    """Small files that claim to be huge."""
    small, jpg = raw_bytes(), foreign_jpeg()
    forged = small.replace(struct.pack("<HHII", 256, 4, 1, 64), struct.pack("<HHII", 256, 4, 1, 60000))
    forged = forged.replace(struct.pack("<HHII", 257, 4, 1, 48), struct.pack("<HHII", 257, 4, 1, 60000))
    at = jpg.index(b"\xff\xc0")
    return [("RAW", forged), ("JPEG", jpg[: at + 5] + struct.pack(">HH", 8000, 65000) + jpg[at + 9 :])]


@pytest.mark.parametrize(("kind", "data"), forged_sizes())
def test_absurd_sizes_are_refused_before_anything_is_allocated(kind, data):
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RawbackError, match=r"cannot be|not a RAW"):
        raw.read(data, "bomb") if kind == "RAW" else jpeg.read(data, "bomb")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000


def test_a_raw_that_is_cut_short_is_refused():
    data = raw_bytes()
    with pytest.raises(RawbackError, match="cut short: 100 bytes"):
        raw.read(data[:-100], "short")


def test_input_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(paths, "MAX_BYTES", 1 << 20)
    if not Path("/dev/zero").exists():
        pytest.skip("no /dev/zero")
    with pytest.raises(RawbackError, match="larger than"):
        paths.load("/dev/zero")


def test_empty_segments_do_no_harm():
    """jpeglib crashes on them."""
    data = jpeg_bytes()
    hurt = data[:2] + b"\xff\xe1\0\2" * 3 + b"\xff\xfe\0\2" + data[2:]
    assert jpeg.read(hurt, "hurt").coefficients.sha256() == jpeg.read(data, "whole").coefficients.sha256()


XMP = b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    "ballast",
    [
        segment(0xE1, XMP + b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + b" " * 65000 + b"</x:xmpmeta>") * 300,
        segment(0xE1, XMP + b"<a>" * 9000 + b"</a>" * 9000),
        segment(0xE1, XMP + b"<!DOCTYPE a [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><a>&b;</a>"),
        segment(0xFE, b"") * 50_000,
        b"\xff" * 2_000_000,
        b"".join(segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65000)) for _ in range(300)),
    ],
    ids=["XMP of 20 MB", "deep XMP", "XMP with entities", "many comments", "fill bytes", "ICC profile of 20 MB"],
)
def test_ballast_does_not_take_for_ever(tmp_path, ballast, ends):
    from rawback.recovering import recover

    data = jpeg_bytes()
    (tmp_path / "a.jpg").write_bytes(data[:2] + ballast + data[2:])
    assert "untouched" in recover(tmp_path / "a.jpg").notes[-1]


def test_a_progressive_bomb_is_refused():
    """Each scan is a pass over all pixels: a small file with thousands of them would take hours."""
    jpg = foreign_jpeg((2000, 2000))
    scan = jpg[jpg.index(b"\xff\xda") : -2]
    with pytest.raises(RawbackError, match="too many times"):
        jpeg.check(JpegFile(jpg[:-2] + scan * 10_000 + jpg[-2:]), "bomb")
