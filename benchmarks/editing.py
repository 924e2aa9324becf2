"""How a photo's RAW edits: `python benchmarks/editing.py RAW... [--pair CAMERA.JPG RAW] [--qualities 80 85 90 95 97]`.

Each RAW becomes a camera's JPEG (`camera_jpegs`), and each JPEG is edited in linear light as four files:
(a) the JPEG with sRGB's curve undone, (b) its look undone only (`recover --weights none`), (c) `recover`, (d) the RAW itself;
b, c and d as LibRaw renders them. Edits: +3 EV, -2 EV, white balance for 3200 K and 8000 K, local contrast. Told are dB in
sRGB between the edited picture and the edited RAW, both brought to half size (what a demosaicing makes up is no matter here),
after one gain; where neither the photo nor the RAW is clipped, and for -2 EV where the photo is and the RAW is not, in all and
for parts with some of their channels clipped and with all of them on their own; then, at
full size after +3 EV, how much stronger steps are at the borders of 8x8 blocks than within (in levels of 8 bits), and the
noise of flat parts (c over d).
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import camera_jpegs
import numpy as np
import rawpy
from PIL import Image
from scipy import ndimage

from rawback.cameras.cards import NO_WEIGHTS
from rawback.files import photo as photos
from rawback.files import raw as raws
from rawback.isp.colour import srgb_light
from rawback.isp.tone import LUMINANCE
from rawback.options.recover import RecoverOptions
from rawback.picture import upright
from rawback.recovering import from_photo

QUALITIES, SUBSAMPLINGS = (80, 85, 90, 95, 97), ("4:2:0", "4:2:2")
JUDGED = (80, 95)
"""Qualities that the mean is over, from and to."""
WHITES = {3200: (1.0, 0.517, 0.194), 8000: (0.766, 0.802, 1.0)}
"""Linear sRGB of black bodies, from their CIE 1931 chromaticities."""
UNCLIPPED = 0.98
BORDER = 16
"""Pixels along the border that are not looked at."""
Edit = Callable[[np.ndarray], np.ndarray]


def _to_white(kelvin: int) -> Edit:
    gains = 1 / np.array(WHITES[kelvin], np.float32)
    gains /= gains @ LUMINANCE.astype(np.float32)
    return lambda light: light * gains


def _local_contrast(light: np.ndarray) -> np.ndarray:
    luminance = np.maximum(light @ LUMINANCE.astype(np.float32), 1e-4)
    around = ndimage.gaussian_filter(luminance, len(light) / 50)
    return light * np.sqrt(luminance / around)[..., None]


EDITS: dict[str, Edit] = {
    "+3 EV": lambda light: light * 8, "-2 EV": lambda light: light / 4, "3200 K": _to_white(3200), "8000 K": _to_white(8000),
    "local": _local_contrast,
}  # fmt: skip
METHODS = ("a", "b", "c")
CLIPPED = ("clipped", "partly", "fully")
"""Where the photo has a channel at white; where it has others below; where it has not."""
CUT = 250
"""Code above which a channel is clipped."""


@dataclass
class Row:
    """Figures of one photo."""

    quality: int
    decibels: dict[str, dict[str, float]]
    """By method and edit; and by CLIPPED: -2 EV where the photo is."""
    blocks: dict[str, float]
    """By method, the RAW's too."""
    noise: dict[str, float]
    """Of flat parts over the RAW's, by method."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("raws", nargs="*", type=Path)
    parser.add_argument("--pair", nargs=2, type=Path, action="append", default=[], metavar=("JPEG", "RAW"))
    parser.add_argument("--qualities", nargs="+", type=int, default=QUALITIES)
    parser.add_argument("--subsamplings", nargs="+", default=SUBSAMPLINGS)
    parser.add_argument("--weights", help="of (c)")
    parser.add_argument("--camera", help="card of the look of pairs, of (b) and (c)")
    args = parser.parse_args()
    print("dB after the edit, a/b/c; steps at block borders, a/b/c/d; noise over the RAW's, a/b/c")
    rows = []
    for scene in camera_jpegs.scenes(args.raws):
        real = rendered(scene.data)
        y, x = scene.at
        real = real[y : y + scene.codes.shape[1], x : x + scene.codes.shape[2]]
        for quality in args.qualities:
            for subsampling in args.subsamplings:
                row = measured(scene.jpeg(quality, subsampling), real, quality, args.weights)
                print(f"{scene.name[:22]:22} {quality:3} {subsampling}  {_text(row)}", flush=True)
                rows.append(row)
    for jpeg, raw in args.pair:
        row = measured(jpeg.read_bytes(), as_seen(raw.read_bytes()), 0, args.weights, args.camera)
        print(f"{jpeg.name[:22]:22} as shot   {_text(row)}")
    _summary([row for row in rows if JUDGED[0] <= row.quality <= JUDGED[1]])


def rendered(data: bytes) -> np.ndarray:
    """Linear sRGB (H, W, 3) float32 of a RAW file by LibRaw, as the sensor lies."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        options = {"use_camera_wb": True, "no_auto_bright": True, "adjust_maximum_thr": 0.0, "gamma": (1, 1), "user_flip": 0}
        return raw.postprocess(output_bps=16, **options).astype(np.float32) / 65535


