"""Draws the fixtures of this folder, run in the folder of tests. They stay as they are: a later version gets its own."""

from pathlib import Path

import numpy as np
from scenes import BAYER, flower, garden, recipe_of
from test_linear import linear, pixels
from tiff_maker import dng, tiff

import rawback
from rawback import RenderOptions
from rawback.files import dng as dngs
from rawback.files.dng import Whole
from rawback.lossless import contexts

FOLDER = Path(__file__).parent


def main() -> None:
    """RAW files and their JPEGs."""
    (FOLDER / "packed.dng").write_bytes(tiff(dng(1)) + b"what follows")
    recipe = recipe_of(46, 70, BAYER["GBRG"])
    frame = garden(46, 70, recipe)
    visible, area = np.ascontiguousarray(frame[2:42, 4:66]), (2, 4, 42, 66)
    whole = Whole(frame, area)
    chunks = dngs.encode(visible, recipe_of(40, 62, BAYER["GBRG"]), None, None, whole=whole)
    (FOLDER / "margins.dng").write_bytes(b"".join(chunks))
    for name, parity in (("packed", 5), ("margins", 0)):
        options = RenderOptions(keep="original", parity=parity, thumbnail=False)
        (FOLDER / f"{name}.jpg").write_bytes(rawback.render(FOLDER / f"{name}.dng", options).data)
    (FOLDER / "linear.dng").write_bytes(linear(pixels(22, 38)))
    (FOLDER / "linear.jpg").write_bytes(
        rawback.render(FOLDER / "linear.dng", RenderOptions(keep="original", thumbnail=False)).data
    )
    layered = RenderOptions(layered=True, quality=88, thumbnail=False)
    (FOLDER / "layered.jpg").write_bytes(rawback.render(FOLDER / "margins.dng", layered).data)
    (FOLDER / "contexts.dng").write_bytes((FOLDER / "margins.dng").read_bytes())
    contexts.PIXELS_PER_TABLE, contexts.SMALLEST = 400, 1  # more than one table
    options = RenderOptions(keep="original", quality=85, thumbnail=False)
    (FOLDER / "contexts.jpg").write_bytes(rawback.render(FOLDER / "contexts.dng", options).data)
    options = RenderOptions(look="libraw", exposure=0.0, quality=88, thumbnail=False)
    (FOLDER / "wide.jpg").write_bytes(rawback.render(flower(128, 160), options).data)


if __name__ == "__main__":
    main()
