"""The weights that are installed, by their cards."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rawback.errors import RawbackError

DEFAULT_WEIGHTS, NO_WEIGHTS = "generic-1", "none"


def folders() -> list[Path]:
    """Where weights are looked for: $RAWBACK_WEIGHTS, inside the installed package, beside it in a checkout."""
    here = Path(__file__).parent
    named = [Path(os.environ["RAWBACK_WEIGHTS"])] if os.environ.get("RAWBACK_WEIGHTS") else []
    return [*named, here / "weights", here.parent / "weights"]


def cards() -> list[dict]:
    """The card of each installed weights, the first of a name winning. Raises RawbackError for a damaged one."""
    found: dict[str, dict] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            found.setdefault(path.stem, _card(path) | {"name": path.stem})
    return list(found.values())


def _card(path: Path) -> dict:
    try:
        card = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RawbackError(f"{path} is no card of weights ({error}); get it again, or remove it") from error
    if not isinstance(card, dict):
        raise RawbackError(f"{path} is no card of weights (a {type(card).__name__}); get it again, or remove it")
    return card
