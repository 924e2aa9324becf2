"""The report of an evaluation: one HTML page that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from html import escape
from pathlib import Path

from rawback import metrics
from rawback.errors import RawbackError, UsageError
from rawback.evaluate import advice, evaluate, report_images, report_look, report_tables, table
from rawback.evaluate.evaluate import Case
from rawback.evaluate.methods import OURS, Trip
from rawback.evaluate.report_images import figure
from rawback.evaluate.report_look import LookPanel
from rawback.evaluate.report_plots import Line, legend, plot
from rawback.files import replacement, seal
from rawback.files.permission import Allowed
from rawback.files.replacement import Decision
from rawback.options.render import RenderOptions
from rawback.version import __version__

FAVOURED = 87
"""The quality whose pictures are shown, if it is among those measured: the default of `render`."""


@dataclass
class MethodPictures:
    """Of one method's round trip, as data URIs."""

    error_map: str
    pushed: str
    """The crop of the recovered RAW."""


@dataclass
class FilePictures:
    """Of one file, as data URIs."""

    rendering: str
    recovered: str
    pushed: str
    """The crop of the original."""
    size: tuple[int, int]
    look: LookPanel | None
    """None: no camera's picture is inside."""
    by_method: dict[str, MethodPictures] = field(default_factory=dict)


class Pictures:
    """Pictures of the round trips at one quality, and the RAW codecs' figures, gathered while files are measured."""

    def __init__(self, quality: int, options: RenderOptions = RenderOptions()) -> None:
        self.quality, self.options = quality, replace(options, quality=quality)
        self.files: dict[str, FilePictures] = {}
        self.codecs: list[dict] = []

    def add(self, case: Case, quality: int, trip: Trip) -> None:
        """Make the pictures of a round trip; rawback's own comes first."""
        if quality != self.quality:
            return
        orientation = case.file.recipe.orientation
        true, recovered = (metrics.displayed(m, case.file.recipe) for m in (case.file.mosaic, trip.mosaic))
        pushed = [evaluate.developed(data, bright=2.0**report_images.PUSH) for data in (case.data, trip.dng)]
        place = report_images.telling_place(pushed[0])
        if trip.method == OURS:
            large = (
                report_images.fitted(report_images.decoded(trip.jpeg)),
                report_images.recovered(recovered, orientation),
                report_images.crop(pushed[0], place),
            )
            look = report_look.panel(case.file, self.options)
            self.files[case.name] = FilePictures(*large, case.file.mosaic.shape[::-1], look)
            self.codecs += evaluate.by_codecs(case)
        of_method = MethodPictures(report_images.error_map(true, recovered, orientation), report_images.crop(pushed[1], place))
        self.files[case.name].by_method[trip.method] = of_method


def shown_quality(qualities: Sequence[int]) -> int:
    """Of the measured ones, the nearest to what `render` does by default."""
    return min(qualities, key=lambda quality: abs(quality - FAVOURED))


def check_target(path: Path) -> Decision:
    """What is to be done where a report is to go: one that nobody has edited is replaced.

    Raises UsageError for a name that is not .html, or no such folder, RawbackError where anything else lies there.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"{path}: a report is a page; name it something.html")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it first")
    try:
        return replacement.decide(path, Allowed(force=True))
    except RawbackError as error:
        raise UsageError(f"{path} is there and is no report as rawback wrote it; choose another name") from error


def build(rows: list[dict], pictures: Pictures, about: dict[str, str], settings: str) -> str:
    """The page: figures, plots, pictures. about: the methods by name, and what they are; settings: of the command."""
    names = list(dict.fromkeys(row["file"] for row in rows))
    sections = [_figures(rows, names), _curves(rows, pictures)]
    sections += [_scene(i, name, [r for r in rows if r["file"] == name], pictures) for i, name in enumerate(names)]
    sections.append(_methods(about, settings))
    css = Path(__file__).with_name("report.css").read_text(encoding="utf-8")
    return PAGE.format(
        css=css, scale=report_images.scale(), seal=seal.TEXT, version=__version__,
        files=f"{len(names)} RAW file{'s' * (len(names) != 1)}", today=date.today().isoformat(), quality=pictures.quality,
        links="".join(f'<li><a href="#file-{i}">{_short(name)}</a></li>' for i, name in enumerate(names)),
        sections="\n".join(sections),
    )  # fmt: skip


PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="rawback">
<!-- {seal} -->
<title>{files}, to JPEG and back to RAW</title>
<style>{css}
.scale {{ background: {scale} }}
</style>
</head>
<body>
<a class="skip" href="#figures">Skip to the figures</a>
<header>
<h1>{files}, to JPEG and back to RAW</h1>
<p>Measured by rawback {version} on {today}. Each file was rendered at exposure 0, recovered from the JPEG alone, and compared
with the original. Pictures are of quality {quality}.</p>
<nav aria-label="Contents"><ul>
<li><a href="#figures">Figures</a></li><li><a href="#curves">Rate and distortion</a></li>{links}
<li><a href="#methods">Methods</a></li>
</ul></nav>
</header>
<main>
{sections}
</main>
</body>
</html>
"""
"""The frame of the page."""


