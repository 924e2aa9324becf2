"""The seal, by which a file that rawback wrote and nobody has changed since is known for certain.

It is a text within the file, `rawback:Seal="..."`, of 64 hexadecimal digits: the sha256 of the file with those digits set
to 0. Any edit, of pixels or metadata, breaks it; no other file has one by chance. A JPEG carries it in its XMP, a DNG in a
private tag, a PNG in a text chunk, a TIFF in the same tag, a card in its JSON. Beside it stands of what the file was made.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from rawback.files.tiff import Buffer

DIGITS = 64
BLANK = b"0" * DIGITS
NAME = "Seal"
"""Of the XMP property."""
TEXT = f'rawback:{NAME}="{BLANK.decode()}"'
"""What a writer puts into a file that is to be sealed."""
SEAL = re.compile(rb'rawback:Seal=\\?"([0-9a-f]{64})\\?"')  # in JSON its quotation marks are escaped
FACT = re.compile(r'rawback:([A-Z]\w{0,30})="([^"<>&]*)"')
UNFIT = re.compile(r'["<>&\s]+')
AROUND = 1 << 14
"""Bytes before and after a seal in which the facts beside it stand: of a movie, a whole recipe."""
MAX_CANDIDATES = 4
"""Seals in one file: its own, and that of a picture within it."""


def mark(facts: dict[str, str]) -> str:
    """What a file says of its making, as one line with a blank seal; `facts_of` is the inverse. Empty facts are left out."""
    texts = [f'rawback:{name}="{UNFIT.sub(" ", value)}"' for name, value in facts.items() if value]
    return " ".join([*texts, TEXT])


def facts_of(text: str) -> dict[str, str]:
    """The facts of a `mark` within a text, and its seal."""
    return dict(FACT.findall(text))


def sealed(chunks: Sequence[Buffer]) -> list[Buffer]:
    """A file with its first blank seal filled in; all chunks as they are where there is none."""
    for number, chunk in enumerate(chunks):
        blank = next((seal for seal in SEAL.finditer(chunk) if seal[1] == BLANK), None)
        if blank:
            filled = bytearray(chunk)
            filled[blank.start(1) : blank.end(1)] = _sha256(chunks).encode()
            return [*chunks[:number], bytes(filled), *chunks[number + 1 :]]
    return list(chunks)


def _sha256(chunks: Sequence[Buffer]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def seal_file(file: BinaryIO) -> None:
    """Fill in the first blank seal of an open file, which may be larger than memory. Raises OSError."""
    file.flush()
    with mmap.mmap(file.fileno(), 0) as mapped:
        blank = next((seal.span(1) for seal in SEAL.finditer(mapped) if seal[1] == BLANK), None)
        if blank:
            with memoryview(mapped) as view:
                digest = _sha256([view])
            mapped[slice(*blank)] = digest.encode()


def is_intact(data: Buffer) -> bool:
    """Whether a whole file carries a seal that holds: it is rawback's own, and nobody has changed it."""
    return intact(data) is not None


def intact(data: Buffer) -> int | None:
    """Where in a whole file the seal stands that holds; None: there is none."""
    view = memoryview(data)
    for at, digits in candidates(view):
        digest = hashlib.sha256(view[:at])
        digest.update(BLANK)
        digest.update(view[at + DIGITS :])
        if digest.hexdigest().encode() == digits:
            return at
    return None


def candidates(data: Buffer) -> Iterator[tuple[int, bytes]]:
    """Where the digits of the first few seals of a file stand, and those digits."""
    for _, seal in zip(range(MAX_CANDIDATES), SEAL.finditer(data), strict=False):
        yield seal.start(1), seal[1]


def facts_around(data: Buffer, at: int) -> dict[str, str]:
    """What stands beside the seal whose digits begin there (`facts_of`)."""
    return facts_of(bytes(data[max(at - AROUND, 0) : at + AROUND]).decode("latin-1"))


def is_intact_file(path: Path) -> bool:
    """As `is_intact`, of a file on the disk, which is not taken into memory. Raises OSError."""
    with path.open("rb") as file:
        if not file.seek(0, 2):
            return False
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            view = memoryview(mapped)
            try:
                return is_intact(view)
            finally:
                view.release()
