"""The command that learns looks from the pictures inside RAW files."""

from __future__ import annotations

from typing import Annotated

import typer

from rawback.messages import say

Sources = Annotated[list[str], typer.Argument(metavar="RAW...", help="RAW files, or folders of them with -r.")]
Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="Take all RAW files in folders.")]


def learn(inputs: Sources, recursive: Recursive = False) -> None:
    """Learn the looks of your cameras from the pictures inside their RAW files.

    `recover` takes them for JPEGs of these cameras. A card for each camera and picture style is kept in your data folder;
    `cameras` lists them.
    """
    from rawback.batch.inputs import Filter, find
    from rawback.calibrate.learn import learn as verb

    sources = [one.location for one in find(inputs, Filter("raw"), recursive)]
    for card in verb(sources, say):
        say(card.message())
