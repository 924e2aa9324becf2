"""The command that learns the looks of cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rawback.files.permission import Allowed
from rawback.messages import say
from rawback.options.shared import Force, ReplaceForeign

Pairs = Annotated[list[Path], typer.Argument(metavar="RAW [JPEG]...", help="RAW files, each followed by its JPEG.")]
Card = Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The card to write, NAME.json.")]


def calibrate(inputs: Pairs, output: Card, force: Force = False, replace_foreign: ReplaceForeign = False) -> None:
    """Learn the look of a camera from RAW files and the JPEGs it made of them.

    The card is what --camera of `recover` and `render` takes. It is for one camera; the more pairs of different light,
    the better. A RAW that no JPEG follows is taken with the picture inside it.
    """
    from rawback.calibrate.calibrate import calibrate as verb
    from rawback.calibrate.calibrate import card, report
    from rawback.files import places, replacement

    places.check(output, places.identities(inputs))
    decision = replacement.decide(output, Allowed(force, replace_foreign=replace_foreign))
    found = verb(inputs, output.stem)
    replacement.save(output, card(found, output), decision)
    for line in report(found).splitlines():
        say(line)
