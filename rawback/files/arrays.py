"""RAW as arrays of numpy's, for data sets: NAME.npy holds the mosaic alone, NAME.npz its recipe, too."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np

from rawback.files import seal
from rawback.files.tiff import Buffer
from rawback.isp import mosaic as mosaics
from rawback.recipe import Recipe
from rawback.recipe_text import to_fields

DEMOSAICED_WHITE = 65535
"""White level of `recover --dng linear`; black is 0."""


def encode(kind: str, mosaic: np.ndarray, recipe: Recipe, mark: str) -> list[Buffer]:
    """A file of that kind. mark: what it says of its making (see `seal`); a .npy has no place for that.

    A .npz holds `mosaic`, (H, W) uint16 in DN or (H, W, 3); `cfa` and `black`, their repeating patterns (by 0 red, 1 green,
    2 blue, and in DN); `white` in DN; `neutral` (3,), camera RGB of white; `matrix` (3, 3), white-balanced camera RGB to
    linear sRGB; and `recipe`, all of it as JSON.
    """
    stream = io.BytesIO()
    if kind == ".npy":
        np.save(stream, mosaic)
        return [stream.getvalue()]
    demosaiced = mosaic.ndim == 3 and not recipe.linear
    black = np.zeros((1, 1)) if demosaiced else mosaics.black_pattern(recipe)
    white = DEMOSAICED_WHITE if demosaiced else recipe.white
    fields = {name: text for name, text in to_fields(recipe).items() if name != "Thumbnail"}
    np.savez(
        stream, mosaic=mosaic, cfa=np.array(recipe.cfa, np.uint8), black=black,
        white=np.array(white), neutral=np.array(recipe.neutral), matrix=np.array(recipe.matrix),
        recipe=np.array(json.dumps(fields)),
    )  # fmt: skip
    with zipfile.ZipFile(stream, "a") as file:
        file.comment = mark.encode()  # the one place in a zip that no checksum covers
    return seal.sealed([stream.getvalue()])
