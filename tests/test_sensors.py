"""The sensors that weights of cameras are trained on, and files that they might have written."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scenes import SAMPLE, SHARED

from rawback import recover, render
from rawback.cameras import sensors as known_sensors
from rawback.errors import RawbackError
from rawback.files import camera_table, raw
from rawback.isp import noise
from rawback.learn import sensors
from rawback.learn.unprocess import measure

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))
from simulated_cameras import photograph

SAID_BY_LIBRAW_AS = {"gopro-hero7": ("GoPro", "HERO5 Black")}
UNKNOWN_TO_LIBRAW = ("apple-iphone-11-pro",)


@pytest.mark.parametrize("name", known_sensors.names())
def test_daylight_is_white(name):
    matrix, neutral = sensors.matrix(name), sensors.neutral(name)
    assert np.allclose(matrix.sum(1), 1)
    answer = known_sensors.xyz_to_camera(name) @ sensors.D65
    assert np.allclose(matrix @ (answer / neutral / answer.max()), 1)
    assert neutral.max() == 1 and neutral.min() > 0.2
    assert np.argmax(neutral) == 1, "silicon sees green best"
    warm, cold = sensors.neutral(name, 2856), sensors.neutral(name, 9000)
    assert warm[0] / warm[2] > 2 * neutral[0] / neutral[2] > cold[0] / cold[2], "a lamp is red"


@pytest.mark.parametrize("name", known_sensors.names())
def test_colours_are_libraws(name):
    camera = known_sensors.known(name)
    found = camera_table.xyz_to_camera(*SAID_BY_LIBRAW_AS.get(name, (camera["make"], camera["model"])))
    if name in UNKNOWN_TO_LIBRAW:
        assert found is None
    else:
        assert np.allclose(found, known_sensors.xyz_to_camera(name))


@pytest.mark.parametrize("name", known_sensors.names())
def test_noise_is_that_of_the_iso_speed(name):
    base = known_sensors.known(name)["base_iso"]
    low, high = sensors.sensor(name), sensors.sensor(name, 4 * base)
    assert high.noise[0] == pytest.approx(4 * low.noise[0])
    assert low.noise[1] < high.noise[1] < 16 * low.noise[1] * 1.001
    grey = np.full((256, 256, 3), 0.25, np.float32) * low.gains.astype(np.float32)
    counted = measure(grey, low, np.random.default_rng(1)).astype(float)
    level = (counted - low.black) / (low.white - low.black)
    rounding = 1 / 12 / (low.white - low.black) ** 2
    assert level.mean() == pytest.approx(0.25, rel=1e-3)
    assert level.var() == pytest.approx(low.noise[0] * 0.25 + low.noise[1] + rounding, rel=0.03)


def test_drawn_sensors_stay_within_the_cameras_speeds():
    rng = np.random.default_rng(4)
    drawn = [sensors.draw("nikon-d700", rng, (100, 1600)) for _ in range(50)]
    scales = [sensor.noise[0] for sensor in drawn]
    assert sensors.noise("nikon-d700", 200)[0] <= min(scales) < max(scales) <= sensors.noise("nikon-d700", 1600)[0] * 1.0001
    assert all(sensor.neutral.max() == 1 for sensor in drawn)


def test_what_is_not_known_is_said():
    with pytest.raises(RawbackError, match="expected one of canon-eos-5d"):
        sensors.sensor("canon-eos-1")
    with pytest.raises(RawbackError, match="100 to 1600"):
        sensors.sensor("canon-eos-5d", 6400)


@pytest.fixture(scope="module")
def light():
    """A part of the still life, as linear sRGB."""
    sample = raw.read(SAMPLE.read_bytes(), "sample")
    cells = sample.mosaic[200:680, 600:1080].astype(float) - 256
    rgb = np.stack([cells[::2, ::2], (cells[::2, 1::2] + cells[1::2, ::2]) / 2, cells[1::2, 1::2]], -1) / (4095 - 256)
    return rgb / sample.recipe.neutral @ np.array(sample.recipe.matrix).T


@pytest.mark.parametrize("name", known_sensors.names())
def test_a_file_of_the_camera_goes_through_render_and_recover(name, light, tmp_path):
    path = tmp_path / "simulated.dng"
    path.write_bytes(photograph(light, name))
    before = raw.read(path.read_bytes(), "simulated")
    sensor = sensors.sensor(name)
    assert before.recipe.cfa == sensor.cfa and before.recipe.white == sensor.white
    assert np.allclose(before.recipe.matrix, sensor.matrix, atol=2e-3)
    picture = tmp_path / "simulated.jpg"
    picture.write_bytes(render(path).data)
    back = recover(picture)
    error = (back.mosaic.astype(float) - before.mosaic) / (sensor.white - sensor.black)
    assert back.state is not None and back.recipe.camera == before.recipe.camera
    assert -10 * np.log10(np.mean(error**2)) > 42


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_the_compacts_noise_is_that_of_their_files():
    for name, file in (
        ("canon-powershot-s40", "canon_powershot_s40_0101.CRW"),
        ("canon-powershot-g2", "canon_powershot_g2_0304.CRW"),
    ):
        real = raw.read((SHARED / "raw" / file).read_bytes(), file)
        scale, _ = noise.estimate(real.mosaic, real.recipe)
        assert sensors.noise(name, 50)[0] == pytest.approx(scale, rel=0.1)
        assert (
            real.recipe.white == known_sensors.known(name)["white"]
            and real.recipe.black[0] == known_sensors.known(name)["black"]
        )
