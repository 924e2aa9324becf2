"""The options of `train`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from rawback.errors import UsageError
from rawback.options.option import Option

PARTS = ("demosaic", "restore", "restore_open", "flow", "restore_photo")
GENERIC = ("demosaic", "restore_open", "restore")
"""Those of `generic-2`."""
MAX_SIDE = 512
"""Photosites along the examples of which training squares are cut."""


def _parts(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


@dataclass(frozen=True)
class TrainOptions:
    """How to train; the defaults make `generic-2`. Raises UsageError for values that cannot be."""

    parts: Annotated[
        tuple[str, ...], Option(f"{', '.join(PARTS)}, with commas between them.", read=_parts, default=",".join(GENERIC))
    ] = GENERIC
    """In this order: the restoration of open loops learns from pictures that the demosaicing before it has drawn."""
    steps: Annotated[int | None, Option("Per part. Default: as many as generic-2 had.")] = None
    seed: Annotated[int, Option("The same seed makes the same weights.")] = 1
    camera: Annotated[str | None, Option("Simulate this camera's sensor only.")] = None
    """The sensor of `learn/sensors.json` that photographs are turned into RAW of; None: a different one for each."""
    start: Annotated[str | None, Option("Weights to begin with, which stand for what is not trained.")] = None
    """By name or path."""
    device: Annotated[str | None, Option("cpu or cuda. Default: cuda where there is one.")] = None
    batch: int = 8
    side: int = 192
    """Photosites along a training square, a multiple of 16."""
    rate: float = 1.5e-3
    """Highest learning rate; half a cosine takes it to nothing."""
    crops: tuple[int, int] | None = None
    """Crops of 512 x 512 to make for training and for validation."""
    patience: int = 6
    """Validations without a better figure before training stops."""
    every: int = 500
    """Steps between validations, each with a checkpoint."""
    threads: int | None = None

    def __post_init__(self) -> None:
        if not self.parts or not set(self.parts) <= set(PARTS):
            raise UsageError(f"parts are {', '.join(self.parts)}; expected some of {', '.join(PARTS)}")
        if self.side % 16 or not 32 <= self.side <= MAX_SIDE:
            raise UsageError(f"side is {self.side}; expected a multiple of 16 from 32 to {MAX_SIDE}")
        if self.batch < 1 or (self.steps is not None and self.steps < 1):
            raise UsageError(f"batch is {self.batch}, steps are {self.steps}; expected 1 or more")
