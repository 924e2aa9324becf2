"""How results are saved from Python: by the rule for what may be replaced, whole or not at all."""

from __future__ import annotations

from os import PathLike, fspath
from pathlib import Path

from rawback.errors import UsageError
from rawback.files import paths, replacement
from rawback.files.permission import Allowed


def save(path: str | PathLike[str], data: bytes, suffixes: tuple[str, ...], force: bool) -> None:
    """Write a file. Raises UsageError for a name that says it is something else, RawbackError for one that is taken.

    force: replaces what rawback itself wrote and nobody has edited since; nothing else is ever replaced.
    """
    target = paths.parse(fspath(path))
    if Path(target.name).suffix.lower() not in suffixes:
        raise UsageError(f"{target} is to hold another kind of file; expected a name that ends in {' or '.join(suffixes)}")
    replacement.save(target, data, replacement.decide(target, Allowed(force)))
