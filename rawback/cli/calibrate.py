"""The command that learns the looks of cameras."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rawback.messages import say
from rawback.options.shared import Force

Pairs = Annotated[list[Path], typer.Argument(metavar="RAW [JPEG]...", help="RAW files, each followed by its JPEG.")]
Card = Annotated[Path, typer.Option("-o", "--output", help="The card to write, NAME.json.")]


def calibrate(inputs: Pairs, output: Card, force: Force = False) -> None:
    """Learn a camera's look from RAW files and the JPEGs it made of them, for --camera of `recover` and `render`.

    A RAW that no JPEG follows is taken with the picture inside it. The card is for one camera; the more pairs of
    different light, the better.
    """
    from rawback.calibrate.calibrate import calibrate as verb
    from rawback.calibrate.calibrate import card, report
    from rawback.files import atomic, paths

    paths.check_target(output, paths.identities(inputs), force)
    found = verb(inputs, output.stem)
    atomic.save(output, [card(found, output)])
    for line in report(found).splitlines():
        say(line)
