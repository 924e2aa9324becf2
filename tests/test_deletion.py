"""`--delete-original` deletes the file that was proved, and no other, whatever happens to either file meanwhile."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from tiff_maker import dng, tiff

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.verify import deletion
from rawback.verify.deletion import delete_original
from rawback.version import __version__

OWN = {305: (2, f"rawback {__version__}\0".encode()), 50730: (10, [0, 1])}
"""Software and BaselineExposure, which are written anew: these stay the same."""


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """RAW and JPEG, side by side."""
    raw, photo = tmp_path / "a.dng", tmp_path / "a.jpg"
    raw.write_bytes(tiff(dng(1, ifd0=OWN)))
    photo.write_bytes(rawback.render(raw, RenderOptions(lossless=True, exposure=0.0, quality=75)).data)
    return raw, photo


def after_comparing(monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """`act` as soon as both files were read and compared."""
    compare = deletion.compare

    def compared(*arguments: object) -> object:
        verdict = compare(*arguments)
        act()
        return verdict

    monkeypatch.setattr(deletion, "compare", compared)


def assert_kept(raw: Path, photo: Path, why: str) -> None:
    """Nothing is deleted, the message says why, and nothing is left lying about."""
    names, content = sorted(os.listdir(raw.parent)), raw.read_bytes() if raw.is_file() else b""
    with pytest.raises(RawbackError, match=why) as raised:
        delete_original(photo, raw)
    assert str(raised.value).startswith(f"{raw} is kept")
    assert sorted(os.listdir(raw.parent)) == names
    assert not content or raw.read_bytes()


def test_what_is_proved_is_deleted(pair):
    raw, photo = pair
    sha256 = hashlib.sha256(raw.read_bytes()).hexdigest()
    assert delete_original(photo, raw) == f"{raw} is deleted: {photo} restores it bit by bit (SHA-256 {sha256})"
    assert os.listdir(raw.parent) == [photo.name]


def test_another_name_of_the_file_stays(pair, tmp_path):
    raw, photo = pair
    os.link(raw, tmp_path / "b.dng")
    delete_original(photo, raw)
    assert sorted(os.listdir(tmp_path)) == ["a.jpg", "b.dng"]


def test_a_link_is_kept_and_so_is_what_it_leads_to(pair, tmp_path):
    raw, photo = pair
    link = tmp_path / "link.dng"
    link.symlink_to(raw)
    assert_kept(link, photo, "is a link to .*a.dng; name that file")
    assert raw.exists() and link.is_symlink()


def test_what_is_no_file_is_kept(pair, tmp_path):
    _, photo = pair
    os.mkfifo(tmp_path / "pipe.dng")
    assert_kept(tmp_path / "pipe.dng", photo, "no regular file")
    assert_kept(tmp_path / "none.dng", photo, "cannot be read")


def test_the_jpeg_is_no_name_of_the_raw(pair, tmp_path):
    raw, _ = pair
    os.link(raw, tmp_path / "b.jpg")
    assert_kept(raw, tmp_path / "b.jpg", "is the same file")


def test_a_raw_that_took_its_place_is_kept(pair, tmp_path, monkeypatch):
    raw, photo = pair
    other = tmp_path / "other"
    other.write_bytes(tiff(dng(2)))
    after_comparing(monkeypatch, lambda: os.replace(other, raw))
    with pytest.raises(RawbackError, match=r"a.dng is kept: .*a.dng was changed or replaced meanwhile"):
        delete_original(photo, raw)
    assert raw.read_bytes() == tiff(dng(2))


@pytest.mark.parametrize("name", ["a.dng", "a.jpg"])
def test_a_file_that_was_written_to_is_kept(pair, monkeypatch, name):
    raw, photo = pair
    changed = raw.with_name(name)

    def write() -> None:
        before = changed.stat()
        with changed.open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"\1")
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))

    after_comparing(monkeypatch, write)
    assert_kept(raw, photo, f"{name} was changed or replaced meanwhile")


def test_a_file_that_was_touched_is_kept(pair, monkeypatch):
    raw, photo = pair
    after_comparing(monkeypatch, lambda: os.utime(raw, (1, 1)))
    assert_kept(raw, photo, "was changed or replaced meanwhile")


def test_a_jpeg_that_is_gone_keeps_its_raw(pair, monkeypatch):
    raw, photo = pair
    after_comparing(monkeypatch, photo.unlink)
    with pytest.raises(RawbackError, match="is kept"):
        delete_original(photo, raw)
    assert raw.exists()


def before_renaming(monkeypatch, raw: Path, after: Callable[[], object] = lambda: None) -> None:
    """Between the last look and the renaming another RAW takes the name; `after` is called when that is renamed."""
    other, rename = raw.with_name("other"), os.rename
    other.write_bytes(tiff(dng(2)))

    def late(source: Path, target: Path) -> None:
        if Path(source) == raw:
            os.replace(other, raw)
        rename(source, target)
        after()

    monkeypatch.setattr(os, "rename", late)


def test_a_raw_that_comes_at_the_last_moment_gets_its_name_back(pair, tmp_path, monkeypatch):
    """What is renamed then is not what was proved."""
    raw, photo = pair
    before_renaming(monkeypatch, raw)
    with pytest.raises(RawbackError, match=r"a.dng is kept: another file took its place meanwhile$"):
        delete_original(photo, raw)
    assert raw.read_bytes() == tiff(dng(2))
    assert sorted(os.listdir(tmp_path)) == ["a.dng", "a.jpg"]


def test_nothing_that_took_the_name_is_replaced(pair, tmp_path, monkeypatch):
    raw, photo = pair
    before_renaming(monkeypatch, raw, lambda: raw.write_bytes(b"a third"))
    with pytest.raises(RawbackError, match=r"is now .*rawback-deletes"):
        delete_original(photo, raw)
    assert raw.read_bytes() == b"a third"
    (aside,) = tmp_path.glob(".a.dng.*.rawback-deletes")
    assert aside.read_bytes() == tiff(dng(2))


def test_a_folder_that_cannot_be_written_keeps_it(pair, monkeypatch):
    raw, photo = pair

    def refuse(source: Path, target: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "rename", refuse)
    with pytest.raises(RawbackError, match="could not be deleted: Permission denied"):
        delete_original(photo, raw)
    assert raw.exists()


def test_what_would_be_lost_is_named(tmp_path):
    raw, photo = tmp_path / "a.dng", tmp_path / "a.jpg"
    raw.write_bytes(tiff(dng(1, ifd0=OWN), trailing=b"a note of somebody"))
    photo.write_bytes(rawback.render(raw, RenderOptions(lossless=True, exposure=0.0)).data)
    assert_kept(raw, photo, r"missing: 18 bytes at \d+ that nothing in the file refers to")
