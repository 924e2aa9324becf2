"""The command that trains weights (needs the extra `train`)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from rawback.errors import RawbackError

Photos = Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photographs or of RAW files.", show_default=False)]
Training = Annotated[Path, typer.Argument(metavar="TRAINING", help="The folder NAME.training.", show_default=False)]
Folder = Annotated[Path, typer.Option("-o", "--output", help="The folder of the weights.", show_default=False)]
Name = Annotated[str, typer.Option(help="Of the weights: NAME.json and what belongs to it.", show_default=False)]
Parts = Annotated[str, typer.Option(help="demosaic, restore, restore_open, flow, with commas between them.")]
Steps = Annotated[int | None, typer.Option(help="Per part. Default: as many as generic-2 had.", show_default=False)]
Seed = Annotated[int, typer.Option(help="The same seed makes the same weights.")]
Camera = Annotated[str | None, typer.Option(help="Simulate this camera's sensor only.", show_default=False)]
Start = Annotated[
    str | None, typer.Option(help="Weights to begin with, which stand for what is not trained.", show_default=False)
]
Device = Annotated[str | None, typer.Option(help="cpu or cuda. Default: cuda where there is one.", show_default=False)]


def train(
    photos: Photos, output: Folder, name: Name, parts: Parts = "demosaic,restore_open,restore", steps: Steps = None,
    seed: Seed = 1, camera: Camera = None, start: Start = None, device: Device = None,
) -> None:  # fmt: skip
    """Train weights on photographs or on RAW files of your own; an interrupted training goes on where it stopped."""
    learn = _learn()
    options = learn.TrainOptions(
        parts=tuple(parts.split(",")), steps=steps, seed=seed, camera=camera, start=start, device=device
    )  # fmt: skip
    print(learn.train(photos, output, name, options))


def export(training: Training, output: Folder, name: Name) -> None:
    """Make weights of the best that a training, finished or interrupted, has found so far."""
    print(_learn().export_training(training, output, name))


def _learn() -> ModuleType:
    try:
        from rawback.learn import train
    except ImportError as error:
        raise RawbackError(f"training needs {error.name}: install rawback with its extra, 'rawback[train]'") from error
    return train
