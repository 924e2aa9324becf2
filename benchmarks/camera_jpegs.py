"""Camera JPEGs made from real RAW files: a camera's look, noise reduction, sharpening, 8 bits, standard tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage

from rawback.cameras import looks, preview_look
from rawback.cameras.preview_look import PreviewLook, Shown
from rawback.files import embedded
from rawback.files import raw as raws
from rawback.isp import exposure, noise, stages
from rawback.isp.colour import RGB_TO_YCC, YCC_TO_RGB
from rawback.isp.matmul import mix

SIDE = 1024
"""Of the part in the middle that is looked at: a multiple of 16."""
MAKE, MODEL = 271, 272
"""EXIF's tags: all that such a photo says of itself."""


@dataclass(frozen=True)
class Style:
    """What a camera does to its picture beside its look."""

    sharpening: float = 0.7
    """Share of the difference from a blurred picture that is added to luma."""
    radius: float = 0.9
    """Of that blur, in pixels (standard deviation)."""
    halo: float = 0.1
    """The most that is added or taken away, in codes 0..1."""
    luma_noise: float = 1.2
    """Luma's detail below so many standard deviations of the noise is smoothed."""
    chroma_blur: float = 1.2
    """Of chroma, in pixels (standard deviation)."""


STYLES = (Style(), Style(1.2, 0.7, 0.08, 2.0, 1.8), Style(0.4, 1.2, 0.2, 0.8, 0.8))
"""A middling camera, a phone, and a cautious one; the files take turns."""


@dataclass
class Scene:
    """A RAW file, and its camera's picture before it became a JPEG."""

    name: str
    data: bytes
    """The RAW file."""
    at: tuple[int, int]
    """First row and column of the part that the picture shows, of the visible area."""
    codes: np.ndarray
    """(3, H, W) float32, sRGB's codes 0..1, unrounded."""
    exif: bytes
    """Make and model, as for a JPEG."""

    def jpeg(self, quality: int, subsampling: str) -> bytes:
        """The camera's JPEG."""
        pixels = np.rint(np.clip(np.moveaxis(self.codes, 0, -1), 0, 1) * 255).astype(np.uint8)
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "JPEG", quality=quality, subsampling=subsampling, exif=self.exif)
        return stream.getvalue()


def scenes(paths: list[Path]) -> Iterator[Scene]:
    """Of RAW files that can be developed by a look of their cameras or of another; the others are passed by, and named."""
    for index, path in enumerate(paths):
        try:
            yield scene(path, STYLES[index % len(STYLES)])
        except Exception as error:
            print(f"{path.name} is passed by: {error}", flush=True)


def scene(path: Path, style: Style) -> Scene:
    """A camera's picture of a RAW file."""
    raw = raws.read(path.read_bytes(), path.name, metadata=True)
    look = _look(raw)
    measured = raw.recipe.noise or noise.estimate(raw.mosaic, raw.recipe)
    recipe = exposure.with_shoulder(replace(look.upon(raw.recipe), exposure=look.exposure, noise=measured))
    height, width = (min(SIDE, side // 16 * 16) for side in raw.mosaic.shape)
    y, x = ((side - n) // 12 * 6 for side, n in zip(raw.mosaic.shape, (height, width), strict=True))  # any CFA stays in phase
    part = raw.mosaic[y : y + height, x : x + width]
    srgb = stages.forward(part, replace(recipe, width=width, height=height), white_at=min(1.0, 2.0**recipe.exposure))
    exif = Image.Exif()
    exif[MAKE], exif[MODEL] = (raw.exif.make, raw.exif.model) if raw.exif else ("", "")
    return Scene(path.name, path.read_bytes(), (y, x), finished(srgb, style), exif.tobytes())


def _look(raw: raws.RawFile) -> PreviewLook | looks.Look:
    """Of the picture inside the RAW, else of its camera's card or the generic one."""
    fitted = preview_look.of_pictures(
        raw.mosaic, raw.recipe, (Shown(embedded.decode(p, preview_look.COLUMNS, raw.exif), p.edited) for p in raw.pictures)
    )
    if isinstance(fitted, PreviewLook):
        return fitted
    card = looks.find(looks.Origin(raw.exif.make, raw.exif.model) if raw.exif else looks.Origin())
    assert card is not None
    return card


def finished(srgb: np.ndarray, style: Style) -> np.ndarray:
    """Codes (3, H, W) without noise, sharpened, 0..1."""
    luma, cb, cr = mix(RGB_TO_YCC, np.clip(srgb, 0, 1).astype(np.float32))
    fine = luma - ndimage.gaussian_filter(luma, 1.0)
    sigma = 1.4826 * np.median(np.abs(fine))
    kept = np.square(ndimage.gaussian_filter(np.square(fine), 1.5)) / np.square(style.luma_noise * max(sigma, 1e-4)) ** 2
    luma = luma - fine / (1 + kept)
    cb, cr = (ndimage.gaussian_filter(plane, style.chroma_blur) for plane in (cb, cr))
    halo = style.sharpening * (luma - ndimage.gaussian_filter(luma, style.radius))
    luma = luma + style.halo * np.tanh(halo / style.halo)
    return np.clip(mix(YCC_TO_RGB, np.stack([luma, cb, cr])), 0, 1)