def as_seen(data: bytes) -> np.ndarray:
    """The same, turned as its camera's JPEG lies, if that is not turned itself."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        orientation = raws.FLIP_TO_ORIENTATION[raw.sizes.flip]
    return np.ascontiguousarray(upright(rendered(data), orientation))


def recovered(data: bytes, weights: str | None, camera: str | None = None) -> np.ndarray:
    """Linear sRGB (H, W, 3) of the DNG that `recover` makes, without its margin."""
    photo = photos.read(data, "photo.jpg")
    result = from_photo(photo, "photo.jpg", RecoverOptions(weights=weights, camera=camera))
    light = rendered(b"".join(bytes(chunk) for chunk in result.dng(compress=False)))
    height, width = photo.picture.height, photo.picture.width
    y, x = ((a - b) // 2 for a, b in zip(light.shape, (height, width), strict=False))
    return light[y : y + height, x : x + width]


def measured(data: bytes, real: np.ndarray, quality: int, weights: str | None, camera: str | None = None) -> Row:
    """A JPEG's figures beside the RAW (H, W, 3) of the same shot, as `rendered`."""
    with Image.open(io.BytesIO(data)) as image:
        codes = np.asarray(image.convert("RGB"))
    plain = srgb_light(codes / 255.0).astype(np.float32)
    light = {"a": plain, "b": recovered(data, NO_WEIGHTS, camera), "c": recovered(data, weights, camera)}
    half = {name: _half(full) for name, full in (light | {"d": real}).items()}
    cut = _half((np.stack([codes.max(-1), codes.min(-1)], -1) > CUT).astype(np.float32)) > 0  # some channel, every channel
    half, cuts = _laid(half, cut)
    cut, fully = cuts[..., 0], cuts[..., 1]
    truth, usable = half["d"], half["d"].max(-1) < UNCLIPPED
    decibels: dict[str, dict[str, float]] = {}
    noise = {}
    for name in METHODS:
        keep = usable & ~cut
        gain = (half[name] * truth)[keep].sum() / np.square(half[name][keep]).sum()
        light[name] = light[name] * gain
        matched = half[name] * gain
        decibels[name] = {edit: _psnr(change, matched, truth, keep) for edit, change in EDITS.items()}
        parts = zip(CLIPPED, (cut, cut & ~fully, cut & fully), strict=True)
        decibels[name] |= {part: _psnr(EDITS["-2 EV"], matched, truth, usable & where) for part, where in parts}
        noise[name] = _grain(matched, truth)
    blocks = {name: blocking(full) for name, full in (light | {"d": real}).items()}
    return Row(quality, decibels, blocks, noise)


