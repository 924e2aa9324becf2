"""Of a report: the picture that a camera made of its RAW, beside rawback's in the same look and the recovered RAW's."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from rawback import metrics
from rawback.cameras import preview_look
from rawback.cameras.preview_look import PreviewLook, Shown
from rawback.evaluate import report_images
from rawback.evaluate.methods import OURS, there_and_back
from rawback.evaluate.report_plots import Line, legend, plot
from rawback.files import embedded
from rawback.files.embedded import Picture
from rawback.files.raw import RawFile
from rawback.isp.colour import curve_of
from rawback.options.render import RenderOptions
from rawback.picture import upright
from rawback.recipe import Recipe
from rawback.rendering import develop, render

DARKEST, STEP = -10.0, 0.1
"""EV below the sensor's white at which plots of curves begin, and between their points: 12 bits of light are 12 EV, 8 of codes
show ten of them."""
FEW = 32
"""Pixels along both sides of what is compared to see which way up a picture lies."""


@dataclass(frozen=True)
class LookPanel:
    """Of one file; pictures as data URIs."""

    camera: str
    rendering: str
    recovered: str
    """The rendering of the recovered RAW, in the same look."""
    kept: float
    """dB between the two renderings, peak 255."""
    explains: str
    """How near the look comes to the camera's picture, or why it is LibRaw's."""
    curve: str
    """Of the look: an <svg> with its legend; empty where there is no look."""


def panel(file: RawFile, options: RenderOptions) -> LookPanel | None:
    """What the look of the picture inside makes of the RAW, there and back; None where there is no camera's picture inside.

    options: quality and all else that is not the look.
    """
    if file.recipe.monochrome or (found := _picture(file)) is None:
        return None
    picture, look = found
    codes = embedded.decode(picture, report_images.SIDE, file.exif)
    if codes is None:
        return None
    options = replace(options, look="auto", exposure=None)
    rendered = render(file, options)
    back = replace(file, mosaic=there_and_back(OURS, rendered, options).mosaic)
    first, again = (report_images.decoded(data) for data in (rendered.data, develop(back, rendered.recipe, options).data))
    return LookPanel(
        report_images.fitted(_as_seen(codes, file.recipe.orientation, first)), report_images.fitted(first),
        report_images.fitted(again), metrics.psnr(np.asarray(again), np.asarray(first), 255), _explained(look),
        _curve(rendered.recipe, file.recipe) if isinstance(look, PreviewLook) else "",
    )  # fmt: skip


def _picture(file: RawFile) -> tuple[Picture, PreviewLook | str] | None:
    """The camera's picture whose look `render` takes, else the first of the camera's and why it tells none."""
    first = None
    for picture in file.pictures:
        if picture.edited:
            continue
        codes = embedded.decode(picture, preview_look.COLUMNS, file.exif)
        look = preview_look.of_pictures(file.mosaic, file.recipe, [Shown(codes, False)])
        if isinstance(look, PreviewLook):
            return picture, look
        first = first or (picture, look)
    return first


def _as_seen(codes: np.ndarray, orientation: int, seen: Image.Image) -> Image.Image:
    """The picture (h, w, 3) of codes 0..1 upright; some lie as the RAW does, others upright already: the one like `seen`."""
    ways = [Image.fromarray(np.rint(np.clip(way, 0, 1) * 255).astype(np.uint8)) for way in (codes, upright(codes, orientation))]
    wanted = _few(seen)
    return min(ways, key=lambda way: float(np.square(_few(way) - wanted).sum()))


def _few(picture: Image.Image) -> np.ndarray:
    """(FEW, FEW) float64 of its brightness, mean 0 and spread 1: exposure must not count."""
    grey = np.asarray(picture.convert("L").resize((FEW, FEW), Image.Resampling.BOX), np.float64)
    return np.asarray((grey - grey.mean()) / max(float(grey.std()), 1e-6))


def _explained(look: PreviewLook | str) -> str:
    if isinstance(look, str):
        return f"in LibRaw's look: {look}"
    return f"in the look fitted to it: {look.likeness:.1f} dB from it, over means of 4 x 4 pixels at 640 columns"


def _curve(recipe: Recipe, plain: Recipe) -> str:
    """The codes of a grey over its light, under the recipe's look and under LibRaw's at exposure 0."""
    light = np.arange(DARKEST, STEP / 2, STEP)
    lines = []
    for name, of in (("fitted look", recipe), ("LibRaw's look", replace(plain, exposure=0.0))):
        codes = np.clip(curve_of(of).encode((2.0 ** (light + of.exposure)).astype(np.float32)), 0, 1)
        lines.append(Line(name, list(zip(light.tolist(), codes.tolist(), strict=True)), marked=False))
    drawn = plot(
        lines,
        "codes of a grey over its light, in two looks",
        "code of a grey, 1: white",
        "its light in EV, 0: the sensor's white",
    )
    return f'<figure class="curve">{drawn}</figure>{legend(lines)}'


def html(made: LookPanel) -> str:
    """The panel, as a part of its file's section."""
    figures = "".join(
        report_images.figure(*of)
        for of in (
            (made.camera, "the picture that the camera made", "The camera's picture, from inside the RAW"),
            (made.rendering, "rawback's rendering in that look", f"rawback's rendering, {made.explains}"),
            (made.recovered, "the recovered RAW rendered again",
             f"The RAW recovered from that JPEG alone, rendered again: {made.kept:.1f} dB from the rendering"),
        )
    )  # fmt: skip
    return f'<h3>The camera&apos;s look</h3><div class="row look">{figures}</div>{made.curve}'
