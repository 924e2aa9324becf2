"""Small files for tests of what happens around the pictures."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from rawback.files import dng
from rawback.recipe import Recipe

ROOT = Path(__file__).parent.parent
RAWBACK = [sys.executable, "-m", "rawback"]
ENVIRONMENT = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}


def raw_bytes(seed: int = 0, width: int = 64, height: int = 48, software: str = "rawback") -> bytes:
    """A DNG of smooth noise, RGGB, 14 bits; not rawback's own if `software` is another."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(600, 12000, (height // 8 + 1, width // 8 + 1))
    mosaic = np.kron(coarse, np.ones((8, 8)))[:height, :width] + rng.normal(0, 60, (height, width))
    recipe = Recipe(
        width, height, ((0, 1), (1, 2)), (512.0,) * 4, 16383.0, (0.5, 1.0, 0.6),
        ((1.6, -0.5, -0.1), (-0.2, 1.5, -0.3), (0.0, -0.6, 1.6)), camera="Test Camera",
    )  # fmt: skip
    return b"".join(dng.encode(np.clip(mosaic, 512, 16383).astype(np.uint16), recipe, None, None, software=software))


def jpeg_bytes(seed: int = 0, width: int = 64, height: int = 48, **options) -> bytes:
    """A JPEG that contains its RAW."""
    from rawback.files.raw import read
    from rawback.options.render import RenderOptions
    from rawback.rendering import render

    return render(read(raw_bytes(seed, width, height), "small"), RenderOptions(**options)).data


def mutants(data: bytes, span: tuple[int, int], changes: int, count: int, *, seed: int) -> Iterator[bytes]:
    """So many copies, each with `changes` bytes of the span drawn anew."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        mutant = bytearray(data)
        for at in rng.integers(*span, changes):
            mutant[at] = rng.integers(256)
        yield bytes(mutant)


def foreign_jpeg(size: tuple[int, int] = (64, 48)) -> bytes:
    """A JPEG that rawback did not make."""
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(stream, "JPEG", quality=80)
    return stream.getvalue()


def segment(marker: int, payload: bytes) -> bytes:
    """A segment of a JPEG."""
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload


def raw_folder(folder: Path, count: int, **size: int) -> list[Path]:
    """A folder of RAW files."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{i:03}.dng" for i in range(count)]
    for i, file in enumerate(files):
        file.write_bytes(raw_bytes(i, **size))
    return files


def rawback(*arguments: object, **options) -> subprocess.CompletedProcess:
    """Run the command line in a process of its own."""
    command = [*RAWBACK, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, timeout=120, **options)


def is_whole(path: Path) -> bool:
    """Whether a JPEG or DNG is complete: decoded to its end."""
    data = path.read_bytes()
    if data[:2] == b"\xff\xd8":
        from rawback.files import jpeg

        return data[-2:] == b"\xff\xd9" and not jpeg.read(data, path.name).notes
    from rawback.files import raw

    return raw.read(data, path.name).mosaic.max() > 0


def leftovers(folder: Path) -> list[Path]:
    """Temporary files below a folder."""
    return sorted(folder.rglob(".rawback-*"))
