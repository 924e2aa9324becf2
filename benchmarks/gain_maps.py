#!/usr/bin/env python3
"""How near gain maps come to the light that they tell: in photos that become RAW, and in RAW that become photos.

    python benchmarks/gain_maps.py FILE...

Of a JPEG or HEIC with a gain map: LibRaw's linear rendering of the recovered DNG against the HDR picture that the standard's
formula makes of base and map (ISO 21496-1; decoded and upsampled here by Pillow, by code of its own), after one gain, peak =
the brightest of it. Of a RAW: base x map of `render --hdr`, read by the XMP in the file, against LibRaw's linear rendering of
the RAW at the picture's exposure, pixel by pixel where that is above white, light cut at the headroom, which is the peak; that
the file without its map is the file rendered without `--hdr`; and what Pillow, exiftool and a parser of MPF say.
"""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image

from rawback import RenderOptions, recover, render
from rawback.files import photo as photos
from rawback.isp.colour import curve_of, srgb_light
from rawback.isp.colour_profile import SRGB_TO_D50

LINEAR = {
    "use_camera_wb": True, "no_auto_bright": True, "gamma": (1, 1), "output_bps": 16, "adjust_maximum_thr": 0.0, "user_flip": 0,
}  # fmt: skip
HDR = b"http://ns.adobe.com/hdr-gain-map/1.0/"
MPF = b"MPF\0"
GAINS = np.geomspace(0.25, 4, 161)


def decibels(a: np.ndarray, b: np.ndarray, peak: float) -> float:
    """PSNR of light (n, 3) and (n, 3)."""
    return float(-10 * np.log10(max(np.mean((a - b) ** 2), 1e-12) / peak**2))


def rendered(data: bytes, whole: bool = False, **more: object) -> np.ndarray:
    """LibRaw's linear sRGB of a RAW file, (H, W, 3), its crop or all that is visible."""
    with rawpy.imread(io.BytesIO(data)) as raw:
        s = raw.sizes
        light = raw.postprocess(**LINEAR, **more).astype(np.float32) / 65535
    if not whole and s.crop_width and s.crop_height < light.shape[0]:
        light = light[s.crop_top_margin :, s.crop_left_margin :][: s.crop_height, : s.crop_width]
    return light


def into(path: Path) -> str:
    """Of a photo with a gain map."""
    photo = photos.read(path.read_bytes(), path.name)
    gain_map = photo.gain_map
    if gain_map is None:
        return f"{path.name[:28]:28} no gain map"
    recovered = recover(path)
    light = rendered(b"".join(map(bytes, recovered.dng())))
    base = Image.open(path) if path.suffix.lower() != ".heic" else Image.fromarray(photo.picture.values.astype(np.uint8))  # type: ignore[union-attr]
    profile = photos.profile(photo)
    base_light = srgb_light(np.asarray(base.convert("RGB"), np.float32) / 255)
    codes = gain_map.codes if gain_map.codes.dtype == np.float32 else gain_map.codes / np.float32(255)
    planes = [Image.fromarray(np.ascontiguousarray(codes[..., c], np.float32)) for c in range(codes.shape[2])]
    grown = np.stack([np.asarray(p.resize(base.size, Image.Resampling.BICUBIC)) for p in planes], -1).clip(0, 1)
    low, high, gamma, below, above = (
        np.array(v, np.float32)
        for v in (gain_map.low, gain_map.high, gain_map.gamma, gain_map.base_offset, gain_map.lit_offset)
    )
    told = (base_light + below) * 2 ** (low + (high - low) * grown ** (1 / gamma)) - above
    if profile is not None:
        told = told @ (np.linalg.inv(SRGB_TO_D50) @ profile.to_d50).T.astype(np.float32)
    height, width = min(told.shape[0], light.shape[0]), min(told.shape[1], light.shape[1])
    told, light = told[:height:2, :width:2].reshape(-1, 3).clip(0), light[:height:2, :width:2].reshape(-1, 3)
    peak = float(np.quantile(told, 0.9999))
    top = float(told.max() / max(light.max(), 1e-6))
    best = max(decibels(told, light * top * g, peak) for g in GAINS)
    return f"{path.name[:28]:28} in  {best:6.2f} dB, peak {peak:.2f} times white"


