"""Draws the picture of the README: a JPEG, and what its recovered RAW still knows when exposure is changed.

python benchmarks/figures.py [RAW] -o docs/before_after.jpg
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image, ImageDraw

import rawback

CROPS = {"+3 EV": (3.0, (180, 860, 580, 1160)), "+4 EV": (4.0, (1340, 860, 1740, 1160))}


def developed(dng: bytes, ev: float) -> np.ndarray:
    """LibRaw's rendering at an exposure."""
    with rawpy.imread(io.BytesIO(dng)) as raw:
        return raw.postprocess(use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0.0, user_flip=0, bright=2**ev)


def regraded(jpeg: bytes, ev: float) -> np.ndarray:
    """What an editor does with the 8-bit JPEG alone: undo the curve, scale, apply it again."""
    codes = np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")) / 255
    linear = np.where(codes < 0.081, codes / 4.5, ((codes + 0.099) / 1.099) ** (1 / 0.45)) * 2**ev
    codes = np.where(linear < 0.018, linear * 4.5, 1.099 * np.maximum(linear, 1e-9) ** 0.45 - 0.099)
    return np.rint(np.clip(codes, 0, 1) * 255).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("raw", nargs="?", default="tests/data/sample.dng")
    parser.add_argument("-o", "--output", default="docs/before_after.jpg")
    args = parser.parse_args()
    original = Path(args.raw).read_bytes()
    ordinary = Image.fromarray(developed(original, 0))
    stream = io.BytesIO()
    ordinary.save(stream, "JPEG", quality=92, subsampling=0)
    rendered = rawback.render(args.raw, rawback.RenderOptions(look="libraw", exposure=0.0))
    jpeg = Path(args.output).with_suffix(".tmp.jpg")
    jpeg.write_bytes(rendered.data)
    recovered = b"".join(rawback.recover(jpeg).dng())
    jpeg.unlink()
    sheet = Image.new("RGB", (3 * 400 + 40, len(CROPS) * 330 + 10), "white")
    draw = ImageDraw.Draw(sheet)
    for row, (title, (ev, box)) in enumerate(CROPS.items()):
        pictures = {
            f"ordinary JPEG ({len(stream.getvalue()) // 1000} kB)": regraded(stream.getvalue(), ev),
            f"rawback's JPEG, recovered ({len(rendered.data) // 1000} kB)": developed(recovered, ev),
            f"the original RAW ({len(original) // 1000} kB)": developed(original, ev),
        }
        for column, (label, pixels) in enumerate(pictures.items()):
            at = (10 + column * 410, 25 + row * 330)
            sheet.paste(Image.fromarray(pixels).crop(box), at)
            draw.text((at[0], at[1] - 18), f"{label}, {title}", fill="black")
    sheet.save(args.output, quality=88)


if __name__ == "__main__":
    main()
