"""The seal, by which a file that rawback wrote and nobody has changed since is known for certain.

It is a text within the file, `rawback:Seal="..."`, of 64 hexadecimal digits: the sha256 of the file with those digits set
to 0. Any edit, of pixels or metadata, breaks it; no other file has one by chance. A JPEG carries it in its XMP, a DNG in a
private tag, a PNG or TIFF in its Software text, a card in its JSON.
"""

from __future__ import annotations

import hashlib
import mmap
import re
from collections.abc import Sequence
from pathlib import Path

from rawback.files.tiff import Buffer

DIGITS = 64
BLANK = b"0" * DIGITS
TEXT = f'rawback:Seal="{BLANK.decode()}"'
"""What a writer puts into a file that is to be sealed."""
SEAL = re.compile(rb'rawback:Seal=\\?"([0-9a-f]{64})\\?"')  # in JSON its quotation marks are escaped
MAX_CANDIDATES = 4
"""Seals in one file: its own, and that of a picture within it."""


def sealed(chunks: Sequence[Buffer]) -> list[Buffer]:
    """A file with its first blank seal filled in; all chunks as they are where there is none."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    for number, chunk in enumerate(chunks):
        for seal in SEAL.finditer(chunk):
            if seal[1] == BLANK:
                filled = bytearray(chunk)
                filled[seal.start(1) : seal.end(1)] = digest.hexdigest().encode()
                return [*chunks[:number], bytes(filled), *chunks[number + 1 :]]
    return list(chunks)


def is_intact(data: Buffer) -> bool:
    """Whether a whole file carries a seal that holds: it is rawback's own, and nobody has changed it."""
    view = memoryview(data)
    for _, seal in zip(range(MAX_CANDIDATES), SEAL.finditer(view), strict=False):
        digest = hashlib.sha256(view[: seal.start(1)])
        digest.update(BLANK)
        digest.update(view[seal.end(1) :])
        if digest.hexdigest().encode() == seal[1]:
            return True
    return False


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
