"""Commands whose parameters are options classes: Typer is shown their fields, the command is given the objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import typer

from rawback.cli.help import HelpAll
from rawback.options.option import GROUPS, Argument, Option, declared

METAVARS = {int: "N", float: "N", bool: "", Path: "FILE"}
"""What stands for values in the help, by their types; for others NAME. A switch takes none."""


class Only:
    """`Annotated[RenderOptions, Only("tables")]`: a command takes these fields alone; all others keep their defaults."""

    def __init__(self, *names: str) -> None:
        self.names = names


@dataclass(frozen=True)
class Field:
    """What is declared as one option or argument."""

    name: str
    kind: Any
    """The type of the value."""
    declaration: Option | Argument
    default: Any

    def parameter(self) -> inspect.Parameter:
        """As Typer reads it."""
        kind, default, info = self.kind, self.default, self._info()
        if option := self._read_from_text():
            default = option.default or default
            kind = str | None if default is None else str
        elif get_origin(kind) is tuple:
            kind, default = list[get_args(kind)[0]] | None, default or None  # type: ignore[misc]
        elif kind is bool:
            default = False
        annotation = Annotated[kind, info]  # type: ignore[valid-type]
        return inspect.Parameter(self.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)

    def _info(self) -> Any:
        declaration = self.declaration
        if isinstance(declaration, Argument):
            return typer.Argument(metavar=declaration.metavar, help=declaration.help, show_default=False)
        names = declaration.names or (f"--{self.name.replace('_', '-')}",)
        return typer.Option(
            *names, help=declaration.help, show_default=self._tells_default(), rich_help_panel=declaration.group or None,
            hidden=declaration.rare, metavar=declaration.metavar or self._metavar(),
            autocompletion=_completion(declaration),
        )  # fmt: skip

    def _tells_default(self) -> bool:
        written = self.declaration.default if isinstance(self.declaration, Option) else ""
        return bool(written or self.default) and self.kind is not bool and "default" not in self.declaration.help.lower()

    def _metavar(self) -> str:
        kinds = [kind for kind in get_args(self.kind) or (self.kind,) if kind is not NoneType]
        return METAVARS.get(kinds[0], "NAME")

    def _read_from_text(self) -> Option | None:
        """The declaration, where it makes a value of the user's text."""
        return self.declaration if isinstance(self.declaration, Option) and self.declaration.read else None

    def value(self, given: Any) -> Any:
        """The value for what Typer has read."""
        if (option := self._read_from_text()) and option.read:
            return None if given is None else option.read(given)
        if get_origin(self.kind) is tuple:
            return tuple(given or ())
        return not given if self.kind is bool and self.default is True else given  # --no-exif: keep_exif is False


def with_options(command: Callable[..., None]) -> Callable[..., None]:
    """A command for Typer, which reads signatures: for each parameter that is an options class, its fields.

    Those in groups of the help come in the order of the groups.
    """
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    known = {parameter.name: _fields(parameter) for parameter in parameters}
    classes = {parameter.name: _options_class(parameter) for parameter in parameters}

    def call(**given: Any) -> None:
        values: dict[str, Any] = {}
        for name, options in classes.items():
            read = {field.name: field.value(given[field.name]) for field in known[name]}
            values |= {name: options(**read)} if options else read or {name: given[name]}
        command(**values)

    placed: list[tuple[int, inspect.Parameter]] = []
    for parameter in parameters:
        placed += [(_place(field), field.parameter()) for field in known[parameter.name]]
        placed += [] if known[parameter.name] else [(0, parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))]
    if any(_is_rare(field) for fields_of in known.values() for field in fields_of):
        placed.append((0, inspect.Parameter("help_all", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=HelpAll)))
    signature = [parameter for _, parameter in sorted(placed, key=lambda pair: pair[0])]
    call.__name__, call.__doc__ = command.__name__, _without_line_breaks(command.__doc__ or "")
    call.__signature__ = inspect.Signature(signature)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
    return call


def _options_class(parameter: inspect.Parameter) -> type | None:
    kind = get_args(parameter.annotation)[0] if get_origin(parameter.annotation) is Annotated else parameter.annotation
    return kind if is_dataclass(kind) and isinstance(kind, type) else None


def _fields(parameter: inspect.Parameter) -> list[Field]:
    """What a parameter stands for: the fields of an options class, itself, or (of Typer's own kind) nothing."""
    options, extra = _options_class(parameter), get_args(parameter.annotation)[1:]
    if options is None:
        own = bool(extra) and isinstance(extra[0], Option | Argument)
        return [Field(parameter.name, get_args(parameter.annotation)[0], extra[0], parameter.default)] if own else []
    defaults = {field.name: field.default for field in fields(options)}
    wanted = extra[0].names if extra else declared(options)
    return [Field(name, *declared(options)[name], defaults[name]) for name in wanted]


def _place(field: Field) -> int:
    group = field.declaration.group if isinstance(field.declaration, Option) else ""
    return GROUPS.index(group) if group else 0


def _is_rare(field: Field) -> bool:
    return isinstance(field.declaration, Option) and field.declaration.rare


def _completion(option: Option) -> Callable[[str], list[str]] | None:
    """What a shell offers for a value, of what is begun; None: names of files."""
    if not option.choices and not option.offered:
        return None

    def values(incomplete: str) -> list[str]:
        offered = option.offered() if callable(option.offered) else option.offered
        return [value for value in (*option.choices, *offered) if value.startswith(incomplete)]

    return values


def _without_line_breaks(text: str) -> str:
    """Paragraphs, each on a line: how wide the terminal is, the source does not know."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))
