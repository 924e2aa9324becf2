"""Pictures for a report, as data URIs: renderings, recovered RAWs, maps of their errors, crops pushed in exposure."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
from PIL import Image, ImageOps

from rawback.files.tiff_png16 import upright

SIDE = 900
"""Longest side of a picture in a report."""
MAP_SIDE = 420
"""Longest side of a map of errors."""
CROP = 288
"""Pixels along a crop."""
SHADES = 64
"""Of a map: noise in more takes twice the bytes."""
PUSH = 3.0
"""EV by which crops are pushed."""
FINEST, COARSEST = -12, -4
"""log2 of the errors at which the colours of a map begin and end, as shares of the range from black to white."""
COLOURS = np.array([
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10), (249, 201, 50),
    (252, 255, 164),
])  # fmt: skip
"""From dark to bright, evenly to the eye and to those who see no red or green."""


def uri(picture: Image.Image, kind: str = "JPEG", quality: int = 82) -> str:
    """The picture inside a URL of its own."""
    stream = io.BytesIO()
    options = {"quality": quality, "subsampling": 0} if kind == "JPEG" else {"optimize": True}
    picture.save(stream, kind, **options)  # type: ignore[arg-type]
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode()}"


def figure(source: str, alternative: str, caption: str) -> str:
    """A picture of the page; source: its address; alternative: for those who cannot see it."""
    return f'<figure><img src="{source}" alt="{escape(alternative)}"><figcaption>{escape(caption)}</figcaption></figure>'


def decoded(jpeg: bytes) -> Image.Image:
    """What a viewer shows."""
    return ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg))).convert("RGB")


def fitted(picture: Image.Image) -> str:
    """A picture at the size of the page."""
    small = picture.copy()
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    return uri(small)


def recovered(planes: np.ndarray, orientation: int) -> str:
    """A RAW as the paper shows it, from `metrics.displayed`."""
    codes = np.stack([np.rint(plane * 255).astype(np.uint8) for plane in planes], -1)
    return fitted(Image.fromarray(np.ascontiguousarray(upright(codes, orientation))))


def error_map(true: np.ndarray, recovered: np.ndarray, orientation: int) -> str:
    """Where a recovered RAW is off: mean error of the three channels of `metrics.displayed`, its logarithm as a colour."""
    error = np.asarray(sum(np.abs(a - b) for a, b in zip(true, recovered, strict=True))) / 3
    cell = max(-(-max(error.shape) // MAP_SIDE), 1)
    rows, columns = (n // cell for n in error.shape)
    error = error[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell).mean((1, 3))
    level = (np.log2(np.maximum(error, 2.0**FINEST)) - FINEST) / (COARSEST - FINEST)
    codes = np.rint(np.clip(upright(level, orientation), 0, 1) * (SHADES - 1)).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(codes))
    picture.putpalette(_palette().tobytes())
    return uri(picture, "PNG")


def _palette() -> np.ndarray:
    at = np.linspace(0, len(COLOURS) - 1, SHADES)
    return np.stack([np.interp(at, range(len(COLOURS)), COLOURS[:, c]) for c in range(3)], -1).round().astype(np.uint8)


def scale() -> str:
    """The colours of `error_map` as a CSS gradient."""
    stops = ", ".join(f"rgb({r},{g},{b})" for r, g, b in COLOURS.tolist())
    return f"linear-gradient(to right, {stops})"


def telling_place(pushed: np.ndarray) -> tuple[slice, slice]:
    """Where a pushed rendering (H, W, 3) uint8 shows most: fine detail that is neither clipped nor black; noise is none."""
    cells = [n // 4 for n in pushed.shape[:2]]
    grey = pushed[: 4 * cells[0], : 4 * cells[1]].reshape(cells[0], 4, cells[1], 4, 3).mean((1, 3, 4))
    detail = np.abs(np.diff(grey, axis=0, prepend=grey[:1])) + np.abs(np.diff(grey, axis=1, prepend=grey[:, :1]))
    seen = (grey > 20) & (grey < 245)
    side = [min(CROP // 4, n) for n in cells]
    best, place = -1.0, (0, 0)
    for y in range(0, cells[0] - side[0] + 1, max(side[0] // 2, 1)):
        for x in range(0, cells[1] - side[1] + 1, max(side[1] // 2, 1)):
            part = slice(y, y + side[0]), slice(x, x + side[1])
            worth = float(np.sqrt(detail[part]).mean()) * float(seen[part].mean()) ** 2
            if worth > best:
                best, place = worth, (4 * y, 4 * x)
    return slice(place[0], place[0] + CROP), slice(place[1], place[1] + CROP)


def crop(pixels: np.ndarray, place: tuple[slice, slice]) -> str:
    """A part of a rendering, at its own size."""
    return uri(Image.fromarray(np.ascontiguousarray(pixels[place])), quality=90)
