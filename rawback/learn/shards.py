"""Training examples on disk: memory-mapped arrays, made once, continued where they were interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from rawback.options.train import MAX_SIDE

SIDE = MAX_SIDE
"""Photosites along a crop."""
RESTORE = {
    "code": ((4, SIDE, SIDE), np.uint16), "chroma": ((4, 2, SIDE // 2, SIDE // 2), np.int16),
    "target": ((SIDE, SIDE), np.uint16), "conditions": ((4, 20), np.float32),
}  # fmt: skip
"""Arrays of one crop, shape and type: four JPEGs of a mosaic, and the mosaic."""
PHOTO = {
    "code": ((4, SIDE, SIDE), np.uint16), "chroma": ((4, 2, SIDE // 2, SIDE // 2), np.int16),
    "conditions": ((4, 17), np.float32), "target": ((SIDE, SIDE), np.uint16), "plain": ((SIDE, SIDE), np.uint16),
    "target_chroma": ((2, SIDE // 2, SIDE // 2), np.int16),
}  # fmt: skip
"""Four JPEGs of a camera's picture, decoded, and the picture: luma, the same before sharpening, and chroma at half size."""
FLOW = {
    "picture": ((3, SIDE, SIDE), np.uint16),
    "look": ((3, SIDE, SIDE), np.uint16),
    "mosaic": ((SIDE, SIDE), np.uint16),
    "conditions": ((20,), np.float32),
}
"""Extended sRGB as the classical stages make it and as it should look, and the mosaic."""
DEMOSAIC = {
    "mosaic": ((SIDE, SIDE), np.uint16), "chroma": ((2, SIDE // 2, SIDE // 2), np.int16), "conditions": ((20,), np.float32),
}  # fmt: skip
"""The mosaic and its classical chroma at half size."""


class Shards:
    """Arrays of `count` crops. Crop i is a function of (seed, i) alone, so order and number of processes do not matter."""

    def __init__(self, folder: Path, layout: dict, count: int, seed: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.count, self.seed = folder, count, seed
        self.arrays = {name: _array(folder / f"{name}.npy", (count, *shape), dtype) for name, (shape, dtype) in layout.items()}

    def fill(self, make: Callable[[int, np.random.Generator], dict[str, np.ndarray]]) -> Iterator[int]:
        """Make the crops that are missing; yields how many there are."""
        state = self.folder / "done.json"
        done = json.loads(state.read_text()) if state.exists() else 0
        for index in range(done, self.count):
            for name, value in make(index, np.random.default_rng((self.seed, index))).items():
                self.arrays[name][index] = value
            if index % 16 == 15 or index + 1 == self.count:
                for array in self.arrays.values():
                    array.flush()
                state.write_text(json.dumps(index + 1))
            yield index + 1

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]


def _array(path: Path, shape: tuple[int, ...], dtype: type) -> np.memmap:
    if path.exists():
        kept = np.lib.format.open_memmap(path, "r+")
        if kept.shape == shape:
            return kept
    (path.parent / "done.json").unlink(missing_ok=True)
    return np.lib.format.open_memmap(path, "w+", dtype, shape)
