"""`python -m starter.cli`: the `orders` command where it is not installed."""

from starter.cli import main

main()
