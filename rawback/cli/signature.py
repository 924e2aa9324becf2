"""Commands whose parameters are options classes: Typer is shown their fields, the command is given the objects."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin

import typer

from rawback.options.option import Argument, Option, declared

NO_DEFAULT = inspect.Parameter.empty


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
        return typer.Option(*(declaration.names or (f"--{self.name.replace('_', '-')}",)), help=declaration.help)

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
    """A command for Typer, which reads signatures: for each parameter that is an options class, its fields."""
    parameters = inspect.signature(command, eval_str=True).parameters.values()
    known = {parameter.name: _fields(parameter) for parameter in parameters}
    classes = {parameter.name: _options_class(parameter) for parameter in parameters}

    def call(**given: Any) -> None:
        values: dict[str, Any] = {}
        for name, options in classes.items():
            read = {field.name: field.value(given[field.name]) for field in known[name]}
            values |= {name: options(**read)} if options else read or {name: given[name]}
        command(**values)

    signature = [field.parameter() for fields_of in known.values() for field in fields_of if _is_first(field)]
    for parameter in parameters:
        signature += [field.parameter() for field in known[parameter.name] if not _is_first(field)]
        signature += [] if known[parameter.name] else [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)]
    call.__name__, call.__doc__ = command.__name__, command.__doc__
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


def _is_first(field: Field) -> bool:
    return isinstance(field.declaration, Option) and field.declaration.first
