"""The one rule for what may be replaced. Every writer asks it before its work, and again when its file takes its name.

What can be made again, rawback's own as it was written, goes with --force. A file that rawback did not make, or that
was edited since, stays; so does one that keeps a RAW to the last bit, unless that very RAW is at hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from pathlib import Path

from rawback.errors import RawbackError
from rawback.files import atomic, file_type, paths
from rawback.files.existing import examine
from rawback.files.paths import Location
from rawback.files.permission import Allowed
from rawback.files.recognition import Existing, Kind

OTHERWISE = "name another output with -o, or"
MADE_AGAIN = (Kind.EMPTY, Kind.HALF, Kind.OWN)
REFUSED = {
    Kind.FOLDER: "is a folder; expected a file name",
    Kind.SPECIAL: "is a socket or a disk; expected the name of a file",
    Kind.UNREADABLE: "cannot be read ({}), so nobody knows what would be replaced; name another output with -o",
}
KEPT = f"it is never replaced without --replace-foreign: {OTHERWISE} add that"
FOREIGN = {
    Kind.FOREIGN: f"exists already, as a file that rawback did not make; {KEPT}",
    Kind.LINK: "is a link to {}, which is not there; remove it, name that file with -o, or use --force to replace the link",
    Kind.EDITED: f"exists already, and was edited since rawback wrote it; {KEPT}",
}
ARCHIVE = f"keeps another RAW to the last bit; it is never replaced without --replace-archive: {OTHERWISE} add that"
OTHER = f"was made of another file than {{}}; {OTHERWISE} --force to replace it"
UNKNOWN = f"does not say of which file it was made, and is older than {{}}; {OTHERWISE} --force to make it again"
ONCE = f"cannot be compared with {{}}, which can be read only once; {OTHERWISE} --force to replace it"
EXISTS = "exists already; use --force to replace it or -o for another name"
PASSED_BY = "{} is passed by: {} was edited since rawback wrote it"


class Action(Enum):
    """What is to be done."""

    WRITE = "write"
    """There is nothing."""
    REPLACE = "replace"
    """What is there may go."""
    POUR = "pour"
    """Into a device or pipe."""
    SKIP = "skip"
    """It is there already."""


@dataclass(frozen=True)
class Decision:
    """What is to be done with an output."""

    action: Action
    existing: Existing
    message: str = ""
    """Why it is passed by, where that is worth saying."""
    source_sha256: str = ""
    """Of the file by which that was decided: if it is another by the time it is read, this does not hold."""

    @property
    def approved(self) -> Callable[[Location], bool] | None:
        """Whether what lies in a place is what may be replaced; None: nothing may."""
        return (lambda location: examine(location) == self.existing) if self.action is Action.REPLACE else None


class Source:
    """What an output is to be made of, and by which options. Its hashes are made when somebody asks."""

    def __init__(self, location: Location, options: str = "", origin: str = "", product_sha256: str = "") -> None:
        """origin: what stands for the file's sha256, where it is not a whole file that is worked on.

        product_sha256: of the output, where it is known before it is made.
        """
        self.location, self.options, self.origin, self.product_sha256 = location, options, origin, product_sha256

    @cached_property
    def sha256(self) -> str:
        """Of its bytes; empty for what can be read only once. Raises RawbackError if it cannot be read."""
        if self.origin:
            return self.origin
        once = isinstance(self.location, Path) and not self.location.is_file()
        return "" if once else hashlib.sha256(paths.load(self.location)).hexdigest()

    @cached_property
    def content(self) -> str:
        """Hash of the visible mosaic of a RAW, of the coded picture of a JPEG; empty for all others."""
        from rawback.files import jpeg, raw  # slow to import, and rarely asked for
        from rawback.isp import mosaic

        data = self._data()
        try:
            if file_type.of(data) != "jpeg":
                return mosaic.sha256(raw.read(data, str(self.location)).mosaic)
            picture = jpeg.read(data, str(self.location)).coefficients
            return picture.sha256() if picture else ""
        except RawbackError:  # whoever works on it will say what is wrong
            return ""

    @cached_property
    def frame(self) -> str:
        """Hash of all photosites of a RAW, those in its margins included; empty for all others."""
        from rawback.files import raw
        from rawback.isp import mosaic

        try:
            frame = raw.read(self._data(), str(self.location), whole=True).frame
        except RawbackError:
            return ""
        return "" if frame is None else mosaic.sha256(frame)

    def _data(self) -> bytes:
        """The file once more."""
        data = b"" if self.origin or not self.sha256 else paths.load(self.location)
        if data and hashlib.sha256(data).hexdigest() != self.sha256:
            raise RawbackError(f"{self.location} was changed meanwhile; run it again")
        return data

    def is_in(self, existing: Existing) -> bool | None:
        """Whether a file was made of this one, or of one with the same photosites; None: nobody knows."""
        if existing.source and existing.source == self.sha256:
            return True
        known = (existing.frame, self.frame) if existing.frame else (existing.content, self.content)
        if all(known):
            return known[0] == known[1]
        return False if existing.source and self.sha256 else None


NO_SOURCE = Source(paths.STREAM)
"""Of outputs of which nobody asks what they were made of."""


def decide(target: Location, allowed: Allowed, source: Source = NO_SOURCE, vacant: bool = False) -> Decision:
    """What is to be done with an output. Raises RawbackError where what lies there must stay, and nothing can be done.

    vacant: whether there was nothing when the run began; then an output of the same file by the same options is the run's own.
    """
    existing = examine(target)
    if existing.kind is Kind.NOTHING:
        return Decision(Action.WRITE, existing)
    if existing.kind is Kind.STREAM:
        return Decision(Action.POUR, existing)
    if existing.kind in REFUSED:
        raise RawbackError(f"{target} {REFUSED[existing.kind].format(existing.reason)}")
    if source.product_sha256 and _holds(target, source.product_sha256):
        return Decision(Action.SKIP, existing, f"{target} is there already, byte for byte")
    if existing.kind in MADE_AGAIN and not (vacant or allowed.force or allowed.skip_existing or allowed.replace_archive):
        raise RawbackError(f"{target} {EXISTS}")
    same = source.is_in(existing) if vacant or allowed.skip_existing or existing.archive else None
    message = _reason_to_skip(target, existing, source, same, allowed, vacant)
    if message is not None:
        return Decision(Action.SKIP, existing, message)
    reason = _reason_to_stay(existing, source, same, allowed)
    if reason:
        raise RawbackError(f"{target} {reason.format(existing.link or source.location)}")
    return Decision(Action.REPLACE, existing, source_sha256=source.sha256 if same else "")


def _holds(target: Location, sha256: str) -> bool:
    """Whether a place holds a file of that hash, and is no link to one."""
    try:
        return not (isinstance(target, Path) and target.is_symlink()) and file_sha256(target) == sha256
    except RawbackError:
        return False


def file_sha256(location: Location) -> str:
    """Of the bytes of a file. Raises RawbackError if it cannot be read."""
    return hashlib.sha256(paths.load(location)).hexdigest()


def save(target: Location, data: bytes, decision: Decision) -> None:
    """Write a file as it was decided. Raises RawbackError where something else lies there by now."""
    if decision.action is Action.POUR and isinstance(target, Path):
        atomic.pour(target, [data])
    elif decision.action is not Action.SKIP:
        atomic.save(target, [data], approved=decision.approved)


def _reason_to_skip(
    target: Location, existing: Existing, source: Source, same: bool | None, allowed: Allowed, vacant: bool
) -> str | None:  # fmt: skip
    """What is to be said where an output is not to be made, perhaps nothing; None: it is."""
    by_same = existing.options == source.options or not existing.source  # release 0.1.0 does not say
    if existing.kind is Kind.OWN and same and by_same and (vacant or allowed.skip_existing):
        return ""
    if not allowed.skip_existing or same is False:
        return None
    if existing.kind is Kind.EDITED and not allowed.replace_foreign:
        return PASSED_BY.format(source.location, target)
    unknown = existing.kind is Kind.OWN and same is None and bool(source.sha256) and not allowed.force
    return "" if unknown and not paths.is_stale(source.location, target) else None


def _reason_to_stay(existing: Existing, source: Source, same: bool | None, allowed: Allowed) -> str:
    """Why what lies there must not be replaced; empty: it may. Of a link nothing but the link is."""
    if existing.link and allowed.force:
        return ""
    if existing.kind in FOREIGN and not allowed.replace_foreign:
        return FOREIGN[existing.kind]
    if existing.archive and not same and not allowed.replace_archive:
        return ARCHIVE
    if existing.kind in FOREIGN or (existing.archive and not same) or allowed.force or existing.kind is Kind.EMPTY:
        return ""
    if not allowed.skip_existing:
        return EXISTS
    if same is None and existing.kind is Kind.OWN:
        return UNKNOWN if source.sha256 else ONCE
    return OTHER if same is False else ""
