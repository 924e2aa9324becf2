"""The command that measures rawback on the user's own RAW files."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from rawback.cli.signature import Only
from rawback.errors import UsageError
from rawback.messages import answer, say
from rawback.options.render import RenderOptions
from rawback.options.shared import AsJson, Inputs, Verbose

Coding = Annotated[RenderOptions, Only("subsampling", "tables", "refine", "effort", "layered", "weights")]
Quality = Annotated[str, typer.Option(metavar="N,N...", help="Qualities, with commas between them.")]
Against = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        help="Other methods: classical, open, upi, flow, unet, cycleisp, gray; paper with --baselines.",
        show_default=False,
    ),
]
Baselines = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Learned ones as benchmarks/baselines.py makes them.", show_default=False)
]
Report = Annotated[
    Path | None, typer.Option(metavar="OUT.html", help="Write a page with plots, pictures and error maps.", show_default=False)
]
Crop = Annotated[
    int, typer.Option(metavar="N", help="Measure a square of this side at the centre of each file; 0 is all of it.")
]

SMALLEST = 128
"""Photosites along a crop at least: MS-SSIM and the nets need some."""


def evaluate(
    inputs: Inputs, quality: Quality = "75,85,87,90,95", *, options: Coding, against: Against = "",
    baselines: Baselines = None, report: Report = None, crop: Crop = 0, verbose: Verbose = False, as_json: AsJson = False,
) -> None:  # fmt: skip
    """Measure on your own RAW files what each quality costs and keeps.

    Round trip and rendering at exposure 0, with LibRaw's look: a rate-distortion table.

    Of several files the table has the means; -v prints every figure of every file.

    --report writes one page that needs nothing else: tables, plots, and for each file the picture, the recovered RAW,
    maps of its errors and crops pushed by 3 EV; and, of a RAW with its camera's picture inside, that picture, the rendering
    in its look and that of the recovered RAW, side by side, with the look's curve.
    """
    from rawback.evaluate import advice, table
    from rawback.evaluate.evaluate import evaluate as measure
    from rawback.evaluate.evaluate import ignored
    from rawback.evaluate.methods import OURS, described
    from rawback.evaluate.report import Pictures, build, check_target, shown_quality
    from rawback.files import paths, places, replacement, seal

    options = replace(options, look="libraw", exposure=0.0)
    qualities = [_quality(text) for text in quality.split(",")]
    methods = list(dict.fromkeys([OURS, *filter(None, against.split(","))]))
    if crop and crop < SMALLEST:
        raise UsageError(f"crop is {crop}; expected 0, or {SMALLEST} or more")
    if report:
        places.check(report, places.identities(map(paths.parse, inputs)))
        decision = check_target(report)
    pictures = Pictures(shown_quality(qualities), options)
    on_trip = pictures.add if report else ignored
    rows = []
    for source in inputs:
        rows += measure(source, options, qualities, methods, crop=crop, baselines=baselines, on_trip=on_trip)
    answer("\n".join(map(json.dumps, rows)) if as_json else (table.table if verbose else advice.short)(rows))
    if report:
        about = {name: described(name, baselines) for name in methods}
        settings = f"--quality {quality} --subsampling {options.subsampling} --tables {options.tables}"
        settings += f" --effort {options.effort} --crop {crop}"
        settings += (
            " --layered" * options.layered + " --no-refine" * (not options.refine) + f" --against {against}" * bool(against)
        )
        page = build(rows, pictures, about, settings).encode()
        replacement.save(report, b"".join(seal.sealed([page])), decision)
        say(f"{report} written")


def _quality(text: str) -> int:
    if not text.strip().isdecimal() or not 1 <= int(text) <= 100:
        raise UsageError(f"quality is {text!r}; expected whole numbers from 1 to 100, with commas between them")
    return int(text)
