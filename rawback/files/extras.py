"""Packages that a plain installation does without: brought in where they are needed, or asked for by a command that works."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from rawback.errors import RawbackError

PACKAGES = {
    "heif": ("pi-heif",), "jxl": ("imagecodecs",), "video": ("av",), "cluster": ("distributed", "fsspec"),
    "train": ("torch", "safetensors", "onnx", "imagecodecs"),
}  # fmt: skip
"""By the extra that brings them: named themselves, they can be installed beside a checkout as well as beside a package."""


def command(extra: str) -> str:
    """What installs an extra."""
    return f"python -m pip install {' '.join(PACKAGES[extra])}"


def check(extra: str, module: str, what: str) -> None:
    """Raise RawbackError, as `needed` does, where a module is not there; it is not brought in."""
    if importlib.util.find_spec(module) is None:
        raise RawbackError(f"{what} needs the extra [{extra}]: {command(extra)}")


def needed(extra: str, module: str, what: str) -> Any:
    """The module of an extra. Raises RawbackError, beginning with `what`, with the command to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise RawbackError(f"{what} needs the extra [{extra}]: {command(extra)}") from error
