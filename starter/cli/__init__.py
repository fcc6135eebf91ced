"""The `orders` command: parses the command line and shows answers; every part it starts or asks stands elsewhere."""


def main() -> None:
    """Run the command `orders`."""
    from starter.cli.program import run

    run()
