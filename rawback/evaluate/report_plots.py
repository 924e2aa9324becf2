"""Plots of rates and curves as SVG: lines with marks, coloured by the page's style sheet so that they suit light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 560, 400
"""Of a plot, in units of its own."""
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 46
"""Margins, for ticks and titles."""
MARKS = {
    "rawback": "M-4,0a4,4 0 1,0 8,0a4,4 0 1,0 -8,0z", "classical": "M-4,-4h8v8h-8z", "open": "M-5,-3h10v6h-10z",
    "paper": "M0,-5L5,4H-5z",
    "flow": "M0,5L5,-4H-5z", "unet": "M0,-5L5,0L0,5L-5,0z", "cycleisp": "M-4,-4L4,4M4,-4L-4,4", "gray": "M0,-5V5M-5,0H5",
    "upi": "M-5,-2h10v4h-10z",
}  # fmt: skip
"""A shape for each method, so that no line is known by its colour alone."""
CODEC_MARK = "M-2.5,0a2.5,2.5 0 1,0 5,0a2.5,2.5 0 1,0 -5,0z"
"""Of a line that is not in MARKS."""


@dataclass(frozen=True)
class Line:
    """One method, or the curve of one look."""

    name: str
    points: list[tuple[float, float]]
    """Abscissa (bits per photosite), ordinate (dB); drawn in the abscissa's order."""
    marked: bool = True
    """Whether each point has a mark."""

    @property
    def style(self) -> str:
        """The class that the style sheet colours it by."""
        return "line-" + "".join(c if c.isalnum() else "-" for c in self.name.lower())

    @property
    def mark(self) -> str:
        """The path of its mark; empty where points have none."""
        if not self.marked:
            return ""
        return MARKS.get(self.name, CODEC_MARK)


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers from at most `low` to at least `high`, some `about` of them."""
    rough = max(high - low, 1e-6) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * i for i in range(first, max(last, first + 1) + 1)]


def plot(lines: list[Line], title: str, ordinate: str, abscissa: str = "bits per photosite") -> str:
    """An <svg> of lines; `title` names it for those who cannot see it."""
    points = [point for line in lines for point in line.points if all(map(math.isfinite, point))]
    if not points:
        return ""
    xs = ticks(min(0, *(x for x, _ in points)), max(x for x, _ in points))
    ys = ticks(min(y for _, y in points), max(y for _, y in points))

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - xs[0]) / (xs[-1] - xs[0]) * (WIDTH - LEFT - RIGHT)
        up = (y - ys[0]) / (ys[-1] - ys[0]) * (HEIGHT - TOP - BOTTOM)
        return round(LEFT + across, 1), round(HEIGHT - BOTTOM - up, 1)

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for x in xs:
        px, bottom = at(x, ys[0])
        parts.append(f'<path class="grid" d="M{px},{TOP}V{bottom}"/><text x="{px}" y="{bottom + 18}" class="mid">{x:g}</text>')
    for y in ys:
        left, py = at(xs[0], y)
        parts.append(f'<path class="grid" d="M{left},{py}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{left - 7}" y="{py + 4}" class="end">{y:g}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2
    parts.append(f'<text x="{middle[0]}" y="{HEIGHT - 8}" class="mid">{escape(abscissa)}</text>')
    parts.append(f'<text transform="translate(14,{middle[1]}) rotate(-90)" class="mid">{escape(ordinate)}</text>')
    parts += [_drawn(line, at) for line in lines]
    return "".join([*parts, "</svg>"])


def _drawn(line: Line, at: Callable[[float, float], tuple[float, float]]) -> str:
    points = [at(*point) for point in sorted(line.points) if all(map(math.isfinite, point))]
    path = "M" + "L".join(f"{x},{y}" for x, y in points) if points else ""
    marked = points if line.marked else []
    marks = "".join(f'<path class="mark" transform="translate({x},{y})" d="{line.mark}"/>' for x, y in marked)
    return f'<g class="{line.style}"><path class="line" d="{path}"/>{marks}</g>'


def legend(lines: list[Line]) -> str:
    """A list of the lines with their marks."""
    items = (
        f'<li class="{line.style}"><svg viewBox="-16 -7 32 14" aria-hidden="true"><path class="line" d="M-15,0H15"/>'
        f'<path class="mark" d="{line.mark}"/></svg><span>{escape(line.name)}</span></li>'
        for line in lines
    )
    return f'<ul class="legend">{"".join(items)}</ul>'
