"""Values of options and arguments, read without pydantic, which newer Typer imports for that: a tenth of a small run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin

import typer

KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    str: (str, "a text"), Path: (Path, "a name of a file"), int: (int, "a whole number"), float: (float, "a number"),
    bool: (bool, "yes or no"),  # of switches, which come without a text
}  # fmt: skip
"""By type: what reads it, and what it is called where that fails."""


class Reader:
    """In place of what Typer makes of a parameter's type when its first value comes."""

    def __init__(self, kind: Any, several: bool) -> None:
        self.kind, self.several = kind, several

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value of a text, or values of several. Raises typer.BadParameter for what cannot be one."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return [self._read(text, param, ctx) for text in value] if self.several else self._read(value, param, ctx)

    def _read(self, text: Any, param: Any, ctx: Any) -> Any:
        read, called = KINDS[self.kind]
        try:
            return text if isinstance(text, self.kind) else read(text)
        except ValueError as error:
            raise typer.BadParameter(f"{text!r} is not {called}.", ctx=ctx, param=param) from error


def read_plainly(parameters: list[Any]) -> None:
    """Have those parameters whose types are in KINDS read by `Reader`, where Typer is one that can be had to."""
    for parameter in parameters:
        if getattr(parameter, "_runtime_param", parameter) is None:  # not there in Typer before 0.2x, which needs no pydantic
            annotation = parameter.type_descriptor.annotation
            kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not NoneType]
            if len(kinds) == 1 and kinds[0] in KINDS:
                parameter._runtime_param = Reader(kinds[0], get_origin(annotation) is list)
