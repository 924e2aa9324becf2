"""The guess of blown highlights, trained: `python benchmarks/highlight_weights.py PHOTOS -o weights`.

PHOTOS: a folder of photographs (DESIGN 5: linearised, reduced, without artefacts of a JPEG of their own). The card tells the
seed, the figures and the manifest's hash.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from rawback.learn.highlights import train

STEPS, SEED = 1000, 1
"""Of `highlights-1`."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--name", default="highlights-1")
    args = parser.parse_args()
    args.output.mkdir(parents=True, exist_ok=True)
    print(train(args.photos, args.output, args.name, STEPS, SEED))


if __name__ == "__main__":
    main()
