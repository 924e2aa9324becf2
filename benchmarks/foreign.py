"""Camera JPEGs -> DNG: which files work, which tags survive, how near LibRaw's rendering is to the photo.

    python benchmarks/foreign.py PHOTO... [--rawback "rawback"] [--folder DNGS]

For each photo: PSNR of LibRaw's rendering of the DNG (after one gain for each channel of light) against the photo, and
the EXIF and GPS tags that exiftool finds lost or changed, but for those of REASONS. Needs exiftool.
"""

from __future__ import annotations

import argparse
import io
import json
import shlex
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
import rawpy
from PIL import Image

REASONS = {
    "IFD0:Software": "names the program that wrote the file; the old value stands in XMP's history",
    "IFD0:Compression": "IFD0 is a JPEG preview", "IFD0:PhotometricInterpretation": "IFD0 is a JPEG preview",
    "IFD0:ImageWidth": "of the preview", "IFD0:ImageHeight": "of the preview", "IFD0:BitsPerSample": "of the preview",
    "IFD0:SamplesPerPixel": "of the preview", "IFD0:PlanarConfiguration": "of the preview",
    "IFD0:RowsPerStrip": "of the preview",
    "IFD0:StripOffsets": "of the preview", "IFD0:StripByteCounts": "of the preview", "IFD0:YCbCrSubSampling": "of the preview",
    "IFD0:ThumbnailOffset": "DNG has its preview in IFD0", "IFD0:ThumbnailLength": "DNG has its preview in IFD0",
    "IFD0:Orientation": "was impossible; 1 is written", "IFD0:YCbCrPositioning": "of the preview where the photo has none",
    "IFD0:ExifOffset": "a pointer", "IFD0:GPSInfo": "a pointer",
    "MakerNote": "in DNGPrivateData, where exiftool names those that it cannot read otherwise",
    "IFD1": "the thumbnail: a DNG has its preview in IFD0", "SubIFD": "another picture of the file",
}  # fmt: skip
"""Tags (or groups) that cannot or need not be the same, and why. Empty texts of no bytes are not written either."""


OF_DNG = {
    "DNGVersion", "DNGBackwardVersion", "UniqueCameraModel", "ColorMatrix1", "ColorMatrix2", "AnalogBalance", "BaselineNoise",
    "BaselineExposure", "BaselineSharpness", "LinearResponseLimit", "CalibrationIlluminant1", "CalibrationIlluminant2",
    "AsShotNeutral",
}  # fmt: skip
"""In JPEGs that were made from a DNG: said anew, of the sensor values that are now in the file."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("--rawback", default="rawback")
    parser.add_argument("--folder", type=Path, help="where to keep the DNG files; those that are there are taken as they are")
    args = parser.parse_args()
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for photo in args.photos:
            print(_row(photo, args.folder or Path(folder), args.rawback, counts), flush=True)
    print(" ".join(f"{name} {number}" for name, number in counts.items()))


def _row(photo: Path, folder: Path, rawback: str, counts: Counter[str]) -> str:
    target = folder / f"{photo.name}.dng"
    if not target.exists():
        run = subprocess.run([*shlex.split(rawback), "recover", photo, "-o", target], capture_output=True, text=True)
        if run.returncode:
            counts["refused"] += 1
            return f"{photo.name[:40]:40} refused: {run.stderr.strip().removeprefix('rawback: ')}"
    lost, changed, same = compare_tags(photo, target)
    warnings = _warnings(target) - _warnings(photo)
    counts.update(files=1, tags=same, lost=len(lost), changed=len(changed), warnings=len(warnings))
    changes = [f"lost {tag}" for tag in lost] + [f"changed {tag}" for tag in changed] + sorted(warnings)
    return f"{photo.name[:40]:40} {_psnr(photo, target):5.1f} dB  {same:3} tags  {'; '.join(changes)}"


def compare_tags(photo: Path, target: Path) -> tuple[list[str], list[str], int]:
    """EXIF, GPS and interoperability tags that are lost or changed without a reason, and how many are the same."""
    before, after = _tags(photo), _tags(target)
    lost, changed, same = [], [], 0
    for tag, value in before.items():
        group, _, name = tag.partition(":")
        if tag in REASONS or group in REASONS or name in OF_DNG or "MakerNote" in tag or value == "":
            continue
        if tag not in after:
            tag = tag.replace("IFD0:", "ExifIFD:")  # where exposure and dates belong, wherever the camera put them
        if tag not in after:
            lost.append(tag)
        elif after[tag] != value:
            changed.append(f"{tag} {value!r:.30} -> {after[tag]!r:.30}")
        else:
            same += 1
    return lost, changed, same


def _tags(path: Path) -> dict[str, object]:
    run = subprocess.run(["exiftool", "-j", "-n", "-G1", "-EXIF:all", path], capture_output=True, text=True)
    tags = json.loads(run.stdout or "[{}]")[0]
    return {tag: value for tag, value in tags.items() if tag not in ("SourceFile", "ExifTool:Warning")}


def _warnings(path: Path) -> set[str]:
    run = subprocess.run(["exiftool", "-j", "-a", "-Warning", "-Error", path], capture_output=True, text=True)
    messages = json.loads(run.stdout or "[{}]")[0]
    return {f"exiftool: {text}" for name, text in messages.items() if name != "SourceFile"}


def _psnr(photo: Path, target: Path) -> float:
    """LibRaw's rendering, each channel scaled to the photo's mean light, against the photo at a quarter of a megapixel."""
    try:
        with Image.open(photo) as image, rawpy.imread(io.BytesIO(target.read_bytes())) as raw:
            options = {"no_auto_bright": True, "adjust_maximum_thr": 0.0, "user_flip": 0, "gamma": (2.4, 12.92)}
            developed = raw.postprocess(use_camera_wb=True, **options)
            image = image.convert("RGB")
    except (OSError, rawpy.LibRawError) as error:
        print(f"{photo.name}: {error}")
        return float("nan")
    width, height = image.size
    x, y = (developed.shape[1] - width) // 2, (developed.shape[0] - height) // 2  # LibRaw hides the crop of some Fujifilms
    developed = Image.fromarray(np.ascontiguousarray(developed[y : y + height, x : x + width]))
    size = (min(width, 512), min(height, 512))
    a, b = (_light(np.asarray(picture.resize(size, Image.Resampling.BOX))) for picture in (developed, image))
    a *= b.mean((0, 1)) / np.maximum(a.mean((0, 1)), 1e-6)
    error = np.mean((np.clip(a, 0, 1) ** (1 / 2.2) - b ** (1 / 2.2)) ** 2)
    return float(-10 * np.log10(max(error, 1e-10)))


def _light(srgb: np.ndarray) -> np.ndarray:
    return (srgb / 255.0) ** 2.2


if __name__ == "__main__":
    main()
