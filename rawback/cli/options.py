"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Inputs = Annotated[list[Path], typer.Argument(help="One or more files; - is standard input.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, one line a file.")]
Subsampling = Annotated[str, typer.Option(help="Chroma: 4:2:0, 4:2:2 or 4:4:4.")]
Tables = Annotated[str, typer.Option(help="raw: best for the RAW inside; standard: the JPEG standard's.")]
NoRefine = Annotated[bool, typer.Option("--no-refine", help="Plain encoding: the RAW comes back less well.")]
Effort = Annotated[str, typer.Option(help="fast, or best: a smaller file for the same RAW, in more time.")]
Weights = Annotated[
    str | None,
    typer.Option(
        help="Learned parts, for re-saved and --no-refine pictures: a name, a card's path, or none. Default: generic-2."
    ),
]
NoExif = Annotated[bool, typer.Option("--no-exif", help="Leave EXIF and GPS out.")]


def ratio(text: str) -> str:
    """Chroma's subsampling: 420 and 4:2:0 are the same."""
    return ":".join(text) if len(text) == 3 else text
