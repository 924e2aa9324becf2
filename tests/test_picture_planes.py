"""Planes of video frames: codes come back exactly, and R'G'B' is what the matrix says, whatever the format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from movies import need_av
from scenes import garden, recipe_of

from rawback.files.video import planes
from rawback.isp.video import signal

av = need_av()
BARS = np.array([(1, 1, 1), (0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (0.5, 0.25, 0.75)])


def test_every_ten_bit_code_comes_back():
    codes = np.stack([np.resize(np.arange(4, 1020), (40, 64))] * 3).astype(np.uint16)
    assert np.array_equal(planes.codes_of(planes.ycc_of_codes(codes)), codes)
    found, space = planes.ycc_of(planes.to_frame(av, codes))
    assert space == planes.BT709 and np.array_equal(planes.codes_of(found), codes)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_eight_bits_survive_ten(red: int, green: int, blue: int):
    rgb = np.array([red, green, blue]).reshape(3, 1, 1) / 255
    ycc = np.tensordot(np.linalg.inv(planes.to_rgb_matrix(planes.BT709)), rgb, 1)
    back = np.tensordot(planes.to_rgb_matrix(planes.BT709), planes.ycc_of_codes(planes.codes_of(ycc)), 1)
    assert np.abs(back - rgb).max() * 255 < 0.5


def test_white_is_white_and_grey_has_no_chroma():
    for space in planes.LUMA_WEIGHTS:
        matrix = planes.to_rgb_matrix(space)
        assert np.allclose(matrix @ (1, 0, 0), 1) and np.allclose(np.linalg.inv(matrix) @ (0.3, 0.3, 0.3), (0.3, 0, 0))


FORMATS = {"yuv422p10le": 0.002, "gbrp": 0.004, "rgb24": 0.004} | dict.fromkeys(
    ("yuv444p", "yuv420p", "yuvj420p", "nv12", "yuyv422"), 0.01
)
"""How far off a colour may be after FFmpeg's conversion into that format: its rounding to 8 bits, mostly."""


@pytest.mark.parametrize("name", FORMATS)
def test_even_colours_come_back_from_any_format(name: str):
    for colour in BARS:
        picture = np.broadcast_to(np.rint(colour * 255).astype(np.uint8), (48, 64, 3))
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
        shown = frame if name == "rgb24" else frame.reformat(format=name, dst_colorspace=planes.BT709)
        found = planes.rgb(shown)
        assert np.abs(found - np.rint(colour * 255)[:, None, None] / 255).max() < FORMATS[name]


def test_chroma_lies_where_it_is_said_to_lie():
    ramp = np.tile(np.arange(80, 176, 3, dtype=np.uint8), (16, 1))  # 32 samples for 64 columns, 3 codes from one to the next
    frame = av.VideoFrame.from_ndarray(np.concatenate([np.full(2048, 128, np.uint8), *ramp, *ramp]).reshape(-1, 64), "yuv420p")
    for centred, first in ((False, 0.0), (True, 0.5)):
        found = planes.ycc_of(frame, centred)[0][1:, :, 4:-4] * 224 + 128
        wanted = 80 + 3 * (np.arange(4, 60) - first) / 2
        assert np.abs(found - wanted).max() < 1e-3


def test_grey_spans_its_whole_range():
    frame = av.VideoFrame.from_ndarray(np.full((32, 32), 255, np.uint8), "gray")
    assert np.allclose(planes.rgb(frame), 1, atol=1e-6)


def test_the_needed_luma_brings_the_mosaic_back_under_any_chroma():
    recipe = signal.fitted(recipe_of(48, 64, refined=False), np.array([0.2126, 0.7152, 0.0722]))
    mosaic, to_rgb = garden(48, 64, recipe, 0.5), planes.to_rgb_matrix(planes.BT709)
    chroma = signal.picture(mosaic, recipe, np.linalg.inv(to_rgb))[1:]
    chroma += np.random.default_rng(2).normal(0, 0.02, chroma.shape).astype(np.float32)
    luma = signal.luma_under(chroma, mosaic, recipe, to_rgb)
    srgb = np.tensordot(to_rgb.astype(np.float32), np.concatenate([luma[None], chroma]), 1)
    assert np.abs(signal.mosaic_of(srgb, recipe).astype(int) - mosaic).max() <= 1
