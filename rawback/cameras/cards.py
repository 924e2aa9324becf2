"""The weights that are installed, by their cards."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rawback.errors import RawbackError

DEFAULT_WEIGHTS, NO_WEIGHTS = "generic-2", "none"
"""The weights that are used where no others are asked for, and the name that stands for none."""
PHOTO_WEIGHTS = "photo-2"
"""The weights by which photos are restored that rawback did not render, where those asked for do not know them."""
FORMAT = 1
"""Of cards, those of looks and those of learned parts alike."""
SCOPES = {"family": "a look for its family", "maker": "a look for its maker", "generic": "a look for those that have none"}
MAX_BYTES = 1 << 20
"""Of a card."""
KINDS: dict[str, type] = {"look": dict, "parts": dict, "held_out": list}
"""Of what a card may hold."""


def folders() -> list[Path]:
    """Where cards are looked for: $RAWBACK_WEIGHTS, the user's own, inside the installed package, beside it in a checkout."""
    here = Path(__file__).parents[1]
    named = [Path(os.environ["RAWBACK_WEIGHTS"])] if os.environ.get("RAWBACK_WEIGHTS") else []
    return [*named, learned_folder(), here / "weights", here.parent / "weights"]


def learned_folder() -> Path:
    """Where `rawback learn` keeps the looks of the user's cameras."""
    from platformdirs import user_data_path

    return user_data_path("rawback", appauthor=False) / "looks"


def cards() -> list[dict]:
    """The card of each installed weights, the first of a name winning. Raises RawbackError for a damaged one."""
    by_name: dict[str, dict] = {}
    for folder in folders():
        for path in sorted(folder.glob("*.json")):
            by_name.setdefault(path.stem, read(path))
    return list(by_name.values())


def path_of(name_or_path: str) -> Path:
    """Where a card lies: an installed one by name, or one by its path. Raises RawbackError if there is none."""
    path = Path(name_or_path)
    installed = [folder / f"{name_or_path}.json" for folder in folders() if path.name == name_or_path]
    for card in installed:  # first: a file that happens to be called generic-2 must not stand for the weights
        if card.is_file():
            return card
    if path.suffix == ".json" or path.is_file():
        return path
    known = ", ".join(sorted({card.stem for folder in folders() for card in folder.glob("*.json")})) or "none"
    raise RawbackError(f"no camera or weights {name_or_path!r}; expected the path of a card (.json), or one of {known}")


def read(path: Path) -> dict:
    """A card from its file, with its name. Raises RawbackError for what is none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RawbackError(f"{path} is larger than any card; expected a JSON of `rawback calibrate` or `rawback train`")
        card = json.loads(path.read_bytes())
    except OSError as error:
        raise RawbackError(f"the card {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise RawbackError(f"{path} is no card, not JSON ({error}); expected one of `rawback calibrate` or `train`") from error
    if not isinstance(card, dict):
        raise RawbackError(f"{path} is no card (a JSON {type(card).__name__}); expected one of `rawback calibrate` or `train`")
    odd = [name for name, kind in KINDS.items() if name in card and not isinstance(card[name], kind)]
    if odd:
        raise RawbackError(f"{path} is no card: its {', '.join(odd)} cannot be read; remove it, or make it anew")
    return card | {"name": path.stem}


def card_of(name_or_path: str) -> dict:
    """An installed card by name, or one by its path. Raises RawbackError if there is none."""
    return read(path_of(name_or_path))


def describe(card: dict) -> str:
    """What a card is of, in one line: the camera, what it holds, what that gained on held-out photographs."""
    holds = [_look_of(card)] if "look" in card else []
    for name, part in card.get("parts", {}).items():
        if name == "flow_inverse":  # the flow's own way back
            continue
        gained = part.get("figures", {}).get("validation dB gained", [])
        holds.append(f"{name} {' / '.join(f'{value:+.2f}' for value in gained)}{' dB' if gained else ''}".strip())
    if "weights" in card:
        holds.append(f"uses {card['weights']} ({card.get('reason', 'none of its own')})")
    if "base" in card:
        holds.append(f"the rest of {card['base']}")
    if "note" in card:
        holds.append(str(card["note"]))
    return f"{card.get('camera') or 'any camera'}: {', '.join(holds)}"


def _look_of(card: dict) -> str:
    """What a card's look was learned from, and how well it does."""
    look = card["look"] if isinstance(card["look"], dict) else {}
    scope = "a look" if look.get("scope", "body") == "body" else SCOPES.get(str(look["scope"]), "a look")
    if look.get("from_dng"):
        scope += ", as programs develop its DNG"
    pictures = f" ({card['pictures']} picture{'s' * (card['pictures'] != 1)})" if isinstance(card.get("pictures"), int) else ""
    rows = [row for row in card.get("held_out", []) if isinstance(row, dict) and isinstance(row.get("dB"), int | float)]
    on = "parts of it left out" if any(row.get("part") for row in rows) else "pictures left out"
    on = "that picture itself" if any(row.get("itself") for row in rows) else on
    return f"{scope}{pictures}" + (f", {sum(row['dB'] for row in rows) / len(rows):.1f} dB on {on}" if rows else "")


def weights_for(camera: str | None) -> str:
    """The weights for a camera's card: the card itself where it lists learned parts, those it names, else the default."""
    if camera is None:
        return DEFAULT_WEIGHTS
    card = card_of(camera)
    return camera if card.get("parts") else str(card.get("weights", DEFAULT_WEIGHTS))
