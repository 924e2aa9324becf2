"""Figures of merit, against published values and known cases."""

import numpy as np
import pytest
from scenes import SAMPLE

from rawback import RenderOptions, metrics
from rawback.evaluate import advice, evaluate, perceptual, table
from rawback.files import raw


@pytest.mark.parametrize(("first", "second", "expected"), [
    ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425), ((50, -1, 2), (50, 0, 0), 2.3669),
    ((50, 2.5, 0), (50, 0, -2.5), 4.3065), ((50, 2.5, 0), (73, 25, -18), 27.1492),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
])  # fmt: skip
def test_ciede2000_gives_the_published_values(first, second, expected):
    assert perceptual.delta_e_2000(np.array(first, float), np.array(second, float)) == pytest.approx(expected, abs=1e-4)


def test_white_and_red_have_their_places_in_cielab():
    assert np.allclose(perceptual.lab(np.ones(3)), [100, 0, 0], atol=0.01)
    assert np.allclose(perceptual.lab(np.array([1.0, 0, 0])), [53.24, 80.09, 67.20], atol=0.02)


def test_ms_ssim_is_one_for_equals_and_falls_with_noise():
    rng = np.random.default_rng(1)
    plane = rng.random((256, 320))
    noisy = [perceptual.ms_ssim(plane, plane + s * rng.normal(size=plane.shape)) for s in (0.02, 0.1, 0.3)]
    assert perceptual.ms_ssim(plane, plane) == pytest.approx(1)
    assert noisy == sorted(noisy, reverse=True) and noisy[0] < 1


def test_mosaic_psnr_of_a_known_error():
    file = raw.read(SAMPLE.read_bytes(), "sample")
    span = file.recipe.white - file.recipe.black[0]
    true = np.full((64, 64), 1000, np.uint16)
    assert metrics.mosaic_psnr(true, true + 10, file.recipe) == pytest.approx(20 * np.log10(span / 10), abs=0.01)
    assert metrics.paper_psnr(true, true, file.recipe) == 120


def test_finer_quality_is_measured_as_better():
    coarse, fine = evaluate.evaluate(SAMPLE, RenderOptions(exposure=0.0), [75, 90], crop=640)
    figures = (
        "raw_db",
        "lin_db",
        "shadows_db",
        "highlights_db",
        "edit_+4ev_db",
        "edit_-2000k_db",
        "rgb_db",
        "bits_per_photosite",
    )
    for figure in figures:
        assert fine[figure] > coarse[figure]
    assert fine["ms_ssim"] > 0.99 and fine["de2000"] < 2
    assert "mean of 1" in table.table([coarse, fine])


def row(quality: int, **figures: float) -> dict:
    known = {"shadows_db": 58.5, "lin_db": 52.0, "bytes": 3_100_000, "raw_db": 53.0}
    return {"file": "a.CR2", "method": "rawback", "quality": quality} | known | figures


def test_advice_is_how_far_shadows_may_be_brightened():
    """3 EV raise an error eightfold, 18.06 dB: shadows of 58.06 dB bear that, and those of 58.05 do not."""
    pushes = [advice.push(row(90, shadows_db=dark)) for dark in (58.07, 58.05, 40.0, 30.0, float("nan"))]
    assert pushes == [3, 2, 0, 0, None]
    sentences = advice.advice([row(90), row(75, shadows_db=41.0), row(87) | {"method": "upi"}])
    assert sentences[0] == "--quality 90 keeps 52 dB in 3.10 MB: enough for +3 EV"
    assert sentences[1].endswith("enough for the RAW as it is") and len(sentences) == 2


def test_the_table_is_read_in_a_terminal():
    rows = [row(75), row(90), {"file": "b.CR2", "method": "upi", "quality": 90, "note": "not for this"}]
    text = advice.short(rows)
    assert max(map(len, text.splitlines())) <= 100 and "mean of 2" not in text and "b.CR2, upi: not for this" in text
    assert all(title in text for title in advice.TERMS["picture"].split())
