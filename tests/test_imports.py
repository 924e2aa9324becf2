"""Imports point downwards, each heavy package has its few places, and `--help` waits for none of them."""

import ast
import fnmatch
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "rawback").rglob("*.py")
}
FOUNDATION = ("errors", "recipe", "coefficients", "pixels", "cores")
LAYERS = {  # what a module may import, most special first
    "rawback.isp.*": ("isp.*", *FOUNDATION),
    "rawback.files.*": ("files.*", "isp.*", *FOUNDATION),
    "rawback.nets.*": ("nets.*", "isp.*", "cameras", *FOUNDATION),
    "rawback.learn.*": ("learn.*", "nets.*", "files.*", "isp.*", *FOUNDATION),
}
WALLS = {
    "torch": ("nets.cells", "nets.demosaic", "nets.flow", "nets.restore", "nets.run_torch", "learn.*"),
    "safetensors": ("nets.run_torch", "learn.*"),
    "onnx": ("learn.*",),
    "onnxruntime": ("nets.run_onnx",),
    "rawpy": ("files.*", "evaluating", "against"),
    "jpeglib": ("files.jpeg",),
    "piexif": ("files.*",),
    "av": ("files.movie",),
    "imageio": ("files.*",),
    "typer": ("cli", "*_cli"),
    "rich": ("report", "learn.*"),
    "fsspec": ("files.url",),
    "distributed": ("cluster",),
    "imagecodecs": ("learn.*", "codecs"),
    "scipy": (),
    "tifffile": (),
    "skimage": (),
}
COMMANDS = ("cli", "*_cli", "batch", "pool", "child", "worker", "cluster", "plan", "report", "walk", "verbs",
            "clip_to_movie", "clip_to_frames")  # fmt: skip
"""What runs the verbs: no verb knows of it."""


def imported(path: Path) -> set[str]:
    """Full names that a module imports, inside functions too, but for what is only for type checkers."""
    names: set[str] = set()
    todo: list[ast.AST] = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        todo.extend(ast.iter_child_nodes(node))
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {part if part in MODULES else node.module for part in parts}
    return names


GRAPH = {name: imported(path) for name, path in MODULES.items()}


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    short = name.removeprefix("rawback.")
    return any(fnmatch.fnmatchcase(short, pattern) or f"{short}.*" == pattern for pattern in patterns)


def test_no_module_imports_itself_in_a_circle():
    own = {name: {other for other in names if other in MODULES and other != "rawback"} for name, names in GRAPH.items()}
    assert len(list(TopologicalSorter(own).static_order())) >= len(own) - 1


@pytest.mark.parametrize("layer", LAYERS)
def test_layers_know_nothing_of_what_is_above_them(layer: str):
    for name, names in GRAPH.items():
        if fnmatch.fnmatchcase(name, layer):
            wrong = {n for n in names if n.startswith("rawback.") and not fits(n, LAYERS[layer])}
            assert not wrong, f"{name} imports {wrong}"


def test_verbs_do_not_know_who_runs_them():
    for name, names in GRAPH.items():
        if not fits(name, (*COMMANDS, "__main__")):
            assert not {n for n in names if n.startswith("rawback.") and fits(n, COMMANDS)}, name
    assert [
        name for name, names in GRAPH.items() if any(n.startswith("rawback.learn") for n in names) and ".learn" not in name
    ] == ["rawback.train_cli"]


@pytest.mark.parametrize("package", WALLS)
def test_each_heavy_package_has_its_places(package: str):
    users = {name for name, names in GRAPH.items() if any(n.split(".")[0] == package for n in names)}
    assert {name for name in users if not fits(name, WALLS[package])} == set()


@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_is_quick_and_loads_nothing_heavy(argument: str):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-X", "importtime", "-m", "rawback", argument]
    before = os.times()
    found = subprocess.run(line, capture_output=True, text=True, check=True, env=environment, cwd="/")
    after = os.times()
    loaded = set(re.findall(r"\|\s+([\w.]+)$", found.stderr, re.MULTILINE))
    assert not {"torch", "onnxruntime", "rawpy", "numpy", "PIL", "jpeglib", "imageio"} & loaded
    assert after.children_user + after.children_system - before.children_user - before.children_system < 0.5
    assert "rawback" in found.stdout
