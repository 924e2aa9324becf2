"""The colours of a RAW file's sensor through LibRaw: its as-shot neutral, and its matrix."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import rawpy

from rawback.files.dng import DngTags
from rawback.isp import illuminant
from rawback.isp.colour import d65_tags, fitted_matrix, matrix_from_xyz

LEAST_RED, LEAST_SUM = 0.125, 0.1
"""Of LibRaw's matrices: below these they are not filled in."""


def neutral(raw: rawpy.RawPy, tags: DngTags) -> tuple[tuple[float, float, float], str]:
    """As-shot neutral, and whether it is the camera's own, LibRaw's daylight for that camera, or assumed."""
    white = illuminant.camera_neutral(tags.white_xy, tags.numbers) if tags.white_xy and not tags.neutral else None
    own = raw.camera_whitebalance if white is None else (1 / white).tolist()
    known = ((own, "camera"), (raw.daylight_whitebalance, "daylight"), ([1.0] * 3, "assumed"))
    answers = ((_answer_to_white(gains), origin) for gains, origin in known)
    answer, origin = next((answer, origin) for answer, origin in answers if answer is not None)
    return (float(answer[0]), float(answer[1]), float(answer[2])), origin


def _answer_to_white(gains: Sequence[float]) -> np.ndarray | None:
    """What white balance multipliers take for white, largest 1; None if they cannot be meant."""
    if not (np.isfinite(gains[:3]).all() and min(gains[:3]) > 0):
        return None
    response = 1 / np.array(gains[:3], float)
    neutral = response / response.max()
    return neutral if neutral.min() >= 1e-3 else None


def matrix(raw: rawpy.RawPy, tags: DngTags) -> tuple[np.ndarray | None, dict[str, tuple[float, ...]]]:
    """Camera -> linear sRGB (3, 3) as LibRaw will use it, and the DNG tags to say so; None where LibRaw does not show it."""
    to_srgb, from_xyz = np.array(raw.color_matrix[:, :3], float), np.array(raw.rgb_xyz_matrix[:3], float)
    if to_srgb[0, 0] > LEAST_RED:
        return to_srgb / to_srgb.sum(1, keepdims=True), tags.numbers
    if np.abs(from_xyz).sum() > LEAST_SUM:
        return matrix_from_xyz(from_xyz), tags.numbers or d65_tags(from_xyz)
    return None, tags.numbers


def measured_matrix(raw: rawpy.RawPy) -> np.ndarray:
    """Camera -> sRGB for the few old cameras whose matrix LibRaw uses but does not show: fitted on its own renderings."""
    options: dict[str, Any] = {
        "half_size": True, "gamma": (1, 1), "output_bps": 16, "no_auto_bright": True, "adjust_maximum_thr": 0.0,
        "use_camera_wb": True,
    }  # fmt: skip
    camera = raw.postprocess(output_color=rawpy.ColorSpace.raw, **options).reshape(-1, 3) / 65535
    srgb = raw.postprocess(output_color=rawpy.ColorSpace.sRGB, **options).reshape(-1, 3) / 65535
    return fitted_matrix(camera, srgb)
