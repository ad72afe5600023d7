"""`python -m atomic` is `atomic`."""

from atomic.cli import main

main()
