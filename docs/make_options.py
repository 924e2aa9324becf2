"""Write docs/options.md out of what is declared in rawback/options: python docs/make_options.py"""

from __future__ import annotations

from pathlib import Path

from rawback.options.batch import BatchOptions
from rawback.options.clips import FrameOptions, MovieOptions
from rawback.options.files import FileOptions
from rawback.options.option import GROUPS, Option, declared
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions

VERBS = {
    "render": (FileOptions, RenderOptions, ArchiveOptions, MovieOptions, BatchOptions),
    "recover": (FileOptions, RecoverOptions, FrameOptions, BatchOptions),
}
HEAD = """# Every option

Of `rawback render` and `rawback recover`, as `--help-all` shows them. The other commands have few: `rawback COMMAND --help`.
"""


def page() -> str:
    """The page, in Markdown."""
    lines = [HEAD.strip()]
    for verb, classes in VERBS.items():
        lines += ["", f"## `rawback {verb}`"]
        options = [(name, option) for kind in classes for name, (_, option) in declared(kind).items()]
        for group in GROUPS:
            rows = [row(name, option) for name, option in options if isinstance(option, Option) and option.group == group]
            lines += ["", f"### {group} ({verb})", "", "| option | |", "|---|---|", *rows] if rows else []
    return "\n".join(lines) + "\n"


def row(name: str, option: Option) -> str:
    """A row of the table."""
    names = option.names or (f"--{name.replace('_', '-')}",)
    values = f" Values: {', '.join(option.choices)}." if option.choices and option.choices[0] not in option.help else ""
    return f"| {', '.join(f'`{spelled}`' for spelled in names)} | {option.help}{values} |".replace("*.CR2", "\\*.CR2")


if __name__ == "__main__":
    (Path(__file__).parent / "options.md").write_text(page(), encoding="utf-8")
