"""What the user lets outputs replace; the rule is in `replacement`. Apart, because the command line waits for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """What the user lets outputs replace."""

    force: bool = False
    """What rawback made, unless it was edited since or is the archive of another RAW; and links, not what they lead to."""
    skip_existing: bool = False
    """What rawback made of the same file by other options, or only half; what it made by the same is passed by."""
    replace_foreign: bool = False
    """What rawback did not make, or somebody has edited since."""
    replace_archive: bool = False
    """What keeps another RAW to the last bit."""


NOTHING = Allowed()
