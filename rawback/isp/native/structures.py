"""What functions of the compiled core are given together: fields in the order of the C code."""

from __future__ import annotations

import ctypes


class LumaTables(ctypes.Structure):
    """Tables of luma.c."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("codes", "bends", "per_slope", "light", "slope")),
        ("last_dn", ctypes.c_int32), ("last_entry", ctypes.c_int32), ("low", ctypes.c_float),
        ("offsets", ctypes.c_float * 6),
        *((name, ctypes.c_float) for name in ("longest", "least", "most", "near", "flattest")),
        ("far_steps", ctypes.c_int32),
    )  # fmt: skip


class ChromaPicture(ctypes.Structure):
    """Picture of chroma.c."""

    _fields_ = (
        ("mosaic", ctypes.c_void_p), ("stride", ctypes.c_int64), ("scale", ctypes.c_void_p), ("bias", ctypes.c_void_p),
        ("white_at", ctypes.c_float), ("matrix", ctypes.c_void_p), ("zero", ctypes.c_float), ("codes", ctypes.c_void_p),
        ("entries", ctypes.c_int64), ("to_chroma", ctypes.c_void_p), ("v", ctypes.c_int64), ("h", ctypes.c_int64),
    )  # fmt: skip
