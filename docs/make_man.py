"""Write docs/rawback.1, the man page, out of rawback/options and rawback/cli: python docs/make_man.py"""

from __future__ import annotations

import inspect
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

from rawback.cli import help
from rawback.cli.main import app
from rawback.options.option import GROUPS, Option, declared

VERBS = runpy.run_path(str(Path(__file__).with_name("make_options.py")))["VERBS"]
"""The options classes of `render` and `recover`."""
CODES = {
    "0": "All is done.", "1": "A file failed; the others are written.", "2": "The command cannot be.",
    "130, 143": "It was interrupted, or terminated.",
}  # fmt: skip
VARIABLES = {
    "RAWBACK_WEIGHTS": "A folder with cards of weights and looks, looked into first.",
    "RAWBACK_CORE": "off: do without the compiled core.",
}


def page() -> str:
    """The page, in man(7)."""
    lines = ['.TH RAWBACK 1 "" "rawback" "User Commands"', ".SH NAME"]
    lines += ["rawback \\- develop RAW into JPEGs that still contain it, and turn JPEGs back into RAW", ".SH SYNOPSIS"]
    lines += [".B rawback", "COMMAND [OPTION]... FILE...", ".SH COMMANDS"]
    for command in app.registered_commands:
        assert command.callback
        name, told = command.callback.__name__, inspect.getdoc(command.callback) or ""
        lines += [".TP", f".B {name}", escaped(" ".join(told.split("\n\n")[0].split()))]
    for verb, classes in VERBS.items():
        lines += options(verb, classes)
    lines += [".SH EXAMPLES", ".nf", *map(escaped, (line for examples in help.EXAMPLES.values() for line in examples)), ".fi"]
    lines += [".SH EXIT STATUS", *listed(CODES), ".SH ENVIRONMENT", *listed(VARIABLES), ".SH SEE ALSO"]
    lines += [
        ".BR exiftool (1),",
        ".BR darktable (1)",
        ".PP",
        "rawback COMMAND \\-\\-help tells the options of the other commands.",
    ]
    return "\n".join(lines) + "\n"


def options(verb: str, classes: tuple[type, ...]) -> Iterator[str]:
    """A section: the options of a verb, in their groups."""
    known = [(name, option) for kind in classes for name, (_, option) in declared(kind).items() if isinstance(option, Option)]
    yield f".SH OPTIONS OF {verb.upper()}"
    for group in GROUPS:
        for number, (name, option) in enumerate((name, option) for name, option in known if option.group == group):
            if not number:
                yield f".SS {group}"
            names = option.names or (f"--{name.replace('_', '-')}",)
            yield from (".TP", f".B {escaped(', '.join(names))}", escaped(option.help))


def listed(told: dict[str, str]) -> Iterator[str]:
    """Terms, and what they mean."""
    for term, meaning in told.items():
        yield from (".TP", f".B {term}", escaped(meaning))


def escaped(text: str) -> str:
    """Text as roff takes it."""
    return re.sub(r"^([.'])", r"\\&\1", text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga"))


if __name__ == "__main__":
    (Path(__file__).parent / "rawback.1").write_text(page(), encoding="utf-8")
