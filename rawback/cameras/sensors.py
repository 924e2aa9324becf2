"""What is known of cameras' sensors: the table that training simulates them by, and `recover --camera` takes colours from."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np

from rawback.errors import RawbackError

TABLE = Path(__file__).with_name("sensors.json")


@cache
def _file() -> dict[str, dict]:
    return json.loads(TABLE.read_text())


def table() -> dict[str, dict]:
    """The cameras of sensors.json by name; what the fields mean stands in that file."""
    return _file()["cameras"]


def published() -> dict[str, np.ndarray]:
    """XYZ -> camera (3, 3) float64 under D65 of cameras that differ much, by name (DNG tags 50721, 50722)."""
    return {name: np.array(numbers, float).reshape(3, 3) / 1e4 for name, numbers in _file()["matrices"].items()}


def names() -> list[str]:
    """The cameras that can be simulated."""
    return list(table())


def known(name: str) -> dict:
    """What is known of a camera. Raises RawbackError if it is not in the table."""
    if name not in table():
        raise RawbackError(f"no sensor {name!r} is known; expected one of {', '.join(names())}")
    return table()[name]


def xyz_to_camera(name: str) -> np.ndarray:
    """XYZ -> camera (3, 3) float64 under D65, as in DNG ColorMatrix1 (tag 50721)."""
    numbers = known(name)["matrix"]
    return published()[numbers] if isinstance(numbers, str) else np.array(numbers, float).reshape(3, 3) / 1e4
