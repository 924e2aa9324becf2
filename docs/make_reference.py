"""Write docs/reference.md out of signatures and docstrings: python docs/make_reference.py

The sources are parsed, not imported: torch is not needed for it.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import rawback

ROOT = Path(rawback.__file__).parents[1]
PUBLIC = dict(sorted(rawback.PLACES.items(), key=lambda item: (item[0][0].isupper(), item[0])))
"""What `import rawback` offers, functions first, and its modules."""
RESEARCH = {
    "rawback.isp.stages": ("forward", "inverse"),
    "rawback.nets.flow": ("Flow",),
    "rawback.learn.jpeg_simulator": ("JpegSimulator", "fourier", "soft", "straight_through"),
    "rawback.learn.losses": ("decibel_loss", "decibels", "errors"),
    "rawback.metrics": ("mosaic_psnr", "paper_psnr"),
}
"""Pieces for training and measuring of one's own, by module. They are the code's own, and may change between releases."""
HEAD = """# Reference

Made of the docstrings by `python docs/make_reference.py`; a test fails where it is stale. How things are used:
[Python](python.md), [for research](research.md).

## `import rawback`
"""
BETWEEN = """## Pieces for one's own training

They need torch (the extra `[train]`) but for `rawback.isp.stages` and `rawback.metrics`, are the code's own, and may change
between releases.
"""


def page() -> str:
    """The page, in Markdown."""
    lines = [HEAD]
    for name, place in PUBLIC.items():
        lines += described(place, name, "rawback")
    lines.append(BETWEEN)
    for place, names in RESEARCH.items():
        for name in names:
            lines += described(place, name, place)
    return "\n".join(lines).rstrip() + "\n"


def described(place: str, name: str, shown: str) -> Iterator[str]:
    """A function or class of a module. shown: from where users import it."""
    tree = parsed(place)
    nodes = [node for node in tree.body if getattr(node, "name", "") == name]
    if not nodes:  # the package only passes it on
        given = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}
        yield from described(str(given[name]), name, shown)
        return
    node = nodes[-1]
    yield f"### `{shown}.{name}`\n"
    if isinstance(node, ast.FunctionDef):
        yield f"```text\n{signature(node)}\n```\n"
    yield text(node) + "\n"
    if isinstance(node, ast.ClassDef):
        yield from members(node, {known.name: known for known in tree.body if isinstance(known, ast.ClassDef)})


def parsed(place: str) -> ast.Module:
    """The source of a module."""
    path = ROOT.joinpath(*place.split("."))
    return ast.parse((path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8"))


def members(node: ast.ClassDef, beside: dict[str, ast.ClassDef]) -> Iterator[str]:
    """Fields and methods of a class and of its bases in the same module, with what is said of them."""
    rows, bases = [], [beside[base.id].body for base in node.bases if isinstance(base, ast.Name) and base.id in beside]
    body = [item for base in bases for item in base] + node.body
    for at, item in enumerate(body):
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and not item.target.id.startswith("_"):
            default = f" = {ast.unparse(item.value)}" if item.value else ""
            rows.append((f"{item.target.id}: {kind(item.annotation)}{default}", about(body, at) or option(item.annotation)))
        elif isinstance(item, ast.FunctionDef) and (item.name == "__call__" or not item.name.startswith("_")):
            rows.append((signature(item).removeprefix("def "), " ".join(text(item).split())))
    if rows:
        yield "\n".join(f"- `{' '.join(head.split())}`{': ' * bool(said)}{said}" for head, said in rows) + "\n"


def about(body: list[ast.stmt], at: int) -> str:
    """The string that stands below a field."""
    after = body[at + 1] if at + 1 < len(body) else None
    is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str)
    return " ".join(after.value.value.split()) if is_text else ""  # type: ignore[union-attr]


def option(annotation: ast.expr) -> str:
    """The help of a field that is an option, where it stands there as text."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        declared = annotation.slice.elts[1]  # type: ignore[attr-defined]
        first = declared.args[0] if isinstance(declared, ast.Call) and declared.args else None
        return first.value if isinstance(first, ast.Constant) else ""
    return ""


def kind(annotation: ast.expr) -> str:
    """A type without what the command line needs."""
    if isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "Annotated":
        return ast.unparse(annotation.slice.elts[0])  # type: ignore[attr-defined]
    return ast.unparse(annotation)


def signature(node: ast.FunctionDef) -> str:
    """As it would be written, on a line."""
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"def {node.name}({ast.unparse(node.args)}){returns}"


def text(node: ast.FunctionDef | ast.ClassDef) -> str:
    """The docstring."""
    return inspect.cleandoc(ast.get_docstring(node) or "")


if __name__ == "__main__":
    (Path(__file__).parent / "reference.md").write_text(page(), encoding="utf-8")
