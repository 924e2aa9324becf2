"""What is said to people: lines on standard error, answers on standard output, whatever their text and the streams are.

Names and metadata come from strangers and could command a terminal; a stream may be closed, or take ASCII only.
"""

from __future__ import annotations

import os
import sys
from typing import TextIO


def prepare_streams() -> None:
    """To be called once, before a file is opened.

    A closed descriptor 0, 1 or 2 would be given to the next file, into which all that libraries print would go: it is
    opened on the null device. What a stream cannot encode is written out.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest that is free
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def part_from_libraries() -> None:
    """Give what is said here a descriptor of its own: what C libraries print on 2 may be caught (`files.stderr`) meanwhile."""
    if sys.stderr is not None:
        sys.stderr = open(os.dup(2), "w", 1, sys.stderr.encoding, "backslashreplace")  # noqa: SIM115 - as above


def printable(text: str) -> str:
    """Text with what could command a terminal, or is half a character, written out: \\x1b, \\udcff."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def say(text: str) -> None:
    """A line of rawback's on standard error."""
    _write(f"rawback: {printable(text)}", sys.stderr)


def answer(text: str) -> None:
    """What was asked for, on standard output; line ends stay."""
    _write("\n".join(map(printable, text.split("\n"))), sys.stdout)


def _write(text: str, stream: TextIO | None) -> None:
    if stream is not None:
        print(text, file=stream, flush=True)
