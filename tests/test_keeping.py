"""`--keep`: sizes, rates and decibels are reached, and what the noise asks for is kept."""

from dataclasses import replace

import numpy as np
import pytest
from scenes import SAMPLE, recovered

import rawback
from rawback import RenderOptions, metrics, rate_control
from rawback.errors import UsageError
from rawback.files import raw
from rawback.files.raw import RawFile
from rawback.isp import noise
from rawback.isp.quantisation_tables import flat_coding


@pytest.fixture(scope="module")
def part() -> RawFile:
    """720 x 960 photosites out of the sample."""
    whole = raw.read(SAMPLE.read_bytes(), SAMPLE.name)
    mosaic = np.ascontiguousarray(whole.mosaic[200:920, 600:1560])
    return RawFile(mosaic, replace(whole.recipe, height=720, width=960, crop=None), whole.exif)


def kept(file: RawFile, goal: str) -> rawback.Rendered:
    return rawback.render(file, RenderOptions(exposure=0.0, keep=goal))


@pytest.mark.parametrize(("goal", "size"), [("150kB", 150e3), ("151kB", 151e3), ("2.4bpp", 2.4 * 720 * 960 / 8)])
def test_sizes_and_rates_are_never_exceeded_and_used_to_the_last_percent(part: RawFile, goal: str, size: float):
    assert 0.99 * size <= len(kept(part, goal).data) <= size


def test_a_rate_is_not_exceeded_where_the_recipe_weighs_much(part: RawFile):
    mosaic = np.ascontiguousarray(part.mosaic[200:320, :160])
    small = replace(part, mosaic=mosaic, recipe=replace(part.recipe, height=120, width=160))
    assert len(rawback.render(small, RenderOptions(keep="3bpp", effort="best")).data) <= 3 * mosaic.size / 8


@pytest.mark.parametrize("goal", [50.0, 54.0])
def test_decibels_are_never_missed_nor_exceeded_by_much(part: RawFile, goal: float):
    rendered = kept(part, f"{goal:g}dB")
    mosaic_db = metrics.mosaic_psnr(part.mosaic, recovered(rendered.data).mosaic, part.recipe)
    assert goal <= mosaic_db <= goal + 0.15
    assert "dB" in rendered.notes[-1] and "bits per photosite" in rendered.notes[-1]


@pytest.mark.parametrize(("goal", "said"), [
    ("5kB", "less cannot be reached"), ("9MB", "the finest there is"), ("90dB", "90 dB cannot be reached"),
])  # fmt: skip
def test_what_cannot_be_reached_is_said(part: RawFile, goal: str, said: str):
    assert said in kept(part, goal).notes[-1]


@pytest.mark.parametrize("text", ["", "4", "MB", "-1MB", "4 furlongs", "nan dB", "infdB", "52 dBB"])
def test_nonsense_is_refused(text: str):
    with pytest.raises(UsageError, match="expected"):
        rate_control.parse(text)


def flat_field(recipe, scale: float, offset: float) -> np.ndarray:
    """A ramp over all levels with shot and read noise of a known model."""
    rng = np.random.default_rng(5)
    truth = np.broadcast_to(np.linspace(0.0, 0.9, 768), (512, 768))
    noisy = truth + rng.normal(size=truth.shape) * np.sqrt(scale * truth + offset)
    black = np.mean(recipe.black)
    return np.clip(np.rint(noisy * (recipe.white - black) + black), 0, recipe.white).astype(np.uint16)


def test_the_noise_model_is_found_again(part: RawFile):
    mosaic = flat_field(part.recipe, 4e-4, 4e-5)
    scale, offset = noise.estimate(mosaic, replace(part.recipe, height=512, width=768))
    assert scale == pytest.approx(4e-4, rel=0.15) and offset == pytest.approx(4e-5, rel=0.3)


def test_quantisation_adds_at_most_a_quarter_of_the_noise_at_every_level(part: RawFile):
    scale, offset = 4e-4, 4e-6
    recipe = replace(part.recipe, height=512, width=768, noise=(scale, offset))
    mosaic = flat_field(recipe, scale, offset)
    found = recovered(kept(RawFile(mosaic, recipe, None), "noise").data)
    assert found.recipe.noise == (scale, offset)
    span = recipe.white - np.mean(recipe.black)
    error = ((found.mosaic.astype(float) - mosaic) / span) ** 2
    for columns in np.array_split(np.arange(768), 12):
        level = 0.9 * columns.mean() / 767
        assert error[:, columns].mean() < 0.25 * (scale * level + offset) * 1.1


def test_fractional_steps_lie_between_their_neighbours():
    sums = [int(flat_coding(step, (2, 2)).luma.sum()) for step in (4, 4.25, 4.5, 4.75, 5)]
    assert sums == [256, 272, 288, 304, 320]
