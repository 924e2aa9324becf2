"""`render` says how far its RAW will be off, and that is what `recover` gives."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import raw_file, recovered

import rawback
from rawback import RenderOptions


@pytest.mark.parametrize(("height", "options"), [
    (88, {}), (144, {"subsampling": "4:4:4", "quality": 75}), (1200, {}), (144, {"lossless": True}),
])  # fmt: skip
def test_the_error_that_is_said_is_the_error_there_is(height: int, options: dict):
    file = raw_file(height, 96)
    rendered = rawback.render(file, RenderOptions(exposure=0.0, weights="none", **options))
    true = file.mosaic.astype(float)
    back = recovered(rendered.data)
    error = np.sqrt(np.mean((back.mosaic - true) ** 2))
    if options.get("lossless"):
        assert error == 0 and rendered.recipe.rms > 0
        return
    assert rendered.recipe.rms == pytest.approx(error, rel=0.2 if height > 1000 else 0.01, abs=0.01)
    span = file.recipe.white - np.mean(file.recipe.black)
    said = f"within {20 * np.log10(span / rendered.recipe.rms):.1f} dB"
    assert any(said in note and "lossless" in note for note in back.notes)
