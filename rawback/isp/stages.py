"""The stages that define the ISP, the bijection between a mosaic and extended sRGB, in their order.

    mosaic (H, W) uint16 -> samples (H, W) -> balanced (H, W) -> planes (3, H, W) camera RGB
        -> planes linear sRGB -> planes of codes -> planes extended sRGB (0..1 is what a viewer shows; nothing is clipped)

`render` and `recover` walk through them as they stand here only where speed does not matter: the open loop, chroma of
X-Trans, foreign photos. Elsewhere faster or integer versions take their place, each tied to them by a test:

    inverse_pass.decode         inverse, at the photosites only    test_decoding_is_the_inverse_of_the_stages
    chroma.BayerChroma          forward, subsampled, in cells      test_chroma_of_cells_is_that_of_the_stages
    luma.Solver                 inverse, solved for luma           test_the_fast_solver_finds_the_luma_of_the_plain_one
    video.signal                the same for codecs of 10 bits     test_a_video_signal_has_the_luma_of_the_plain_solution
    lossless.predictor          inverse_pass.decode in integers    test_the_predictor_foretells_what_recover_would_give

The closed loop (`closed_loop.encode`) is made of the second and the third, and foresees the first.
`top` is the row of the frame at which a strip begins: it sets the phase of the CFA.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from rawback.isp import mosaic as mosaics
from rawback.isp.colour import curve_of
from rawback.isp.matmul import mix
from rawback.recipe import Recipe


class Stage(Protocol):
    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray: ...
    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray: ...


class Levels:
    """DN <-> 0 at black, 1 at white level, plus the pedestal."""

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mosaics.level(x, recipe, top)

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mosaics.unlevel(y, recipe, top)


class WhiteBalance:
    """Gains and exposure at the photosites. Before demosaicing, which judges edges better in balanced colour."""

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return x * self._gains(x, recipe, top)

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return y / self._gains(y, recipe, top)

    def _gains(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        by_position = (recipe.gains * np.float32(2**recipe.exposure))[np.array(recipe.cfa)]
        return mosaics.tile(by_position, *x.shape, top=top)


class Demosaic:
    """Three colours from one; as the measured samples are kept, the inverse is to take them back."""

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        if recipe.monochrome:
            return np.stack([x] * 3)
        return mosaics.demosaic(x, mosaics.tile(np.array(recipe.cfa), *x.shape, top=top))

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mosaics.mosaic_of(y, mosaics.tile(np.array(recipe.cfa), *y.shape[1:], top=top))


class CameraMatrix:
    """White-balanced camera RGB <-> linear sRGB."""

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mix(np.array(recipe.matrix, np.float32), x)

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mix(np.linalg.inv(np.array(recipe.matrix)).astype(np.float32), y)


class TransferCurve:
    """Linear light <-> code values."""

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return curve_of(recipe).encode(x)

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return curve_of(recipe).light(y)


class CodeMatrix:
    """The curve's codes <-> the picture's, which a camera may have made more colourful after its curve.

    Rows sum to 1, so greys stay, and what a plane added to all three does not change what is added to it.
    """

    def forward(self, x: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mix(np.linalg.inv(np.array(recipe.code_matrix)).astype(np.float32), x) if recipe.code_matrix else x

    def inverse(self, y: np.ndarray, recipe: Recipe, top: int) -> np.ndarray:
        return mix(np.array(recipe.code_matrix, np.float32), y) if recipe.code_matrix else y


CODE_MATRIX = CodeMatrix()
"""The stage by itself: faster versions take it as it stands."""
SENSOR: list[Stage] = [Levels(), WhiteBalance(), Demosaic()]
"""Mosaic <-> balanced camera RGB."""
COLOUR: list[Stage] = [CameraMatrix(), TransferCurve(), CODE_MATRIX]
"""Balanced camera RGB <-> extended sRGB."""
FROM_LIGHT = COLOUR[:1]
"""Balanced camera RGB <-> linear sRGB, for pictures that tell their light."""
STAGES = SENSOR + COLOUR
"""All, from the mosaic on."""


def forward(mosaic: np.ndarray, recipe: Recipe, top: int = 0, white_at: float | None = None) -> np.ndarray:
    """Mosaic (H, W) uint16 -> extended sRGB planes (3, H, W) float32.

    With `white_at` the balanced samples are cut there, so that blown photosites come out white: one-way, for the
    chroma that viewers are shown.
    """
    x = mosaic
    for stage in STAGES:
        x = stage.forward(x, recipe, top)
        if white_at is not None and isinstance(stage, WhiteBalance):
            x = np.minimum(x, np.float32(white_at))
    return x


def inverse(srgb: np.ndarray, recipe: Recipe, top: int = 0, stages: list[Stage] = STAGES) -> np.ndarray:
    """Extended sRGB planes (3, H, W) float32 -> mosaic (H, W) uint16; or through some of the stages only."""
    y = srgb
    for stage in reversed(stages):
        y = stage.inverse(y, recipe, top)
    return y
