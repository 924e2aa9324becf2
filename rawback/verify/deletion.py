"""Deleting an original: only the very file whose every byte was read, compared with what the JPEG gives back, and proved."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rawback.errors import RawbackError
from rawback.files.paths import MAX_BYTES
from rawback.verify.verdict import compare, named

MAX_NAME = 160
"""Bytes of an original's name that its name for a moment repeats: names end at 255 bytes."""
PIECE = 1 << 22


def delete_original(photo: Path, original: Path) -> str:
    """Delete a RAW file once the JPEG on the disk is proved to restore all of it; returns what was done, in a sentence.

    A link is not followed and not deleted: what is named is a file, or is kept. Raises RawbackError, the file kept, where
    anything is missing, where either file is another by then, and where it cannot be deleted.
    """
    with _held(original, original) as raw, _held(photo, original) as jpeg:
        if raw.identity[:2] == jpeg.identity[:2]:
            raise _kept(original, f"{photo} is the same file")
        verdict = compare(jpeg.data, str(photo), raw.data, str(original))
        if not (verdict.exact and verdict.complete):
            lost = f"; missing: {named(verdict.missing)}" if verdict.missing else ""
            raise _kept(original, f"{photo} does not restore all of it ({verdict.message}{lost})")
        for held in (jpeg, raw):
            if not held.is_unchanged():
                raise _kept(original, f"{held.path} was changed or replaced meanwhile")
        if os.name == "nt":
            raw.file.close()  # Windows does not rename open files
        try:
            _delete(raw)
        except OSError as error:
            raise RawbackError(f"{original} could not be deleted: {error.strerror or error}") from error
    back = "gives it back byte for byte" if verdict.is_file else "restores it bit by bit"
    return f"{original} is deleted: {photo} {back} (SHA-256 {raw.digest.hex()})"


def _kept(original: Path, reason: str) -> RawbackError:
    return RawbackError(f"{original} is kept: {reason}")


@dataclass
class _Held:
    """A file that is kept open from its first reading to its end."""

    path: Path
    file: BinaryIO
    data: bytes
    identity: tuple[int, int, int, int]
    """Device, inode, size, time of the last change in ns."""
    digest: bytes

    def is_unchanged(self) -> bool:
        """Whether the file that was read still has this name, and this content."""
        self.file.seek(0)
        digest = hashlib.sha256()
        while piece := self.file.read(PIECE):
            digest.update(piece)
        same_content = digest.digest() == self.digest
        with suppress(OSError):
            return same_content and _identity(os.fstat(self.file.fileno())) == self.identity == _identity(os.lstat(self.path))
        return False


@contextmanager
def _held(path: Path, original: Path) -> Iterator[_Held]:
    """A file, read and held open, for the sake of `original`. Raises RawbackError for what cannot be read as a whole."""
    try:
        held = _read(path, original)
    except OSError as error:
        raise _kept(original, f"{path} cannot be read: {error.strerror or error}") from error
    with held.file:
        yield held


def _read(path: Path, original: Path) -> _Held:
    """Open and read a regular file that does not change meanwhile. Raises OSError, and RawbackError for any other."""
    if not stat.S_ISREG(os.lstat(path).st_mode):
        link = f"a link to {os.path.realpath(path)}; name that file" if path.is_symlink() else "no regular file"
        raise _kept(original, f"{path} is {link}")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    with ExitStack() as opened:
        file = opened.enter_context(os.fdopen(os.open(path, flags), "rb"))
        before = os.fstat(file.fileno())
        if not stat.S_ISREG(before.st_mode) or before.st_size > MAX_BYTES:
            raise _kept(original, f"{path} is no regular file of at most {MAX_BYTES >> 30} GiB")
        data = file.read(MAX_BYTES)
        identity = _identity(os.fstat(file.fileno()))
        if _identity(before) != identity or len(data) != before.st_size:
            raise _kept(original, f"{path} changes while it is read")
        opened.pop_all()
    return _Held(path, file, data, identity, hashlib.sha256(data).digest())


def _identity(found: os.stat_result) -> tuple[int, int, int, int]:
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def _delete(raw: _Held) -> None:
    """Take the name away first: what then bears the new one can be looked at before it goes, and nobody else replaces it."""
    path = raw.path
    stem = os.fsdecode(os.fsencode(path.name)[:MAX_NAME])
    aside = path.with_name(f".{stem}.{secrets.token_hex(8)}.rawback-deletes")
    os.rename(path, aside)
    if _identity(os.lstat(aside)) == raw.identity:
        os.unlink(aside)
        return
    with suppress(OSError):
        _put_back(aside, path)
        raise _kept(path, "another file took its place meanwhile")
    raise _kept(path, f"another file took its place meanwhile, and is now {aside}")


def _put_back(aside: Path, path: Path) -> None:
    """Give a file its name again, replacing none that took it meanwhile. Raises OSError."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except OSError:  # no hard links here
        if path.exists():
            raise
        os.rename(aside, path)
        return
    os.unlink(aside)
