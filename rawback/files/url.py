"""Files that are not on this machine: URLs through fsspec (`s3://`, `gs://`, `sftp://`, `memory://` ...)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath, PurePosixPath
from typing import Any

from rawback.errors import RawbackError
from rawback.files import extras

SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
MAX_SIZE = 1 << 31
RENAMED = {"sftp", "ssh", "smb", "ftp", "hdfs", "webhdfs"}
"""Here a file can be seen half written, so it is written under another name and renamed; object stores show whole ones only."""


@dataclass(frozen=True)
class Url:
    """A URL with the few manners of a Path that are needed."""

    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def scheme(self) -> str:
        """What stands before `://`."""
        return self.text.split("://")[0].lower()

    @property
    def name(self) -> str:
        """The last part."""
        return self._pure.name

    @property
    def suffix(self) -> str:
        """The last part from its last dot on."""
        return self._pure.suffix

    @property
    def parent(self) -> Url:
        """The folder it is in."""
        return self._beside(self._pure.parent)

    def with_suffix(self, suffix: str) -> Url:
        """The same with another suffix."""
        return self._beside(self._pure.with_suffix(suffix))

    def __truediv__(self, below: str | PurePath) -> Url:
        return self._beside(self._pure / PurePath(below).as_posix())

    @property
    def _pure(self) -> PurePosixPath:
        return PurePosixPath(self.text.split("://", 1)[1])

    def _beside(self, path: PurePosixPath) -> Url:
        return Url(f"{self.text.split('://')[0]}://{path}")

    def is_dir(self) -> bool:
        """Whether there is a folder of that name."""
        with _explained(self):
            system, path = self._open()
            return bool(system.isdir(path))

    def exists(self) -> bool:
        """Whether there is anything of that name."""
        with _explained(self):
            system, path = self._open()
            return bool(system.exists(path))

    def modified_ns(self) -> int | None:
        """Time of the last change in ns since 1970; None where the store does not say."""
        with _explained(self):
            system, path = self._open()
            try:
                return int(system.modified(path).timestamp() * 1e9)
            except NotImplementedError:
                return None

    def head(self, size: int) -> bytes:
        """The first `size` bytes at most."""
        with _explained(self):
            system, path = self._open()
            return bytes(system.cat_file(path, 0, size))

    def read_all(self, limit: int) -> bytes:
        """All bytes. Raises RawbackError if they are more than `limit`."""
        with _explained(self):
            system, path = self._open()
            if (system.size(path) or 0) > limit:
                raise RawbackError(f"{self} is larger than {limit >> 30} GiB; expected a photo")
            return bytes(system.cat_file(path))

    def write(self, chunks: Iterable, approved: Callable[[Url], bool] | None = None) -> int:
        """Write a whole file; returns its size in bytes. Looked at before: stores have no step that does both.

        approved: whether what is there may be replaced; None: nothing may, but for the same bytes.
        """
        data = b"".join(chunks)
        with _explained(self):
            system, path = self._open()
            system.makedirs(system._parent(path), exist_ok=True)
            if self.scheme not in RENAMED:
                if self._may_write(data, approved):
                    system.pipe_file(path, data)
                return len(data)
            folder, _, name = path.rpartition("/")
            temporary = f"{folder}/.rawback-{secrets.token_hex(8)}.part"
            try:
                system.pipe_file(temporary, data)
                if self._may_write(data, approved):
                    system.mv(temporary, f"{folder}/{name}")
                else:
                    system.rm_file(temporary)
            except BaseException:
                if system.exists(temporary):
                    system.rm_file(temporary)
                raise
        return len(data)

    def _may_write(self, data: bytes, approved: Callable[[Url], bool] | None) -> bool:
        """False: the same bytes are there. Raises RawbackError where anything else is, unless that is approved."""
        self._open()[0].invalidate_cache()
        if not self.exists() or (approved and approved(self)):
            return True
        if self.read_all(MAX_SIZE) == data:
            return False
        raise RawbackError(f"{self} exists already; it was made or changed meanwhile")

    def files(self) -> Iterator[tuple[Url, PurePosixPath]]:
        """All files below a folder, and their path relative to it; in order of their names."""
        with _explained(self):
            system, path = self._open()
            for found in sorted(system.find(path)):
                yield Url(system.unstrip_protocol(found)), PurePosixPath(found).relative_to(path)

    def _open(self) -> tuple[Any, str]:
        """The store's file system (fsspec's), and the path in it."""
        from fsspec.core import url_to_fs

        return url_to_fs(self.text)


class _explained:
    """Turn what any store may raise into an error that names the file."""

    def __init__(self, url: Url) -> None:
        self.url = url

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, ImportError):
            raise RawbackError(f"{self.url} needs more packages: {extras.command('cluster')} ({error})") from error
        if isinstance(error, Exception) and not isinstance(error, RawbackError):
            reason = str(error) or type(error).__name__
            raise RawbackError(f"{self.url} cannot be reached: {reason}") from error


def is_url(text: str) -> bool:
    """Whether a text on the command line is a URL and not a path."""
    return bool(SCHEME.match(text))
