"""Options that several verbs have."""

from __future__ import annotations

from typing import Annotated

from rawback.options.option import Argument, Option

Inputs = Annotated[list[str], Argument("One or more files; - is standard input.")]
Camera = Annotated[str | None, Option("A camera's card, by name or NAME.json. Default: by what the file says.")]
Weights = Annotated[
    str | None,
    Option("Learned parts, for re-saved and --no-refine pictures: a name, a card's path, or none. Default: generic-2."),
]
KeepExif = Annotated[bool, Option("Leave EXIF and GPS out.", ("--no-exif",))]
Force = Annotated[bool, Option("Replace outputs that rawback made, and nobody has edited.", ("-f", "--force"))]
ReplaceForeign = Annotated[bool, Option("Replace what rawback did not make or somebody edited, too.")]
ReplaceArchive = Annotated[bool, Option("Replace JPEGs that keep another RAW to the last bit, too.")]
AsJson = Annotated[bool, Option("Print JSON, one line a file.", ("--json",))]
