"""How good the round trip and the picture are, on the user's own RAW files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import rawpy
from PIL import Image, ImageOps

from rawback import metrics
from rawback.evaluate import perceptual, raw_codecs
from rawback.evaluate.methods import LIBRAW, OURS, CannotCompare, Trip
from rawback.evaluate.methods import method as method_of
from rawback.files import dng, paths, raw
from rawback.files.raw import RawFile
from rawback.isp import illuminant
from rawback.isp.colour import SRGB_TO_XYZ
from rawback.options.render import RenderOptions
from rawback.recipe import Recipe

EXPOSURES = (-2, 2, 4)
"""EV by which developments are pushed."""
KELVIN, MOVED = 5500.0, 2000.0
"""Editing moves white balance as if the light, taken for 5500 K, had been 2000 K lower or higher."""


@dataclass(frozen=True)
class Case:
    """A RAW file to be measured."""

    name: str
    data: bytes
    file: RawFile
    target: np.ndarray
    """LibRaw's own rendering, upright, (H, W, 3) uint8."""

    @cached_property
    def edited(self) -> dict[str, np.ndarray]:
        """Its developments by name, as an editor would make them: see `edits`."""
        return {name: developed(self.data, **how) for name, how in edits(self.file.recipe).items()}


OnTrip = Callable[[Case, int, Trip], None]
"""Is called with every round trip that was measured, and its quality."""


def ignored(case: Case, quality: int, trip: Trip) -> None:
    """For those who want figures alone."""


def case(source: str | Path, crop: int = 0) -> Case:
    """Read a RAW file; crop: the side of the square at its centre that is measured alone, 0: all of it.

    Raises RawbackError for what cannot be read.
    """
    data = paths.load(Path(source))
    file = raw.read(data, str(source))
    if crop:
        data = _cropped(file, crop)
        file = raw.read(data, str(source))
    return Case(str(source), data, file, developed(data))


