"""Templates by which outputs are named: "{stem}_raw{suffix}"."""

from __future__ import annotations

import string
from pathlib import PurePath

from rawback.errors import UsageError

FIELDS = ("stem", "suffix", "ext")
"""The input's name without its suffix, the output's suffix, the input's suffix without its dot."""
EXPECTED = "expected a file name with {stem}, {suffix} or {ext}, e.g. '{stem}_raw{suffix}'"


def check(template: str) -> None:
    """Raise UsageError for a template that cannot name files, or has other fields than FIELDS."""
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise UsageError(f"--name is {template!r} ({error}); {EXPECTED}") from error
    known = all(field is None or (field in FIELDS and not form and not conversion) for _, field, form, conversion in parts)
    if not template or not known or any(character in template for character in "/\\\0"):
        raise UsageError(f"--name is {template!r}; {EXPECTED}")


def filled(template: str, source: PurePath, suffix: str) -> str:
    """The name of an output. source: of the input. suffix: of the output."""
    return template.format(stem=source.stem, suffix=suffix, ext=source.suffix.removeprefix("."))
