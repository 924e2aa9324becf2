"""`python -m rawback`."""

from rawback.cli.main import main

main()
