"""Draws the fixtures of this folder. It ran once, on rawback 0.1.0, and is kept to say what they are: do not run it again.

What a release has written stays recoverable for ever. A later format gets a folder of its own; this one is left alone.
It ran as `python make_fixtures.py FOLDER` with 0.1.0 installed, numpy 2.4, onnxruntime 1.32 and PyAV 18.1.
"""

import hashlib
import io
import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image

import rawback
from rawback import foreign
from rawback.files import cinema, dng, raw, tiff, timecode
from rawback.isp import pipeline, tone
from rawback.isp.colour import CURVES

SAMPLE = Path(rawback.__file__).parents[1] / "tests" / "data" / "sample.dng"
HEIGHT, WIDTH = 98, 130  # no multiples of the blocks
MARGINS = (4, 6, WIDTH + 8, HEIGHT + 6)
"""Top, left, width and height of the frame around the visible mosaic."""
BLACK = (256.0, 250.0, 260.0, 248.0)
X_TRANS = tuple(tuple(map(int, row)) for row in ("110112", "112110", "201021", "112110", "110112", "021201"))
JPEGS = {
    "default": ("source.dng",),
    "best": ("source.dng", "--effort", "best"),
    "444": ("source.dng", "--subsampling", "4:4:4", "--quality", "92"),
    "standard": ("source.dng", "--tables", "standard"),
    "no_refine": ("source.dng", "--no-refine"),
    "flow": ("source.dng", "--no-refine", "--weights", "paper-1", "--exposure", "0"),
    "keep": ("source.dng", "--keep", "noise"),
    "lossless": ("source.dng", "--keep", "lossless"),
    "look": ("source.dng", "--look", "camera", "--camera", "look.json"),
    "xtrans": ("xtrans.dng", "--exposure", "0"),
    "xtrans_lossless": ("xtrans.dng", "--keep", "lossless"),
}
CLIPS = {"clip.mov": ("--codec", "mjpeg"), "clip.mp4": ("--codec", "h264"), "clip.mkv": ("--codec", "ffv1")}


def run(*arguments: object) -> None:
    subprocess.run([sys.executable, "-m", "rawback", *map(str, arguments)], check=True)


