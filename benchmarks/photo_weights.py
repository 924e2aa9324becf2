"""The restoration of cameras' JPEGs, trained: `python benchmarks/photo_weights.py PHOTOS -o weights`.

PHOTOS: a folder of photographs (DESIGN 5: linearised, reduced, without artefacts of a JPEG of their own). An interrupted
training goes on where it stopped; the card tells the options, the seed, the figures and the manifest's hash.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rawback.learn.train import train
from rawback.options.train import TrainOptions

OPTIONS = TrainOptions(
    parts=("restore_photo",), steps=9000, every=500, seed=2, side=128, crops=(265, 24), patience=18, device="cpu", threads=1
)  # fmt: skip
"""Of `photo-2`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--name", default="photo-2")
    args = parser.parse_args()
    print(train(args.photos, args.output, args.name, OPTIONS))


if __name__ == "__main__":
    main()
