"""The command line: options, and one library call for each command. Nothing below imports it."""

import gc

RARELY = 100_000
"""Objects until Python looks for cycles among them: importing makes tens of thousands, all of which stay."""


def run() -> None:
    """Run the command line, from a process of its own."""
    gc.set_threshold(RARELY)
    from rawback.cli.main import main

    try:
        main()
    finally:
        gc.freeze()  # at its end Python would search all of them once more
