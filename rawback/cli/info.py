"""The command that tells what a file is, in words of those who do not know ours."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import typer

from rawback.cli import limits
from rawback.cli.help import COLUMNS
from rawback.errors import EXIT_FAILED, RawbackError
from rawback.messages import answer, say
from rawback.options.shared import AsJson, Inputs, Verbose

INDENT = 20
"""Columns of what stands before a value."""
TITLES = {
    "camera": "camera", "settings": "its settings", "profile": "colours", "headroom": "highlights", "promise": "its RAW",
    "lossless_layer": "lossless layer", "refinement_layer": "fine RAW in", "restores": "restores",
    "original_file": "file inside", "original_back": "given back by",
    "recovery_data": "recovery data", "metadata_of_raw": "metadata of RAW",
    "left_out": "left out", "codec": "codec", "frames": "frames", "rate": "frames a second", "time_code": "time code",
    "sound": "sound",
}  # fmt: skip
"""What is told of all files, in this order; `-v` tells the rest, too."""
COLOURS = "RGBE"
"""Letters of a colour filter array, by the numbers in a recipe."""
RECIPE = {"CFAPattern": "colour filters", "Black": "black level", "White": "white level", "Neutral": "white balance"}
"""What is told of a recipe."""


def info(inputs: Inputs, verbose: Verbose = False, as_json: AsJson = False) -> None:
    """Tell what a file is, what it carries, and what `recover` makes of it."""
    from rawback.info import describe

    failed, told = False, False
    for source in inputs:
        try:
            with limits.bounded():
                facts = describe(source)
        except RawbackError as error:
            say(str(error))
            failed = True
            continue
        if as_json:
            answer(json.dumps(facts))
        else:
            answer("\n" * told + "\n".join(lines(facts, verbose)))
        told = True
    raise typer.Exit(EXIT_FAILED if failed else 0)


def lines(facts: dict[str, Any], verbose: bool) -> list[str]:
    """Facts about a file as text; all there are, with the names that they have as JSON, if `verbose`."""
    if verbose:
        rest = {name: value for name, value in facts.items() if name not in ("recipe", "notes")}
        told = [_line(name.replace("_", " "), value) for name, value in rest.items()]
        recipe = [_line(f"  {name}", value) for name, value in facts["recipe"].items()]
    else:
        size = f", {facts['bytes'] / 1e6:.2f} MB" if "bytes" in facts else ""
        what = f"{facts['kind']}, {facts['width']} x {facts['height']} pixels{size}{_coding(facts)}"
        told = [str(facts["file"]), _line("what it is", what)]
        told += [_line(title, facts[name]) for name, title in TITLES.items() if facts.get(name)]
        told += [_line(title, text) for title, text in _of_camera(facts)]
        known = facts["recipe"]
        recipe = [_line(title, _readable(name, known[name])) for name, title in RECIPE.items() if name in known]
    return told + recipe + [_line("note", note) for note in facts["notes"]]


def _line(title: str, value: object) -> str:
    """A title and a value, which is wrapped below itself."""
    text = ", ".join(map(str, value)) if isinstance(value, list) else "yes" if value is True else str(value)
    below = " " * (INDENT + 1)
    wrapper = textwrap.TextWrapper(COLUMNS, subsequent_indent=below, break_on_hyphens=False, break_long_words=False)
    return wrapper.fill(f"{title:{INDENT}} {text}")


def _coding(facts: dict[str, Any]) -> str:
    """How a JPEG is coded."""
    chroma = f", chroma {facts['subsampling']}" if "subsampling" in facts else ""
    return chroma + (f", quality about {facts['quality']}" if facts.get("quality") else "")


def _of_camera(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """What a camera did to a photo that rawback did not render, and what becomes of it: titles and texts."""
    if "sharpening_undone" not in facts:
        return []
    known = "as its camera was measured to add" if "sharpening_measured" in facts else "as cameras add in the mean"
    undone = f"about {facts['sharpening_undone']:.1f}, {known}; is undone"
    sharpening = f"stays as it is: {facts['sharpness_left']}" if "sharpness_left" in facts else undone
    clipped = f"{facts['clipped']:.1%} of the pixels have a channel at white" if facts["clipped"] else "nothing"
    return [("sharpening", sharpening), ("clipped", clipped)]


def _readable(name: str, value: str) -> str:
    """A value of a recipe: letters for colours, seldom more than three digits."""
    if name == "CFAPattern":
        letters = {str(number): letter for number, letter in enumerate(COLOURS)}
        return " ".join("".join(letters.get(c, c) for c in row.split()) for row in value.split(";"))
    return ", ".join(_rounded(number) for number in value.split())


def _rounded(text: str) -> str:
    try:
        return f"{float(text):.5g}"
    except ValueError:
        return text
