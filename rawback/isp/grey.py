"""Pictures of monochrome sensors: luma alone in the file, chroma of zeros beside it wherever three planes are at work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rawback.picture import Coefficients

FACTORS = (2, 2)
TABLE = np.ones(64, np.uint16)
"""Of a chroma that has no levels."""


def chroma(strip: tuple[int, int], width: int) -> np.ndarray:
    """Cb and Cr (2, rows / 2, columns / 2) of rows start..stop of a picture, whole MCUs: zeros."""
    return np.zeros((2, (strip[1] - strip[0]) // FACTORS[0], 8 * -(-width // (8 * FACTORS[1]))), np.float32)


def luma_alone(picture: Coefficients) -> Coefficients:
    """What is written of a picture whose chroma is nothing but zeros."""
    return replace(picture, planes=picture.planes[:1], tables=picture.tables[:1], factors=(1, 1))


def with_chroma(picture: Coefficients) -> Coefficients:
    """The picture as it was before `luma_alone`; one that has chroma as it is."""
    if len(picture.planes) != 1:
        return picture
    rows, columns = (-(-length // (8 * FACTORS[0])) for length in (picture.height, picture.width))
    chroma = [np.zeros((rows, columns, 64), np.int16) for _ in range(2)]
    return replace(picture, planes=[picture.planes[0], *chroma], tables=[picture.tables[0], TABLE, TABLE], factors=FACTORS)
