"""Options that several verbs have."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from rawback.options.option import LOOK, MANY, METADATA, OUTPUT, QUALITY, Argument, Option


def _cards(*kinds: str) -> list[str]:
    """Names of installed cards with one of these among what they hold."""
    from rawback.cameras.cards import cards

    return [card["name"] for card in cards() if any(card.get(kind) for kind in kinds)]


Inputs = Annotated[list[str], Argument("One or more files; - is standard input.", "FILE...")]
Camera = Annotated[
    str | None,
    Option(
        "The card of a camera, by name or NAME.json. Default: the file's.",
        offered=partial(_cards, "camera", "look"),
        group=LOOK,
    ),
]
Weights = Annotated[
    str | None,
    Option(
        "Learned parts, of photos too: a name, a card or none. Default: generic-2, photo-2.",
        offered=partial(_cards, "parts"),
        group=QUALITY,
        rare=True,
    ),
]
KeepExif = Annotated[
    bool, Option("Leave out whatever tells of you: EXIF, GPS, XMP, serial numbers.", ("--no-exif",), group=METADATA)
]
Force = Annotated[bool, Option("Replace outputs that rawback made and nobody edited.", ("-f", "--force"), group=OUTPUT)]
ReplaceForeign = Annotated[bool, Option("Replace also what rawback did not make, or somebody edited.", group=OUTPUT, rare=True)]
ReplaceArchive = Annotated[bool, Option("Replace also JPEGs that keep another RAW to the last bit.", group=OUTPUT, rare=True)]
AsJson = Annotated[bool, Option("Print JSON, one line for each file.", ("--json",), group=MANY)]
Verbose = Annotated[bool, Option("Say all there is to say.", ("-v", "--verbose"))]
