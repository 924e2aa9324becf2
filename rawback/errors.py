"""What can go wrong, and the exit codes that `cli/main.py` makes of it."""

EXIT_OK = 0
EXIT_FAILED = 1
"""At least one file failed; the others were written."""
EXIT_USAGE = 2
EXIT_SIGNAL = 128
"""Plus the signal's number: 130 after Ctrl-C, 143 after SIGTERM."""


class RawbackError(Exception):
    """Something the user can act on: the message says which file, what was expected, what to do."""


class UsageError(RawbackError):
    """The command was called with options that contradict each other or the inputs."""


class MachineError(RawbackError):
    """The machine cannot: no memory, no file handles, no room. It says nothing about the file, and must not be taken so."""


class RecipeError(RawbackError):
    """A recipe that is forged, damaged, or of a later version."""
