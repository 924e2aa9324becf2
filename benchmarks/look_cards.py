"""The bundled looks, made anew from RAW files with their cameras' pictures: `python benchmarks/look_cards.py DATA -o weights`.

DATA: the folder with raw/, raw_more/ and pairs/. Each family is left out of the generic look in turn; the figures are printed,
and stand in the cards.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rawback.calibrate import pool
from rawback.calibrate.calibrate import calibrate
from rawback.calibrate.pool import Member
from rawback.cameras import look_fit, look_model, looks
from rawback.cameras.looks import Look
from rawback.files import embedded
from rawback.files import raw as raws

POWERSHOT = ("raw/canon_powershot_g2_0304.CRW",), ("raw/canon_powershot_s40_0101.CRW", "raw/canon_powershot_s40_0104.CRW")
HERO7, HERO7_JPEG, FUSION = "pairs/gopro_hero7_8508.dng", "pairs/gopro_hero7_8508.JPG", "raw/gopro_fusion_front.dng"
OF_2001 = ("Canon PowerShot S30", "Canon PowerShot S40", "Canon PowerShot G2")
D5000 = "raw_more/nikon_d5000_hdrmerge2.dng"


@dataclass(frozen=True)
class Card:
    """What a card is made from and for."""

    name: str
    groups: list[list[Member]]
    values: dict
    lens: bool = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    args = parser.parse_args()
    powershot = [[read(args.data / path) for path in paths] for paths in POWERSHOT]
    d5000, merged = read(args.data / D5000), read(args.data / D5000, edited=True)
    hero7, hero7_dng = read(args.data / HERO7, args.data / HERO7_JPEG), read(args.data / HERO7)
    developed = [[hero7_dng], [read(args.data / FUSION)]]
    family = {"scope": "family", "models": ("HERO*", "FUSION*", "MAX*")}
    sharpened = {"sharpening": calibrate([args.data / HERO7, args.data / HERO7_JPEG], "hero7").look.sharpening}
    cards = [
        Card("look-canon-powershot-1", powershot, {"scope": "family", "camera": "Canon PowerShot", "models": OF_2001}),
        Card("look-nikon-d5000-1", [[d5000]], {}),
        Card("look-gopro-hero7-1", [[hero7]], sharpened, lens=True),
        Card("look-gopro-1", [[hero7]], family | sharpened | {"camera": "GoPro"}),
        Card("look-gopro-hero7-dng-1", [[hero7_dng]], {"from_dng": True}, lens=True),
        Card("look-gopro-dng-1", developed, family | {"camera": "GoPro", "from_dng": True}),
    ]  # fmt: skip
    for card in cards:
        write(card, args.output)
    everybody = [[m for group in powershot for m in group], [d5000], [hero7], [m for g in developed for m in g], [merged]]
    write_generic("look-generic-1", everybody, args.output)
    write_generic("look-generic-dng-1", [*developed, [merged]], args.output, from_dng=True)


def read(path: Path, jpeg: Path | None = None, edited: bool = False) -> Member:
    """A RAW with the picture inside it, or beside it; edited: the one inside that another program made."""
    raw = raws.read(path.read_bytes(), str(path))
    picture = embedded.of_file(jpeg.read_bytes())[0] if jpeg else None
    if edited:
        picture = replace(next(p for p in raw.pictures if p.edited), edited=False)
    found = pool.member(raw, picture)
    if isinstance(found, str):
        raise SystemExit(f"{path}: {found}")
    return found


def write(card: Card, folder: Path) -> None:
    members = [one for group in card.groups for one in group]
    evened, falloff = pool.without_lens(members)
    rest = iter(evened)
    groups = [[next(rest) for _ in group] for group in card.groups]
    look = pool.as_look(pool.pooled(groups), members, card.name, falloff if card.lens else None)
    save(replace(look, **card.values), pool.held_out(evened), len(members), pool.seen(evened), folder)


def write_generic(name: str, everybody: Sequence[Sequence[Member]], folder: Path, **values: bool) -> None:
    """A look for cameras that were not seen: its figures are by leaving each camera out."""
    evened = [pool.without_lens(group)[0] for group in everybody]
    rows = []
    for out, group in zip(evened, everybody, strict=True):
        model = pool.pooled([g for g in evened if g is not out], look_fit.POOLED, levelled=True)
        for samples, one in zip(out, group, strict=True):
            plain = pool.errors(look_model.Model(np.eye(3), PLAIN_GROWTH, np.eye(3)), samples)
            rows.append({"camera": one.raw.recipe.camera} | pool.errors(model, samples) | {"curve dB": plain["dB"]})
    model = pool.pooled(evened, look_fit.POOLED, levelled=True)
    look = pool.as_look(model, everybody[0], name)
    look = replace(look, scope="generic", camera="", make="", model="", dng={}, size=(0, 0), encoders=(), **values)
    everything = [one for group in evened for one in group]
    save(look, rows, len(everything), pool.seen(everything), folder)


PLAIN_GROWTH = np.log(np.full(look_model.KNOTS, 1 / look_model.KNOTS))
"""Of a curve that is sRGB's alone."""


def save(look: Look, rows: list[dict], pictures: int, seen: dict, folder: Path) -> None:
    path = folder / f"{look.name}.json"
    path.write_bytes(looks.save(look, path, {"pictures": pictures, "held_out": rows, "seen": seen}))
    print(look.name, json.dumps(rows))


if __name__ == "__main__":
    main()
