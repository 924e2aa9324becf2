"""The command that lists looks and weights, in words of those who do not know ours."""

from __future__ import annotations

import json
import textwrap
from typing import Annotated, Any

import typer

from rawback.cli.help import COLUMNS
from rawback.messages import answer, say
from rawback.options.shared import AsJson, Verbose

Forget = Annotated[str | None, typer.Option(metavar="NAME", help="Remove a card that was learned.", show_default=False)]
CAMERA, CARD = 24, 24
"""Columns of the first two of them."""
SCOPES = {"family": "its family", "maker": "its maker", "generic": "cameras that have none"}
LOOKS = """Looks: how cameras make pictures of their RAW. `recover` undoes that of a photo's camera; `render --look camera` and
`--camera CARD` render as that camera does. The figure is how near the RAW comes (dB; 6 dB more is half the error)."""
PARTS = {
    "demosaic": "demosaicing of `--no-refine`",
    "restore": "pictures that were saved again",
    "restore_open": "pictures of `--no-refine`",
    "restore_photo": "photos that rawback did not render",
    "flow": "the paper's network, for comparison",
}
"""What learned parts are for, by name."""
NETS = """Weights of small networks, by camera: what they restore, and the dB of the RAW that they gain. `generic-2` and
`photo-2` are taken by themselves; `--weights CARD` takes others, `--weights none` none."""


def cameras(verbose: Verbose = False, as_json: AsJson = False, forget: Forget = None) -> None:
    """List the cameras whose looks and weights are installed, and what each holds."""
    from rawback.cameras.cards import cards, describe

    if forget:
        from rawback.calibrate.learn import forget as remove

        say(f"{remove(forget)} is removed")
        return
    known = cards()
    if as_json:
        answer(json.dumps(known))
    elif verbose:
        for card in known:
            answer(_wrapped(f"{card['name']:{CARD}} {describe(card)}", CARD + 1))
    else:
        answer("\n".join([*_section(LOOKS, known, _look), "", *_section(NETS, known, _nets)]))
    if not known:
        say("no weights are installed: every camera that LibRaw knows is rendered without")


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(text, COLUMNS, subsequent_indent=" " * indent, break_on_hyphens=False)


def _section(title: str, known: list[dict[str, Any]], told: Any) -> list[str]:
    """A heading and the cards of which something is told, by camera; those of all cameras first."""
    rows = [(_camera(card), card["name"], what) for card in known if (what := told(card))]
    rows.sort(key=lambda row: (row[0] != "any camera", row[0].lower(), row[1]))
    head = textwrap.fill(" ".join(title.split()), COLUMNS)
    lines = [_wrapped(f"{camera:{CAMERA}} {name:{CARD}} {what}", CAMERA + CARD + 2) for camera, name, what in rows]
    return [head, "", f"{'camera':{CAMERA}} {'card':{CARD}}", *lines]


def _camera(card: dict[str, Any]) -> str:
    """Whose card it is, with the maker."""
    camera, maker = str(card.get("camera") or ""), str(card.get("make") or "").split(" ")[0]
    known = not camera or maker.lower() in camera.lower()
    return camera or "any camera" if known else f"{maker.title() if maker.isupper() else maker} {camera}"


def _look(card: dict[str, Any]) -> str:
    """Of what a look was learned, and how near it comes; empty: the card has none."""
    look = card.get("look")
    if not isinstance(look, dict):
        return ""
    for_whom = SCOPES.get(str(look.get("scope", "")), "")
    pictures = card.get("pictures")
    learned = f"{pictures} picture{'s' * (pictures != 1)}" if isinstance(pictures, int) else ""
    rows = [row for row in card.get("held_out", []) if isinstance(row, dict) and isinstance(row.get("dB"), int | float)]
    near = f"{sum(row['dB'] for row in rows) / len(rows):.1f} dB" if rows else ""
    itself = " on that picture itself" if any(row.get("itself") for row in rows) else ""
    kind = "of its DNGs as programs develop them" if look.get("from_dng") else ""
    return ", ".join(filter(None, [learned, near + itself, kind, for_whom and f"for {for_whom}"])) or "a look"


def _nets(card: dict[str, Any]) -> str:
    """What the networks of a card restore; empty: it says nothing of networks."""
    holds = []
    for name, part in card.get("parts", {}).items():
        gained = part.get("figures", {}).get("validation dB gained", [])
        if name in PARTS:
            holds.append(f"{PARTS[name]}{f' {gained[0]:+.2f} dB' if gained else ''}")
    if "weights" in card:
        holds.append("none that gain" if card["weights"] == "none" else f"those of {card['weights']}")
    if "base" in card:
        holds.append(f"the rest of {card['base']}")
    return "; ".join(holds)
