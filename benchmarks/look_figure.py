"""Draw docs/look.jpg: what `evaluate --report` shows of a RAW with its camera's picture inside, as Chromium shows it.

    python benchmarks/look_figure.py [TARGET]

The RAW is tests/data/sample.dng, the picture inside simulated: brighter, with more contrast and colour, sharpened, a JPEG.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from rawback import RenderOptions
from rawback.evaluate import report, report_look
from rawback.files import dng, raw
from rawback.files.jpeg_file import JpegFile
from rawback.isp import stages, tone
from rawback.isp.colour import CURVES

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "look.jpg"
EXPOSURE = 0.7
"""EV by which the simulated camera brightens."""
MORE_COLOUR = np.array([[1.10, -0.08, -0.02], [-0.04, 1.08, -0.04], [0.0, -0.12, 1.12]])
"""What it does to codes after its curve."""
COOLER = np.array([[1.05, 0.02, -0.07], [-0.03, 0.98, 0.05], [0.0, -0.1, 1.1]])
"""What it does to light before it."""
COLUMNS = 1440
PAGE = '<!doctype html><meta charset="utf-8"><style>{css} h3 {{ margin-top: 0 }}</style><body>{panel}</body>'
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDTH, HEIGHT, SCALE = 1000, 900, "1.4"
"""Of the window, in CSS pixels, and device pixels to each."""


def photographed() -> bytes:
    """The sample as a DNG that carries the simulated camera's picture."""
    file = raw.read((ROOT / "tests" / "data" / "sample.dng").read_bytes(), "sample.dng")
    curve = CURVES["srgb"]
    matrix = tuple(map(tuple, (COOLER @ np.array(file.recipe.matrix)).tolist()))
    look = replace(
        file.recipe, matrix=matrix, exposure=EXPOSURE, curve="srgb",
        tone=tone.knots_of(tone.generic_light(curve.decode(np.linspace(0, 1, 33))[0]) * 0.9, curve),
        code_matrix=tuple(map(tuple, np.linalg.inv(MORE_COLOUR).tolist())),
    )  # fmt: skip
    srgb = np.clip(stages.forward(file.mosaic, look, white_at=1.0), 0, 1)
    picture = Image.fromarray(np.rint(np.moveaxis(srgb, 0, -1) * 255).astype(np.uint8))
    picture = picture.resize((COLUMNS, round(COLUMNS * picture.height / picture.width)), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    picture.filter(ImageFilter.UnsharpMask(1, 80, 2)).save(stream, "JPEG", quality=90)
    shown = JpegFile(stream.getvalue())
    return b"".join(dng.encode(file.mosaic, file.recipe, file.exif, shown, software="Sample 1"))


def seen(page: str) -> Image.Image:
    """A page in a browser, its empty margin below cut off."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        raise SystemExit("Chromium is not installed; it takes the picture of the page")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "page.html").write_text(page, encoding="utf-8")
        line = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}/profile"]
        line += [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}", "--hide-scrollbars"]
        line += [f"--screenshot={folder}/page.png", Path(folder, "page.html").as_uri()]
        subprocess.run(line, check=True, timeout=120, stderr=subprocess.DEVNULL)
        image = Image.open(Path(folder, "page.png")).convert("RGB")
    rows = np.flatnonzero((np.asarray(image) != 255).any((1, 2)))
    return image.crop((0, 0, image.width, min(int(rows[-1]) + 24, image.height)))


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    panel = report_look.panel(raw.read(photographed(), "the sample"), RenderOptions())
    assert panel is not None
    css = Path(report.__file__).with_name("report.css").read_text(encoding="utf-8")
    seen(PAGE.format(css=css, panel=report_look.html(panel))).save(target, quality=85, optimize=True)
    print(f"{target}: {panel.explains}; recovered, {panel.kept:.1f} dB from the rendering")


if __name__ == "__main__":
    main()
