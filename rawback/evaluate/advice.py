"""What an evaluation advises: the few figures that most want to know, and how far each quality carries."""

from __future__ import annotations

import math

import numpy as np

from rawback.evaluate import table
from rawback.evaluate.methods import OURS

SHORT = {
    "megabytes": "MB", "lin_db": "RAW dB", "shadows_db": "shadows", "edit_+2ev_db": "+2 EV", "edit_+4ev_db": "+4 EV",
    "edit_-2000k_db": "-2000 K", "edit_+2000k_db": "+2000 K", "rgb_db": "picture", "push": "enough for",
}  # fmt: skip
"""Figures of the short table, and their titles."""
TERMS = {
    "RAW dB, shadows": "how near the RAW comes back, and its darkest tones; 6 dB are half the error",
    "EV, K": "how near both RAWs are, brightened so much, or the light so much colder or warmer",
    "picture": "how near the JPEG is to LibRaw's own rendering",
    "enough for": "by how much shadows can be brightened until their error is 1 % of white",
}
"""What the titles of the short table mean."""
ENOUGH = f"Enough for: {TERMS['enough for']}, in the mean of the files."
BEARABLE = 40.0
"""dB of shadows that were brightened: an error of 1 % of white, which is seldom seen."""
PER_EV = 20 * math.log10(2)
"""dB by which brightening by 1 EV raises an error."""


def short(rows: list[dict]) -> str:
    """What most want to know, in 100 columns: per file, or for several the means, with what the titles mean, and advice."""
    averaged = table.means(rows)
    shown = averaged if len({row["file"] for row in rows}) > 1 else [row for row in rows if "note" not in row]
    lines = [f"{'method':9} quality " + "".join(f"{title:>8}" for title in list(SHORT.values())[:-1]) + "  enough for"]
    for row in shown:
        figures = "".join(f"{table.formatted(name, value(row, name)):>8}" for name in list(SHORT)[:-1])
        lines.append(f"{row['method']:9} {row['quality']:7} {figures}  {_pushed(row)}")
    title = shown[0]["file"] if shown else ""
    terms = [f"{term}: {meaning}" for term, meaning in TERMS.items()]
    return "\n".join([f"{title}", *lines, "", *terms, *table.notes(rows), "", *advice(averaged)])


def value(row: dict, name: str) -> float:
    """A figure of a row; NaN: there is none."""
    return row.get("bytes", np.nan) / 1e6 if name == "megabytes" else row.get(name, np.nan)


def push(row: dict) -> int | None:
    """Whole EV by which shadows can be brightened until their error is 1 % of white; None: there are none."""
    dark = row.get("shadows_db", np.nan)
    return max(math.floor((dark - BEARABLE) / PER_EV), 0) if np.isfinite(dark) else None


def _pushed(row: dict) -> str:
    stops = push(row)
    return "-" if stops is None else f"+{stops} EV"


def advice(averaged: list[dict]) -> list[str]:
    """What to take: a sentence for each quality of rawback's own, of the means."""
    sentences = []
    for row in averaged:
        if row["method"] == OURS and push(row) is not None:
            room = f"enough for {_pushed(row)}" if push(row) else "enough for the RAW as it is"
            size = table.formatted("megabytes", value(row, "megabytes"))
            sentences.append(f"--quality {row['quality']} keeps {row['lin_db']:.0f} dB in {size} MB: {room}")
    return sentences
