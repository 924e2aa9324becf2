"""Options that several verbs have."""

from __future__ import annotations

from typing import Annotated

from rawback.options.option import LOOK, MANY, METADATA, OUTPUT, QUALITY, Argument, Option

Inputs = Annotated[list[str], Argument("One or more files; - is standard input.")]
Camera = Annotated[str | None, Option("The card of a camera, by name or NAME.json. Default: the file's.", group=LOOK)]
Weights = Annotated[
    str | None,
    Option("Learned parts, of photos too: a name, a card or none. Default: generic-2, photo-1.", group=QUALITY, rare=True),
]
KeepExif = Annotated[
    bool, Option("Leave out whatever tells of you: EXIF, GPS, XMP, serial numbers.", ("--no-exif",), group=METADATA)
]
Force = Annotated[bool, Option("Replace outputs that rawback made and nobody edited.", ("-f", "--force"), group=OUTPUT)]
ReplaceForeign = Annotated[bool, Option("Replace also what rawback did not make, or somebody edited.", group=OUTPUT, rare=True)]
ReplaceArchive = Annotated[bool, Option("Replace also JPEGs that keep another RAW to the last bit.", group=OUTPUT, rare=True)]
AsJson = Annotated[bool, Option("Print JSON, one line for each file.", ("--json",), group=MANY)]
