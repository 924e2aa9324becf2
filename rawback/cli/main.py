"""The command line: options, and one library call for each command."""

from __future__ import annotations

import json
import math
import os
import signal
import sys
import warnings
from typing import Annotated

import typer

from rawback.cli import archive, batch, calibrate, clips, evaluate, train
from rawback.cli.options import AsJson, Effort, Inputs, NoExif, NoRefine, Subsampling, Tables, Weights, ratio
from rawback.errors import EXIT_FAILED, EXIT_SIGNAL, EXIT_USAGE, RawbackError, UsageError
from rawback.version import __version__

app = typer.Typer(
    help="Develop RAW into JPEGs that still contain it, and turn JPEGs back into RAW.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
def render(
    inputs: batch.Sources = None,
    output: batch.Output = None,
    quality: Annotated[int, typer.Option(help="1 to 100: how fine luma, and with it the RAW, is kept.")] = 87,
    subsampling: Subsampling = "4:2:0",
    tables: Tables = "raw",
    no_refine: NoRefine = False,
    exposure: Annotated[str, typer.Option(help="EV, or auto: brightened until 1 % clips.")] = "auto",
    look: calibrate.Look = "libraw",
    camera: calibrate.Camera = None,
    effort: Effort = "fast",
    weights: Weights = None,
    keep: archive.Keep = None,
    delete_original: archive.DeleteOriginal = False,
    codec: clips.Codec = None,
    fps: clips.Fps = None,
    no_exif: NoExif = False,
    files_from: batch.FilesFrom = None,
    null: batch.Null = False,
    recursive: batch.Recursive = False,
    include: batch.Include = None,
    exclude: batch.Exclude = None,
    force: batch.Force = False,
    skip_existing: batch.SkipExisting = False,
    keep_mtime: batch.KeepMtime = False,
    dry_run: batch.DryRun = False,
    jobs: batch.Jobs = 0,
    timeout: batch.Timeout = 600,
    memory: batch.Memory = 4096,
    scheduler: batch.Scheduler = None,
    as_json: AsJson = False,
    quiet: batch.Quiet = False,
) -> None:
    """Develop RAW files into JPEGs that still contain their RAW.

    -o NAME.tif or NAME.png writes a 16-bit picture instead, without the RAW; -o NAME.mov, .mp4 or .mkv makes a movie
    of a folder of frames.
    """
    from rawback.batch.jobs import Render
    from rawback.rendering import RenderOptions

    ev = None if exposure == "auto" else _number(exposure)
    options = RenderOptions(
        quality=quality, subsampling=ratio(subsampling), tables=tables, refine=not no_refine, exposure=ev,
        effort=effort, look=look, camera=camera, keep="" if keep == "lossless" else keep or "", lossless=keep == "lossless",
        keep_exif=not no_exif, weights=weights,
    ).check()  # fmt: skip
    job = Render(options, delete_original).check()
    if clips.is_movie(locals()):
        clips.render(options, locals())
    batch.run(job, ".jpg", "raw", locals())


@app.command()
def recover(
    inputs: batch.Sources = None,
    output: batch.Output = None,
    camera: calibrate.Camera = None,
    dng: calibrate.Dng = "cfa",
    no_compress: Annotated[bool, typer.Option("--no-compress", help="Store the mosaic without lossless JPEG.")] = False,
    packed: clips.Packed = False,
    denoise: clips.Denoise = None,
    weights: Weights = None,
    no_exif: NoExif = False,
    files_from: batch.FilesFrom = None,
    null: batch.Null = False,
    recursive: batch.Recursive = False,
    include: batch.Include = None,
    exclude: batch.Exclude = None,
    force: batch.Force = False,
    skip_existing: batch.SkipExisting = False,
    keep_mtime: batch.KeepMtime = False,
    dry_run: batch.DryRun = False,
    jobs: batch.Jobs = 0,
    timeout: batch.Timeout = 600,
    memory: batch.Memory = 4096,
    scheduler: batch.Scheduler = None,
    as_json: AsJson = False,
    quiet: batch.Quiet = False,
) -> None:
    """Turn JPEGs (or PNG, WebP, TIFF, AVIF) back into RAW: a Bayer (or X-Trans) DNG; a movie into a folder of them."""
    from rawback.batch.jobs import Recover

    if dng not in ("cfa", "linear"):
        raise UsageError(f"--dng is {dng}; expected cfa or linear")
    job = Recover(not no_exif, not no_compress, camera, dng == "linear", weights)
    if clips.is_clip(locals()):
        clips.recover(job, locals())
    batch.run(job, ".dng", "jpeg", locals())


@app.command()
def info(inputs: Inputs, as_json: AsJson = False) -> None:
    """Say what a file is, what recipe it carries, and what `recover` can make of it."""
    from rawback.info import describe

    failed = False
    for source in inputs:
        try:
            facts = describe(source)
        except RawbackError as error:
            print(f"rawback: {error}", file=sys.stderr)
            failed = True
            continue
        print(json.dumps(facts) if as_json else _lines(facts))
    raise typer.Exit(EXIT_FAILED if failed else 0)


@app.command()
def cameras(as_json: AsJson = False) -> None:
    """List weights and cameras: what each holds, and the raw / linear dB it gained on held-out photographs."""
    from rawback.cameras.cards import cards, describe

    known = cards()
    if as_json:
        print(json.dumps(known))
    for card in known if not as_json else ():
        print(f"{card['name']:24} {describe(card)}")
    if not known:
        print("no weights are installed: every camera that LibRaw knows is rendered without", file=sys.stderr)


for command in (
    archive.verify, archive.strip, evaluate.evaluate, calibrate.calibrate, train.train, train.export,
):  # fmt: skip
    app.command()(command)


def _lines(facts: dict) -> str:
    flat = {k: v for k, v in facts.items() if k not in ("recipe", "notes")}
    texts = [f"{name.replace('_', ' '):20} {value}" for name, value in flat.items()]
    texts += [f"  {name:18} {value}" for name, value in facts["recipe"].items()]
    return "\n".join(texts + [f"note: {note}" for note in facts["notes"]])


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"exposure is {text!r}; expected a number of EV, or auto")
    return value


def _version(wanted: bool) -> None:
    if wanted:
        print(f"rawback {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("-V", "--version", callback=_version, is_eager=True, help="The version.")] = False,
) -> None: ...


def _stop(number: int, frame: object) -> None:
    """End as any error does: half-written files are removed on the way out."""
    raise SystemExit(EXIT_SIGNAL + number)


def main() -> None:
    """Run the command line: the only place where errors and signals become text and exit codes."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number and signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _stop)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait busily beside ours: half of all time
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # for those who develop, with python -W
    try:
        app()
    except UsageError as error:
        print(f"rawback: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except RawbackError as error:
        print(f"rawback: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    except OSError as error:  # names that the system does not take: too long, with odd characters
        print(f"rawback: {error.filename}: {error.strerror}" if error.filename else f"rawback: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
