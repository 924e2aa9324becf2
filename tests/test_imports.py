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
FLOORS = (
    ("errors", "version", "cores", "picture", "messages"),
    ("recipe",),
    ("recipe_text",),
    ("isp",),
    ("files", "cameras", "metrics", "provenance"),
    ("nets", "lossless", "foreign", "rate_control"),
    ("options",),
    ("rendering", "recovering", "learn"),
    ("verify", "calibrate", "evaluate"),
    ("batch",),
    ("clips",),
    ("info",),
    ("cli",),
    ("__main__",),
)
"""The rooms of the house from the ground up: each may import from itself and from floors below it."""
MAX_FLAT, MAX_ENTRIES = 16, 30
WALLS = {
    "torch": ("nets.cells", "nets.demosaic", "nets.flow", "nets.restore", "nets.restore_photo", "nets.run_torch", "learn.*"),
    "safetensors": ("nets.run_torch", "learn.*"),
    "onnx": ("learn.*",),
    "onnxruntime": ("nets.run_onnx",),
    "rawpy": ("files.*", "verify.readings", "evaluate.*"),
    "jpeglib": ("files.libjpeg",),
    "piexif": ("files.*",),
    "av": ("files.video.movie",),
    "imageio": ("files.*",),
    "typer": ("cli.*",),
    "rich": ("batch.bar", "learn.*"),
    "fsspec": ("files.url",),
    "distributed": ("batch.dask",),
    "imagecodecs": ("learn.*", "evaluate.raw_codecs"),
    "pi_heif": (),
    "scipy": (),
    "tifffile": ("files.deep_tiff",),
    "skimage": (),
}


def imported(path: Path) -> set[str]:
    """Full names that a module imports, inside functions and for type checkers too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            parts = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {part if part in MODULES else node.module for part in parts}
    return names


GRAPH = {name: imported(path) for name, path in MODULES.items()}


def room(name: str) -> str:
    return name.split(".")[1]


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    short = name.removeprefix("rawback.")
    return any(fnmatch.fnmatchcase(short, pattern) or f"{short}.*" == pattern for pattern in patterns)


def test_no_module_imports_itself_in_a_circle():
    own = {name: {other for other in names if other in MODULES and other != name} for name, names in GRAPH.items()}
    assert len(list(TopologicalSorter(own).static_order())) >= len(own) - 1


def test_imports_point_downwards_only():
    floor = {name: number for number, rooms in enumerate(FLOORS) for name in rooms}
    for name, names in GRAPH.items():
        for other in names & MODULES.keys() - {"rawback"}:
            inside = name != "rawback" and room(name) == room(other)
            assert name == "rawback" or inside or floor[room(name)] > floor[room(other)], f"{name} imports {other}"


def test_the_house_can_be_seen_at_a_glance():
    entries = {path.name for path in (ROOT / "rawback").iterdir() if path.name != "__pycache__"}
    assert len(entries) <= MAX_ENTRIES
    assert len([name for name in entries if name.endswith(".py")]) <= MAX_FLAT


def test_only_the_command_line_knows_of_training():
    assert [
        name for name, names in GRAPH.items() if any(n.startswith("rawback.learn") for n in names) and ".learn" not in name
    ] == ["rawback.cli.train"]


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
