"""The weights that are installed, by their cards."""

from __future__ import annotations

import json
import os
from pathlib import Path

DEFAULT_WEIGHTS, NO_WEIGHTS = "generic-1", "none"


def folders() -> list[Path]:
    """Where weights are looked for: $RAWBACK_WEIGHTS, inside the installed package, beside it in a checkout."""
    here = Path(__file__).parent
    named = [Path(os.environ["RAWBACK_WEIGHTS"])] if os.environ.get("RAWBACK_WEIGHTS") else []
    return [*named, here / "weights", here.parent / "weights"]


def cards() -> list[dict]:
    """The card of each installed weights, the first of a name winning."""
    found: dict[str, dict] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            found.setdefault(path.stem, json.loads(path.read_text()) | {"name": path.stem})
    return list(found.values())
