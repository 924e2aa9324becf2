"""ICC profiles of matrix and curve type, taken apart (ICC.1:2022, 8.3 and 10)."""

from __future__ import annotations

import struct

import numpy as np

from rawback.isp.colour_profile import SAMPLES, SRGB_TO_D50, Profile

PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""Function type of a parametric curve -> how many numbers it has."""
MAX_TAGS = 100
LARGEST_CONDITION = 1e3
"""Of a matrix of colorants: beyond it they are no three colours."""


def parse(data: bytes) -> Profile | None:
    """A profile of matrix type, RGB or grey; None for any other or a broken one."""
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError):
        return None


def _parse(data: bytes) -> Profile | None:
    count = min(struct.unpack_from(">I", data, 128)[0], MAX_TAGS)
    entries = (struct.unpack_from(">4sII", data, 132 + 12 * i) for i in range(count))
    tags = {name: data[start : start + size] for name, start, size in entries}
    name = _description(tags.get(b"desc", b""))
    if data[16:20] == b"GRAY" and b"kTRC" in tags:
        return Profile(name, SRGB_TO_D50, np.stack([_curve(tags[b"kTRC"])] * 3))
    needed = (b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC")
    if data[16:20] != b"RGB " or data[20:24] != b"XYZ " or any(tag not in tags for tag in needed):
        return None
    matrix = np.array([struct.unpack_from(">3i", tags[tag], 8) for tag in needed[:3]]).T / 65536
    curves = np.stack([_curve(tags[tag]) for tag in needed[3:]])
    return Profile(name, matrix, curves) if np.linalg.cond(matrix) < LARGEST_CONDITION else None


def _curve(tag: bytes) -> np.ndarray:
    """A curv or para tag, sampled; monotone, from 0 to 1."""
    codes = np.linspace(0, 1, SAMPLES + 1)
    if tag[:4] == b"curv":
        count = struct.unpack_from(">I", tag, 8)[0]
        if count == 0:
            return codes
        values = np.frombuffer(tag, ">u2", count, 12).astype(float)
        light = codes ** (values[0] / 256) if count == 1 else np.interp(codes, np.linspace(0, 1, count), values / 65535)
    elif tag[:4] == b"para":
        light = _parametric(codes, struct.unpack_from(">H", tag, 8)[0], tag)
    else:
        raise ValueError("a curve of unknown type")
    light = np.maximum.accumulate(np.nan_to_num(light))
    if light[-1] <= light[0]:
        raise ValueError("a curve that does not rise")
    return light


def _parametric(x: np.ndarray, kind: int, tag: bytes) -> np.ndarray:
    """ICC.1:2022, table 68."""
    if kind not in PARAMETERS:
        raise ValueError("a parametric curve of unknown type")
    count = PARAMETERS[kind]
    g, a, b, c, d, e, f = [v / 65536 for v in struct.unpack_from(f">{count}i", tag, 12)] + [0.0] * (7 - count)
    if kind == 0:
        return x**g
    power = np.maximum(a * x + b, 0) ** g
    if kind in (1, 2):
        return np.where(x >= -b / a if a else True, power + c, c)
    return np.where(x >= d, power + e, c * x + f)


def _description(tag: bytes) -> str:
    """The name in a desc or mluc tag."""
    if tag[:4] == b"desc":
        return tag[12 : 12 + int.from_bytes(tag[8:12], "big")].split(b"\0")[0].decode("latin-1").strip()
    if tag[:4] == b"mluc" and len(tag) >= 28:
        size, start = struct.unpack_from(">II", tag, 20)
        return tag[start : start + size].decode("utf-16-be", "replace").strip("\0 ")
    return ""
