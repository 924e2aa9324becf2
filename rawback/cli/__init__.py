"""The command line: options, and one library call for each command. Nothing below imports it."""

import gc
import signal
import sys

from rawback.errors import EXIT_SIGNAL

RARELY = 100_000
"""Objects until Python looks for cycles among them: importing makes tens of thousands, all of which stay."""


def run() -> None:
    """Run the command line, from a process of its own."""
    gc.set_threshold(RARELY)
    try:
        from rawback.cli.main import main

        main()
    except KeyboardInterrupt:  # before `main` has its own way with signals
        sys.exit(EXIT_SIGNAL + signal.SIGINT)
    finally:
        gc.freeze()  # at its end Python would search all of them once more
