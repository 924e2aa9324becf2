"""Looks of the user's own cameras, learned from the pictures inside their RAW files: a card for each camera and style."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from rawback.calibrate import pool
from rawback.calibrate.pool import Member
from rawback.cameras import cards, looks
from rawback.cores import cores
from rawback.errors import RawbackError
from rawback.files import atomic, paths
from rawback.files import raw as raws
from rawback.files.exif import Exif
from rawback.files.paths import Location
from rawback.files.picture_style import style

MOST = 100
"""Pictures of one camera and style: more change nothing."""


@dataclass(frozen=True)
class Learned:
    """A card, and how well it does."""

    path: Path
    camera: str
    pictures: int
    held_out: list[dict]

    def message(self) -> str:
        """In a sentence."""
        rows = self.held_out
        mean = {key: sum(row[key] for row in rows) / len(rows) for key in ("dB", "picture dB")}
        on = "that picture itself" if "itself" in rows[0] else "pictures left out"
        figures = f"light within {mean['dB']:.1f} dB, the picture within {mean['picture dB']:.1f} dB on {on}"
        return f"{self.path.stem}: {self.camera}, {self.pictures} picture{'s' * (self.pictures != 1)}, {figures}"


def learn(sources: Iterable[Location], note: Callable[[str], None]) -> list[Learned]:
    """Learn from RAW files, and keep a card for each camera and style in the user's folder; note: is told what is passed by.

    Raises RawbackError if none of them has a picture that tells a look.
    """
    groups: dict[tuple[str, str], list[Member]] = {}
    for source, found in list(_read(sources)):  # all before a word: what LibRaw prints is caught, and words with it
        if isinstance(found, str):
            note(f"{source}: {found}")
            continue
        exif = found.raw.exif or Exif()
        groups.setdefault((exif.camera or found.raw.recipe.camera, style(exif)), []).append(found)
    if not groups:
        raise RawbackError("none of the files has a picture inside that tells its camera's look")
    return [_card(members, name, kind) for (name, kind), members in sorted(groups.items())]


def _read(sources: Iterable[Location]) -> Iterator[tuple[Location, Member | str]]:
    files = list(sources)
    with ThreadPoolExecutor(cores()) as threads:
        yield from zip(files, threads.map(_member, files), strict=True)


def _member(source: Location) -> Member | str:
    try:
        found = pool.member(raws.read(paths.load(source), source.name))
    except RawbackError as error:
        return str(error)
    if isinstance(found, str):
        return found
    small = replace(found.raw, mosaic=found.raw.mosaic[:2, :2].copy(), pictures=[])  # a hundred whole ones fill the memory
    return replace(found, raw=small, samples=found.samples.thinned(2 * pool.EACH))


def _card(members: list[Member], camera: str, kind: str) -> Learned:
    chosen = members[:: max(-(-len(members) // MOST), 1)]
    evened, _ = pool.without_lens(chosen)
    name = re.sub(r"[^a-z0-9]+", "-", f"look {camera} {kind}".lower()).strip("-")
    path = cards.learned_folder() / f"{name}.json"
    look = replace(pool.as_look(pool.pooled([evened]), chosen, name), style=kind)
    rows = pool.held_out(evened)
    path.parent.mkdir(parents=True, exist_ok=True)
    more = {"pictures": len(chosen), "held_out": rows, "seen": pool.seen(evened)}
    atomic.save(path, [looks.save(look, path, more)])
    return Learned(path, " ".join(filter(None, [camera, kind])), len(chosen), rows)


def forget(name: str) -> Path:
    """Remove a card that was learned. Raises RawbackError if there is none of that name."""
    path = cards.learned_folder() / f"{name}.json"
    if Path(name).name != name or not path.is_file():
        raise RawbackError(f"no card {name!r} was learned; `rawback cameras` lists them")
    path.unlink()
    return path