def _half(light: np.ndarray) -> np.ndarray:
    height, width = (side // 2 * 2 for side in light.shape[:2])
    return light[:height, :width].reshape(height // 2, 2, width // 2, 2, -1).mean((1, 3))


def _laid(half: dict[str, np.ndarray], cut: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Photo and RAW laid over each other by whole pixels (phase correlation), without a border."""
    photo, real = half["a"], half["d"]
    height, width = (min(a, b) for a, b in zip(photo.shape[:2], real.shape[:2], strict=True))
    edges = [np.hypot(*np.gradient(np.log(x[:height, :width, 1] + 1e-3))) for x in (photo, real)]
    cross = np.fft.rfft2(edges[0]) * np.conj(np.fft.rfft2(edges[1]))
    peak = np.fft.irfft2(cross / (np.abs(cross) + 1e-9), s=(height, width))
    y, x = np.unravel_index(np.argmax(peak), peak.shape)
    dy, dx = (int(n - side) if n > side // 2 else int(n) for n, side in ((y, height), (x, width)))
    from_y, from_x = BORDER + max(-dy, 0), BORDER + max(-dx, 0)
    rows, columns = height - 2 * BORDER - abs(dy), width - 2 * BORDER - abs(dx)

    def part(plane: np.ndarray, y: int, x: int) -> np.ndarray:
        return plane[from_y + y : from_y + y + rows, from_x + x : from_x + x + columns]

    return {name: part(x, 0, 0) if name == "d" else part(x, dy, dx) for name, x in half.items()}, part(cut, dy, dx)


def _psnr(change: Edit, photo: np.ndarray, real: np.ndarray, where: np.ndarray) -> float:
    if np.count_nonzero(where) < 64:
        return float("nan")
    ours, theirs = change(photo), change(real)
    where = where & (theirs.max(-1) < UNCLIPPED)
    if np.count_nonzero(where) < 64:
        return float("nan")
    return float(-10 * np.log10(max(np.mean(np.square(_encoded(ours[where]) - _encoded(theirs[where]))), 1e-10)))


def _encoded(light: np.ndarray) -> np.ndarray:
    x = np.clip(light, 0, 1)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-9) ** (1 / 2.4) - 0.055)


def _grain(photo: np.ndarray, real: np.ndarray) -> float:
    """Fine differences (std) in the quietest fifth of the RAW's 8x8 blocks, over the RAW's own."""
    fine = [_blocks((x := _encoded(light)[..., 1]) - ndimage.gaussian_filter(x, 1.0)) for light in (photo, real)]
    quiet = fine[1] <= np.quantile(fine[1], 0.2)
    return float(np.sqrt(fine[0][quiet].mean() / max(fine[1][quiet].mean(), 1e-12)))


def _blocks(fine: np.ndarray) -> np.ndarray:
    m, n = (side // 8 for side in fine.shape)
    return np.square(fine[: m * 8, : n * 8]).reshape(m, 8, n, 8).mean((1, 3))


def blocking(light: np.ndarray) -> float:
    """Steps in luminance at borders of 8x8 blocks beyond those within, after +3 EV, in levels: mean of both directions."""
    luma = 255 * _encoded(EDITS["+3 EV"](light) @ LUMINANCE.astype(np.float32))
    return (_steps(luma) + _steps(luma.T)) / 2


def _steps(luma: np.ndarray) -> float:
    """Between columns; compared with those of the same parity, as a demosaicing makes steps of its own."""
    width = luma.shape[1] // 8 * 8
    step = np.abs(np.diff(luma, axis=1))[:, : width - 1]
    step[luma[:, : width - 1] > 250] = np.nan
    return float(np.nanmean(step[:, 7::8]) - np.nanmean([np.nanmean(step[:, at::8]) for at in (1, 3, 5)]))


def _text(row: Row) -> str:
    edits = "  ".join(f"{e} " + "/".join(f"{row.decibels[m][e]:.2f}" for m in METHODS) for e in (*EDITS, *CLIPPED))
    blocks, noise = ("/".join(f"{v:.2f}" for v in values.values()) for values in (row.blocks, row.noise))
    return f"{edits}  blocks {blocks}  noise {noise}"


def _summary(rows: list[Row]) -> None:
    """Means over the judged qualities, and the worst that restoration did to any file."""
    if not rows:
        return
    print(f"\nmean of {len(rows)} photos, qualities {JUDGED[0]} to {JUDGED[1]}")
    for edit in (*EDITS, *CLIPPED):
        told = [row for row in rows if np.isfinite(row.decibels["c"][edit])]
        if not told:
            continue
        mean = {m: np.mean([row.decibels[m][edit] for row in told]) for m in METHODS}
        worst = min(row.decibels["c"][edit] - row.decibels["b"][edit] for row in told)
        figures = "  ".join(f"{m} {value:6.2f}" for m, value in mean.items())
        print(f"{edit:8} {figures}  c - b {mean['c'] - mean['b']:+.2f}, worst {worst:+.2f}  c - a {mean['c'] - mean['a']:+.2f}")
    blocks = {m: np.mean([row.blocks[m] for row in rows]) for m in (*METHODS, "d")}
    print("blocks   " + "  ".join(f"{m} {value:6.2f}" for m, value in blocks.items()))
    print("noise    " + "  ".join(f"{m} {np.mean([row.noise[m] for row in rows]):6.2f}" for m in METHODS))


if __name__ == "__main__":
    main()
