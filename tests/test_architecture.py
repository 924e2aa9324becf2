"""ARCHITECTURE.md names what is there: modules, functions, files and tests."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text()
NAMES = sorted(n for n in set(re.findall(r"`([a-z_0-9]+(?:\.[A-Za-z_0-9]+)+)`", TEXT)) if not n.endswith(".py"))
PATHS = sorted(set(re.findall(r"`((?:\.ci|[a-z_0-9]+)/[a-z_0-9./]*)`", TEXT)))
TESTS = sorted(set(re.findall(r"`(test_[a-z_0-9]+)`", TEXT)))


@pytest.mark.parametrize("name", NAMES)
def test_names_are_there(name: str):
    """A name may be of a module, or of what is in one: the longest part that imports counts."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            found = import_module(".".join(["rawback", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            found = getattr(found, part)
        return
    pytest.fail(f"no module begins {name}")


@pytest.mark.parametrize("path", PATHS)
def test_files_are_there(path: str):
    assert (ROOT / path).exists() or (ROOT / "rawback" / path).exists()


@pytest.mark.parametrize("name", TESTS)
def test_tests_are_there(name: str):
    assert any(f"def {name}(" in file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))
