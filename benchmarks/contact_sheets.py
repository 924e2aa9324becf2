"""What developers make of photos and of their RAW: `python benchmarks/contact_sheets.py PHOTO... -o FOLDER [--blind SEED]`.

darktable-cli and rawtherapee-cli develop the JPEG and the DNG that `recover` makes of it: at their defaults, two stops
brighter, two stops darker with highlights recovered, and with another white balance. FOLDER gets a sheet for each photo (JPEG
above, DNG below) and, with --blind, pairs in an order that a seed hides, with the key in a file of its own. Printed are, for
each development of either: the share of pixels at white, the share at black, steps at block borders beyond others (in levels
of 8 bits), and the noise of flat parts (in levels). A RAW becomes a camera's JPEG first (`camera_jpegs`).
"""

from __future__ import annotations

import argparse
import json
import os
import struct
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import camera_jpegs
import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

import rawback

EDITS = ("default", "+2 EV", "-2 EV", "white balance")
KELVIN = 4000
WARMER = (0.72, 1.0, 1.62)
"""Gains of red, green and blue with which darktable sees light of D65 as if it were of KELVIN."""
PROGRAMS = ("darktable", "rawtherapee")
QUALITY = 88
"""Of the JPEG that a RAW becomes."""
TILE = 480
"""Pixels of a sheet's picture along its longer side."""
WHITE, BLACK = 254, 1
DARKTABLE = """<?xml version="1.0"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" xmlns:darktable="http://darktable.sf.net/"
 darktable:xmp_version="4" darktable:raw_params="0" darktable:auto_presets_applied="0" darktable:history_end="1">
<darktable:history><rdf:Seq><rdf:li darktable:num="0" darktable:operation="{operation}" darktable:enabled="1"
 darktable:modversion="{version}" darktable:params="{params}" darktable:multi_name="" darktable:multi_priority="0"
 darktable:blendop_version="11" darktable:blendop_params="gz12eJxjYGBgkGAAgRNODESDBnsIHll8ANNSGQM="/></rdf:Seq>
</darktable:history></rdf:Description></rdf:RDF></x:xmpmeta>"""
EXPOSURE_VERSION, TEMPERATURE_VERSION = 6, 3
"""Of the parameters of darktable's modules (4.2: exposure.c, temperature.c)."""
USUAL = {"jpg": 0.0, "dng": 0.7}
"""EV that darktable's exposure module has by default: of pictures, and of RAW."""
RAWTHERAPEE = {
    "default": "", "+2 EV": "[Exposure]\nAuto=false\nCompensation=2\n",
    "-2 EV": "[Exposure]\nAuto=false\nCompensation=-2\n[HLRecovery]\nEnabled=true\nMethod=Coloropp\n",
    "white balance": f"[White Balance]\nEnabled=true\nSetting=Custom\nTemperature={KELVIN}\nGreen=1\n",
}  # fmt: skip


@dataclass
class Figures:
    """Of a developed picture."""

    white: float
    black: float
    blocks: float
    noise: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", nargs="+", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--blind", type=int, metavar="SEED")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    everything: dict[str, list[Figures]] = {}
    key: dict[str, str] = {}
    for number, photo in enumerate(as_jpeg(path, args.output) for path in args.photos):
        developed = developments(photo, args.output)
        for (program, edit, kind), pixels in developed.items():
            figures = measured(pixels)
            everything.setdefault(f"{program} {edit} {kind}", []).append(figures)
            print(f"{photo.name[:24]:24} {program:11} {edit:13} {kind} {_text([figures])}", flush=True)
        sheet(developed).save(args.output / f"{photo.stem}.sheet.jpg", quality=88)
        if args.blind is not None:
            key |= blind_pairs(developed, number, args.blind, args.output)
    print(f"\nmean of {len(args.photos)} photos")
    for name, rows in everything.items():
        print(f"{name:30} {_text(rows)}")
    if args.blind is not None:
        (args.output / "key.json").write_text(json.dumps(key, indent=1))


def as_jpeg(path: Path, folder: Path) -> Path:
    """The photo itself, or the JPEG in the folder that a RAW became."""
    if path.suffix.lower() in (".jpg", ".jpeg"):
        return path
    photo = folder / f"{path.stem}.jpg"
    photo.write_bytes(camera_jpegs.scene(path, camera_jpegs.STYLES[0]).jpeg(QUALITY, "4:2:0"))
    return photo


Developments = dict[tuple[str, str, str], np.ndarray]
"""Pictures (H, W, 3) uint8 by program, edit, and file: jpg or dng."""


def developments(photo: Path, folder: Path) -> Developments:
    """All of a photo; those that a program fails at are left out, and named."""
    dng = folder / f"{photo.stem}.dng"
    recovered = rawback.recover(photo)
    dng.write_bytes(b"".join(bytes(part) for part in recovered.dng()))
    neutral = np.array(recovered.recipe.neutral)
    result: Developments = {}
    with tempfile.TemporaryDirectory() as place:
        for kind, source, gains in (("jpg", photo, np.ones(3)), ("dng", dng, neutral[1] / neutral)):
            for program in PROGRAMS:
                for edit in EDITS:
                    run = _darktable if program == "darktable" else _rawtherapee
                    try:
                        result[program, edit, kind] = run(source, edit, kind, gains, Path(place))
                    except (OSError, subprocess.SubprocessError) as error:
                        print(f"{photo.name}: {program} does not develop the {kind} ({edit}): {error}")
    return result


