"""The command line: options, and one library call for each command. Nothing below imports it."""

import gc
import os
import signal
import sys

from rawback.errors import EXIT_SIGNAL
from rawback.messages import part_from_libraries, prepare_streams

RARELY = 100_000
"""Objects until Python looks for cycles among them: importing makes tens of thousands, all of which stay."""


def run() -> None:
    """Run the command line, from a process of its own."""
    gc.set_threshold(RARELY)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # its threads wait busily beside ours: half of all time
    try:
        if len(sys.argv) > 2 and sys.argv[1] == "render":
            _begin(sys.argv[2:])
        from rawback.cli.main import main

        main()
    except KeyboardInterrupt:  # before `main` has its own way with signals
        sys.exit(EXIT_SIGNAL + signal.SIGINT)
    finally:
        gc.freeze()  # at its end Python would search all of them once more


def _begin(arguments: list[str]) -> None:
    """Begin with the file that `render` is to develop, where it is only one, before all else is imported."""
    prepare_streams()
    from rawback.files import ahead

    if path := ahead.only_file(arguments):
        part_from_libraries()
        ahead.begin(path)
