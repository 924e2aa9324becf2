"""Commands and how their help looks: switches without a type, rare options behind `--help-all`, examples at the end."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from rawback.cli.values import read_plainly
from rawback.options.option import COMMON

COLUMNS = 100
"""Of text that is wrapped."""
EXAMPLES = {
    "render": (
        "rawback render IMG_1.CR2                       # IMG_1.jpg beside it",
        "rawback render SHOOT/ -r -o JPEGS/             # a tree of folders",
        "rawback render IMG_1.CR2 --keep lossless       # every bit of the RAW",
    ),
    "recover": (
        "rawback recover IMG_1.jpg                      # IMG_1.dng beside it",
        "rawback recover JPEGS/ -r -o RAWS/             # a tree of folders",
        "rawback recover IMG_1.jpg --original           # the file that --keep original kept",
    ),
    "info": ("rawback info IMG_1.jpg",),
    "verify": ("rawback verify IMG_1.jpg IMG_1.CR2",),
    "evaluate": ("rawback evaluate IMG_1.CR2 --quality 87,90 --report out.html",),
    "learn": ("rawback learn -r PHOTOS/",),
    "calibrate": ("rawback calibrate IMG_1.CR2 IMG_1.JPG -o mycamera.json",),
    "train": ("rawback train PHOTOS/ -o weights/ --name mine",),
}
"""Commands as a user would write them."""
PICTURES, ARCHIVES, CAMERAS, RESEARCH, HERE = "Pictures and RAW", "Archives", "Cameras", "Research", "Installation"
PANELS = {
    "render": PICTURES, "recover": PICTURES, "info": PICTURES, "verify": ARCHIVES, "strip": ARCHIVES, "jpeg": ARCHIVES,
    "cameras": CAMERAS, "learn": CAMERAS, "calibrate": CAMERAS, "evaluate": RESEARCH, "train": RESEARCH, "export": RESEARCH,
    "doctor": HERE,
}  # fmt: skip
"""Headings of commands in the help."""


def _show_all(context: typer.Context, wanted: bool) -> None:
    if wanted:
        for parameter in context.command.params:
            parameter.hidden = False  # type: ignore[attr-defined]
        typer.echo(context.get_help())
        raise typer.Exit


HelpAll = Annotated[
    bool,
    typer.Option("--help-all", callback=_show_all, is_eager=True, help="Show rare options, too.", rich_help_panel=COMMON),
]
"""The parameter of commands that have rare options."""


def _none(ctx: Any) -> None:
    """For the type of an argument."""


def _without_types(parameters: list[Any]) -> list[Any]:
    """`--quiet`, not `--quiet <bool>`; and --help where the common options are."""
    grouped = any(getattr(parameter, "rich_help_panel", None) == COMMON for parameter in parameters)
    for parameter in parameters:
        if getattr(parameter, "is_flag", False):
            parameter.metavar = ""
        if not parameter.opts[0].startswith("-"):
            parameter.display_type_rich = _none  # FILE... says it
        if "--help" in parameter.opts and grouped:
            parameter.rich_help_panel = COMMON
    return parameters


class Command(TyperCommand):
    """A command with such help, whose values are read plainly."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """As Click asks for them."""
        return _without_types(super().get_params(ctx))

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """With examples, which as an epilogue of Typer's would be joined or parted, as its version is."""
        super().format_help(ctx, formatter)
        if examples := EXAMPLES.get(self.name or ""):
            typer.echo("\n".join([" Examples:", *(f"   {line}" for line in examples)]))


class Group(TyperGroup):
    """The commands together, with such help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read what comes before the command."""
        read_plainly(self.get_params(ctx))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: Any) -> list[Any]:
        """As Click asks for them."""
        return _without_types(super().get_params(ctx))
