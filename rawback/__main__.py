"""`python -m rawback`."""

from rawback.cli import main

main()