def out_of(path: Path) -> str:
    """Of a RAW."""
    options = RenderOptions(hdr=True, look="libraw")
    picture = render(path, options)
    parts = places(picture.data)
    if len(parts) < 2:
        return f"{path.name[:28]:28} out: nothing brighter than white"
    base, lit = (np.asarray(Image.open(io.BytesIO(part)).convert("RGB"), np.float32) for part in parts)
    fields = dict(re.findall(rb'hdrgm:(\w+)="([^"]*)"', parts[1]))
    most, offset = float(fields[b"GainMapMax"]), float(fields[b"OffsetSDR"])
    planes = [Image.fromarray(np.ascontiguousarray(lit[..., c])) for c in range(3)]
    grown = np.stack([np.asarray(plane.resize(base.shape[1::-1], Image.Resampling.BICUBIC)) for plane in planes], -1) / 255
    shown = (srgb_light(base / 255) + offset) * 2 ** (most * grown.clip(0, 1)) - offset
    camera = rendered(path.read_bytes(), whole=True, output_color=rawpy.ColorSpace.raw)
    white = curve_of(picture.recipe).light(np.ones(1, np.float32))
    light = camera @ np.array(picture.recipe.matrix, np.float32).T * np.float32(2**picture.recipe.exposure) / white
    height, width = min(shown.shape[0], light.shape[0]), min(shown.shape[1], light.shape[1])
    shown, light = shown[:height, :width], light[:height, :width].clip(0, 2**most)
    bright = (light > 1).any(-1)
    db = decibels(shown[bright], light[bright], 2**most)
    checks = "".join(c if good else c.upper() + "!" for c, good in readers(picture.data, parts, path).items())
    told = f"{bright.mean():6.2%} above white, {most:.2f} stops, {len(parts[1])} bytes"
    return f"{path.name[:28]:28} out {db:6.2f} dB in {told}; {checks}"


def places(data: bytes) -> list[bytes]:
    """The pictures of an MPF index (CIPA DC-007), by code of its own."""
    at = 2
    while data[at + 1] != 0xDA:
        size = struct.unpack_from(">H", data, at + 2)[0]
        if data[at + 1] == 0xE2 and data[at + 4 : at + 8] == MPF:
            tiff = at + 8
            count = struct.unpack_from(">H", data, tiff + 8)[0]
            tags = {struct.unpack_from(">H", data, tiff + 10 + 12 * i)[0]: tiff + 10 + 12 * i for i in range(count)}
            entries = tiff + struct.unpack_from(">I", data, tags[0xB002] + 8)[0]
            pictures = struct.unpack_from(">I", data, tags[0xB001] + 8)[0]
            found = [struct.unpack_from(">III", data, entries + 16 * i) for i in range(pictures)]
            return [data[tiff + where if where else 0 :][:length] for _, length, where in found]
        at += 2 + size
    return [data]


def readers(data: bytes, parts: list[bytes], path: Path) -> dict[str, bool]:
    """What others find: Pillow two pictures, exiftool the map's numbers and its place, and the base as it is without."""
    with Image.open(io.BytesIO(data)) as image:
        by_pillow = image._getmp()[0xB001] == 2  # type: ignore[attr-defined]  # Pillow opens no second picture of Ultra HDR
        decoded = np.asarray(image.convert("RGB"))
    alone = render(path, RenderOptions(look="libraw"))
    same = np.array_equal(decoded, np.asarray(alone.to_pil())) and np.array_equal(
        recover(data).mosaic, recover(alone.data).mosaic
    )
    found = {"Pillow ": by_pillow, "base ": same, "whole ": sum(map(len, parts)) == len(data)}
    found["ISO "] = b"urn:iso:std:iso:ts:21496:-1" in parts[0] and b"urn:iso:std:iso:ts:21496:-1" in parts[1]
    if tool := shutil.which("exiftool"):
        with tempfile.NamedTemporaryFile(suffix=".jpg") as file:
            file.write(data)
            file.flush()
            said = subprocess.run([tool, "-s", "-a", "-G1", file.name], capture_output=True, check=False).stdout
            second = subprocess.run([tool, "-b", "-MPImage2", file.name], capture_output=True, check=False).stdout
        found["exiftool "] = second == parts[1] and re.search(rb"DirectoryItemLength +: %d" % len(second), said) is not None
    return found


def main(files: list[str]) -> None:
    """A line for each file."""
    for name in files:
        path = Path(name)
        kind = path.suffix.lower() in (".jpg", ".jpeg", ".heic", ".hif")
        print(into(path) if kind else out_of(path), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
