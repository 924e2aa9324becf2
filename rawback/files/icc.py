"""ICC profiles of matrix and curve type: from their colours to sRGB in float, nothing clipped (ICC.1:2022, 8.3 and 10)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

SRGB_TO_D50 = np.array([[0.43606, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])
"""Linear sRGB -> XYZ as seen under D50, the colorants of every sRGB profile."""
ADOBE_TO_D50 = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
ADOBE_GAMMA = 563 / 256
SAMPLES = 4096
SAME = 2e-3
"""Codes that a profile may be off sRGB and still be sRGB: a quarter of an 8-bit step."""
PARAMETERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}
"""Function type of a parametric curve -> how many numbers it has."""


@dataclass(frozen=True)
class Profile:
    """How code values of a picture become light."""

    name: str
    to_d50: np.ndarray
    """(3, 3) linear RGB -> XYZ under D50."""
    curves: np.ndarray
    """(3, SAMPLES + 1) linear light of each channel at codes 0..1."""

    @property
    def is_srgb(self) -> bool:
        """Whether nothing would change."""
        codes = np.linspace(0, 1, 17)
        greys = np.stack([codes] * 3)
        pure = np.concatenate([greys, np.eye(3)], 1).astype(np.float32)[:, None]
        return bool(np.abs(self.to_srgb(pure) - pure).max() < 4 * SAME)

    def to_srgb(self, planes: np.ndarray) -> np.ndarray:
        """Code values (3, H, W) float32 -> extended sRGB codes (3, H, W) float32; what sRGB lacks lies outside 0..1."""
        light = np.stack([_lookup(curve, plane) for curve, plane in zip(self.curves, planes, strict=True)])
        matrix = (np.linalg.inv(SRGB_TO_D50) @ self.to_d50).astype(np.float32)
        return _encode(np.einsum("ij,jhw->ihw", matrix, light))


def adobe_rgb() -> Profile:
    """Adobe RGB (1998), for files that name it without carrying it (DCF option file, interoperability index R03)."""
    return Profile("Adobe RGB (1998)", ADOBE_TO_D50, np.stack([np.linspace(0, 1, SAMPLES + 1) ** ADOBE_GAMMA] * 3))


def parse(data: bytes) -> Profile | None:
    """A profile of matrix type, RGB or grey; None for any other or a broken one."""
    try:
        return _parse(data)
    except (struct.error, ValueError, IndexError):
        return None


def _parse(data: bytes) -> Profile | None:
    count = min(struct.unpack_from(">I", data, 128)[0], 100)
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
    return Profile(name, matrix, curves) if np.linalg.cond(matrix) < 1e3 else None


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


def _lookup(curve: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Light at codes of any range: negative codes mirror the curve, above 1 its last slope goes on."""
    code = np.abs(plane)
    light = np.interp(code, np.linspace(0, 1, SAMPLES + 1), curve).astype(np.float32)
    slope = np.float32((curve[-1] - curve[-33]) * SAMPLES / 32)
    light += slope * np.maximum(code - 1, 0)
    return np.copysign(light, plane)


def _encode(light: np.ndarray) -> np.ndarray:
    x = np.abs(light)
    code = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 0.0031308) ** (1 / 2.4) - 0.055)
    return np.copysign(code, light).astype(np.float32)


def _description(tag: bytes) -> str:
    """The name in a desc or mluc tag."""
    if tag[:4] == b"desc":
        return tag[12 : 12 + int.from_bytes(tag[8:12], "big")].split(b"\0")[0].decode("latin-1").strip()
    if tag[:4] == b"mluc" and len(tag) >= 28:
        size, start = struct.unpack_from(">II", tag, 20)
        return tag[start : start + size].decode("utf-16-be", "replace").strip("\0 ")
    return ""
