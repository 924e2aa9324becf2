"""The command line: options, and one library call for each command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rawback import __version__
from rawback.errors import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_USAGE, RawbackError, UsageError

app = typer.Typer(
    help="Develop RAW into JPEGs that still contain it, and turn JPEGs back into RAW.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Inputs = Annotated[list[Path], typer.Argument(help="One or more files; - is standard input.", show_default=False)]
Output = Annotated[
    Path | None,
    typer.Option("-o", "--output", help="A file, a folder, or - for standard output. Default: beside the input.", show_default=False),
]
Force = Annotated[bool, typer.Option("-f", "--force", help="Replace outputs that exist.")]
SkipExisting = Annotated[bool, typer.Option("--skip-existing", help="Pass by inputs whose output exists.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only say what went wrong.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
NoExif = Annotated[bool, typer.Option("--no-exif", help="Leave EXIF and GPS out.")]


@app.command()
def render(
    inputs: Inputs,
    output: Output = None,
    quality: Annotated[int, typer.Option(help="1 to 100: how fine luma, and with it the RAW, is kept.")] = 85,
    subsampling: Annotated[str, typer.Option(help="Chroma: 4:2:0, 4:2:2 or 4:4:4.")] = "4:2:0",
    tables: Annotated[str, typer.Option(help="raw: best for the RAW inside; standard: the JPEG standard's.")] = "raw",
    no_refine: Annotated[bool, typer.Option("--no-refine", help="Plain encoding: the RAW comes back less well.")] = False,
    exposure: Annotated[str, typer.Option(help="EV, or auto: brightened until 1 % clips.")] = "auto",
    no_exif: NoExif = False,
    force: Force = False,
    skip_existing: SkipExisting = False,
    quiet: Quiet = False,
) -> None:
    """Develop RAW files into JPEGs that still contain their RAW.

    -o NAME.tif or NAME.png writes a 16-bit picture instead, without the RAW.
    """
    from rawback import batch
    from rawback.files import picture16
    from rawback.rendering import RenderOptions
    from rawback.rendering import render as verb

    ev = None if exposure == "auto" else _number(exposure)
    options = RenderOptions(quality, _subsampling(subsampling), tables, not no_refine, ev, not no_exif).check()
    plan = batch.Plan(inputs, output, ".jpg", force, skip_existing, quiet)

    def work(source: Path, target: Path, progress):
        kind = target.suffix.lower() if target.suffix.lower() in picture16.KINDS else ".jpg"
        rendered = verb(source, options, kind=kind, progress=progress)
        return [rendered.data], rendered.notes

    raise typer.Exit(batch.run(plan, work))


@app.command()
def recover(
    inputs: Inputs,
    output: Output = None,
    no_compress: Annotated[bool, typer.Option("--no-compress", help="Store the mosaic without lossless JPEG.")] = False,
    no_exif: NoExif = False,
    force: Force = False,
    skip_existing: SkipExisting = False,
    quiet: Quiet = False,
) -> None:
    """Turn JPEGs back into RAW: a Bayer (or X-Trans) DNG."""
    from rawback import batch
    from rawback.recovering import recover as verb

    plan = batch.Plan(inputs, output, ".dng", force, skip_existing, quiet)

    def work(source: Path, target: Path, progress):
        recovered = verb(source, keep_exif=not no_exif, progress=progress)
        return recovered.dng(compress=not no_compress), recovered.notes

    raise typer.Exit(batch.run(plan, work))


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
    """List the cameras that have weights of their own."""
    from rawback.cameras import cards

    known = cards()
    if as_json:
        print(json.dumps(known))
    for card in known if not as_json else ():
        print(f"{card['name']:24} {card.get('description', '')}")
    if not known:
        print("no weights are installed: every camera that LibRaw knows is rendered without", file=sys.stderr)


def _lines(facts: dict) -> str:
    flat = {k: v for k, v in facts.items() if k not in ("recipe", "notes")}
    texts = [f"{name.replace('_', ' '):20} {value}" for name, value in flat.items()]
    texts += [f"  {name:18} {value}" for name, value in facts["recipe"].items()]
    return "\n".join(texts + [f"note: {note}" for note in facts["notes"]])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"exposure is {text!r}; expected a number of EV, or auto") from None


def _subsampling(text: str) -> str:
    """420 and 4:2:0 are the same."""
    return ":".join(text) if len(text) == 3 else text


def _version(wanted: bool) -> None:
    if wanted:
        print(f"rawback {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[bool, typer.Option("-V", "--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None: ...


def main() -> None:
    """Run the command line: the only place where errors become text and exit codes."""
    try:
        app()
    except UsageError as error:
        print(f"rawback: {error}", file=sys.stderr)
        sys.exit(EXIT_USAGE)
    except RawbackError as error:
        print(f"rawback: {error}", file=sys.stderr)
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
