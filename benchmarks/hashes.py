"""Hashes of what rawback makes, to compare two states of the code: of coded pictures, of recovered mosaics, and of whole files.

    python benchmarks/hashes.py RAW... > before.txt      # then the other state, and diff

Of each RAW and each way to render it: the JPEG's picture (size, tables, coefficients), the mosaic that `recover` makes of it,
and both files. Metadata differs wherever a version, a seal or a tag does; pictures and mosaics must not without a reason.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np

import rawback
from rawback import RenderOptions
from rawback.errors import RawbackError
from rawback.files import jpeg

WAYS: dict[str, RenderOptions] = {
    "default": RenderOptions(),
    "exposure 0": RenderOptions(exposure=0.0),
    "4:4:4": RenderOptions(subsampling="4:4:4"),
    "standard tables": RenderOptions(tables="standard"),
    "open loop": RenderOptions(refine=False),
    "open loop, no weights": RenderOptions(refine=False, weights="none", tables="standard", subsampling="4:2:2"),
    "the paper's flow": RenderOptions(refine=False, weights="paper-1", exposure=0.0),
    "effort best": RenderOptions(effort="best"),
    "keep 1.7bpp": RenderOptions(keep="1.7bpp"),
    "keep noise": RenderOptions(keep="noise"),
    "lossless": RenderOptions(lossless=True),
    "no EXIF": RenderOptions(keep_exif=False),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("raw", nargs="+", type=Path)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    args = parser.parse_args()
    scratch = Path("hashes.jpg")
    for path in args.raw:
        for way in args.ways:
            try:
                print(f"{path.name:34} {way:22} {' '.join(_hashes(path, WAYS[way], scratch))}", flush=True)
            except RawbackError as error:
                print(f"{path.name:34} {way:22} {str(error).replace(str(path), path.name)}", flush=True)
    scratch.unlink(missing_ok=True)


def _hashes(path: Path, options: RenderOptions, scratch: Path) -> list[str]:
    """Picture, mosaic, JPEG, DNG: 12 digits of each sha256."""
    data = rawback.render(path, options).data
    scratch.write_bytes(data)
    recovered = rawback.recover(scratch)
    picture = jpeg.read(data, path.name).coefficients.sha256()
    mosaic = hashlib.sha256(np.ascontiguousarray(recovered.mosaic, "<u2")).hexdigest()
    dng = hashlib.sha256(b"".join(recovered.dng())).hexdigest()
    return [digest[:12] for digest in (picture, mosaic, hashlib.sha256(data).hexdigest(), dng)]


if __name__ == "__main__":
    main()
