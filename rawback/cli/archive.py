"""The commands for those who keep JPEGs in place of RAW: `verify` and `strip`."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from rawback.cli import limits
from rawback.errors import EXIT_FAILED, RawbackError
from rawback.files.permission import Allowed
from rawback.messages import answer, say
from rawback.options.shared import AsJson, Force, ReplaceArchive, ReplaceForeign

Photo = Annotated[str, typer.Argument(metavar="JPEG", help="What was rendered.", show_default=False)]
Original = Annotated[str, typer.Argument(metavar="RAW", help="What it was rendered from.", show_default=False)]
Photos = Annotated[list[str], typer.Argument(metavar="JPEG...", help="One or more files.", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="PLACE", help="A file or a folder. Default: NAME.stripped.jpg.", show_default=False),
]

Jxls = Annotated[list[str], typer.Argument(metavar="JXL...", help="One or more files.", show_default=False)]
JpegOutput = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="PLACE", help="A file or a folder. Default: NAME.jpg.", show_default=False),
]


def verify(photo: Photo, original: Original, as_json: AsJson = False) -> None:
    """Check that a JPEG restores a RAW.

    Exit code 0: every bit, margins and metadata included; 1: not, and what is missing is named.
    """
    from rawback.verify.verdict import verify as compare

    with limits.bounded():
        verdict = compare(photo, original)
    if as_json:
        answer(json.dumps({"jpeg": photo, "raw": original, **asdict(verdict)}))
    else:
        answer("\n".join([f"{photo}: {verdict.message}", *(f"  missing: {phrase}" for phrase in verdict.missing)]))
    raise typer.Exit(0 if verdict.exact and verdict.complete else EXIT_FAILED)


def jpeg(
    photos: Jxls, output: JpegOutput = None,
    force: Force = False, replace_foreign: ReplaceForeign = False, replace_archive: ReplaceArchive = False,
) -> None:  # fmt: skip
    """Make JPEG XL files the JPEGs again that they were, byte for byte."""
    from rawback.files.jxl_to_jpeg import write

    allowed, failed = Allowed(force, False, replace_foreign, replace_archive), False
    for photo in photos:
        try:
            say(write(photo, output, len(photos) > 1, allowed))
        except RawbackError as error:
            say(str(error))
            failed = True
    raise typer.Exit(EXIT_FAILED if failed else 0)


def strip(
    photos: Photos, output: Output = None,
    hdr: Annotated[bool, typer.Option("--hdr", help="Remove the gain map of `render --hdr` alone; the RAW stays.")] = False,
    force: Force = False, replace_foreign: ReplaceForeign = False,
    replace_archive: ReplaceArchive = False,
) -> None:  # fmt: skip
    """Remove the RAW from JPEGs: recipe and lossless layer. Their coded pictures stay as they are."""
    from rawback.files.strip import strip_to

    allowed, failed = Allowed(force, False, replace_foreign, replace_archive), False
    for photo in photos:
        try:
            say(strip_to(photo, output, len(photos) > 1, allowed, hdr))
        except RawbackError as error:
            say(str(error))
            failed = True
    raise typer.Exit(EXIT_FAILED if failed else 0)