def _darktable(source: Path, edit: str, kind: str, gains: np.ndarray, place: Path) -> np.ndarray:
    out, sidecar = place / "darktable.png", place / "edit.xmp"
    out.unlink(missing_ok=True)
    operation, version, params = "exposure", EXPOSURE_VERSION, b""
    if edit == "white balance":
        red, green, blue = gains * WARMER
        operation, version, params = "temperature", TEMPERATURE_VERSION, struct.pack("<4f", red, green, blue, green)
    elif edit != "default":
        stops = USUAL[kind] + (2 if edit == "+2 EV" else -2)
        params = struct.pack("<iffffi", 0, 0.0, stops, 50.0, -4.0, 0)
    sidecar.write_text(DARKTABLE.format(operation=operation, version=version, params=params.hex()))
    edits = [str(sidecar)] if params else []
    core = ["--core", "--configdir", str(place / "config"), "--library", ":memory:", "--disable-opencl"]
    return _run(["darktable-cli", str(source), *edits, str(out), "--apply-custom-presets", "0", *core], out)


def _rawtherapee(source: Path, edit: str, kind: str, gains: np.ndarray, place: Path) -> np.ndarray:
    out, profile = place / "rawtherapee.tif", place / "edit.pp3"
    profile.write_text(RAWTHERAPEE[edit])
    return _run(["rawtherapee-cli", "-q", "-Y", "-o", str(out), "-d", "-p", str(profile), "-t", "-b8", "-c", str(source)], out)


def _run(command: list[str], out: Path) -> np.ndarray:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(command, check=True, timeout=300, env=os.environ | {"OMP_NUM_THREADS": "1"}, **quiet)  # type: ignore[call-overload]
    with Image.open(out) as image:
        return np.asarray(image.convert("RGB"))


def measured(pixels: np.ndarray) -> Figures:
    """Figures of a picture (H, W, 3) uint8."""
    luma = pixels @ np.array([0.2126, 0.7152, 0.0722])
    white, black = float((pixels.max(-1) >= WHITE).mean()), float((pixels.min(-1) <= BLACK).mean())
    fine = np.square(luma - ndimage.gaussian_filter(luma, 1.0))
    m, n = (side // 8 for side in fine.shape)
    by_block = fine[: m * 8, : n * 8].reshape(m, 8, n, 8).mean((1, 3))
    quiet = by_block[by_block > 0]
    noise = float(np.sqrt(np.quantile(quiet, 0.2))) if len(quiet) else 0.0
    return Figures(white, black, (_steps(luma) + _steps(luma.T)) / 2, noise)


def _steps(luma: np.ndarray) -> float:
    """Of the eight phases between columns, that with the largest mean step over the median of all: in levels."""
    step = np.abs(np.diff(luma, axis=1))[:, : luma.shape[1] // 8 * 8 - 8]
    phases = step.mean(0).reshape(-1, 8).mean(0)
    return float(phases.max() - np.median(phases))


def _text(rows: list[Figures]) -> str:
    mean = {name: float(np.mean([getattr(row, name) for row in rows])) for name in vars(rows[0])}
    return "white {:6.2%}  black {:6.2%}  blocks {:5.2f}  noise {:5.2f}".format(*mean.values())


def _tile(pixels: np.ndarray, side: int = TILE) -> Image.Image:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side), Image.Resampling.BOX)
    return image


def sheet(developed: Developments) -> Image.Image:
    """Edits from left to right, for each program the JPEG above and the DNG below."""
    rows = [(program, kind) for program in PROGRAMS for kind in ("jpg", "dng")]
    height = max(_tile(pixels).height for pixels in developed.values()) + 14
    result = Image.new("RGB", (TILE * len(EDITS), height * len(rows)))
    draw = ImageDraw.Draw(result)
    for row, (program, kind) in enumerate(rows):
        for column, edit in enumerate(EDITS):
            pixels = developed.get((program, edit, kind))
            if pixels is not None:
                result.paste(_tile(pixels), (column * TILE, row * height + 14))
            draw.text((column * TILE + 2, row * height), f"{program}, {edit}: {'JPEG' if kind == 'jpg' else 'DNG'}")
    return result


def blind_pairs(developed: Developments, number: int, seed: int, folder: Path) -> dict[str, str]:
    """JPEG and DNG side by side in a hidden order, one file for each development; what is on the left, by file."""
    rng = np.random.default_rng((seed, number))
    key = {}
    for program in PROGRAMS:
        for edit in EDITS:
            order = ["jpg", "dng"] if rng.random() < 0.5 else ["dng", "jpg"]
            if any((program, edit, kind) not in developed for kind in order):
                continue
            tiles = [_tile(developed[program, edit, kind], 760) for kind in order]
            pair = Image.new("RGB", (1530, max(tile.height for tile in tiles)))
            for place, tile in enumerate(tiles):
                pair.paste(tile, (770 * place, 0))
            name = f"blind-{number}-{program}-{EDITS.index(edit)}.jpg"
            pair.save(folder / name, quality=92)
            key[name] = order[0]
    return key


if __name__ == "__main__":
    main()
