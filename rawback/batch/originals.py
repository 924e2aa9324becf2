"""What the outputs of `recover --original` are called, and their hashes: as their JPEGs say."""

from __future__ import annotations

from rawback.batch.plan import Known
from rawback.files.paths import STREAM, Location
from rawback.lossless.original import names


def outputs(source: Location) -> Known:
    """The name of the file that a JPEG holds, and its hash; of standard input, which can be read only once, neither."""
    kept = names.peek(source) if source != STREAM else None
    return Known(names.safe(kept.name if kept else "", source), kept.sha256 if kept else "")
