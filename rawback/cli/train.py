"""The command that trains weights (needs the extra `train`)."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Annotated

import typer

from rawback.errors import RawbackError
from rawback.files import extras
from rawback.options.train import TrainOptions

Photos = Annotated[Path, typer.Argument(metavar="PHOTOS", help="A folder of photographs or of RAW files.", show_default=False)]
Training = Annotated[Path, typer.Argument(metavar="TRAINING", help="The folder NAME.training.", show_default=False)]
Folder = Annotated[
    Path, typer.Option("-o", "--output", metavar="FOLDER", help="The folder of the weights.", show_default=False)
]
Name = Annotated[
    str, typer.Option(metavar="NAME", help="Of the weights: NAME.json and what belongs to it.", show_default=False)
]


def train(photos: Photos, output: Folder, name: Name, options: TrainOptions) -> None:
    """Train weights on photographs or on RAW files of your own.

    A training that was interrupted goes on where it stopped.
    """
    print(_learn().train(photos, output, name, options))


def export(training: Training, output: Folder, name: Name) -> None:
    """Make weights of the best that a training has come to so far."""
    print(_learn().export_training(training, output, name))


def _learn() -> ModuleType:
    try:
        from rawback.learn import train
    except ImportError as error:
        raise RawbackError(f"training needs {error.name}, of the extra [train]: {extras.command('train')}") from error
    return train
