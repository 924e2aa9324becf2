"""How a finished file takes its name: replacing nothing, or exactly what was approved, looked at once more."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from filecmp import cmp
from pathlib import Path

from rawback.files import exchange, layer_header, seal
from rawback.files.paths import Location

SWAPPED = ".swap"
"""How the name of a file ends that is being exchanged, with the number of the process before it."""
ARCHIVE = layer_header.LABEL.encode()
Approved = Callable[[Location], bool]
"""Whether what lies in a place is what may be replaced."""


def publish(temporary: Path, target: Path, approved: Approved | None) -> None:
    """Give a file its name. approved: whether what lies there by now may be replaced; None: nothing may.

    A file of the same bytes is no obstacle: another run made it meanwhile. Raises FileExistsError for all others, and OSError.
    """
    if approved is None:
        _publish_new(temporary, target)
    else:
        _replace(temporary, target, approved)


def _publish_new(temporary: Path, target: Path) -> None:
    try:
        os.link(temporary, target)
        return
    except FileExistsError:
        if _same(temporary, target):
            return
        raise
    except OSError:  # no hard links here (FAT, some network file systems)
        pass
    if exchange.renamed(temporary, target, exchange.NO_REPLACE):
        return
    if os.path.lexists(target) and not _same(temporary, target):
        raise FileExistsError(target)
    os.replace(temporary, target)


def _same(one: Path, other: Path) -> bool:
    """Whether two regular files have the same bytes."""
    with suppress(OSError):
        return stat.S_ISREG(os.lstat(other).st_mode) and cmp(one, other, shallow=False)
    return False


def _replace(temporary: Path, target: Path, approved: Approved) -> None:
    """Swap the names, look at what came out, and swap back if it is not what was approved."""
    if not approved(target):
        _publish_new(temporary, target)
        return
    aside = temporary.with_name(f"{temporary.stem}-{os.getpid()}{SWAPPED}")
    os.rename(temporary, aside)  # nobody takes what may come out under this name for something half written
    try:
        if not exchange.renamed(aside, target, exchange.EXCHANGE):
            os.replace(aside, target)
        elif approved(aside) or _same(aside, target):
            os.unlink(aside)
        else:
            _swap_back(aside, target)
    except FileNotFoundError:  # what was approved is gone
        _publish_new(aside, target)
        aside.unlink(missing_ok=True)


def _swap_back(aside: Path, target: Path) -> None:
    ours = os.lstat(target)
    exchange.renamed(aside, target, exchange.EXCHANGE)
    if os.path.samestat(os.lstat(aside), ours):
        os.unlink(aside)
        raise FileExistsError(target)
    raise OSError(f"two files took its place meanwhile; one of them is now {aside}")


def sweep(path: Path) -> bool:
    """Remove a file that a killed run left between two names, if it can be made again; returns whether."""
    writer = int(path.name.removesuffix(SWAPPED).rpartition("-")[2] or 0)
    with suppress(OSError):
        if not _is_alive(writer) and seal.is_intact_file(path) and ARCHIVE not in path.read_bytes():
            path.unlink()
            return True
    return False


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
