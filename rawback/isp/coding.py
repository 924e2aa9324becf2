"""How a picture is to be coded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rawback.isp import trellis


@dataclass(frozen=True)
class Coding:
    """How the picture is to be coded."""

    luma: np.ndarray
    """(64,) quantisation table."""
    chroma: np.ndarray
    factors: tuple[int, int] = (2, 2)
    """Rows and columns of luma for one chroma sample."""
    dead_zone: float = 0.37
    """A level of a coefficient is kept from (1 - dead_zone) of a step on."""
    optimise: bool = False
    """Whether luma's levels are weighed against their bits, block by block: slower, smaller."""
    least: float = 0.0
    """Steps of luma's coefficients, but for means, below which a level is 0 in any case; where luma is not weighed."""
    price: float = trellis.LAMBDA
    """What a bit is worth then, in squared steps."""
    dependent: bool = False
    """Whether luma has two quantisers (`isp.dependent`), where it is weighed in the closed loop."""
    beyond_white: bool = False
    """Whether colours beyond white have their chroma (`isp.wide_chroma`), where luma is weighed and viewers do not see it."""
    wide: bool = False
    """Whether that may stand beside the picture, too."""
    thorough: bool = False
    """Whether chroma's levels are weighed, too, and the costs of symbols are those of all of the picture, not of a part."""
    fine: float = 0.0
    """The step of luma in a refinement layer (`lossless.refinement`), beside the picture; 0: there is none."""
    fine_price: float = 0.0
    """What a bit is worth there, in its squared steps."""
    for_jxl: bool = False
    """Whether luma's levels are weighed by what they cost in JPEG XL (`isp.jxl_contexts`), where all that is weighed."""
