"""The paper's applications, measured: retouching, tone mapping of high dynamic range, storage. Prints tables in Markdown.

    python benchmarks/applications.py [RAW...] [-o FOLDER]

Each file is edited three ways: the true RAW (what the others are compared with), the RAW recovered from rawback's JPEG, and an
ordinary JPEG of LibRaw's rendering with the same bytes, whose 8 bits are brought back to linear light as an editor does it.
Edits are exposure and white balance by LibRaw, and a tone mapping that halves the contrast of large areas and keeps that of
small ones. With -o the pictures of the first file are written there: retouching.jpg and tone_mapping.jpg. Needs scipy.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image, ImageDraw
from scipy.ndimage import uniform_filter

from rawback import RenderOptions, metrics, render
from rawback.evaluate import methods
from rawback.files import raw
from rawback.files.raw import RawFile

QUALITY = 87
EDITS = {"-2 EV": (0.25, (1, 1, 1)), "+2 EV": (4, (1, 1, 1)), "warmer": (1, (1.25, 1, 0.75)), "cooler": (1, (0.8, 1, 1.3))}
"""Name: factor of exposure, factors of the white balance."""
COMPRESSED, RADIUS, EDGE = 0.5, 0.03, 0.15
"""Contrast kept of large areas; their size, as a share of the picture's; log2 contrast from which an edge stays one."""
WAYS = "the original RAW", "rawback's JPEG, recovered", "an ordinary JPEG"


@dataclass
class Sources:
    """A file three times."""

    file: RawFile
    original: bytes
    recovered: bytes
    rendered: bytes
    """rawback's JPEG."""
    ordinary: bytes
    """The largest JPEG of LibRaw's rendering that is no larger."""

    def edited(self, factor: float, balance: tuple[float, float, float]) -> list[np.ndarray]:
        """Each way, (H, W, 3) uint8 as the RAW lies."""
        developed = [np.rint(curve(self.light(dng, factor, balance)) * 255) for dng in (self.original, self.recovered)]
        return [*developed, np.rint(curve(self.picture(factor, balance)) * 255)]

    def light(self, dng: bytes, factor: float, balance: tuple[float, float, float] = (1, 1, 1)) -> np.ndarray:
        """LibRaw's linear sRGB 0..1 of a RAW."""
        gains = self.file.recipe.gains / self.file.recipe.gains[1] * np.array(balance)
        with rawpy.imread(io.BytesIO(dng)) as opened:
            pixels = opened.postprocess(
                user_wb=[*gains.tolist(), 1.0], no_auto_bright=True, adjust_maximum_thr=0.0, user_flip=0, bright=factor,
                gamma=(1, 1), output_bps=16,
            )  # fmt: skip
        return pixels.astype(np.float32) / 65535

    def picture(self, factor: float, balance: tuple[float, float, float] = (1, 1, 1)) -> np.ndarray:
        """Linear sRGB 0..1 of the ordinary JPEG, edited: where the RAW's white would go, the picture's goes."""
        codes = np.asarray(Image.open(io.BytesIO(self.ordinary)).convert("RGB")) / 255
        light = np.where(codes < 0.0812428, codes / 4.5, ((codes + 0.0992968) / 1.0992968) ** (1 / 0.45))
        moved = np.array(self.file.recipe.matrix) @ np.array(balance)
        return np.clip(light * moved * factor, 0, 1).astype(np.float32)


def curve(light: np.ndarray) -> np.ndarray:
    """BT.709's, as LibRaw applies it."""
    light = np.clip(light, 0, 1)
    return np.where(light < 0.018054, light * 4.5, 1.0992968 * np.maximum(light, 1e-9) ** 0.45 - 0.0992968)


def sources(path: Path) -> Sources:
    """Render and recover a file, and make the ordinary JPEG."""
    data = path.read_bytes()
    file = raw.read(data, str(path))
    trip = methods.method(methods.OURS)(file, data, RenderOptions(look="libraw", exposure=0.0, quality=QUALITY))
    with rawpy.imread(io.BytesIO(data)) as opened:
        rendering = Image.fromarray(opened.postprocess(user_flip=0, **methods.LIBRAW))
    low, high = 1, 100
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_jpeg(rendering, middle)) <= len(trip.jpeg) else (low, middle - 1)
    return Sources(file, data, trip.dng, trip.jpeg, _jpeg(rendering, low))


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "JPEG", quality=quality, subsampling=0)
    return stream.getvalue()


