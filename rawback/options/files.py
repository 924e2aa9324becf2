"""The options about files, which `render` and `recover` share: which ones, and where to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Annotated

from rawback.errors import UsageError
from rawback.files.permission import Allowed
from rawback.options import template
from rawback.options.option import COMMON, MANY, OUTPUT, Argument, Option, refuse
from rawback.options.shared import Force, ReplaceArchive, ReplaceForeign

PLACES = "A file, folder, URL or -. Default: beside the input."
NAMED = "Name outputs by a template, e.g. '{stem}_raw{suffix}'."
FROM = "Take the files that are listed in this one, one a line; - is standard input."
ENDED_BY_NUL = "Names in --files-from end with NUL, as find -print0 writes them."


@dataclass(frozen=True)
class FileOptions:
    """Which files to work on, where the outputs go, and what they may replace. Raises UsageError for contradictions."""

    inputs: Annotated[tuple[str, ...], Argument("Files, folders (with -r) or URLs; - is standard input.", "FILE...")] = ()
    output: Annotated[str | None, Option(PLACES, ("-o", "--output"), group=COMMON, metavar="PLACE")] = None
    name: Annotated[str | None, Option(NAMED, group=OUTPUT, metavar="TEMPLATE")] = None
    """Fields: {stem} and {ext} of the input, {suffix} of the output."""
    files_from: Annotated[Path | None, Option(FROM, group=MANY, rare=True)] = None
    """A list of files instead of `inputs`."""
    null: Annotated[bool, Option(ENDED_BY_NUL, ("-0", "--null"), group=MANY, rare=True)] = False
    recursive: Annotated[
        bool, Option("Take all photos in folders; the output mirrors the tree.", ("-r", "--recursive"), group=COMMON)
    ] = False  # fmt: skip
    include: Annotated[
        tuple[str, ...], Option("In folders take only files like '*.CR2' or '2024/*'.", group=MANY, metavar="PATTERN")
    ] = ()
    """Patterns of a name, or of a path below the folder; none: all. Capitals do not matter."""
    exclude: Annotated[
        tuple[str, ...], Option("In folders take no files like this.", group=MANY, metavar="PATTERN", rare=True)
    ] = ()
    force: Force = False
    replace_foreign: ReplaceForeign = False
    replace_archive: ReplaceArchive = False
    skip_existing: Annotated[bool, Option("Pass by what was made already by the same options.", group=MANY)] = False
    """What was made of them by others is made again, with `force` or without."""
    keep_mtime: Annotated[bool, Option("Give outputs the modification times of their inputs.", group=OUTPUT, rare=True)] = False

    def __post_init__(self) -> None:
        if bool(self.inputs) == bool(self.files_from):
            raise UsageError("name the files to work on, or a list of them with --files-from (not both)")
        if not self.files_from:
            refuse(self, ("null",), "is for --files-from")
        if self.name is not None:
            template.check(self.name)
        if not self.recursive:
            refuse(self, ("include", "exclude"), "is for folders; add -r")

    @property
    def suffix(self) -> str:
        """By which the user asks for a kind of file, in lower case; empty: for none."""
        return PurePath(self.name or self.output or "").suffix.lower()

    @property
    def allowed(self) -> Allowed:
        """What outputs may replace."""
        return Allowed(self.force, self.skip_existing, self.replace_foreign, self.replace_archive)
