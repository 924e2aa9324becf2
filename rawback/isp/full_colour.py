"""RAW with three values a pixel, demosaiced already: luma and chroma of all of them are coded, and none is subsampled.

Where a mosaic has one value a photosite, which luma alone can be chosen for, here all three follow from Y, Cb and Cr; one
step for all three planes is about what serves red, green and blue alike.
"""

from __future__ import annotations

import numpy as np

from rawback.cores import Progress
from rawback.isp import dct, fixed_dct, stages
from rawback.isp.colour import RGB_TO_YCC, YCC_TO_RGB
from rawback.isp.matmul import mix
from rawback.isp.parallel import in_threads, strips
from rawback.picture import Coefficients
from rawback.recipe import Recipe

DEAD_ZONE = 0.42
"""A level of a coefficient is kept from (1 - DEAD_ZONE) of a step on."""


def levels(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Black level of red, green and blue in DN, and how far white is above it: (3,) float32 each."""
    cfa = np.array(recipe.cfa).ravel()
    black = np.array([recipe.black[int(np.argmax(cfa == colour))] for colour in range(3)], np.float32)
    return black, np.float32(recipe.white) - black


def sampled(values: np.ndarray, recipe: Recipe) -> np.ndarray:
    """The mosaic (H, W) uint16 that a sensor with the recipe's filters would have: what exposure and noise go by."""
    cfa = np.array(recipe.cfa)
    mosaic = np.empty(values.shape[:2], np.uint16)
    for (row, column), colour in np.ndenumerate(cfa):
        at = slice(row, None, len(cfa)), slice(column, None, cfa.shape[1])
        mosaic[at] = values[(*at, colour)]
    return mosaic


def srgb(values: np.ndarray, recipe: Recipe) -> np.ndarray:
    """(H, W, 3) uint16 in DN -> extended sRGB planes (3, H, W) float32."""
    black, span = levels(recipe)
    gains = recipe.gains
    light = ((values - black) / span + np.float32(recipe.pedestal) / gains) * (gains * np.float32(2**recipe.exposure))
    planes = np.moveaxis(light.astype(np.float32), -1, 0)
    for stage in stages.COLOUR:
        planes = stage.forward(planes, recipe, 0)
    return planes


def encode(
    values: np.ndarray, recipe: Recipe, table: np.ndarray, progress: Progress = lambda share: None
) -> Coefficients:  # fmt: skip
    """(H, W, 3) uint16 in DN -> coefficients, 4:4:4. table: (64,) of all planes, raised where a baseline JPEG needs it."""
    height, width = values.shape[:2]
    rows, columns = -(-height // 8), -(-width // 8)
    parts = strips(8 * rows, width, 8)
    unit = np.ones(64)

    def coefficients(part: tuple[int, int]) -> list[np.ndarray]:
        """Of the three planes, (rows / 8, columns / 8, 64) each."""
        start, stop = part
        piece = values[start:stop]
        missing = [(0, stop - start - len(piece)), (0, 8 * columns - width), (0, 0)]
        planes = mix(RGB_TO_YCC, srgb(np.pad(piece, missing, mode="edge"), recipe))
        found = [fixed_dct.forward(plane, fixed_dct.to_steps(unit, 255)) for plane in planes]
        found[0][..., 0] -= np.float32(8 * 128)
        return found

    largest = np.zeros((3, len(parts), 64), np.float32)
    planes = [np.zeros((rows, columns, 64), np.int16) for _ in range(3)]
    tables: list[np.ndarray] = []

    def measure(part: tuple[int, int]) -> None:
        for component, plane in enumerate(coefficients(part)):
            largest[component, parts.index(part)] = np.abs(plane).max((0, 1))

    def quantise(part: tuple[int, int]) -> None:
        start, stop = part
        for component, plane in enumerate(coefficients(part)):
            planes[component][start // 8 : stop // 8] = dct.quantise(plane / tables[component].astype(np.float32), DEAD_ZONE)

    in_threads(measure, parts, lambda share: progress(share / 2))
    tables += [np.maximum(table, np.ceil(most.max(0) / dct.LIMIT)).astype(np.uint16) for most in largest]
    in_threads(quantise, parts, lambda share: progress((1 + share) / 2))
    return Coefficients(width, height, planes, tables, (1, 1))


def decode(picture: Coefficients, recipe: Recipe, progress: Progress = lambda share: None) -> np.ndarray:
    """The inverse: coefficients -> (H, W, 3) uint16 in DN."""
    values = np.empty((picture.height, picture.width, 3), np.uint16)
    black, span = levels(recipe)
    gains = recipe.gains

    def strip(part: tuple[int, int]) -> None:
        start, stop = part
        first, last = start // 8, -(-stop // 8)
        ycc = np.stack([dct.dequantise(plane[first:last], table)[start - 8 * first : stop - 8 * first, : picture.width]
                        for plane, table in zip(picture.planes, picture.tables, strict=True)]) / np.float32(255)  # fmt: skip
        ycc[0] += np.float32(128 / 255)
        balanced = stages.inverse(mix(YCC_TO_RGB, ycc), recipe, 0, stages.COLOUR)
        light = np.moveaxis(balanced, 0, -1) / (gains * np.float32(2**recipe.exposure)) - np.float32(recipe.pedestal) / gains
        values[start:stop] = np.clip(np.rint(light * span + black), 0, recipe.white)

    in_threads(strip, strips(picture.height, picture.width, 8), progress)
    return values