def _short(name: str) -> str:
    return escape(Path(name).name)


def _figures(rows: list[dict], names: list[str]) -> str:
    notes = dict.fromkeys(f"{Path(row['file']).name}, {row['method']}: {row['note']}" for row in rows if "note" in row)
    remarks = "".join(f"<p class=note>{escape(note)}</p>" for note in notes)
    terms = "".join(f"<dt>{escape(term)}</dt><dd>{escape(meaning)}</dd>" for term, meaning in report_tables.TERMS.items())
    mean = f"Mean of {len(names)} file{'s' * (len(names) != 1)}"
    tables = report_tables.tables(table.means(rows), mean)
    short = "".join(f"<li>{escape(sentence)}</li>" for sentence in advice.advice(table.means(rows)))
    told = f"<h3>What to take</h3><ul>{short}</ul><p>{escape(advice.ENOUGH)}</p>" if short else ""
    return f'<section id="figures"><h2>Figures</h2>{told}{tables}{remarks}<dl>{terms.replace(" %", "&nbsp;%")}</dl></section>'


def _curves(rows: list[dict], pictures: Pictures) -> str:
    codecs = table.means(pictures.codecs)
    rates = [row["bits_per_photosite"] for row in table.means(rows)]
    near = [row for row in codecs if 0.5 * min(rates) <= row["bits_per_photosite"] <= 1.5 * max(rates)]
    means = table.grouped(table.means(rows) + near, "method")
    drawn = []
    for key, title in (("raw_db", "raw dB"), ("lin_db", "lin dB")):
        lines = [Line(str(name), [(row["bits_per_photosite"], row[key]) for row in part]) for (name,), part in means.items()]
        drawn.append(f"<figure>{plot(lines, f'{title} over bits per photosite, a line for each method', title)}</figure>")
    about_codecs = (
        "JPEG 2000 and JPEG XL store the RAW alone, as four CFA planes, and show no picture."
        if pictures.codecs else "RAW codecs are missing here: they need imagecodecs, and Bayer files."
    )  # fmt: skip
    return (
        f'<section id="curves"><h2>Rate and distortion</h2><div class="pair">{"".join(drawn)}</div>{legend(lines)}'
        f"<p>Means over files at each setting; everything in a file counts. {about_codecs}</p></section>"
    )


def _scene(index: int, name: str, rows: list[dict], pictures: Pictures) -> str:
    scene = pictures.files.get(name)
    seen = _pictures(scene, pictures.quality, rows) if scene else ""
    tables = f"<details open><summary>Figures of this file</summary>{report_tables.tables(rows, Path(name).name)}</details>"
    return f'<section id="file-{index}"><h2>{_short(name)}</h2>{seen}{tables}</section>'


def _pictures(scene: FilePictures, quality: int, rows: list[dict]) -> str:
    figures = {row["method"]: row for row in rows if row["quality"] == quality}
    size = f"{scene.size[0]} x {scene.size[1]} photosites"
    large = figure(scene.rendering, "the rendered picture", f"The JPEG, {size}") + figure(
        scene.recovered, "the RAW recovered from it", "The recovered RAW: bilinear, white-balanced, gamma 2.2, camera colours"
    )
    maps = "".join(
        figure(made.error_map, f"map of the errors of {method}", f"{method}: {figures[method]['raw_db']:.2f} raw dB")
        for method, made in scene.by_method.items()
    )
    crops = figure(scene.pushed, "crop of the original, pushed", "the original RAW") + "".join(
        figure(made.pushed, f"the same crop from {method}", f"{method}: {figures[method]['edit_+4ev_db']:.2f} dB at +4 EV")
        for method, made in scene.by_method.items()
    )
    look = report_look.html(scene.look) if scene.look else ""
    finest, coarsest = (f"<span>1/{2**-exponent}</span>" for exponent in (report_images.FINEST, report_images.COARSEST))
    bar = f'<p class="bar">{finest}<span class="scale"></span>{coarsest}<span>of the range from black to white</span></p>'
    return (
        f'<div class="pair">{large}</div>{look}<h3>Where the RAW is off</h3>{bar}<div class="row">{maps}</div>'
        f'<h3>Pushed by {report_images.PUSH:g} EV</h3><div class="row">{crops}</div>'
    )


def _methods(about: dict[str, str], settings: str) -> str:
    terms = "".join(f"<dt>{escape(name)}</dt><dd>{escape(meaning)}</dd>" for name, meaning in about.items())
    command = escape(f"rawback evaluate {settings}")
    return f'<section id="methods"><h2>Methods</h2><dl>{terms}</dl><p>Made by <code>{command}</code></p></section>'
