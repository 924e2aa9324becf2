"""Prints the table of the lossless layer: bytes against lossless JPEG and JPEG XL, and seconds against other coders.

    python benchmarks/lossless.py FOLDER [--quality 75]

Each RAW file of the folder is rendered at --quality and its visible mosaic kept bit by bit, by
* `DNG`: lossless JPEG tiles, as a DNG without the picture;
* `JXL`: JPEG XL lossless (effort 5) of the four CFA planes, without the picture;
* `+ layer`: the JPEG and the lossless layer;
* `+ JXL`: the JPEG and JPEG XL lossless of the residual planes;
* `+ static`: the JPEG and the layer's own symbols by `constriction`, each context by its histogram.
(constriction is no dependency: install it first.) Sizes as a share of the DNG's mosaic; processor seconds for 12
megapixels, to code / to decode what stands beside the JPEG.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

import imagecodecs
import numpy as np

from rawback.errors import RawbackError
from rawback.files import jpeg, ljpeg, raw
from rawback.files.raw import RawFile
from rawback.isp import closed_loop, inverse_pass
from rawback.isp.quantisation_tables import coding
from rawback.lossless import rans
from rawback.lossless.coder import encode
from rawback.options.render import RenderOptions
from rawback.picture import Coefficients
from rawback.recipe import Recipe
from rawback.rendering import decide
from rawback.rendering.picture_coding import LEAST_BESIDE_LAYER

TWELVE_MEGAPIXELS = 12e6
EFFORT = 5


@dataclass
class Result:
    """One way to keep a mosaic."""

    size: int
    coding: float
    decoding: float
    """Seconds."""


def main() -> None:
    """Measure every RAW file of a folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--quality", type=int, default=75)
    arguments = parser.parse_args()
    print(f"{'file':32} {'bits':>5}   JPEG    JXL  + layer  + JXL + static   seconds of the last three")
    shares = []
    for path in sorted(p for p in arguments.folder.iterdir() if p.is_file()):
        try:
            file = raw.read(path.read_bytes(), path.name)
        except RawbackError:
            continue
        shares.append(_row(path.name, file, arguments.quality))
    names = ("JPEG", "JXL", "+ layer", "+ JXL", "+ static")
    print("mean", *(f"{name} {share:.3f}" for name, share in zip(names, np.mean(shares, 0), strict=True)))


def _row(name: str, file: RawFile, quality: int) -> list[float]:
    recipe = decide(file, RenderOptions(look="libraw"))
    tables = replace(coding(quality, "4:2:0", "raw"), least=LEAST_BESIDE_LAYER)
    picture = closed_loop.encode(file.mosaic, recipe, tables)
    size = len(jpeg.write(picture, recipe, b""))
    dng = sum(map(len, ljpeg.tiles(file.mosaic, 256, min(256, file.mosaic.shape[1] // 16 * 16))))
    alone = _planes_by_jxl(file.mosaic)
    ways = [_by_layer(file, picture, recipe), _by_jxl(file, picture, recipe), _by_constriction(file, picture, recipe)]
    shares = [size / dng, alone / dng, *((size + way.size) / dng for way in ways)]
    per = TWELVE_MEGAPIXELS / file.mosaic.size
    seconds = "  ".join(f"{way.coding * per:.1f}/{way.decoding * per:.1f}" for way in ways)
    a, b, c, d, e = shares
    print(f"{name:32} {dng * 8 / file.mosaic.size:5.2f} {a:6.3f} {b:6.3f} {c:8.3f} {d:6.3f} {e:8.3f}   {seconds}", flush=True)
    return shares


def _by_layer(file: RawFile, picture: Coefficients, recipe: Recipe) -> Result:
    began = time.process_time()
    coder, codes = encode(file.mosaic, picture, recipe)
    middle = time.process_time()
    decoded = [coder.decode(code, start, stop) for code, (start, stop) in zip(codes, coder.blocks(), strict=True)]
    end = time.process_time()
    assert np.array_equal(np.concatenate(decoded), file.mosaic)
    return Result(sum(map(len, codes)) + len(coder.to_bytes()), middle - began, end - middle)


def _by_jxl(file: RawFile, picture: Coefficients, recipe: Recipe) -> Result:
    """Prediction not counted in the seconds."""
    plain = inverse_pass.decode(picture, recipe)
    residual = (file.mosaic.astype(np.int32) - plain + 32768).astype(np.uint16)
    began = time.process_time()
    codes = [_jxl(plane) for plane in _planes(residual)]
    middle = time.process_time()
    for code in codes:
        imagecodecs.jpegxl_decode(code)
    return Result(sum(map(len, codes)), middle - began, time.process_time() - middle)


def _by_constriction(file: RawFile, picture: Coefficients, recipe: Recipe) -> Result:
    """The symbols of the layer, gathered by table; nothing but the entropy coder in the seconds."""
    import constriction

    with patch.object(rans, "encode", side_effect=rans.encode) as caught_encode:
        coder, codes = encode(file.mosaic, picture, recipe)
        caught = [call.args[:3] for call in caught_encode.call_args_list]
    size, coding_time, decoding_time = sum(map(len, codes)) + len(coder.to_bytes()), 0.0, 0.0
    for symbols, of, tables in caught:
        began = time.process_time()
        queue = constriction.stream.queue.RangeEncoder()
        rows = tables.frequencies.astype(np.float32) + np.float32(1e-6)
        models = [constriction.stream.model.Categorical(row, perfect=False) for row in rows]
        groups = [symbols[of == number].astype(np.int32) for number in range(len(models))]
        for group, model in zip(groups, models, strict=True):
            queue.encode(group, model)
        words = queue.get_compressed()
        middle = time.process_time()
        stream = constriction.stream.queue.RangeDecoder(words)
        decoded = np.empty(len(of), np.uint8)
        for number, (group, model) in enumerate(zip(groups, models, strict=True)):
            decoded[of == number] = stream.decode(model, len(group))
        coding_time, decoding_time = coding_time + middle - began, decoding_time + time.process_time() - middle
        size += 4 * len(words) - len(rans.encode(symbols, of, tables)) + 2 * rans.FINE.lanes_for(len(symbols))
    return Result(size, coding_time, decoding_time)


def _planes(mosaic: np.ndarray) -> list[np.ndarray]:
    return [np.ascontiguousarray(mosaic[i::2, j::2]) for i in (0, 1) for j in (0, 1)]


def _jxl(plane: np.ndarray) -> bytes:
    return imagecodecs.jpegxl_encode(plane, lossless=True, effort=EFFORT)


def _planes_by_jxl(mosaic: np.ndarray) -> int:
    return sum(len(_jxl(plane)) for plane in _planes(mosaic))


if __name__ == "__main__":
    main()
