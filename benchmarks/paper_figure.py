"""Draws what the paper's figures show: renderings, recovered RAWs, maps of their errors, method beside method.

    python benchmarks/paper_figure.py [RAW] [-o benchmarks/paper_figure.jpg]

JPEGs are of quality 90, those of the closed loop of 85, which takes about as many bytes. The flow is that of the weights
`paper-1`, through `render` and `recover`. Maps go from black (1/4096 of the range from black to white, and less) over purple
and orange to pale yellow (1/16 and more).
"""

from __future__ import annotations

import argparse
import base64
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from rawback import RenderOptions, metrics
from rawback.evaluate import evaluate, methods, report_images

OPTIONS = RenderOptions(look="libraw", quality=90, exposure=0.0)
SHOWN = {
    "the closed loop": (methods.OURS, replace(OPTIONS, quality=85)),
    "flow, rawback's size": (methods.OPEN, replace(OPTIONS, weights="paper-1")),
    "nothing learned": (methods.CLASSICAL, OPTIONS),
    "UPI's inverse": (methods.UPI, OPTIONS),
}
WIDTH, GAP, LINE = 300, 8, 16


def picture(uri: str) -> Image.Image:
    """Of a data URI, as wide as a column."""
    opened = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))).convert("RGB")
    return opened.resize((WIDTH, round(opened.height * WIDTH / opened.width)), Image.Resampling.LANCZOS)


def column(case: evaluate.Case, name: str, options: RenderOptions) -> tuple[str, list[Image.Image]]:
    """The caption of a method, and its three pictures."""
    trip, recipe = methods.method(name)(case.file, case.data, options), case.file.recipe
    true, recovered = (metrics.displayed(mosaic, recipe) for mosaic in (case.file.mosaic, trip.mosaic))
    caption = f"{metrics.psnr(true, recovered):.1f} raw dB, {len(trip.jpeg) * 8 / case.file.mosaic.size:.2f} bits"
    pictures = report_images.fitted(report_images.decoded(trip.jpeg)), report_images.recovered(recovered, recipe.orientation)
    return caption, [picture(uri) for uri in (*pictures, report_images.error_map(true, recovered, recipe.orientation))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="?", default="tests/data/sample.dng", type=Path)
    parser.add_argument("-o", "--output", default="benchmarks/paper_figure.jpg", type=Path)
    args = parser.parse_args()
    case = evaluate.case(args.raw)
    columns = {title: column(case, *how) for title, how in SHOWN.items()}
    heights = np.cumsum([2 * LINE + GAP, *(part.height + GAP for part in next(iter(columns.values()))[1])])
    sheet = Image.new("RGB", (GAP + len(columns) * (WIDTH + GAP), int(heights[-1])), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (title, (caption, parts)) in enumerate(columns.items()):
        left = GAP + number * (WIDTH + GAP)
        draw.text((left, GAP // 2), f"{title}\n{caption}", fill="black", spacing=3)
        for part, top in zip(parts, heights[:-1], strict=True):
            sheet.paste(part, (left, int(top)))
    sheet.save(args.output, quality=85)


if __name__ == "__main__":
    main()
