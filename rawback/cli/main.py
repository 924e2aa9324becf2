"""The command line: options, and one library call for each command."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer

from rawback.cli import archive, calibrate, cameras, doctor, evaluate, help, info, learn, limits, train
from rawback.cli.signature import with_options
from rawback.cores import keep_memory
from rawback.errors import EXIT_FAILED, EXIT_SIGNAL, EXIT_USAGE, RawbackError, UsageError
from rawback.messages import answer, prepare_streams, say
from rawback.options.batch import BatchOptions
from rawback.options.clips import FrameOptions, MovieOptions
from rawback.options.files import FileOptions
from rawback.options.recover import RecoverOptions
from rawback.options.render import ArchiveOptions, RenderOptions

app = typer.Typer(
    help="Develop RAW into JPEGs that still contain it, and turn JPEGs back into RAW.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    cls=help.Group,
    epilog="`rawback COMMAND --help` tells the options of a command.",
)


def render(
    files: FileOptions, options: RenderOptions, archive: ArchiveOptions, movie: MovieOptions, batch: BatchOptions
) -> None:
    """Develop RAW files into JPEGs that still contain their RAW.

    -o NAME.tif or .png writes a 16-bit picture without the RAW; -o NAME.mov makes a movie of frames.
    """
    from rawback.options import conflicts

    if conflicts.is_movie(files.output):
        from rawback.clips import to_movie

        conflicts.check_render_clip(files, options, archive, movie, batch)
        raise typer.Exit(to_movie.render(files, options, movie, batch))
    from rawback.batch import photos

    conflicts.check_render(files, options, movie)
    with limits.of(files, batch):
        raise typer.Exit(photos.render(files, options, archive, batch))


def recover(files: FileOptions, options: RecoverOptions, frames: FrameOptions, batch: BatchOptions) -> None:
    """Turn JPEGs and other pictures back into RAW, as DNG; a movie into a folder of them.

    JPEGs that `rawback render` made give back nearly the RAW that they contain. Of any other picture (JPEG, HEIC, PNG, WebP,
    TIFF, AVIF, JPEG XL) a RAW is made to work with, by its camera's look.
    """
    from rawback.files import file_type
    from rawback.options import conflicts

    if len(files.inputs) == 1 and file_type.is_movie(Path(files.inputs[0])):
        from rawback.clips import to_frames

        conflicts.check_recover_clip(files, options, batch)
        raise typer.Exit(to_frames.recover(files, options, frames, batch))
    from rawback.batch import photos

    conflicts.check_recover(files, frames, options)
    with limits.of(files, batch):
        raise typer.Exit(photos.recover(files, options, batch))


for command in (
    render, recover, info.info, archive.verify, archive.strip, archive.jpeg, cameras.cameras, learn.learn, calibrate.calibrate,
    evaluate.evaluate, train.train, train.export, doctor.doctor,
):  # fmt: skip
    name = command.__name__
    app.command(cls=help.Command, rich_help_panel=help.PANELS[name])(with_options(command))


def _version(wanted: bool) -> None:
    if wanted:
        answer(doctor.version())
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool,
        typer.Option(
            "-V", "--version", callback=_version, is_eager=True, help="Show the versions of rawback and its libraries."
        ),
    ] = False,
) -> None: ...


def _stop(number: int, frame: object) -> None:
    """End as any error does: half-written files are removed on the way out."""
    raise SystemExit(EXIT_SIGNAL + number)


def main() -> None:
    """Run the command line: the only place where errors and signals become text and exit codes."""
    prepare_streams()
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    keep_memory()
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # for those who develop, with python -W
    try:
        app()
    except UsageError as error:
        say(str(error))
        sys.exit(EXIT_USAGE)
    except RawbackError as error:
        say(str(error))
        sys.exit(EXIT_FAILED)
    except OSError as error:  # names that the system does not take: too long, with odd characters
        say(f"{os.fsdecode(error.filename)}: {error.strerror}" if error.filename else str(error))
        sys.exit(EXIT_FAILED)
