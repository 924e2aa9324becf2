"""RAW as arrays of numpy's, for data sets: NAME.npy holds the mosaic alone, NAME.npz its recipe, too."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from rawback.files import seal
from rawback.files.tiff import Buffer
from rawback.isp import full_colour
from rawback.isp import mosaic as mosaics
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

DEMOSAICED_WHITE = 65535
"""White level of `recover --dng linear`; black is 0."""


def encode(kind: str, mosaic: np.ndarray, recipe: Recipe, mark: str) -> list[Buffer]:
    """A file of that kind. mark: what it says of its making (see `seal`); a .npy has no place for that.

    A .npz holds `mosaic`, (H, W) uint16 in DN or (H, W, 3); `cfa`, the repeating pattern of filters (0 red, 1 green,
    2 blue; empty without filters), and `black` in DN, repeating as it does, or (3,) by colour; `white` in DN; `neutral` (3,),
    camera RGB of white; `matrix` (3, 3), white-balanced camera RGB to linear sRGB; and `recipe`, all of it as JSON.
    """
    stream = io.BytesIO()
    if kind == ".npy":
        np.save(stream, mosaic)
        return [stream.getvalue()]
    cfa = np.array(recipe.cfa if mosaic.ndim == 2 and not recipe.monochrome else (), np.uint8)
    black, white = mosaics.black_pattern(recipe), recipe.white
    if mosaic.ndim == 3:
        black, white = (full_colour.levels(recipe)[0], white) if recipe.linear else (np.zeros(3), DEMOSAICED_WHITE)
    fields = {name: text for name, text in to_fields(recipe).items() if name != "Thumbnail"}
    np.savez(
        stream, mosaic=mosaic, cfa=cfa, black=black,
        white=np.array(white), neutral=np.array(recipe.neutral), matrix=np.array(recipe.matrix),
        recipe=np.array(json.dumps(fields)),
    )  # fmt: skip
    with zipfile.ZipFile(stream, "a") as file:
        file.comment = mark.encode()  # the one place in a zip that no checksum covers
    return seal.sealed([stream.getvalue()])
