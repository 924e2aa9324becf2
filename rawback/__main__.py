"""`python -m rawback`."""

from rawback.cli import run

run()
