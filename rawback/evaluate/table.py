"""The figures of an evaluation as a table of text, and their means."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from pathlib import Path

import numpy as np

COLUMNS = {
    "raw_db": "raw dB", "lin_db": "lin dB", "shadows_db": "shadows", "midtones_db": "mid", "highlights_db": "high",
    "noise_shadows": "noise", "edit_-2ev_db": "-2 EV", "edit_+2ev_db": "+2 EV", "edit_+4ev_db": "+4 EV",
    "edit_-2000k_db": "-2000 K", "edit_+2000k_db": "+2000 K", "rgb_db": "rgb dB", "ms_ssim": "MS-SSIM", "de2000": "DE2000",
    "bits_per_photosite": "bits", "libraw_ratio": "x LibRaw JPEG",
}  # fmt: skip
"""Figures of the table, and their titles."""
KEYS = ("file", "method", "quality", "note")
"""What a row of figures has that is no figure."""


def formatted(name: str, value: float) -> str:
    """A figure with its digits; a dash where there is none."""
    if not np.isfinite(value):
        return "-"
    return f"{value:.4f}" if name == "ms_ssim" else f"{value:.2f}"


def mean(rows: list[dict]) -> dict[str, float]:
    """Mean over rows of each figure, those without it passed over."""
    names = dict.fromkeys(name for row in rows for name in row if name not in KEYS)
    values = {name: np.array([row.get(name, np.nan) for row in rows], float) for name in names}
    return {n: float(np.nanmean(v)) if np.isfinite(v).any() else float("nan") for n, v in values.items()}


def grouped(rows: Iterable[dict], *keys: str) -> dict[tuple[Hashable, ...], list[dict]]:
    """Rows by the values of some keys, in order of their first."""
    groups: dict[tuple[Hashable, ...], list[dict]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return groups


def means(rows: list[dict]) -> list[dict]:
    """One row for each method and quality: the mean over files that the method can do."""
    return [
        {"file": f"mean of {len(measured)}", "method": method, "quality": quality} | mean(measured)
        for (method, quality), part in grouped(rows, "method", "quality").items()
        if (measured := [row for row in part if "note" not in row])
    ]


def table(rows: list[dict]) -> str:
    """All figures per file, method and quality, then the means: a rate-distortion table."""
    widest = max(len(row["method"]) for row in rows)
    lines = [f"{'file':28} {'method':{widest}} {'q':>3} " + " ".join(f"{title:>8}" for title in COLUMNS.values())]
    for row in [*rows, *means(rows)]:
        figures = " ".join(f"{formatted(name, row.get(name, np.nan)):>8}" for name in COLUMNS)
        lines.append(f"{Path(row['file']).name[-28:]:28} {row['method']:{widest}} {row['quality']:3} {figures}")
    return "\n".join([*lines, *notes(rows)])


def notes(rows: list[dict]) -> list[str]:
    """Why methods have no figures of files."""
    return list(dict.fromkeys(f"{row['file']}, {row['method']}: {row['note']}" for row in rows if "note" in row))
