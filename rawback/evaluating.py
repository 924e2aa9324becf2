"""How good the round trip and the picture are, on the user's own RAW files."""

from __future__ import annotations

import io
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image, ImageOps

from rawback import likeness, metrics
from rawback.files import paths, raw
from rawback.files.raw import RawFile
from rawback.isp.colour import SRGB_TO_XYZ
from rawback.recipe import Recipe
from rawback.recovering import recover
from rawback.rendering import RenderOptions, render

LIBRAW = {"no_auto_bright": True, "adjust_maximum_thr": 0.0}
EXPOSURES = (-2, 2, 4)
KELVIN, MOVED = 5500.0, 2000.0
"""Editing moves white balance as if the light, taken for 5500 K, had been 2000 K lower or higher."""


def evaluate(source: str | Path, options: RenderOptions, qualities: list[int]) -> list[dict]:
    """Render and recover a RAW file at each quality; one dictionary of figures each, dB unless named otherwise.

    Raises RawbackError for what cannot be read.
    """
    data = paths.load(Path(source))
    file = raw.read(data, str(source))
    target = _developed(data)
    return [{"file": str(source), "quality": q} | _figures(file, data, target, replace(options, quality=q)) for q in qualities]


def _figures(file: RawFile, data: bytes, target: np.ndarray, options: RenderOptions) -> dict:
    rendered = render(file, options)
    with tempfile.TemporaryDirectory(prefix="rawback-") as folder:
        jpeg = Path(folder, "photo.jpg")
        jpeg.write_bytes(rendered.data)
        recovered = recover(jpeg)
    pair = file.mosaic, recovered.mosaic
    return {
        "raw_db": metrics.paper_psnr(*pair, file.recipe),
        "lin_db": metrics.mosaic_psnr(*pair, file.recipe),
        **{f"{tone}_db": value for tone, value in metrics.by_tone(*pair, file.recipe).items()},
        **dict(zip(("bias_red_dn", "bias_green_dn", "bias_blue_dn"), metrics.black_bias(*pair, file.recipe), strict=True)),
        **_edits(data, b"".join(recovered.dng()), file.recipe),
        **_picture(rendered.data, target, options),
        "bits_per_photosite": len(rendered.data) * 8 / file.mosaic.size,
    }


def _edits(original: bytes, recovered: bytes, recipe: Recipe) -> dict[str, float]:
    """PSNR between developments of the two RAWs: what an editor sees who changes exposure or white balance."""
    found = {}
    for ev in EXPOSURES:
        found[f"edit_{ev:+d}ev_db"] = _psnr8(*(_developed(d, half_size=True, bright=2.0**ev) for d in (original, recovered)))
    for kelvin in (KELVIN - MOVED, KELVIN + MOVED):
        gains = recipe.gains * _answer(recipe, KELVIN) / _answer(recipe, kelvin)
        moved = {"user_wb": [*(gains / gains[1]).tolist(), 1.0], "use_camera_wb": False, "half_size": True}
        found[f"edit_{kelvin - KELVIN:+.0f}k_db"] = _psnr8(*(_developed(d, **moved) for d in (original, recovered)))
    return found


def _answer(recipe: Recipe, kelvin: float) -> np.ndarray:
    """White-balanced camera RGB of a black body, green 1 (Planck's law through the CIE locus of Kim et al. 2002)."""
    t = 1e3 / kelvin
    if kelvin > 4000:
        x = 0.24039 + t * (0.2226347 + t * (2.1070379 - 3.0258469 * t))
    else:
        x = 0.17991 + t * (0.8776956 - t * (0.234358 + 0.2661239 * t))
    y = -0.37001483 + x * (3.75112997 + x * (-5.87338670 + 3.0817580 * x))
    if kelvin <= 4000:
        y = -0.16748867 + x * (2.09137015 + x * (-1.37418593 - 0.9549476 * x))
    xyz = np.array([x / y, 1, (1 - x - y) / y])
    camera = np.linalg.inv(np.array(recipe.matrix)) @ np.linalg.inv(SRGB_TO_XYZ) @ xyz
    return np.maximum(camera, 0.05) / max(camera[1], 0.05)


def _picture(jpeg: bytes, target: np.ndarray, options: RenderOptions) -> dict[str, float]:
    """The picture against LibRaw's own rendering, and its size against that rendering's JPEG of the same quality."""
    shown = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(jpeg))).convert("RGB"))
    stream = io.BytesIO()
    Image.fromarray(target).save(stream, "JPEG", quality=options.quality, subsampling=options.subsampling)
    found = {"bytes": len(jpeg), "libraw_jpeg_bytes": len(stream.getvalue())}
    if shown.shape != target.shape:  # LibRaw stretches pixels that are not square
        return found | {"rgb_db": float("nan"), "ms_ssim": float("nan"), "de2000": float("nan")}
    grey = (shown @ [0.299, 0.587, 0.114] / 255, target @ [0.299, 0.587, 0.114] / 255)
    sparse = (likeness.lab(p[::4, ::4] / 255) for p in (shown, target))
    difference = float(np.median(likeness.delta_e_2000(*sparse)))
    return found | {"rgb_db": _psnr8(shown, target), "ms_ssim": likeness.ms_ssim(*grey), "de2000": difference}


def _developed(data: bytes, **options) -> np.ndarray:
    with rawpy.imread(io.BytesIO(data)) as file:
        return file.postprocess(**(LIBRAW | {"use_camera_wb": True} | options))


def _psnr8(a: np.ndarray, b: np.ndarray) -> float:
    return metrics.psnr(a / 255, b / 255)


COLUMNS = {
    "raw_db": "raw dB", "lin_db": "lin dB", "shadows_db": "shadows", "midtones_db": "mid", "highlights_db": "high",
    "edit_-2ev_db": "-2 EV", "edit_+2ev_db": "+2 EV", "edit_+4ev_db": "+4 EV", "edit_-2000k_db": "-2000 K",
    "edit_+2000k_db": "+2000 K", "rgb_db": "rgb dB", "ms_ssim": "MS-SSIM", "de2000": "DE2000", "bits_per_photosite": "bits",
}  # fmt: skip


def mean(rows: list[dict]) -> dict:
    """Mean over files of each figure, nan passed over."""
    names = [name for name in rows[0] if name not in ("file", "quality")]
    values = {name: np.array([row[name] for row in rows], float) for name in names}
    return {n: float(np.nanmean(v)) if np.isfinite(v).any() else float("nan") for n, v in values.items()}


def table(rows: list[dict]) -> str:
    """Figures per file and quality, then the mean of the files at each quality: a rate-distortion table."""
    by_quality = {q: [row for row in rows if row["quality"] == q] for q in dict.fromkeys(row["quality"] for row in rows)}
    means = [{"file": f"mean of {len(part)}", "quality": q} | mean(part) for q, part in by_quality.items()]
    lines = [f"{'file':28} {'q':>3} " + " ".join(f"{title:>8}" for title in COLUMNS.values()) + "  x LibRaw JPEG"]
    for row in [*rows, *means]:
        figures = " ".join(f"{row[name]:8.4f}" if name == "ms_ssim" else f"{row[name]:8.2f}" for name in COLUMNS)
        ratio = row["bytes"] / row["libraw_jpeg_bytes"]
        lines.append(f"{Path(row['file']).name[-28:]:28} {row['quality']:3} {figures}  {ratio:.2f}")
    return "\n".join(lines)
