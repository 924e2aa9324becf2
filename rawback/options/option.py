"""How an option is declared: `name: Annotated[type, Option("help")] = default` in a frozen dataclass, and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import PurePath
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from rawback.errors import UsageError

COMMON, OUTPUT, QUALITY, LOOK, METADATA, MANY, VIDEO = (
    "Common", "Output", "Quality", "Look", "Metadata", "Many files", "Video"
)  # fmt: skip
GROUPS = COMMON, OUTPUT, QUALITY, LOOK, METADATA, MANY, VIDEO
"""Headings of the help, in its order."""
MAX_TEXT = 60
"""Characters of a value in `as_text`."""


@dataclass(frozen=True)
class Option:
    """What the command line shows and takes for a field."""

    help: str
    names: tuple[str, ...] = ()
    """As the user writes it, e.g. ("-o", "--output"); none: two dashes and the name of the field."""
    choices: tuple[str, ...] = ()
    """All values there are; none: any of the type."""
    offered: tuple[str, ...] | Callable[[], Iterable[str]] = ()
    """Further values that a shell completes; there are others."""
    read: Callable[[str], Any] | None = None
    """Makes the value of the user's text; None: the type says how. Raises UsageError."""
    default: str = ""
    """The field's default as the user would write it, where `read` makes something else of that."""
    group: str = ""
    """The heading of the help that it stands under, of GROUPS; none: the help of its command has no headings."""
    metavar: str = ""
    """What stands for the value in the help; none: by the type."""
    rare: bool = False
    """Whether only `--help-all` shows it."""


@dataclass(frozen=True)
class Argument:
    """As `Option`, of what is named without dashes."""

    help: str
    metavar: str | None = None


@cache
def declared(options: Any) -> dict[str, tuple[Any, Option | Argument]]:
    """Name, type and declaration of the fields that the command line knows."""
    fields_by_name = {}
    for name, hint in get_type_hints(options, include_extras=True).items():
        if get_origin(hint) is Annotated:
            kind, declaration = get_args(hint)[:2]
            fields_by_name[name] = kind, declaration
    return fields_by_name


def spelled(options: Any, name: str) -> str:
    """A field as the user writes it: `--no-refine`; one that the command line does not know by its name."""
    option = declared(options)[name][1] if name in declared(options) else Option("", (name,))
    return option.names[-1] if isinstance(option, Option) and option.names else f"--{name.replace('_', '-')}"


def as_text(options: Any) -> str:
    """What differs from the defaults, to be compared with what a file says it was made with: "quality=90 keep_exif=False".

    Of a path only its name: where somebody's files lie is nobody's business.
    """
    given = {field.name: (getattr(options, field.name), field.default) for field in fields(options)}
    return " ".join(f"{name}={_plain(value)}" for name, (value, default) in given.items() if value != default)


def _plain(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else PurePath(str(value)).name
    return re.sub(r"[^\w.:+-]", "_", text)[:MAX_TEXT]


def check_choices(options: Any) -> None:
    """Raise UsageError for a field that is none of its choices."""
    for name, (_, option) in declared(options.__class__).items():
        value = getattr(options, name)
        if isinstance(option, Option) and option.choices and value is not None and value not in option.choices:
            listed = " or ".join(option.choices) if len(option.choices) < 3 else f"one of {', '.join(option.choices)}"
            raise UsageError(f"{name} is {value}; expected {listed}")


def refuse(options: Any, names: tuple[str, ...], reason: str) -> None:
    """Raise UsageError if any of these fields was set: it would have no effect, for the reason."""
    defaults = {field.name: field.default for field in fields(options)}
    for name in names:
        if getattr(options, name) != defaults[name]:
            raise UsageError(f"{spelled(type(options), name)} {reason}")
