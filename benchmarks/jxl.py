#!/usr/bin/env python3
"""How many bytes JPEG XL saves of rawback's JPEGs, and that everything comes back.

    python benchmarks/jxl.py RAW...

Each RAW is rendered at the defaults and transcoded; the JPEG must come back byte for byte, and its RAW with it.
"""

from __future__ import annotations

import sys

import numpy as np

from rawback import render
from rawback.files import jxl
from rawback.files import photo as photos
from rawback.recovering import from_photo


def main(files: list[str]) -> None:
    ratios = []
    for file in files:
        jpeg = render(file).data
        coded = jxl.transcoded(jpeg, file)
        assert jxl.jpeg_inside(coded, file) == jpeg
        assert np.array_equal(
            from_photo(photos.read(coded, file), file).mosaic, from_photo(photos.read(jpeg, file), file).mosaic
        )
        ratios.append(len(coded) / len(jpeg))
        print(f"{file.split('/')[-1][:32]:32} {len(jpeg):>10} {len(coded):>10} {ratios[-1]:.3f}", flush=True)
    print(f"{'mean':32} {'':>10} {'':>10} {np.mean(ratios):.3f}")


if __name__ == "__main__":
    main(sys.argv[1:])