def bayer(sample: raw.RawFile) -> bytes:
    """A part of the sample with a black level of its own at each position of the CFA, margins, EXIF and a place."""
    top, left = 400, 700
    frame = sample.mosaic[top : top + MARGINS[3], left : left + MARGINS[2]].astype(int)
    frame += np.tile(np.reshape(BLACK, (2, 2)).astype(int) - 256, (MARGINS[3] // 2, MARGINS[2] // 2))
    frame = np.clip(frame, 0, 4095).astype(np.uint16)
    area = (MARGINS[0], MARGINS[1], MARGINS[0] + HEIGHT, MARGINS[1] + WIDTH)
    recipe = replace(sample.recipe, width=WIDTH, height=HEIGHT, black=BLACK, margins=MARGINS, orientation=6)
    assert sample.exif is not None
    place = {1: tiff.ascii_text("N"), 2: tiff.rationals([52, 30, 15]), 3: tiff.ascii_text("E"), 4: tiff.rationals([13, 24, 30])}
    told = replace(sample.exif, gps=place)
    visible = np.ascontiguousarray(frame[area[0] : area[2], area[1] : area[3]])
    return b"".join(dng.encode(visible, recipe, told, None, software="camera 1", whole=dng.Whole(frame, area)))


def x_trans(sample: raw.RawFile) -> bytes:
    """Colours of the sample's cells on an X-Trans array."""
    part = sample.mosaic[300 : 300 + 66, 900 : 900 + 96]
    cells = np.stack([part[::2, ::2], part[::2, 1::2], part[1::2, 1::2]], -1)
    rgb = cells.repeat(2, 0).repeat(2, 1)
    colours = np.tile(np.array(X_TRANS), (11, 16))
    mosaic = np.take_along_axis(rgb, colours[..., None], 2)[..., 0]
    recipe = replace(
        sample.recipe, width=96, height=66, cfa=X_TRANS, black=(256.0,) * 36, margins=(0, 0, 96, 66), camera="Maker X"
    )
    return b"".join(dng.encode(np.ascontiguousarray(mosaic), recipe, None, None, software="camera 2"))


def card(sample: raw.RawFile, folder: Path) -> None:
    """look.json, as `rawback calibrate` makes it of the sample and a picture of it by a warm, contrasty camera."""
    srgb, height, width = CURVES["srgb"], *sample.mosaic.shape
    saturated = np.linalg.inv(tone.saturation_matrix(0.85)) @ np.array(sample.recipe.matrix)
    linear = pipeline.forward(
        sample.mosaic, replace(sample.recipe, matrix=tuple(map(tuple, saturated.tolist())), exposure=1.1), white_at=1.0
    )
    light = CURVES[sample.recipe.curve].decode(linear)[0] * foreign.falloff((0.3, 0, 0, 0, 0), width, height, 0, height)
    knots = tone.knots_of(np.maximum(srgb.decode(np.linspace(0, 1, 33))[0], 0) ** 0.85, srgb)
    codes = np.clip(tone.ToneCurve(srgb, knots).encode(light), 0, 1)
    names = Image.Exif()
    names[271], names[272] = "rawback", "Sample 1"
    stream = io.BytesIO()
    Image.fromarray(np.rint(255 * np.moveaxis(codes, 0, -1)).astype(np.uint8)).save(stream, "JPEG", quality=95, exif=names)
    (folder / "camera.jpg").write_bytes(stream.getvalue())
    run("calibrate", SAMPLE, folder / "camera.jpg", "-o", folder / "look.json")
    (folder / "camera.jpg").unlink()


def frames(sample: raw.RawFile, folder: Path) -> None:
    """Two frames of 96 x 64 of a pan over the sample, by two photosites."""
    folder.mkdir()
    rate = Fraction(24000, 1001)
    for number in range(2):
        mosaic = np.ascontiguousarray(sample.mosaic[400 + 2 * number :, 700 + 2 * number :][:64, :96])
        recipe = replace(sample.recipe, width=96, height=64, margins=(0, 0, 96, 64))
        code = timecode.to_bytes(timecode.later("01:00:00:00", number, rate))
        moment = cinema.Moment(f"A001_C001_{100 + number:06}", code, rate, (2.8,), "A001", "B")
        (folder / f"{moment.name}.dng").write_bytes(b"".join(cinema.encode(mosaic, recipe, None, moment)))


def mosaic_of(path: Path) -> np.ndarray:
    return raw.read(path.read_bytes(), path.name).mosaic


def saved_again(path: Path) -> None:
    """default.jpg saved again by another program, its XMP and EXIF kept."""
    with Image.open(path.with_name("default.jpg")) as image:
        kept = {name: image.info[name] for name in ("exif", "xmp")}
        image.save(path, "JPEG", quality=90, subsampling="4:4:4", **kept)


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    sample = raw.read(SAMPLE.read_bytes(), SAMPLE.name)
    (folder / "source.dng").write_bytes(bayer(sample))
    (folder / "xtrans.dng").write_bytes(x_trans(sample))
    card(sample, folder)
    errors, facts = {}, {}
    for name, (source, *options) in JPEGS.items():
        options = [folder / option if option == "look.json" else option for option in options]
        run("render", folder / source, *options, "-o", folder / f"{name}.jpg")
    saved_again(folder / "saved_again.jpg")
    for name in (*JPEGS, "saved_again"):
        source = JPEGS.get(name, ("source.dng",))[0]
        run("recover", folder / f"{name}.jpg", "-o", folder / "back.dng", "--force")
        mosaic, original = mosaic_of(folder / "back.dng"), mosaic_of(folder / source)
        errors[name] = mosaic.astype(np.int16) - original
        facts[name] = {"of": source, "sha256": hashlib.sha256(mosaic.astype("<u2").tobytes()).hexdigest()}
        (folder / "back.dng").unlink()
    frames(sample, folder / "frames")
    for name, options in CLIPS.items():
        run("render", folder / "frames", "-o", folder / name, *options)
        run("recover", folder / name, "-o", folder / "back")
        for path in sorted((folder / "back").glob("*.dng")):
            mosaic, original = mosaic_of(path), mosaic_of(folder / "frames" / path.name)
            errors[f"{name}/{path.stem}"] = mosaic.astype(np.int16) - original
            facts[f"{name}/{path.stem}"] = {
                "of": f"frames/{path.name}", "sha256": hashlib.sha256(mosaic.astype("<u2").tobytes()).hexdigest()
            }  # fmt: skip
            path.unlink()
        (folder / "back").rmdir()
    np.savez_compressed(folder / "errors.npz", **errors)
    (folder / "recovered.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
