"""The compiled core's library: found, or not. Nothing needs it; numpy computes the same, slower."""

from __future__ import annotations

import ctypes
import os
from functools import cache
from pathlib import Path
from typing import Any

ABI = 5
"""CORE_ABI of core.h. A library of another number is of another version of this code, and not used."""
VARIABLE = "RAWBACK_CORE"
"""Environment variable: `off` for numpy alone, `plain` for the library without instructions that not every processor has."""
VARIANTS = {"": "core", "avx2": "core_avx2"}
"""File names without extension, by the instructions that a variant needs."""


@cache
def library() -> ctypes.CDLL | None:
    """The variant that suits this processor; None where there is none, or it is not wanted."""
    wanted = os.environ.get(VARIABLE, "")
    plain = _loaded("") if wanted != "off" else None
    if plain is None or wanted == "plain" or not plain.core_has_avx2():
        return plain
    return _loaded("avx2") or plain


def describe() -> str:
    """What `rawback --version` says of it."""
    if library() is not None:
        return "with its compiled core"
    if os.environ.get(VARIABLE) == "off":
        return f"without its compiled core, as {VARIABLE} asks: the same results, slower"
    if any(path.exists() for path in _files("")):
        return "without its compiled core, which is of another version or machine: install anew (the same results, slower)"
    return "without its compiled core, as no C compiler was there when it was installed: the same results, slower"


def call(name: str, *arguments: Any) -> int:
    """A function of the library that returns an int64: arrays go as pointers, float as float, all else as int64.

    The interpreter is let go of meanwhile. Arrays have to be in one piece and of the type that the C code says.
    """
    core = library()
    assert core is not None
    function = core[name]
    function.restype = ctypes.c_int64
    return function(*map(_argument, arguments))


def _argument(value: Any) -> Any:
    if isinstance(value, int):
        return ctypes.c_int64(value)
    if isinstance(value, float):
        return ctypes.c_float(value)
    if hasattr(value, "ctypes"):
        assert value.flags.c_contiguous
        return ctypes.c_void_p(value.ctypes.data)
    return ctypes.byref(value) if isinstance(value, ctypes.Structure) else value


def _loaded(variant: str) -> ctypes.CDLL | None:
    """A variant of this version of the code."""
    for path in _files(variant):
        try:
            core = ctypes.CDLL(str(path))
            if core.core_abi() == ABI:
                return core
        except (OSError, AttributeError):  # none, or one of another machine
            continue
    return None


def _files(variant: str) -> list[Path]:
    """Where a variant may be."""
    return [Path(__file__).with_name(VARIANTS[variant] + suffix) for suffix in (".so", ".dylib", ".dll")]
