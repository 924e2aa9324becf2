"""Chroma as the decoder makes it large: by the triangle filter of libjpeg, strip by strip the same."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from scenes import raw_file

import rawback
from rawback.files import jpeg
from rawback.isp import dct, inverse_pass
from rawback.picture import Coefficients

FACTORS = {"4:4:4": (1, 1), "4:2:2": (1, 2), "4:2:0": (2, 2)}
"""Rows and columns of luma to a sample of chroma."""


def ramp(factors: tuple[int, int]) -> Coefficients:
    """A picture of 64 x 64 whose chroma rises by 1/255 from row to row of samples, and is the same along them."""
    samples = [8 * (8 // factor) for factor in factors]
    rows = np.arange(samples[0], dtype=np.float32) - samples[0] / 2
    plane = dct.to_coefficients(np.ascontiguousarray(np.broadcast_to(rows[:, None], samples)))
    table = np.ones(64, np.uint16)
    small = np.rint(64 * plane) / 64  # as levels may be fractions: those of a picture that was turned back are
    return Coefficients(64, 64, [np.zeros((8, 8, 64), np.int16), small, small], [table, table, table], factors)


@pytest.mark.parametrize("subsampling", FACTORS)
def test_a_ramp_of_chroma_goes_on_through_every_strip(subsampling: str):
    """Rows lie a quarter of a sample above and below its middle: 0.25 and 0.75 of the way from one to the next."""
    factors = FACTORS[subsampling]
    picture = ramp(factors)
    rows = np.arange(64)
    samples = (rows + 0.5) / factors[0] - 0.5 if factors[0] == 2 else rows.astype(float)
    expected = (np.clip(samples, 0, 64 / factors[0] - 1) - 32 / factors[0]) / 255
    for height in (64, 16, 6, 1):
        for start in range(0, 64, height):
            stop = min(start + height, 64)
            for component in (1, 2):
                strip = inverse_pass.chroma_rows(picture, component, start, stop)
                assert strip.shape == (stop - start, 64)
                assert np.abs(strip - expected[start:stop, None]).max() < 1e-4


@pytest.mark.parametrize("subsampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_viewers_see_the_chroma_that_the_decoder_sees(subsampling: str):
    """libjpeg-turbo's planes, rounded to whole codes two times on the way; beyond the last row and column it repeats them."""
    data = rawback.render(raw_file(90, 122, light=0.4), rawback.RenderOptions(exposure=0.0, subsampling=subsampling)).data
    with Image.open(io.BytesIO(data)) as image:
        image.draft("YCbCr", image.size)
        seen = np.asarray(image).astype(float)
        assert image.mode == "YCbCr"
    coefficients = jpeg.read(data, "photo").coefficients
    for component in (1, 2):
        for start, stop in ((0, 89), (30, 62), (47, 48)):
            decoded = 128 + 255 * inverse_pass.chroma_rows(coefficients, component, start, stop)
            off = np.abs(decoded - seen[start:stop, :, component])[:, :-1]
            assert off.max() < 1.1 and off.mean() < 0.5