def _cropped(file: RawFile, side: int) -> bytes:
    """The centre of a RAW file as a DNG; it begins where the colour filters begin."""
    period = len(file.recipe.cfa)
    height, width = (min(side, n) for n in file.mosaic.shape)
    top, left = ((n - cut) // (2 * period) * period for n, cut in zip(file.mosaic.shape, (height, width), strict=True))
    recipe = replace(file.recipe, height=height, width=width, crop=None, margins=(0, 0, 0, 0))
    mosaic = np.ascontiguousarray(file.mosaic[top : top + height, left : left + width])
    return b"".join(dng.encode(mosaic, recipe, None, None))


def evaluate(
    source: str | Path, options: RenderOptions, qualities: list[int], methods: Sequence[str] = (OURS,),
    *, crop: int = 0, baselines: Path | None = None, on_trip: OnTrip = ignored,
) -> list[dict]:  # fmt: skip
    """There and back at each quality by each method; one dictionary of figures each, dB unless named otherwise.

    crop: see `case`. baselines: the folder of what learned methods were trained to. on_trip: is called with every round trip.
    A method that cannot do the file has no figures, and says why under "note". Raises RawbackError for what cannot be read.
    """
    loaded = {name: method_of(name, baselines) for name in methods}
    chosen = case(source, crop)
    rows = []
    for name, method in loaded.items():
        for quality in qualities:
            row: dict[str, Any] = {"file": chosen.name, "method": name, "quality": quality}
            wanted = replace(options, quality=quality)
            try:
                trip = method(chosen.file, chosen.data, wanted)
            except CannotCompare as error:
                rows.append(row | {"note": str(error)})
                continue
            on_trip(chosen, quality, trip)
            rows.append(row | figures(chosen, trip, wanted))
    return rows


def by_codecs(case: Case) -> list[dict]:
    """The RAW codecs' figures at each of their settings; none where they are not installed, or for X-Trans."""
    if len(case.file.recipe.cfa) != 2:
        return []
    rows = []
    for codec in raw_codecs.available():
        for setting in raw_codecs.SETTINGS[codec]:
            size, mosaic = raw_codecs.code(case.file, codec, setting)
            known = {"file": case.name, "method": codec, "quality": setting}
            rows.append({**known, **_distances(case.file, mosaic, size)})
    return rows


def _distances(file: RawFile, recovered: np.ndarray, size: int) -> dict[str, float]:
    pair = file.mosaic, recovered
    return {
        "raw_db": metrics.paper_psnr(*pair, file.recipe),
        "lin_db": metrics.mosaic_psnr(*pair, file.recipe),
        "bits_per_photosite": size * 8 / file.mosaic.size,
    }


def figures(case: Case, trip: Trip, options: RenderOptions) -> dict[str, float]:
    """All that is measured of a round trip."""
    file, pair = case.file, (case.file.mosaic, trip.mosaic)
    return {
        **_distances(file, trip.mosaic, len(trip.jpeg)),
        **{f"{tone}_db": value for tone, value in metrics.by_tone(*pair, file.recipe).items()},
        **dict(zip(("bias_red_dn", "bias_green_dn", "bias_blue_dn"), metrics.black_bias(*pair, file.recipe), strict=True)),
        **{f"noise_{name}": ratio for name, ratio in metrics.noise_kept(*pair, file.recipe).items()},
        **_edits(case, trip.dng),
        **_picture(trip.jpeg, case.target, options),
    }


def edits(recipe: Recipe) -> dict[str, dict]:
    """LibRaw's options, by name, for developments with another exposure or white balance, at half size."""
    ways: dict[str, dict] = {f"{ev:+d}ev": {"half_size": True, "bright": 2.0**ev} for ev in EXPOSURES}
    for kelvin in (KELVIN - MOVED, KELVIN + MOVED):
        gains = recipe.gains * _answer(recipe, KELVIN) / _answer(recipe, kelvin)
        white = [*(gains / gains[1]).tolist(), 1.0]
        ways[f"{kelvin - KELVIN:+.0f}k"] = {"half_size": True, "user_wb": white, "use_camera_wb": False}
    return ways


def _edits(case: Case, recovered: bytes) -> dict[str, float]:
    """PSNR between developments of the two RAWs: what an editor sees who changes exposure or white balance."""
    ways = edits(case.file.recipe).items()
    return {f"edit_{name}_db": metrics.psnr(case.edited[name], developed(recovered, **how), 255) for name, how in ways}


def _answer(recipe: Recipe, kelvin: float) -> np.ndarray:
    """White-balanced camera RGB of a black body, green 1."""
    light = np.linalg.inv(SRGB_TO_XYZ) @ illuminant.black_body(kelvin)
    camera = np.linalg.inv(np.array(recipe.matrix)) @ light
    return np.maximum(camera, 0.05) / max(camera[1], 0.05)


def _picture(jpeg: bytes, target: np.ndarray, options: RenderOptions) -> dict[str, float]:
    """The picture against LibRaw's own rendering, and its size against that rendering's JPEG of the same quality."""
    picture = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg))).convert("RGB"))
    stream = io.BytesIO()
    Image.fromarray(target).save(stream, "JPEG", quality=options.quality, subsampling=options.subsampling)
    size = len(stream.getvalue())
    sizes = {"bytes": len(jpeg), "libraw_jpeg_bytes": size, "libraw_ratio": len(jpeg) / size}
    if picture.shape != target.shape:  # LibRaw stretches pixels that are not square
        return sizes | {"rgb_db": float("nan"), "ms_ssim": float("nan"), "de2000": float("nan")}
    grey = (_luma(pixels) for pixels in (picture, target))
    sparse = (perceptual.lab(p[::4, ::4] / 255) for p in (picture, target))
    difference = float(np.median(perceptual.delta_e_2000(*sparse)))
    return sizes | {"rgb_db": metrics.psnr(picture, target, 255), "ms_ssim": perceptual.ms_ssim(*grey), "de2000": difference}


def _luma(pixels: np.ndarray) -> np.ndarray:
    return np.asarray(sum(pixels[..., c] * (weight / 255) for c, weight in enumerate((0.299, 0.587, 0.114))))


def developed(data: bytes, **options: Any) -> np.ndarray:
    """LibRaw's rendering of a RAW file, upright, (H, W, 3) uint8; options are its own."""
    with rawpy.imread(io.BytesIO(data)) as file:
        return file.postprocess(**(LIBRAW | options))