def tone_mapped(light: np.ndarray) -> np.ndarray:
    """Linear (H, W, 3) -> (H, W, 3) uint8: large areas nearer to one another by a guided filter of log luminance."""
    luminance = np.maximum(light @ np.array([0.2126, 0.7152, 0.0722], np.float32), 2**-12)
    log = np.log2(luminance)
    size = max(int(RADIUS * max(log.shape)), 1) * 2 + 1
    mean = uniform_filter(log, size)
    variance = uniform_filter(log * log, size) - mean**2
    slope = variance / (variance + EDGE)
    base = uniform_filter(slope, size) * log + uniform_filter(mean - slope * mean, size)
    top = np.percentile(base, 99)
    factor = 2 ** ((base - top) * (COMPRESSED - 1))
    return np.rint(curve(light * factor[..., None] * 2 ** -min(top + 0.5, 0)) * 255)


def mapped(source: Sources) -> list[np.ndarray]:
    """Each way tone-mapped; RAWs at an exposure that leaves room for what is brighter than the picture's white."""
    room = float(2 ** -np.log2(source.file.recipe.gains.max()))
    lights = [source.light(dng, room) for dng in (source.original, source.recovered)]
    return [tone_mapped(light / room) for light in lights] + [tone_mapped(source.picture(1))]


def distances(pictures: list[np.ndarray]) -> list[float]:
    """dB of the others from the first."""
    if any(picture.shape != pictures[0].shape for picture in pictures):
        return [float("nan")] * (len(pictures) - 1)
    return [metrics.psnr(pictures[0] / 255, other / 255) for other in pictures[1:]]


def storage(source: Sources) -> list[float]:
    """Bytes per photosite of the RAW beside an ordinary JPEG of quality 92, of rawback's JPEG, and of its lossless one."""
    with rawpy.imread(io.BytesIO(source.original)) as opened:
        beside = len(_jpeg(Image.fromarray(opened.postprocess(user_flip=0, **methods.LIBRAW)), 92))
    kept = render(
        raw.read(source.original, "RAW", whole=True), RenderOptions(look="libraw", exposure=0.0, quality=75, lossless=True)
    ).data
    sizes = len(source.original) + beside, len(source.rendered), len(kept)
    return [size / source.file.mosaic.size for size in sizes]


def sheet(rows: dict[str, list[np.ndarray]], box: tuple[int, int, int, int], scale: float) -> Image.Image:
    """Crops side by side, a row for each edit, with what they are above them."""
    cells = {name: [Image.fromarray(p.astype(np.uint8)).crop(box) for p in pictures] for name, pictures in rows.items()}
    size = tuple(round(n * scale) for n in next(iter(cells.values()))[0].size)
    made = Image.new("RGB", (3 * (size[0] + 8) - 8, len(rows) * (size[1] + 22)), "white")
    draw = ImageDraw.Draw(made)
    for row, (name, crops) in enumerate(cells.items()):
        for column, crop in enumerate(crops):
            at = column * (size[0] + 8), row * (size[1] + 22)
            draw.text((at[0] + 2, at[1] + 5), f"{name}: {WAYS[column]}", fill="black")
            made.paste(crop.resize(size, Image.Resampling.LANCZOS), (at[0], at[1] + 20))
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="*", type=Path, default=[Path("tests/data/sample.dng")])
    parser.add_argument("-o", "--output", type=Path)
    args = parser.parse_args()
    edits: dict[str, list[list[float]]] = {name: [] for name in (*EDITS, "tone mapping")}
    stored = []
    for number, path in enumerate(args.raw):
        source = sources(path)
        pictures = {name: source.edited(*how) for name, how in EDITS.items()} | {"tone mapping": mapped(source)}
        for name, pair in pictures.items():
            edits[name].append(distances(pair))
        stored.append(storage(source))
        if args.output and number == 0:
            height, width = pictures["tone mapping"][0].shape[:2]
            box = width // 2, height // 4, width, height * 3 // 4
            retouched = {name: pictures[name] for name in ("-2 EV", "+2 EV", "warmer")}
            sheet(retouched, box, 360 / (box[2] - box[0])).save(args.output / "retouching.jpg", quality=85)
            whole = sheet({"tone mapping": pictures["tone mapping"]}, (0, 0, width, height), 360 / width)
            whole.save(args.output / "tone_mapping.jpg", quality=85)
    print(
        f"| {len(args.raw)} file(s), dB to the same edit of the true RAW | {WAYS[1]} | {WAYS[2]} of its size |\n|---|---|---|"
    )
    for name, rows in edits.items():
        print("| {} | {:.2f} | {:.2f} |".format(name, *np.nanmean(rows, 0)))
    print("\n| bytes per photosite | RAW beside a JPEG | rawback's JPEG | the same, lossless |\n|---|---|---|---|")
    print("| mean | {:.3f} | {:.3f} | {:.3f} |".format(*np.mean(stored, 0)))


if __name__ == "__main__":
    main()
